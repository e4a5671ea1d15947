//! Names that only one document may use: a view's name on a host, and a database account's.
//!
//! A claim says who holds the name and how often it changed hands. It is taken over only from a holder that no longer wants
//! the name; the count then rises, and what an earlier holder left in flight is never newer than what the present one says.
//! Between taking a claim and storing the document another one can slip in, so a claim is looked at again after the
//! revision was raised; a document without its claim is not enforced.

use redoubt_core::{
    event::{Fault, Faults},
    model::{Id, ViewName, stored},
    record::{DOCUMENT, Kind, Record, Write},
    sql::Ident,
};
use serde::{Deserialize, Serialize};

use super::error::WorkError;
use crate::{
    port::{Put, Store},
    runtime::App,
};

/// A name to claim.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name<'a> {
    /// The name of a policy view on a host.
    View {
        /// The host.
        host: &'a str,
        /// The view.
        view: &'a Ident,
    },
    /// A database account.
    DatabaseUser(&'a Ident),
    /// A warehouse's host.
    Host(&'a str),
}

impl Name<'_> {
    fn key(self) -> String {
        match self {
            Self::View { host, view } => format!("view/{host}/{}", view.folded()),
            Self::DatabaseUser(user) => format!("database_user/{}", user.as_str()),
            Self::Host(host) => format!("host/{host}"),
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::View { .. } => Kind::DataSource,
            Self::DatabaseUser(_) => Kind::User,
            Self::Host(_) => Kind::Integration,
        }
    }

    /// Whether a document that holds the name still wants it, where views are named by a rule.
    fn wanted_by(self, record: &Record, rule: &ViewName) -> bool {
        match self {
            Self::View { host, view } => stored::data_source(record)
                .map(|source| {
                    source.is_some_and(|(source, _)| {
                        source.host == host
                            && source.view_named(rule).is_ok_and(|wanted| wanted.folded() == view.folded())
                    })
                })
                // What can't be read is not known to have let go.
                .unwrap_or(true),
            Self::DatabaseUser(name) => stored::user(record)
                .map(|user| user.is_some_and(|(user, _)| user.database_user == *name))
                .unwrap_or(true),
            Self::Host(host) => stored::integration(record)
                .map(|integration| integration.is_some_and(|integration| integration.host == host))
                .unwrap_or(true),
        }
    }

    fn fault(self, holder: &str) -> Fault {
        match self {
            Self::View { view, .. } => Fault::new(
                "data_source.view",
                format!("`{}`", view.as_str()),
                format!("a view name that data source `{holder}` does not use"),
            ),
            Self::DatabaseUser(user) => Fault::new(
                "user.database_user",
                format!("`{}`", user.as_str()),
                format!("a database user that user `{holder}` does not use"),
            ),
            Self::Host(host) => Fault::new(
                "integration.host",
                format!("`{host}`"),
                format!("a host that integration `{holder}` does not have"),
            ),
        }
    }
}

/// Who holds a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claim {
    /// The document.
    pub(super) holder: String,
    /// How often the name changed hands; the first holder has 1.
    pub(super) count: u64,
}

const ATTEMPTS: usize = 10;

fn read(record: &Record) -> Result<Option<Claim>, WorkError> {
    record.document().map(|claim| serde_json::from_value(claim.clone())).transpose().map_err(WorkError::from)
}

/// Who holds a name now.
///
/// # Errors
/// When the store fails.
pub(super) async fn holder<S: Store, W, Q>(app: &App<S, W, Q>, name: Name<'_>) -> Result<Option<Claim>, WorkError> {
    match app.store.get(Kind::Claim, &name.key()).await? {
        Some(record) => read(&record),
        None => Ok(None),
    }
}

/// Claims the name that the document in a record needs, before it is stored: one that can't have it is refused whole, and the
/// previous one stays in force.
///
/// # Errors
/// Faults when another document uses the name; the store's errors.
pub(super) async fn claim_for<S: Store, W, Q>(app: &App<S, W, Q>, id: &Id, record: &Record) -> Result<(), WorkError> {
    match record.kind {
        Kind::DataSource => {
            if let Some((source, _)) = stored::data_source(record)? {
                let rule = if source.names_view { ViewName::default() } else { rule(app, &source.host).await? };
                let view = source.view_named(&rule).map_err(|fault| Faults(vec![fault]))?;
                claim(app, Name::View { host: &source.host, view: &view }, id).await?;
            }
        }
        Kind::User => {
            if let Some((user, _)) = stored::user(record)? {
                claim(app, Name::DatabaseUser(&user.database_user), id).await?;
            }
        }
        Kind::Integration => {
            if let Some(integration) = stored::integration(record)? {
                claim(app, Name::Host(&integration.host), id).await?;
            }
        }
        Kind::Policy | Kind::Project | Kind::Claim | Kind::Submission | Kind::Installation | Kind::Delivery => {}
    }
    Ok(())
}

/// How views are named on a host; without an integration yet, by the table. It is asked for again when a view is rendered.
async fn rule<S: Store, W, Q>(app: &App<S, W, Q>, host: &str) -> Result<ViewName, WorkError> {
    let integrations = app.store.list(Kind::Integration).await?;
    // One that can't be read is reported where it is used.
    let of_host = integrations
        .iter()
        .find_map(|record| stored::integration(record).ok().flatten().filter(|integration| integration.host == host));
    Ok(of_host.map(|integration| integration.view_name).unwrap_or_default())
}

/// Claims a name for a document, unless it has it; gives the claim.
///
/// # Errors
/// Faults when another document uses the name; the store's errors.
pub(super) async fn claim<S: Store, W, Q>(app: &App<S, W, Q>, name: Name<'_>, id: &Id) -> Result<Claim, WorkError> {
    let key = name.key();
    for _ in 0..ATTEMPTS {
        let mut record =
            app.store.get(Kind::Claim, &key).await?.unwrap_or_else(|| Record::new(Kind::Claim, key.as_str()));
        let claim = match read(&record)? {
            Some(claim) if claim.holder == id.as_str() => return Ok(claim),
            Some(claim) => {
                let rival = app.store.get(name.kind(), &claim.holder).await?;
                let rule = match name {
                    Name::View { host, .. } => rule(app, host).await?,
                    Name::DatabaseUser(_) | Name::Host(_) => ViewName::default(),
                };
                if rival.is_some_and(|rival| name.wanted_by(&rival, &rule)) {
                    return Err(Faults(vec![name.fault(&claim.holder)]).into());
                }
                Claim { holder: id.to_string(), count: claim.count + 1 }
            }
            None => Claim { holder: id.to_string(), count: 1 },
        };
        record.merge(&[Write::set(DOCUMENT, claim.count, serde_json::to_value(&claim)?)])?;
        if app.store.put(&record).await? == Put::Stored {
            return Ok(claim);
        }
    }
    Err(WorkError::Contended { kind: Kind::Claim, id: key })
}
