//! Stopping and starting a warehouse: a request to the stand-in, which answers when it is done.

use std::{fs::File, io};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Stack, StackError, Workgroup, setup};

const SERVICE: &str = "the stand-in";

/// The second warehouse for one test alone, until this is dropped.
#[must_use]
pub struct Second(#[expect(dead_code, reason = "held, not read")] File);

impl Stack {
    /// Waits for the second warehouse to be free, and starts it if another test left it stopped. Every test that uses it begins
    /// with this, since it may be stopped.
    ///
    /// # Errors
    /// When it can't be had.
    pub async fn second(&self) -> Result<Second, StackError> {
        let lock = setup::lock(self, Workgroup::Second)?;
        self.start_warehouse(Workgroup::Second).await?;
        Ok(Second(lock))
    }

    /// Stops a warehouse: what runs there fails, and so does what is sent, until [`Stack::start_warehouse`]. A test that does it
    /// to the first one stops it for all others as well.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop_warehouse(&self, workgroup: Workgroup) -> Result<(), StackError> {
        self.change_warehouse(workgroup, "stop", "stop a warehouse").await
    }

    /// Stops a warehouse the way a crash does.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn crash_warehouse(&self, workgroup: Workgroup) -> Result<(), StackError> {
        self.change_warehouse(workgroup, "crash", "crash a warehouse").await
    }

    /// Starts a warehouse again, with the data it had.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_warehouse(&self, workgroup: Workgroup) -> Result<(), StackError> {
        self.change_warehouse(workgroup, "start", "start a warehouse").await
    }

    async fn change_warehouse(&self, workgroup: Workgroup, action: &str, what: &'static str) -> Result<(), StackError> {
        let url = self.settings.get("REDOUBT_STANDIN");
        let place = url.strip_prefix("http://").and_then(|rest| rest.split_once('/'));
        let Some((address, path)) = place else {
            return Err(StackError::Unusable(format!("`REDOUBT_STANDIN` is `{url}`")));
        };
        let path = format!("/{path}/warehouses/{}/{action}", self.settings.workgroup(workgroup));
        let reply = post(address, &path).await.map_err(StackError::service(SERVICE, what))?;
        if reply.starts_with("HTTP/1.1 200 ") {
            return Ok(());
        }
        let body = reply.split_once("\r\n\r\n").map_or(reply.as_str(), |(_, body)| body);
        Err(StackError::Unusable(format!("{SERVICE} did not {what}: {body}")))
    }
}

/// The whole response.
async fn post(address: &str, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    Ok(reply)
}
