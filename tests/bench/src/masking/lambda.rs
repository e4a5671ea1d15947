//! The release binary behind stand-ins for Lambda's runtime interface
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>) and for Secrets Manager.

use std::{
    error::Error,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

/// A running function.
pub struct Lambda {
    process: Child,
    events: Sender<Vec<u8>>,
    replies: Receiver<Vec<u8>>,
}

impl Lambda {
    /// Starts it with a secret.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(binary: &Path, secret: &str) -> Result<Self, Box<dyn Error>> {
        let (events, next) = channel::<Vec<u8>>();
        let (reply, replies) = channel();
        let runtime = serve(move |is_get, body| {
            if is_get {
                return next.recv().ok();
            }
            reply.send(body).ok()?;
            Some(b"{}".to_vec())
        })?;
        let secret = json!({"keys": [{"id": 1, "secret": secret}]}).to_string();
        let secret = json!({"Name": "redoubt", "SecretString": secret}).to_string().into_bytes();
        let secrets = serve(move |_, _| Some(secret.clone()))?;
        let process = Command::new(binary)
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", runtime.as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "redoubt-mask"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/redoubt-mask"),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
                ("AWS_REGION", "eu-central-1"),
                ("AWS_ACCESS_KEY_ID", "bench"),
                ("AWS_SECRET_ACCESS_KEY", "bench"),
                ("AWS_EC2_METADATA_DISABLED", "true"),
                ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &format!("http://{secrets}")),
                ("REDOUBT_MASTER_SECRET", "redoubt"),
                ("REDOUBT_TABLE", "redoubt"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self { process, events, replies })
    }

    /// Has it answer a request and tells how long that took, all the way there and back.
    ///
    /// # Errors
    /// When the reply is not that many results.
    pub fn invoke(&self, request: &[u8], rows: usize) -> Result<Duration, Box<dyn Error>> {
        let begin = Instant::now();
        self.events.send(request.to_vec())?;
        let reply = self.replies.recv_timeout(PATIENCE)?;
        let took = begin.elapsed();
        let reply: Value = serde_json::from_slice(&reply)?;
        let reply: Value = serde_json::from_str(reply.as_str().ok_or("the reply is not a JSON string")?)?;
        match reply.get("results").and_then(Value::as_array) {
            Some(results) if results.len() == rows => Ok(took),
            _ => {
                Err(format!("expected {rows} results, found {}", reply.get("error_msg").unwrap_or(&Value::Null)).into())
            }
        }
    }

    /// The most memory that the process ever had, in bytes.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn peak_memory(&self) -> Result<usize, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
        Ok(peak.trim().trim_end_matches(" kB").parse::<usize>()? * 1024)
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves requests until nobody wants more. Returns the address.
fn serve(mut answer: impl FnMut(bool, Vec<u8>) -> Option<Vec<u8>> + Send + 'static) -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    // The thread ends with the process that it serves, or with the bench.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let mut stream = BufReader::new(stream);
            while let Some((is_get, body)) = read(&mut stream) {
                let Some(body) = answer(is_get, body) else { return };
                let head = format!(
                    "HTTP/1.1 {} X\r\nLambda-Runtime-Aws-Request-Id: r\r\nLambda-Runtime-Deadline-Ms: 4000000000000\r\n\
                     Content-Length: {}\r\n\r\n",
                    if is_get { 200 } else { 202 },
                    body.len()
                );
                if stream.get_mut().write_all(&[head.as_bytes(), &body].concat()).is_err() {
                    break;
                }
            }
        }
    });
    Ok(address)
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<(bool, Vec<u8>)> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|&bytes| bytes > 0)?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((line.starts_with("GET "), body))
}
