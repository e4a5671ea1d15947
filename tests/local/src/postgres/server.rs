//! Creating, starting and stopping the server.

use super::account::{Account, AccountError};
use super::prepared;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The superuser the stand-in keeps for itself.
pub const INTERNAL_USER: &str = "rdsdb";
/// The warehouse's administrator.
pub const ADMIN_USER: &str = "awsuser";
/// The warehouse's first database.
pub const FIRST_DATABASE: &str = "dev";
/// The database that only the stand-in connects to.
pub const INTERNAL_DATABASE: &str = "postgres";

/// How often another port is tried.
const ATTEMPTS: u32 = 2;
/// The major version of PostgreSQL that the shims are written for.
const VERSION: &str = "15";

/// Why the server is not there.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No account can run it.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// Its programs are not installed.
    #[error(
        "PostgreSQL {VERSION} server programs are not in /usr/lib/postgresql/{VERSION}/bin nor on PATH (Debian: apt-get install postgresql-15)"
    )]
    Missing,
    /// Another stand-in holds the directory.
    #[error("another stand-in uses the data directory `{0}`")]
    InUse(PathBuf),
    /// A file of the data directory can't be handled.
    #[error("can't {action} `{path}`")]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// No port is free.
    #[error("no free port for PostgreSQL")]
    Port(#[source] io::Error),
    /// A program can't be run at all.
    #[error("can't run `{program}`")]
    Run {
        /// The program.
        program: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A program failed.
    #[error("`{program}` failed: {output}")]
    Failed {
        /// The program.
        program: String,
        /// What it said.
        output: String,
    },
}

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It tells its sessions, and writes down what it knows.
    Fast,
    /// It drops everything, as in a crash; what was committed is read from its log at the next start.
    Crash,
}

/// A running server; dropping it does not stop it, [`Server::stop`] does.
#[derive(Debug)]
pub struct Server {
    /// The port it listens on, on loopback.
    pub port: u16,
    programs: PathBuf,
    account: Account,
    cluster: PathBuf,
    _lock: File,
}

impl Server {
    /// Creates the cluster in `directory` when there is none, as a copy of `prepared` if that is given, and starts it. Blocks
    /// for about a second. Ends a server that an earlier run left there.
    pub fn start(directory: &Path, port: Option<u16>, prepared: Option<&Path>) -> Result<Self, ServerError> {
        let account = Account::choose()?;
        let programs = programs()?;
        let file = |action, path: &Path| {
            let path = path.to_path_buf();
            move |source| ServerError::File { action, path, source }
        };
        fs::create_dir_all(directory).map_err(file("create", directory))?;
        let directory = &directory.canonicalize().map_err(file("resolve", directory))?;
        account.check_reach(directory.parent().unwrap_or(directory))?;
        let lock = lock(directory)?;
        if let Account::Other { uid, gid, .. } = &account {
            chown(directory, Some(*uid), Some(*gid)).map_err(file("change the owner of", directory))?;
            fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).map_err(file("close", directory))?;
        }
        let cluster = directory.join("pgdata");
        let mut server = Self { port: port.unwrap_or_default(), programs, account, cluster, _lock: lock };
        if !server.cluster.join("global/pg_control").exists() {
            server.create(prepared)?;
        }
        if port.is_some() {
            server.launch()?;
            return Ok(server);
        }
        let mut attempts = ATTEMPTS;
        loop {
            server.port = free_port().map_err(ServerError::Port)?;
            match server.launch() {
                Ok(()) => return Ok(server),
                // A port that was free may be somebody else's by now.
                Err(error) if attempts > 0 => tracing::warn!(%error, port = server.port, "PostgreSQL did not start"),
                Err(error) => return Err(error),
            }
            attempts -= 1;
        }
    }

    /// Starts what was created, on the same port as before. Blocks until it takes connections.
    pub fn launch(&self) -> Result<(), ServerError> {
        self.end_leftover()?;
        self.configure()?;
        self.control("start", &["-w", "-t", "60", "-l", &self.log().to_string_lossy()])
    }

    /// Ends every session and stops the server. Blocks until it is down.
    pub fn stop(&self, stop: Stop) -> Result<(), ServerError> {
        let mode = match stop {
            Stop::Fast => "fast",
            Stop::Crash => "immediate",
        };
        self.control("stop", &["-m", mode, "-w", "-t", "60"])
    }

    fn log(&self) -> PathBuf {
        self.cluster.with_file_name("postgresql.log")
    }

    /// Where its data are.
    pub fn cluster(&self) -> &Path {
        &self.cluster
    }

    fn create(&self, prepared: Option<&Path>) -> Result<(), ServerError> {
        if self.cluster.exists() {
            // What an interrupted creation left.
            fs::remove_dir_all(&self.cluster).map_err(|source| ServerError::File {
                action: "remove",
                path: self.cluster.clone(),
                source,
            })?;
        }
        if let Some(prepared) = prepared {
            return prepared::copy(prepared, &self.cluster).map_err(|source| ServerError::File {
                action: "copy the prepared cluster to",
                path: self.cluster.clone(),
                source,
            });
        }
        let mut command = self.account.command(&self.programs.join("initdb"));
        command.arg("-D").arg(&self.cluster).args(["-U", INTERNAL_USER, "-A", "trust", "-E", "UTF8", "--locale=C"]);
        run(command.args(["--no-sync", "--no-instructions"]), "initdb")
    }

    /// Redshift's reading of literals, loopback only. What was committed outlasts a crash of the server, not one of the machine.
    fn configure(&self) -> Result<(), ServerError> {
        let settings = format!(
            "port = {}\n\
             listen_addresses = '127.0.0.1'\n\
             unix_socket_directories = ''\n\
             max_connections = 250\n\
             shared_buffers = '64MB'\n\
             fsync = off\n\
             synchronous_commit = on\n\
             full_page_writes = off\n\
             wal_level = minimal\n\
             max_wal_senders = 0\n\
             jit = off\n\
             timezone = 'UTC'\n\
             log_timezone = 'UTC'\n\
             standard_conforming_strings = off\n\
             backslash_quote = safe_encoding\n\
             escape_string_warning = off\n\
             password_encryption = md5\n",
            self.port
        );
        let path = self.cluster.join("postgresql.auto.conf");
        fs::write(&path, settings).map_err(|source| ServerError::File { action: "write", path, source })
    }

    /// Stops the server that a killed stand-in left running, and forgets one that is gone.
    fn end_leftover(&self) -> Result<(), ServerError> {
        let path = self.cluster.join("postmaster.pid");
        let Ok(content) = fs::read_to_string(&path) else {
            return Ok(());
        };
        let alive = content.lines().next().and_then(|pid| pid.trim().parse::<u32>().ok()).is_some_and(|pid| {
            fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|command| {
                let command = String::from_utf8_lossy(&command).into_owned();
                command.contains("postgres") && command.contains(&*self.cluster.to_string_lossy())
            })
        });
        if alive {
            tracing::info!("stopping the PostgreSQL that an earlier run left");
            return self.stop(Stop::Fast);
        }
        fs::remove_file(&path).map_err(|source| ServerError::File { action: "remove", path, source })
    }

    fn control(&self, action: &str, options: &[&str]) -> Result<(), ServerError> {
        let mut command = self.account.command(&self.programs.join("pg_ctl"));
        command.arg(action).arg("-s").arg("-D").arg(&self.cluster).args(options);
        run(&mut command, &format!("pg_ctl {action}")).map_err(|error| match error {
            ServerError::Failed { program, output } if action == "start" => {
                let log = fs::read_to_string(self.log()).unwrap_or_default();
                let last: Vec<&str> = log.lines().rev().take(5).collect();
                let output = format!("{output} {}", last.into_iter().rev().collect::<Vec<_>>().join(" | "));
                ServerError::Failed { program, output }
            }
            other => other,
        })
    }
}

fn lock(directory: &Path) -> Result<File, ServerError> {
    let path = directory.join("standin.lock");
    let error = |source| ServerError::File { action: "lock", path: path.clone(), source };
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServerError::InUse(directory.to_path_buf())),
        Err(TryLockError::Error(source)) => Err(error(source)),
    }
}

fn programs() -> Result<PathBuf, ServerError> {
    let installed = PathBuf::from(format!("/usr/lib/postgresql/{VERSION}/bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = std::iter::once(installed).chain(std::env::split_paths(&path));
    candidates.find(|directory| directory.join("initdb").exists()).ok_or(ServerError::Missing)
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Runs to the end. Output goes through a file, since a started server would hold a pipe open.
fn run(command: &mut Command, program: &str) -> Result<(), ServerError> {
    let failed = |source| ServerError::Run { program: program.to_owned(), source };
    // Not the caller's directory, which the account may be unable to enter.
    command.current_dir("/").stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    let is_start = program.ends_with("start");
    if is_start {
        command.stderr(std::process::Stdio::null());
        let status = command.status().map_err(failed)?;
        return if status.success() {
            Ok(())
        } else {
            Err(ServerError::Failed { program: program.to_owned(), output: format!("{status};") })
        };
    }
    let output = command.output().map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(ServerError::Failed { program: program.to_owned(), output })
}
