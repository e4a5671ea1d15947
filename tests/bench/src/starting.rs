//! How large the functions' binaries are and how long they take to start: from the start of the process to its first request
//! for an event, which it sends to a stand-in for Lambda's runtime interface
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use std::{
    env,
    error::Error,
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::report::{Report, median};

const FUNCTIONS: [&str; 8] =
    ["policy", "data-source", "user", "integration", "outcome", "reconcile", "mask", "webhook"];
/// Largest binary, in bytes.
const TARGET_BYTES: u64 = 8_000_000;
/// Longest start.
const TARGET_START: Duration = Duration::from_millis(50);
const STARTS: usize = 15;
/// When a function that asks for nothing is given up.
const PATIENCE: Duration = Duration::from_secs(10);
const NEXT: &str = "GET /2018-06-01/runtime/invocation/next ";

/// Measures the release binaries, which lie beside this one.
///
/// # Errors
/// When a binary is missing, or asks for something else than an event.
pub fn run(report: &mut Report) -> Result<(), Box<dyn Error>> {
    report
        .heading("Release binaries: size, and time from the start of the process to the first request for an event")?;
    let own = env::current_exe()?;
    let folder = own.parent().ok_or("this binary lies in no folder")?;
    let mut largest = (0, "");
    let mut slowest = (Duration::ZERO, "");
    let mut rows = Vec::new();
    for function in FUNCTIONS {
        let binary = folder.join(function);
        let bytes = fs::metadata(&binary)
            .map_err(|error| format!("`{}`: {error}; `make bench` builds it", binary.display()))?
            .len();
        let mut times = Vec::with_capacity(STARTS);
        for _ in 0..STARTS {
            times.push(start(&binary, function)?);
        }
        let middle = median(&times).unwrap_or_default();
        let longest = times.iter().max().copied().unwrap_or_default();
        largest = largest.max((bytes, function));
        slowest = slowest.max((middle, function));
        rows.push(vec![function.to_owned(), megabytes(bytes), millis(middle), millis(longest)]);
    }
    report.table(&["function", "size, MB", "median start, ms", "longest start, ms"], &rows)?;
    report.target(
        largest.0 <= TARGET_BYTES,
        &format!("largest binary ({})", largest.1),
        &format!("{} MB", megabytes(largest.0)),
        &format!("at most {} MB", megabytes(TARGET_BYTES)),
    )?;
    report.target(
        slowest.0 <= TARGET_START,
        &format!("slowest start ({}), median of {STARTS}", slowest.1),
        &format!("{} ms", millis(slowest.0)),
        &format!("at most {} ms", millis(TARGET_START)),
    )?;
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{:02}", bytes / 1_000_000, bytes % 1_000_000 / 10_000)
}

fn millis(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1e3)
}

/// Stops the process when it is no longer needed, whatever happened.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(binary: &Path, function: &str) -> Result<Duration, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let endpoint = listener.local_addr()?.to_string();
    let (sender, receiver) = mpsc::channel();
    // The time is taken where the request arrives. The thread ends with the connection; without one it is left waiting.
    thread::spawn(move || {
        let line = || -> std::io::Result<(String, Instant)> {
            let (stream, _) = listener.accept()?;
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line)?;
            Ok((line, Instant::now()))
        };
        // Nobody listens any more only if the wait was given up.
        let _ = sender.send(line());
    });
    let mut command = Command::new(binary);
    command.env_clear().envs(environment(function, &endpoint));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let _running = Running(command.spawn()?);
    let (line, end) = receiver
        .recv_timeout(PATIENCE)
        .map_err(|_| format!("`{function}` asked for no event within {} s", PATIENCE.as_secs()))??;
    if !line.starts_with(NEXT) {
        return Err(format!("`{function}`: found the request `{}`, expected `{NEXT}`", line.trim_end()).into());
    }
    Ok(end - begin)
}

/// What Lambda and the template give a function. Credentials come from the environment, as in Lambda.
fn environment(function: &str, endpoint: &str) -> Vec<(&'static str, String)> {
    let url = |queue: &str| format!("http://127.0.0.1:1/000000000000/redoubt-{queue}");
    vec![
        ("AWS_LAMBDA_RUNTIME_API", endpoint.to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", format!("redoubt-{function}")),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/redoubt-{function}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench".to_owned()),
        ("AWS_REGION", "eu-central-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "bench".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "bench".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("REDOUBT_TABLE", "redoubt".to_owned()),
        ("REDOUBT_MASTER_SECRET", "redoubt".to_owned()),
        ("REDOUBT_WEBHOOK_SECRET", "redoubt".to_owned()),
        ("REDOUBT_POLICY_QUEUE_URL", url("policy")),
        ("REDOUBT_DATA_SOURCE_QUEUE_URL", url("data-source")),
        ("REDOUBT_USER_QUEUE_URL", url("user")),
        ("REDOUBT_INTEGRATION_QUEUE_URL", url("integration")),
        ("REDOUBT_OUTCOME_QUEUE_URL", url("outcome")),
        ("REDOUBT_RECONCILE_QUEUE_URL", url("reconcile")),
        ("REDOUBT_DEAD_LETTER_QUEUE_URL", url("dead-letter")),
    ]
}
