//! What Redoubt has made in the warehouses of an integration, and how far it is: the memory that lets setup, change and removal
//! be interrupted anywhere.

use std::collections::{BTreeMap, BTreeSet};

use redoubt_core::{
    event::Faults,
    model::{Integration, stored},
    record::{DOCUMENT, Kind, Record, Write},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::error::WorkError;
use crate::{
    port::{Put, Store},
    runtime::App,
};

/// How long a run that is silent counts as alive. It tells of itself before each step, and a step takes at most as long.
const LEASE: Duration = Duration::minutes(5);
const ATTEMPTS: usize = 10;

/// The release that runs.
const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// What is known of an integration's warehouses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Installation {
    /// Where something is or is being made; those that are left come before the one that is used.
    #[serde(default)]
    pub(super) places: Vec<Place>,
    /// The document that the present place was set up for, once it was and nothing speaks against enforcing there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ready: Option<String>,
    /// The document for which everything was told to be rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) told: Option<String>,
    /// The release of Redoubt for which everything was told to be rendered: another one may print other SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) release: Option<String>,
    /// The revision of the integration for which nothing is left to do.
    #[serde(default)]
    pub(super) done: u64,
    /// Since when the warehouse does not answer (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) silent_since: Option<String>,
    /// The warehouse answers again, and what waits for it has not all been told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) waking: bool,
    /// What the last preflight saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) preflight: Option<Value>,
    /// Until when a run has this to itself (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) leased_until: Option<String>,
    /// How far the search for drift is.
    #[serde(default)]
    pub(super) cursor: Cursor,
    /// Targets that were behind their revision, with the revision and since when (RFC 3339).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) behind: BTreeMap<String, (u64, String)>,
    /// What the last search for drift found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) drift: Option<Value>,
}

/// What the last search for drift came to in each list; the next one goes on after it, or begins anew.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// Data sources, by database and identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sources: Option<(String, String)>,
    /// Accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) accounts: Option<String>,
    /// Policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) policies: Option<String>,
}

/// One place: a database of a warehouse, as a document describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The integration document it was last set up for.
    pub(super) document: Value,
    /// Steps of the setup account that are done, each with a digest of its statements.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) done: BTreeMap<String, String>,
    /// What was not there before and is therefore Redoubt's to drop: names of steps.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) made: BTreeSet<String>,
    /// Steps of the removal that are done; none is done again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) left: BTreeSet<String>,
    /// Steps of the setup that were begun: what a removal has to take away.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) begun: BTreeSet<String>,
    /// Views have been put in force there.
    #[serde(default)]
    pub(super) enforcing: bool,
    /// Documents it was set up for before, oldest first, as long as something that only they wanted is still there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) former: Vec<Value>,
}

impl Place {
    pub(super) fn new(document: Value) -> Self {
        Self {
            document,
            done: BTreeMap::new(),
            made: BTreeSet::new(),
            left: BTreeSet::new(),
            begun: BTreeSet::new(),
            enforcing: false,
            former: Vec::new(),
        }
    }

    /// The integration as the place was set up for it.
    ///
    /// # Errors
    /// When its document no longer passes the checks.
    pub(super) fn integration(&self) -> Result<Integration, Faults> {
        stored::integration_of(&self.document)
    }

    /// The integrations it was set up for before.
    ///
    /// # Errors
    /// When one of their documents no longer passes the checks.
    pub(super) fn former(&self) -> Result<Vec<Integration>, Faults> {
        self.former.iter().map(stored::integration_of).collect()
    }
}

impl Installation {
    /// Reads the installation of an integration, with its record to write it back.
    ///
    /// # Errors
    /// When the store fails or it can't be read.
    pub(super) async fn load<S: Store, W, Q>(app: &App<S, W, Q>, id: &str) -> Result<(Self, Record), WorkError> {
        let record = app.store.get(Kind::Installation, id).await?;
        let record = record.unwrap_or_else(|| Record::new(Kind::Installation, id));
        Ok((Self::of(&record)?, record))
    }

    /// The installation in a record.
    ///
    /// # Errors
    /// When it can't be read.
    pub(super) fn of(record: &Record) -> Result<Self, WorkError> {
        let document = record.document().cloned();
        Ok(document.map(serde_json::from_value).transpose()?.unwrap_or_default())
    }

    /// Writes it back, unless somebody else did since it was read. Tells whether it is written.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn save<S: Store, W, Q>(
        &self,
        app: &App<S, W, Q>,
        record: &mut Record,
    ) -> Result<bool, WorkError> {
        let version = record.fields.get(DOCUMENT).map_or(1, |field| field.version + 1);
        record.merge(&[Write::set(DOCUMENT, version, serde_json::to_value(self)?)])?;
        if app.store.put(record).await? == Put::Conflict {
            return Ok(false);
        }
        record.lock += 1;
        Ok(true)
    }

    /// Whether everything was told to be rendered for the present document by the release that runs.
    pub(super) fn is_filled(&self) -> bool {
        self.told == self.ready && self.release.as_deref() == Some(RELEASE)
    }

    /// Notes that it was.
    pub(super) fn filled(&mut self) {
        self.told.clone_from(&self.ready);
        self.release = Some(RELEASE.to_owned());
    }

    /// Takes or renews the lease; the installation must be saved for it to count.
    pub(super) fn lease(&mut self, now: OffsetDateTime) {
        self.leased_until = (now + LEASE).format(&Rfc3339).ok();
    }

    /// Whether another run has this to itself.
    pub(super) fn is_leased(&self, now: OffsetDateTime) -> bool {
        let until = self.leased_until.as_ref().and_then(|until| OffsetDateTime::parse(until, &Rfc3339).ok());
        until.is_some_and(|until| now < until)
    }

    /// Whether views and profiles may be put in force for this document.
    pub(super) fn is_ready_for(&self, document: &Value) -> bool {
        self.ready.as_deref() == Some(digest(document).as_str())
    }
}

/// What tells documents apart.
pub(super) fn digest(document: &Value) -> String {
    redoubt_core::render::digest([document.to_string().as_bytes()])
}

/// Changes an installation that is there, whoever else does so at the same time.
///
/// # Errors
/// When the store fails, or too many write it at once.
pub(super) async fn change<S: Store, W, Q>(
    app: &App<S, W, Q>,
    id: &str,
    change: impl Fn(&mut Installation),
) -> Result<(), WorkError> {
    for _ in 0..ATTEMPTS {
        let (before, mut record) = Installation::load(app, id).await?;
        let mut installation = before.clone();
        change(&mut installation);
        if record.lock == 0 || installation == before || installation.save(app, &mut record).await? {
            return Ok(());
        }
    }
    Err(WorkError::Contended { kind: Kind::Installation, id: id.to_owned() })
}
