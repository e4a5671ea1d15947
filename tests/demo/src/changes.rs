//! Changes while people work: how long each takes from the event to what somebody sees.

use std::time::{Duration, Instant};

use redoubt_core::{
    event::{
        Event,
        wire::{Mask, PolicyDocument, Rule, Subscription, Versioned},
    },
    record::Kind,
};
use tokio::time::sleep;

use crate::{
    data,
    forms::text,
    screen::{Screen, short},
    send::{SendError, Sender},
    settings::Settings,
    show::{Mismatch, ShowError, governed, select},
    warehouse::{Session, WarehouseError},
    world::{World, WorldError},
};

/// Why a change can't be made or watched.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Its events can't be sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// Its effect can't be seen.
    #[error(transparent)]
    Show(#[from] ShowError),
}

impl From<WarehouseError> for ChangeError {
    fn from(error: WarehouseError) -> Self {
        Self::Show(error.into())
    }
}

impl From<WorldError> for ChangeError {
    fn from(error: WorldError) -> Self {
        Self::Show(error.into())
    }
}

impl From<std::io::Error> for ChangeError {
    fn from(error: std::io::Error) -> Self {
        Self::Show(error.into())
    }
}

/// How long a change may take.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// A change, who notices it, and by what.
struct Change {
    title: &'static str,
    events: Vec<Event>,
    account: &'static str,
    /// What they ask: a column or an aggregate, of which view, of which rows.
    query: (&'static str, &'static str, &'static str),
    /// What they must see in the end, as SQL over the raw tables.
    expected: &'static str,
}

const ANA: &str = "ana.silva";
const CHLOE: &str = "chloe.martin";
/// The first customer that all viewers see.
const ONE: &str = "WHERE c_custkey = (SELECT MIN(c_custkey) FROM public.customer WHERE c_nationkey = 2 AND c_mktsegment = 'AUTOMOBILE')";
const FIRST: &str = "ORDER BY c_custkey LIMIT 1";

fn changes(phones: PolicyDocument, version: u64) -> Vec<Change> {
    let attribute =
        |name: &str, values: &[&str]| (name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect());
    vec![
        Change {
            title: "policy `phones`: marketing sees 2 digits instead of 4",
            events: vec![Event::PolicyUpdated { policy: with_digits(phones, 2, version) }],
            account: CHLOE,
            query: ("c_phone", "customer", FIRST),
            expected: "REPEAT('*', LENGTH(c_phone) - 2) || RIGHT(c_phone, 2)",
        },
        Change {
            title: "staged policy `segments-withheld` is enabled",
            events: vec![Event::PolicyEnabled(Versioned { id: "segments-withheld".to_owned(), version })],
            account: ANA,
            query: ("c_mktsegment", "customer", FIRST),
            expected: "'withheld'",
        },
        Change {
            title: "ana.silva gets Canada: attribute `nation` 2, 3",
            events: vec![Event::UserAttributesChanged {
                id: ANA.to_owned(),
                version,
                attributes: [
                    attribute("nation", &["2", "3"]),
                    attribute("clearance", &["internal"]),
                    attribute("employment", &["employee"]),
                ]
                .into(),
            }],
            account: ANA,
            query: ("COUNT(*)", "customer", ""),
            expected: "(SELECT COUNT(*) FROM public.customer WHERE c_nationkey IN (2, 3))",
        },
        Change {
            title: "ana.silva switches to the fraud desk, acknowledges its purpose",
            events: vec![
                Event::UserProjectSwitched { id: ANA.to_owned(), version, project: Some("fraud-desk".to_owned()) },
                Event::UserPurposeAcknowledged {
                    id: ANA.to_owned(),
                    version,
                    project: "fraud-desk".to_owned(),
                    purpose: "fraud-investigation".to_owned(),
                },
            ],
            account: ANA,
            query: (
                "c_comment",
                "customer",
                "WHERE c_nationkey = 2 AND c_mktsegment = 'withheld' ORDER BY c_custkey LIMIT 1",
            ),
            expected: "(SELECT c_comment FROM public.customer WHERE c_nationkey = 2 ORDER BY c_custkey LIMIT 1)",
        },
        Change {
            title: "ana.silva is approved for `part`",
            events: vec![Event::UserSubscriptionApproved(Subscription {
                id: ANA.to_owned(),
                version,
                data_source: "part".to_owned(),
            })],
            account: ANA,
            query: ("COUNT(*)", "part", ""),
            expected: "(SELECT COUNT(*) FROM public.part)",
        },
        Change {
            title: "chloe.martin leaves marketing: she sees no more customers",
            events: vec![Event::UserGroupsChanged {
                id: CHLOE.to_owned(),
                version,
                groups: vec!["AUTOMOBILE".to_owned()],
            }],
            account: CHLOE,
            query: ("COUNT(*)", "customer", ""),
            expected: "0",
        },
    ]
}

/// The policy with another number of digits shown.
fn with_digits(mut policy: PolicyDocument, digits: u32, version: u64) -> PolicyDocument {
    policy.version = version;
    for rule in policy.rules.iter_mut().flatten() {
        if let Rule::Mask(rule) = rule {
            for case in rule.cases.iter_mut().flatten() {
                if let Mask::Show { last, .. } = &mut case.using {
                    *last = Some(digits);
                }
            }
        }
    }
    policy
}

/// Makes the changes one after the other and prints how long each took. Gives those that didn't come about as they must.
///
/// # Errors
/// When an event can't be sent or a query fails.
pub async fn make(
    settings: &Settings,
    sender: &Sender<'_>,
    world: &mut World,
    phones: PolicyDocument,
    version: u64,
    screen: &mut Screen,
) -> Result<Vec<Mismatch>, ChangeError> {
    let mut mismatches = Vec::new();
    let mut lines = Vec::new();
    let raw = Session::open(settings, settings.administrator(), data::DATABASE).await?;
    for change in changes(phones, version) {
        screen.transient(&format!("  {} …", change.title))?;
        let session = governed(settings, world, change.account).await?;
        let (what, view, rest) = change.query;
        let query = select(world, what, view, rest)?;
        let expected = format!("SELECT {} FROM public.customer {ONE}", change.expected);
        let expected = raw.value("work out what must be seen", &expected).await?;
        let before = session.value("read a view", &query).await?;
        if before == expected {
            let what = format!("before «{}»", change.title);
            mismatches.push(Mismatch { what, expected: "something else".to_owned(), found: text(&before) });
        }
        let mut events = Vec::with_capacity(change.events.len());
        for event in change.events {
            events.push((world.apply(&event)?, event));
        }
        let (after, took) = enforced(sender, &events, &session, &query, &expected).await?;
        lines.push(vec![
            change.title.to_owned(),
            format!("{what} of {view}"),
            short(&before),
            short(&after),
            format!("{:.0} ms", took.as_secs_f64() * 1000.0),
        ]);
        if after != expected {
            mismatches.push(Mismatch {
                what: format!("after «{}»", change.title),
                expected: text(&expected),
                found: text(&after),
            });
        }
    }
    screen.table(&["change", "seen in", "before", "after", "sent → enforced"], &lines)?;
    Ok(mismatches)
}

/// Sends the events and asks until the answer is the expected one, or time is up.
async fn enforced(
    sender: &Sender<'_>,
    events: &[(Kind, Event)],
    session: &Session,
    query: &str,
    expected: &Option<String>,
) -> Result<(Option<String>, Duration), ChangeError> {
    let begin = Instant::now();
    sender.send(events).await?;
    loop {
        let found = session.value("read a view", query).await?;
        if found == *expected || begin.elapsed() >= PATIENCE {
            return Ok((found, begin.elapsed()));
        }
        sleep(POLL).await;
    }
}
