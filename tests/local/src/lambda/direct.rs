//! A Lambda function that the stand-in runs itself: one process, started by the first invocation and kept.

use super::runtime::{Invocations, serve};
use super::{InvokeError, Program, TIMEOUT};
use bytes::Bytes;
use std::fs::OpenOptions;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// Why a program does not run.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// There is no port for its runtime API.
    #[error("no port for the runtime API")]
    Listen(#[source] io::Error),
    /// Its output can't be kept.
    #[error("can't write `{path}`")]
    Log {
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// It can't be started.
    #[error("can't start `{path}`")]
    Start {
        /// The program.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// A program and its process.
pub struct Direct {
    program: Program,
    log: PathBuf,
    invocations: Arc<Invocations>,
    running: Mutex<Option<Running>>,
}

/// Tasks that end with the stand-in; the process is killed with its task.
struct Running {
    port: u16,
    api: JoinHandle<()>,
    process: JoinHandle<()>,
    alive: Arc<AtomicBool>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.api.abort();
        self.process.abort();
    }
}

impl Direct {
    /// Nothing is started yet. Output goes to a file in `logs`.
    pub fn new(program: Program, logs: &Path) -> Self {
        let log = logs.join(format!("lambda-{}.log", program.name));
        Self { program, log, invocations: Arc::default(), running: Mutex::default() }
    }

    /// Has the process answer, after those that were there before.
    pub async fn invoke(&self, payload: Bytes) -> Result<Bytes, InvokeError> {
        let alive = self.ensure_running().await?;
        let (id, reply) = self.invocations.submit(payload);
        if !alive.load(Ordering::SeqCst) {
            // It ended before it could be known to have this one to answer.
            self.invocations.fail(|| exited(None));
        }
        match tokio::time::timeout(TIMEOUT, reply).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => Err(exited(None)),
            Err(_) => {
                self.invocations.forget(&id);
                // As Lambda does: the next invocation begins anew.
                self.running.lock().await.take();
                Err(InvokeError::Timeout)
            }
        }
    }

    /// Starts the process unless it runs; the flag turns false when it ends.
    async fn ensure_running(&self) -> Result<Arc<AtomicBool>, ProcessError> {
        let mut running = self.running.lock().await;
        if let Some(running) = running.as_ref().filter(|running| running.alive.load(Ordering::SeqCst)) {
            return Ok(Arc::clone(&running.alive));
        }
        let (port, api) = match running.take() {
            // The API outlives a process, so that the port stays.
            Some(mut ended) => (ended.port, std::mem::replace(&mut ended.api, tokio::spawn(async {}))),
            None => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(ProcessError::Listen)?;
                let port = listener.local_addr().map_err(ProcessError::Listen)?.port();
                (port, tokio::spawn(serve(listener, self.program.name.clone(), Arc::clone(&self.invocations))))
            }
        };
        let alive = Arc::new(AtomicBool::new(true));
        let process = self.start(port, Arc::clone(&alive))?;
        *running = Some(Running { port, api, process, alive: Arc::clone(&alive) });
        Ok(alive)
    }

    fn start(&self, port: u16, alive: Arc<AtomicBool>) -> Result<JoinHandle<()>, ProcessError> {
        let log = |source| ProcessError::Log { path: self.log.clone(), source };
        let output = OpenOptions::new().create(true).append(true).open(&self.log).map_err(log)?;
        let errors = output.try_clone().map_err(log)?;
        let path = &self.program.path;
        let mut child = Command::new(path)
            .envs(self.program.environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{port}"))
            .env("AWS_LAMBDA_FUNCTION_NAME", &self.program.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
            .env("_HANDLER", "bootstrap")
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| ProcessError::Start { path: path.clone(), source })?;
        let (invocations, name) = (Arc::clone(&self.invocations), self.program.name.clone());
        Ok(tokio::spawn(async move {
            let status = child.wait().await;
            tracing::warn!(function = name, ?status, "process of a Lambda function ended");
            alive.store(false, Ordering::SeqCst);
            invocations.fail(|| exited(status.as_ref().ok()));
        }))
    }
}

fn exited(status: Option<&ExitStatus>) -> InvokeError {
    InvokeError::Function {
        name: "Runtime.ExitError".to_owned(),
        message: status.map_or_else(|| "the process ended".to_owned(), |status| format!("the process ended: {status}")),
    }
}
