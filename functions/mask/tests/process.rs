//! The binary as Lambda runs it, against stand-ins for the runtime interface
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>), Secrets Manager and DynamoDB.

#![expect(clippy::unwrap_used, reason = "a failure is what a test reports")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const SECRET: &str = r#"{"keys": [{"id": 1, "secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}]}"#;
const PATIENCE: Duration = Duration::from_secs(30);

struct Function {
    process: Child,
    events: Sender<String>,
    replies: Receiver<String>,
    secret_readings: Arc<AtomicUsize>,
}

impl Function {
    fn start() -> Self {
        let (events, next) = channel::<String>();
        let (reply, replies) = channel();
        let runtime = serve(move |line, body| {
            if line.starts_with("GET ") {
                return next.recv().ok().map(|event| {
                    let head = "Lambda-Runtime-Aws-Request-Id: r\r\nLambda-Runtime-Deadline-Ms: 4000000000000\r\n";
                    (200, head, event)
                });
            }
            reply.send(format!("{} {body}", line.split(' ').nth(1)?)).ok()?;
            Some((202, "", "{}".to_owned()))
        });
        let secret_readings = Arc::new(AtomicUsize::new(0));
        let readings = Arc::clone(&secret_readings);
        let secrets = serve(move |_, body| {
            readings.fetch_add(1, SeqCst);
            assert_eq!(serde_json::from_str::<Value>(body).unwrap(), json!({"SecretId": "redoubt/master"}));
            Some((200, "", json!({"Name": "redoubt/master", "SecretString": SECRET}).to_string()))
        });
        // A metadata table without a single item: nobody is known.
        let table = serve(|_, _| Some((200, "", "{}".to_owned())));
        let process = Command::new(env!("CARGO_BIN_EXE_mask"))
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", runtime.as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "redoubt-mask"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "g"),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "s"),
                ("AWS_REGION", "eu-central-1"),
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &format!("http://{secrets}")),
                ("AWS_ENDPOINT_URL_DYNAMODB", &format!("http://{table}")),
                ("REDOUBT_MASTER_SECRET", "redoubt/master"),
                ("REDOUBT_TABLE", "redoubt"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self { process, events, replies, secret_readings }
    }

    /// The path and body that the function sends back for an event.
    fn invoke(&self, event: String) -> (String, String) {
        self.events.send(event).unwrap();
        let reply = self.replies.recv_timeout(PATIENCE).unwrap();
        let (path, body) = reply.split_once(' ').unwrap();
        (path.to_owned(), body.to_owned())
    }

    /// What Redshift reads: the JSON in the JSON string.
    fn ask(&self, function: &str, rows: &Value) -> Value {
        let event = json!({
            "request_id": "r", "cluster": "c", "user": "ann", "database": "dev", "query_id": 1,
            "external_function": format!("immuta_functions.{function}"),
            "num_records": rows.as_array().unwrap().len(), "arguments": rows,
        });
        let (path, body) = self.invoke(event.to_string());
        assert!(path.ends_with("/response"), "{path}");
        let text: String = serde_json::from_str(&body).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Ends the function and returns what it logged.
    fn stop(mut self) -> String {
        self.process.kill().unwrap();
        let mut log = String::new();
        self.process.stdout.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may have been stopped before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves requests one after the other on each connection; ends with the connections. Returns the address.
fn serve<F>(mut answer: F) -> String
where
    F: FnMut(&str, &str) -> Option<(u16, &'static str, String)> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            while let Some((line, body)) = read(&mut stream) {
                let Some((status, head, body)) = answer(&line, &body) else { return };
                let length = body.len();
                let reply = format!("HTTP/1.1 {status} X\r\n{head}Content-Length: {length}\r\n\r\n{body}");
                if stream.get_mut().write_all(reply.as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    address
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|&read| read > 0)?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).ok()?;
        match header.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap()
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((line, String::from_utf8(body).unwrap()))
}

#[test]
fn requests_are_answered_with_json_in_a_json_string() {
    let function = Function::start();
    let reply = function.ask("mask_regex", &json!([["123-45-6789", "\\d", "X", "g"], null]));
    assert_eq!(reply, json!({"success": true, "num_records": 2, "results": ["XXX-XX-XXXX", null]}));
    assert_eq!(function.secret_readings.load(SeqCst), 0);

    let row = json!(["clear-value", TOKEN, "tpch.public.customer", "c_phone"]);
    let first = function.ask("mask_reversible", &json!([row]));
    let second = function.ask("mask_reversible", &json!([row, row]));
    assert_eq!(second["results"], json!([first["results"][0], first["results"][0]]));
    assert_eq!(function.secret_readings.load(SeqCst), 1);

    let refused = function.ask("mask_reversible", &json!([["clear-value", "guess", "s", "c"]]));
    let message = "row 1: `token` is not 64 hexadecimal digits";
    assert_eq!(refused, json!({"success": false, "error_msg": message}));
    let refused = function.ask("unmask", &json!([[first["results"][0], "0".repeat(64), "s", "c"]]));
    assert_eq!(refused, json!({"success": false, "error_msg": "this user may not unmask this column"}));

    // Not even an event that is no JSON stops the function, or gets into the log.
    let (path, body) = function.invoke(r#"{"arguments": [["clear-value"#.to_owned());
    assert!(path.ends_with("/error") && !body.contains("clear-value"), "{path} {body}");
    assert_eq!(function.ask("mask_regex", &json!([]))["results"], json!([]));

    let log = function.stop();
    assert!(log.contains("\"message\":\"answered\"") && log.contains("\"function\":\"mask_reversible\""), "{log}");
    for hidden in ["clear-value", "123-45", TOKEN, "AAECAwQF", "tpch"] {
        assert!(!log.contains(hidden), "{log}");
    }
}

#[test]
fn the_largest_request_is_answered() {
    let function = Function::start();
    let rows: Vec<_> =
        (0..34_000).map(|row| (format!("{row:030}"), TOKEN, "tpch.public.customer", "c_phone")).collect();
    let rows = json!(rows);
    assert!(rows.to_string().len() > 4_500_000);
    let reply = function.ask("mask_reversible", &rows);
    assert_eq!(reply["results"].as_array().unwrap().len(), 34_000);
}
