//! The operating-system account that PostgreSQL runs as: it refuses to run as root.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why no account can run the server, or can't in this directory.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Neither of the accounts that could run it exists.
    #[error("running as root, and neither account `postgres` nor `nobody` exists to run PostgreSQL")]
    NoAccount,
    /// A directory above the data is closed to the account.
    #[error("`{path}` can't be traversed by user `{user}`, who runs PostgreSQL: choose a data directory elsewhere")]
    Closed {
        /// The closed directory.
        path: PathBuf,
        /// The account.
        user: String,
    },
    /// The account database or a directory can't be read.
    #[error("can't read `{path}`")]
    Read {
        /// What was read.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// Who runs the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// The account of this process.
    Own,
    /// Another one, since this process is root.
    Other {
        /// Its name.
        name: String,
        /// Its user id.
        uid: u32,
        /// Its group id.
        gid: u32,
    },
}

impl Account {
    /// Picks the account to run as.
    pub fn choose() -> Result<Self, AccountError> {
        let own =
            fs::metadata("/proc/self").map_err(|source| AccountError::Read { path: "/proc/self".into(), source })?;
        if own.uid() != 0 {
            return Ok(Self::Own);
        }
        let path = "/etc/passwd";
        let accounts = fs::read_to_string(path).map_err(|source| AccountError::Read { path: path.into(), source })?;
        ["postgres", "nobody"].iter().find_map(|name| find(&accounts, name)).ok_or(AccountError::NoAccount)
    }

    /// A command that runs `program` as this account.
    pub fn command(&self, program: &Path) -> Command {
        match self {
            Self::Own => Command::new(program),
            Self::Other { name, .. } => {
                let mut command = Command::new("runuser");
                command.arg("-u").arg(name).arg("--").arg(program);
                command
            }
        }
    }

    /// Checks that this account can reach `directory` from the root.
    pub fn check_reach(&self, directory: &Path) -> Result<(), AccountError> {
        let Self::Other { name, uid, gid } = self else {
            return Ok(());
        };
        for above in directory.ancestors() {
            let metadata = fs::metadata(above).map_err(|source| AccountError::Read { path: above.into(), source })?;
            let bit = if metadata.uid() == *uid {
                0o100
            } else if metadata.gid() == *gid {
                0o010
            } else {
                0o001
            };
            if metadata.mode() & bit == 0 {
                return Err(AccountError::Closed { path: above.into(), user: name.clone() });
            }
        }
        Ok(())
    }
}

fn find(accounts: &str, name: &str) -> Option<Account> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == name;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        found.then(|| Account::Other { name: name.to_owned(), uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_name() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\npostgres:x:101:104::/var/lib/postgresql:/bin/bash\n";
        assert_eq!(find(accounts, "postgres"), Some(Account::Other { name: "postgres".into(), uid: 101, gid: 104 }));
        assert_eq!(find(accounts, "post"), None);
    }
}
