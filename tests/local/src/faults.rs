//! Assumptions on a warehouse that can be made to fail, so that a check of them can be tested.
//!
//! What happens in the stand-in itself asks [`Faults::has`]. What happens in the database reads settings, which a
//! session takes over when it begins: a change is felt by the next call.

use crate::postgres::server::{INTERNAL_DATABASE, INTERNAL_USER};
use crate::postgres::session::connect;
use std::str::FromStr;
use std::sync::atomic::{AtomicU16, Ordering};
use tokio::sync::Mutex;

/// A way in which a warehouse is not as Redoubt takes it to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The relation of isolation levels says READ COMMITTED.
    Isolation,
    /// SHOW says that identifiers are case-sensitive.
    CaseSensitiveIdentifiers,
    /// Names of three parts are refused.
    CrossDatabase,
    /// `is_large_string_enabled()` says true.
    LargeStrings,
    /// SHOW says that metadata security is on.
    MetadataSecurity,
    /// The reader of a late-binding view needs USAGE on the schemas it names.
    UsageBelowViews,
    /// CURRENT_USER in a view that is created is the view's owner.
    ViewReader,
    /// Results are reused for the same text, whoever asks.
    ResultCache,
    /// A backslash in a plain literal is a character like any other.
    Backslash,
    /// The reply of a Lambda function must be an object and not a JSON text.
    LambdaReply,
    /// A Lambda function is told the owner in place of who asks, where a view is read.
    LambdaUser,
    /// A batch that commits each statement alone is one transaction.
    AutoCommit,
    /// A statement may have half of the documented bytes.
    StatementSize,
}

impl Fault {
    /// Every one.
    pub const ALL: [Self; 13] = [
        Self::Isolation,
        Self::CaseSensitiveIdentifiers,
        Self::CrossDatabase,
        Self::LargeStrings,
        Self::MetadataSecurity,
        Self::UsageBelowViews,
        Self::ViewReader,
        Self::ResultCache,
        Self::Backslash,
        Self::LambdaReply,
        Self::LambdaUser,
        Self::AutoCommit,
        Self::StatementSize,
    ];

    /// The name of the assumption that fails.
    pub fn id(self) -> &'static str {
        match self {
            Self::Isolation => "isolation",
            Self::CaseSensitiveIdentifiers => "case_sensitive_identifiers",
            Self::CrossDatabase => "cross_database",
            Self::LargeStrings => "large_strings",
            Self::MetadataSecurity => "metadata_security",
            Self::UsageBelowViews => "usage_below_views",
            Self::ViewReader => "view_reader",
            Self::ResultCache => "result_cache",
            Self::Backslash => "backslash",
            Self::LambdaReply => "lambda_reply",
            Self::LambdaUser => "lambda_user",
            Self::AutoCommit => "auto_commit",
            Self::StatementSize => "statement_size",
        }
    }

    fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

/// No fault has this name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no fault `{found}`: expected one of {}", Fault::ALL.map(Fault::id).join(", "))]
pub struct UnknownFault {
    /// What was asked for.
    pub found: String,
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(id: &str) -> Result<Self, UnknownFault> {
        Self::ALL.into_iter().find(|fault| fault.id() == id).ok_or_else(|| UnknownFault { found: id.to_owned() })
    }
}

/// The faults of one warehouse, shared by all that behave differently under them.
#[derive(Debug)]
pub struct Faults {
    port: u16,
    present: AtomicU16,
    changing: Mutex<()>,
}

impl Faults {
    /// No faults, for the PostgreSQL on that port.
    pub fn new(port: u16) -> Self {
        Self { port, present: AtomicU16::new(0), changing: Mutex::new(()) }
    }

    /// Whether this one is there.
    pub fn has(&self, fault: Fault) -> bool {
        self.present.load(Ordering::SeqCst) & fault.bit() != 0
    }

    /// Those that are there.
    pub fn list(&self) -> Vec<Fault> {
        Fault::ALL.into_iter().filter(|fault| self.has(*fault)).collect()
    }

    /// Has these and no others.
    pub async fn replace(&self, faults: &[Fault]) -> Result<(), tokio_postgres::Error> {
        let _changing = self.changing.lock().await;
        self.store(faults.iter().fold(0, |bits, fault| bits | fault.bit())).await
    }

    /// Has this one besides.
    pub async fn set(&self, fault: Fault) -> Result<(), tokio_postgres::Error> {
        let _changing = self.changing.lock().await;
        self.store(self.present.load(Ordering::SeqCst) | fault.bit()).await
    }

    /// Has this one no more.
    pub async fn clear(&self, fault: Fault) -> Result<(), tokio_postgres::Error> {
        let _changing = self.changing.lock().await;
        self.store(self.present.load(Ordering::SeqCst) & !fault.bit()).await
    }

    /// Tells the database first, so that what was told to the caller as done holds for every session from then on.
    async fn store(&self, bits: u16) -> Result<(), tokio_postgres::Error> {
        let has = |fault: Fault| bits & fault.bit() != 0;
        let ids: Vec<&str> = Fault::ALL.into_iter().filter(|fault| has(*fault)).map(Fault::id).collect();
        let switch = |fault| if has(fault) { "on" } else { "off" };
        let settings = [
            ("redshift.faults", ids.join(",")),
            ("redshift.enable_case_sensitive_identifier", switch(Fault::CaseSensitiveIdentifiers).to_owned()),
            ("redshift.metadata_security", switch(Fault::MetadataSecurity).to_owned()),
            ("standard_conforming_strings", switch(Fault::Backslash).to_owned()),
        ];
        let script: Vec<String> =
            settings.into_iter().map(|(name, value)| format!("ALTER ROLE ALL SET {name} = '{value}'")).collect();
        let internal = connect(self.port, INTERNAL_USER, INTERNAL_DATABASE).await?;
        internal.batch_execute(&format!("BEGIN; {}; COMMIT", script.join("; "))).await?;
        self.present.store(bits, Ordering::SeqCst);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_found_by_its_name_and_has_a_bit_of_its_own() {
        for fault in Fault::ALL {
            assert_eq!(fault.id().parse(), Ok(fault));
        }
        assert_eq!(Fault::ALL.iter().fold(0, |bits, fault| bits | fault.bit()).count_ones(), 13);
        let error = "no_such".parse::<Fault>().unwrap_err().to_string();
        assert!(error.starts_with("no fault `no_such`: expected one of isolation, case_sensitive"), "{error}");
    }
}
