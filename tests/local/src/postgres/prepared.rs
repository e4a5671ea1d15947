//! A cluster that was made and prepared once, to be copied: that takes a tenth of the time that making one takes, and a suite
//! starts some hundred.

use super::install::{digest, install};
use super::server::{Server, ServerError, Stop};
use crate::callback::Place;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::task::{JoinError, spawn_blocking};

/// Why there is no cluster to copy.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// PostgreSQL did not start or stop.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// PostgreSQL did not take the shims.
    #[error("can't prepare PostgreSQL")]
    Install(#[from] tokio_postgres::Error),
    /// There is no secret to be had.
    #[error("no random numbers")]
    Random(#[from] getrandom::Error),
    /// It can't be kept.
    #[error("can't keep a prepared cluster in `{path}`")]
    Keep {
        /// Where.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A task was lost.
    #[error("a task of the stand-in was interrupted")]
    Interrupted(#[from] JoinError),
}

/// Where prepared clusters of the program that runs are kept: beside it, so that they go with what was built.
pub fn beside_program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let directory = program.parent()?;
    // Tests are built into a directory of their own.
    let directory = if directory.ends_with("deps") { directory.parent()? } else { directory };
    Some(directory.join("standin-prepared"))
}

/// The prepared cluster in a directory, which is made if it is not there: one for each state of the shims. `scratch` is a
/// directory that the account of PostgreSQL can reach and that may be removed.
pub async fn cluster(directory: &Path, scratch: &Path) -> Result<PathBuf, PrepareError> {
    let kept = directory.join(digest());
    if kept.exists() {
        return Ok(kept);
    }
    let place = scratch.to_path_buf();
    let server = spawn_blocking(move || Server::start(&place, None, None)).await??;
    let installed = install(server.port, "unused", &Place::new(0)?).await;
    let (cluster, stopped) =
        spawn_blocking(move || (server.cluster().to_path_buf(), server.stop(Stop::Fast).map(|()| server))).await?;
    installed?;
    let _lock = stopped?;
    keep(&cluster, &kept).map_err(|source| PrepareError::Keep { path: kept.clone(), source })?;
    std::fs::remove_dir_all(scratch).map_err(|source| PrepareError::Keep { path: scratch.to_path_buf(), source })?;
    Ok(kept)
}

/// Whoever is first has the name; the others made the same.
fn keep(cluster: &Path, kept: &Path) -> io::Result<()> {
    let own = kept.with_extension(std::process::id().to_string());
    std::fs::create_dir_all(&own)?;
    copy(cluster, &own)?;
    match std::fs::rename(&own, kept) {
        Ok(()) => Ok(()),
        Err(_) if kept.exists() => std::fs::remove_dir_all(&own),
        Err(error) => Err(error),
    }
}

/// Copies what is in one directory into another, owners and rights included.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let output = Command::new("cp").arg("-a").arg("--reflink=auto").arg(from.join(".")).arg(to).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
