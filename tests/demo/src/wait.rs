//! Waiting until the warehouse holds what the events add up to, and saying what is missing when it doesn't come to that.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    time::{Duration, Instant},
};

use aws_sdk_sqs::Client;
use redoubt_core::model::Integration;
use serde_json::Value;
use tokio::time::sleep;

use crate::{
    screen::Screen,
    settings::Settings,
    warehouse::{Row, Session, WarehouseError, quoted},
    world::{Entitlements, World, WorldError},
};

/// How long the warehouse's setup, or convergence, may take.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// Why waiting ended without success.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// The time is up.
    #[error(
        "after {} s still missing: {}; `make status` shows queues and functions, .local/logs has what they logged",
        PATIENCE.as_secs(), missing.join(", ")
    )]
    Late {
        /// What hasn't come.
        missing: Vec<String>,
    },
    /// The warehouse didn't answer.
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
    /// The documents make no whole.
    #[error(transparent)]
    World(#[from] WorldError),
    /// Standard output is closed.
    #[error("can't print")]
    Print(#[from] io::Error),
}

/// Waits until the account that owns the views exists.
///
/// # Errors
/// When it doesn't come in time.
pub async fn for_account(settings: &Settings, account: &str) -> Result<(), WaitError> {
    let session = Session::open(settings, settings.administrator(), settings.first_database()).await?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let accounts = session.rows("list accounts", "SELECT rolname FROM pg_roles").await?;
        if accounts.iter().any(|row| row.first().and_then(Option::as_deref) == Some(account)) {
            return Ok(());
        }
        pause(deadline, || vec![format!("account `{account}`, which the integration creates")]).await?;
    }
}

/// Waits until the warehouse is set up; the last step lets everybody read their own entitlements.
///
/// # Errors
/// When that doesn't come in time.
pub async fn for_setup(settings: &Settings, integration: &Integration) -> Result<Session, WaitError> {
    let deadline = Instant::now() + PATIENCE;
    let view = format!("{}.\"user_entitlement\"", quoted(integration.names.system.as_str()));
    let granted = format!("SELECT has_table_privilege('public', '{}', 'select')", view.replace('\'', "''"));
    loop {
        match Session::open(settings, settings.administrator(), integration.database.as_str()).await {
            Ok(session) => match session.value("look for the secure views", &granted).await {
                Ok(Some(granted)) if granted == "t" => return Ok(session),
                Ok(_) => {}
                Err(error) if error.is_absence() => {}
                Err(error) => return Err(error.into()),
            },
            Err(error) if error.is_absence() => {}
            Err(error) => return Err(error.into()),
        }
        pause(deadline, || vec![format!("the last step of the setup of database `{}`", integration.database.as_str())])
            .await?;
    }
}

async fn pause(deadline: Instant, missing: impl FnOnce() -> Vec<String>) -> Result<(), WaitError> {
    if Instant::now() >= deadline {
        return Err(WaitError::Late { missing: missing() });
    }
    sleep(POLL).await;
    Ok(())
}

/// Waits until every view, profile and policy in the warehouse is that of the newest documents, and gives the time it took.
///
/// # Errors
/// When something is still missing after a minute; it is named.
pub async fn for_convergence(warehouse: &Session, world: &World, screen: &mut Screen) -> Result<Duration, WaitError> {
    let begin = Instant::now();
    let wanted = Wanted {
        fingerprints: world.fingerprints()?,
        entitlements: world.entitlements()?,
        policies: world.policy_ids(),
    };
    let system = quoted(world.integration()?.names.system.as_str());
    let userid = quoted(&format!("{}__userid", world.integration()?.names.prefix));
    let mut shown = String::new();
    loop {
        let missing = wanted.missing(warehouse, &system, &userid).await?;
        let text = format!(
            "views {}   profiles {}   policies {}",
            missing.views.of(wanted.fingerprints.len()),
            missing.profiles.of(wanted.entitlements.len()),
            missing.policies.of(wanted.policies.len())
        );
        if missing.is_empty() {
            return Ok(begin.elapsed());
        }
        if text != shown {
            screen.progress(&format!("  {text}   {:.1} s", begin.elapsed().as_secs_f64()))?;
            shown = text;
        }
        pause(begin + PATIENCE, || missing.names()).await?;
    }
}

/// What the warehouse must hold.
struct Wanted {
    fingerprints: BTreeMap<String, String>,
    entitlements: BTreeMap<String, Entitlements>,
    policies: BTreeSet<String>,
}

/// What it doesn't hold yet.
struct Missing {
    views: Names,
    profiles: Names,
    policies: Names,
}

struct Names(Vec<String>);

impl Names {
    fn of(&self, all: usize) -> String {
        format!("{}/{all}", all.saturating_sub(self.0.len()))
    }
}

impl Missing {
    fn is_empty(&self) -> bool {
        self.views.0.is_empty() && self.profiles.0.is_empty() && self.policies.0.is_empty()
    }

    fn names(&self) -> Vec<String> {
        let named = |what: &'static str, names: &Names| {
            names.0.iter().map(move |name| format!("{what} `{name}`")).collect::<Vec<_>>()
        };
        [named("view of", &self.views), named("profile of", &self.profiles), named("policy", &self.policies)].concat()
    }
}

impl Wanted {
    async fn missing(&self, warehouse: &Session, system: &str, userid: &str) -> Result<Missing, WarehouseError> {
        let views = format!("SELECT source, fingerprint FROM {system}.data_source WHERE view_name IS NOT NULL");
        let views: BTreeMap<String, String> = pairs(warehouse.rows("read the views in force", &views).await?).collect();
        let entitlements = format!(
            "SELECT p.{userid}, e.kind, COALESCE(e.name, ''), e.value FROM {system}.profile AS p \
             LEFT JOIN {system}.profile_entitlement AS e ON e.{userid} = p.{userid} WHERE p.active"
        );
        let mut profiles: BTreeMap<String, Entitlements> = BTreeMap::new();
        for row in warehouse.rows("read the profiles", &entitlements).await? {
            if let [Some(account), kind, name, value] = row.as_slice() {
                let text = |value: &Option<String>| value.clone().unwrap_or_default();
                profiles.entry(account.clone()).or_default().insert((text(kind), text(name), text(value)));
            }
        }
        let policies = format!("SELECT policy, status FROM {system}.policy WHERE status IS NOT NULL");
        let policies: BTreeMap<String, String> = pairs(warehouse.rows("read the policies", &policies).await?).collect();
        let lacking = |names: Vec<&String>| Names(names.into_iter().cloned().collect());
        Ok(Missing {
            views: lacking(
                self.fingerprints
                    .iter()
                    .filter(|(id, print)| views.get(*id) != Some(*print))
                    .map(|(id, _)| id)
                    .collect(),
            ),
            profiles: lacking(
                self.entitlements
                    .iter()
                    .filter(|(account, has)| profiles.get(*account) != Some(*has))
                    .map(|(account, _)| account)
                    .collect(),
            ),
            policies: lacking(self.policies.iter().filter(|id| !policies.contains_key(*id)).collect()),
        })
    }
}

fn pairs(rows: Vec<Row>) -> impl Iterator<Item = (String, String)> {
    rows.into_iter().filter_map(|row| {
        let mut values = row.into_iter().flatten();
        Some((values.next()?, values.next()?))
    })
}

/// Messages that functions rejected, as lines: the function, the faults, and how the message began.
pub async fn dead_letters(client: &Client, settings: &Settings) -> Vec<String> {
    let mut lines = Vec::new();
    for (function, queue) in settings.dead_letter_queues() {
        // They stay in the queue for whoever looks next.
        let reply =
            client.receive_message().queue_url(queue).max_number_of_messages(10).visibility_timeout(1).send().await;
        let letters = match &reply {
            Ok(reply) => reply.messages(),
            Err(error) => {
                lines.push(format!(
                    "{function}: its dead-letter queue can't be read: {}",
                    aws_sdk_sqs::error::DisplayErrorContext(error)
                ));
                continue;
            }
        };
        for letter in letters {
            let body = letter.body().unwrap_or_default();
            let faults = serde_json::from_str::<Value>(body).ok().and_then(|letter| {
                let faults = letter.pointer("/error/faults")?.as_array()?;
                Some(faults.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "))
            });
            let faults = faults.unwrap_or_else(|| "not rejected but given up after several attempts".to_owned());
            let start: String = body.chars().take(200).collect();
            lines.push(format!("{function}: {faults}: {start}"));
        }
    }
    lines
}
