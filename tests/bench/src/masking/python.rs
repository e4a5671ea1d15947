//! The Python side, in a process of its own that stays.

use std::{
    env,
    error::Error,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

const SCRIPT: &str = include_str!("../../masking/compare.py");
/// Where `make bench` puts Python and its packages, from this binary's folder.
const INTERPRETER: &str = "../bench-python/bin/python";

/// A running interpreter.
pub struct Python {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Python {
    /// Starts it.
    ///
    /// # Errors
    /// When it is not there.
    pub fn start() -> Result<Self, Box<dyn Error>> {
        let interpreter = match env::var_os("REDOUBT_BENCH_PYTHON") {
            Some(path) => PathBuf::from(path),
            None => env::current_exe()?.parent().ok_or("this binary lies in no folder")?.join(INTERPRETER),
        };
        let mut process = Command::new(&interpreter)
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("`{}`: {error}; `make bench` installs it", interpreter.display()))?;
        let input = process.stdin.take().ok_or("no input")?;
        let output = BufReader::new(process.stdout.take().ok_or("no output")?);
        Ok(Self { process, input, output })
    }

    /// Has it read a request and prepare what can be prepared. Returns the package it chose, if there is a choice.
    ///
    /// # Errors
    /// When it ended.
    pub fn load(&mut self, request: &Path, secret: &str) -> Result<Option<String>, Box<dyn Error>> {
        let result = self.ask(&json!(["load", request, secret]))?;
        Ok(result.get("package").and_then(Value::as_str).map(str::to_owned))
    }

    /// Has it answer the request and write the reply to a file, for which time does not count.
    ///
    /// # Errors
    /// When it ended.
    pub fn answer(&mut self, reply: &Path) -> Result<Duration, Box<dyn Error>> {
        let result = self.ask(&json!(["answer", reply]))?;
        Ok(Duration::from_nanos(result.get("nanoseconds").and_then(Value::as_u64).ok_or("Python told no time")?))
    }

    fn ask(&mut self, command: &Value) -> Result<Value, Box<dyn Error>> {
        writeln!(self.input, "{command}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).map_err(|_| "Python ended; see above".into())
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
