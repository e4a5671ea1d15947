//! As much of PostgreSQL's wire protocol as `dblink` needs of a server: a password, and queries that are answered with
//! one text. That way the database reaches the stand-in with nothing but what PostgreSQL is delivered with.
//!
//! <https://www.postgresql.org/docs/15/protocol-message-formats.html>

use super::{Callback, Failure, Session};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const PROTOCOL: i32 = 196_608;
const SSL_REQUEST: i32 = 80_877_103;
const GSS_REQUEST: i32 = 80_877_104;
/// Longest message before the password is known to be right.
const GREETING_BYTES: usize = 10_000;
/// The most that fits a value of PostgreSQL.
const MESSAGE_BYTES: usize = 1 << 30;

/// Serves until `stop` turns true or its sender is gone.
pub async fn serve(listener: TcpListener, callback: Arc<Callback>, mut stop: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "connection of the database not accepted");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        let (callback, mut stop) = (Arc::clone(&callback), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                served = session(stream, &callback) => {
                    if let Err(error) = served {
                        tracing::debug!(%error, "connection of the database ended");
                    }
                }
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
    }
}

async fn session(mut stream: TcpStream, callback: &Callback) -> io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let mut greeting = message(&mut stream, GREETING_BYTES).await?;
        match greeting.try_get_i32().unwrap_or_default() {
            SSL_REQUEST | GSS_REQUEST => stream.write_all(b"N").await?,
            PROTOCOL => break,
            _ => return Ok(()),
        }
    }
    let mut out = BytesMut::new();
    // A password in clear: the connection never leaves the machine.
    put(&mut out, b'R', |body| body.put_i32(3));
    stream.write_all_buf(&mut out).await?;
    let tag = stream.read_u8().await?;
    let given = message(&mut stream, GREETING_BYTES).await?;
    if tag != b'p' || given.strip_suffix(b"\0") != Some(callback.secret()) {
        put_error(&mut out, "FATAL", &Failure::new("28P01", "password authentication failed"));
        return stream.write_all_buf(&mut out).await;
    }
    put(&mut out, b'R', |body| body.put_i32(0));
    for (name, value) in
        [("server_version", "15.0"), ("client_encoding", "UTF8"), ("standard_conforming_strings", "on")]
    {
        put(&mut out, b'S', |body| {
            put_text(body, name);
            put_text(body, value);
        });
    }
    let mut session = Session::default();
    loop {
        put(&mut out, b'Z', |body| body.put_u8(b'I'));
        stream.write_all_buf(&mut out).await?;
        let tag = match stream.read_u8().await {
            Ok(b'X') => return Ok(()),
            Ok(tag) => tag,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        let query = message(&mut stream, MESSAGE_BYTES).await?;
        let query = query.strip_suffix(b"\0").map(std::str::from_utf8);
        let answer = match (tag, query) {
            (b'Q', Some(Ok(query))) => callback.answer(&mut session, query).await,
            _ => Err(Failure::new("0A000", "the stand-in takes simple queries in UTF-8 only")),
        };
        match answer {
            Ok(text) => put_answer(&mut out, &text),
            Err(failure) => put_error(&mut out, "ERROR", &failure),
        }
    }
}

/// The body of a message: a length that counts itself, and the rest.
async fn message(stream: &mut TcpStream, longest: usize) -> io::Result<Bytes> {
    let length = usize::try_from(stream.read_i32().await?).ok().and_then(|length| length.checked_sub(4));
    let length = length.filter(|length| *length <= longest);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "length of a message"))?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(body.into())
}

fn put(out: &mut BytesMut, tag: u8, fill: impl FnOnce(&mut BytesMut)) {
    let mut body = BytesMut::new();
    fill(&mut body);
    out.put_u8(tag);
    out.put_i32(i32::try_from(body.len() + 4).unwrap_or(i32::MAX));
    out.unsplit(body);
}

fn put_text(out: &mut BytesMut, text: &str) {
    out.put_slice(text.as_bytes());
    out.put_u8(0);
}

/// One row of one column of type text.
fn put_answer(out: &mut BytesMut, text: &str) {
    put(out, b'T', |body| {
        body.put_i16(1);
        put_text(body, "answer");
        body.put_i32(0);
        body.put_i16(0);
        body.put_i32(25);
        body.put_i16(-1);
        body.put_i32(-1);
        body.put_i16(0);
    });
    put(out, b'D', |body| {
        body.put_i16(1);
        body.put_i32(i32::try_from(text.len()).unwrap_or(i32::MAX));
        body.put_slice(text.as_bytes());
    });
    put(out, b'C', |body| put_text(body, "SELECT 1"));
}

fn put_error(out: &mut BytesMut, severity: &str, failure: &Failure) {
    put(out, b'E', |body| {
        let text = failure.to_string().replace('\0', "");
        for (field, value) in [(b'S', severity), (b'V', severity), (b'C', failure.code()), (b'M', &text)] {
            body.put_u8(field);
            put_text(body, value);
        }
        body.put_u8(0);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_counts_its_length_and_not_its_tag() {
        let mut out = BytesMut::new();
        put(&mut out, b'Z', |body| body.put_u8(b'I'));
        assert_eq!(&out[..], b"Z\0\0\0\x05I");
    }

    #[test]
    fn an_error_holds_no_zero_byte_but_those_that_end_its_fields() {
        let mut out = BytesMut::new();
        put_error(&mut out, "ERROR", &Failure::new("38000", "a\0b"));
        assert!(out.ends_with(b"SERROR\0VERROR\0C38000\0Mab\0\0"));
    }
}
