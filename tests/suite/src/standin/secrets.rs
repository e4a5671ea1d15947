//! As much of Secrets Manager as the `mask` function asks for.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
};

use serde_json::json;

/// Starts a server that holds one secret for as long as the process runs, and gives its URL.
pub(super) fn serve(name: &str, secret: &str) -> io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("http://{}", listener.local_addr()?);
    let answer = json!({
        "ARN": format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}"), "Name": name,
        "SecretString": secret, "VersionId": "00000000-0000-0000-0000-000000000001", "VersionStages": ["AWSCURRENT"],
    })
    .to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || {
                let _ = answer_all(&stream, &answer);
            });
        }
    });
    Ok(url)
}

/// Answers every request of a connection alike.
fn answer_all(mut stream: &TcpStream, answer: &str) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.trim().is_empty() {
                break;
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(answer.as_bytes())?;
    }
}
