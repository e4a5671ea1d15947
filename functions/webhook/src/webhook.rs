//! A request's way: check what can be told from outside, then who signed it, then what it says; send it on, and note that.
//!
//! The note comes last, so that a sender who tries again after a failure is never told that the event is here already. Two
//! equal deliveries at the same time may thus both be sent on: harmless, as all events have versions.

use std::{borrow::Cow, sync::Arc, time::Duration};

use redoubt_aws::{
    error::chain,
    port::{Outgoing, Queue, Queues, Store},
    queue::MAX_MESSAGE_BYTES,
    runtime::App,
    secret::{Secret, Source},
};
use redoubt_core::{
    event::{self, CorrelationId},
    model::Command,
    record::Kind,
};
use serde::de::IgnoredAny;

use crate::{
    answer::{Answer, Refusal, Taken},
    delivery,
    keys::{Key, Keys, KeysError},
    request::Request,
    signature::Signed,
};

/// How long a request may take. Senders give up after 10 seconds and more.
const DEADLINE: Duration = Duration::from_secs(8);

/// Takes requests.
pub struct Webhook<S, Q, K> {
    pub(crate) app: App<S, (), Q>,
    pub(crate) keys: Secret<K, Arc<Keys>, KeysError>,
    window: Duration,
}

/// An event that is fit to be sent on.
struct Checked<'a> {
    event_type: &'static str,
    queue: Queue,
    text: &'a str,
    /// What logs call the event, where it says so itself.
    label: Option<CorrelationId>,
    /// It is in an envelope, which has no room for a name.
    enveloped: bool,
}

impl<S: Store, Q: Queues, K: Source> Webhook<S, Q, K> {
    /// Takes what the keys bear out. Signatures with a time count that long before and after it.
    pub fn new(app: App<S, (), Q>, keys: Secret<K, Arc<Keys>, KeysError>, window: Duration) -> Self {
        Self { app, keys, window }
    }

    /// The answer to a request.
    pub async fn answer(&self, request: &Request) -> Answer {
        let taken = match tokio::time::timeout(DEADLINE, self.take(request)).await {
            Ok(taken) => taken,
            Err(elapsed) => Err(unavailable(elapsed)),
        };
        match taken {
            Ok((taken, id)) => Answer::taken(&taken, &id),
            Err(refusal) => {
                log(&refusal);
                Answer::refused(&refusal)
            }
        }
    }

    async fn take(&self, request: &Request) -> Result<(Taken, String), Refusal> {
        request.check()?;
        let signed = Signed::read(request)?;
        let body = request.bytes()?;
        let keys = self.keys.get().await.map_err(unavailable)?;
        let senders = signed.verify(&body, &keys, self.app.clock.now(), self.window).map_err(Refusal::Signature)?;
        let key = senders.first().map_or("", |key| key.id());
        let checked = check(&body, &senders)?;
        let (event_type, queue) = (checked.event_type, checked.queue);
        let identity = signed.identity(&body);
        let id = signed.id().unwrap_or(&identity);
        let (text, label) = named(checked, id);
        let correlation_id = label.as_ref().map(CorrelationId::as_str);
        let message = Outgoing::json_text(&text);
        if message.body.len() > MAX_MESSAGE_BYTES {
            return Err(Refusal::TooLarge(MAX_MESSAGE_BYTES));
        }
        let bytes = body.len();
        let Some(record) =
            delivery::unknown(&self.app.store, &*self.app.clock, &identity).await.map_err(unavailable)?
        else {
            tracing::info!(key, id, event_type, bytes, correlation_id, "accepted before");
            return Ok((Taken::Duplicate, id.to_owned()));
        };
        self.app.queues.send(queue, &[message]).await.map_err(unavailable)?;
        tracing::info!(key, id, event_type, bytes, correlation_id, %queue, "accepted");
        delivery::note(&self.app.store, &*self.app.clock, record, key, id).await;
        Ok((Taken::Accepted, id.to_owned()))
    }
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Refusal {
    Refusal::Unavailable(Box::new(error))
}

/// Checks the body as the function that it is for will do, and whether any of the senders may send it.
fn check<'a>(body: &'a [u8], senders: &[&Key]) -> Result<Checked<'a>, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::Body("the body is not UTF-8"))?;
    let (label, enveloped, event) = match event::parse(text) {
        Ok(incoming) => (incoming.label(), incoming.enveloped, incoming.event),
        Err(_) if serde_json::from_str::<IgnoredAny>(text).is_err() => {
            return Err(Refusal::Body("the body is not JSON"));
        }
        Err(faults) => return Err(Refusal::Faults(faults)),
    };
    let event_type = event.type_name();
    // No sender knows what is to be rendered again, and it would cost what it likes.
    if event.is_refresh() || !senders.iter().any(|key| key.allows(event_type)) {
        return Err(Refusal::Forbidden(event_type));
    }
    let queue = match Command::check(&event).map_err(Refusal::Faults)? {
        Command::Merge { kind: Kind::Policy, .. } => Queue::Policy,
        Command::Merge { kind: Kind::DataSource, .. } => Queue::DataSource,
        Command::Merge { kind: Kind::User | Kind::Project, .. } => Queue::User,
        Command::Merge { kind: Kind::Integration, .. } => Queue::Integration,
        Command::Merge { kind: Kind::Claim | Kind::Submission | Kind::Installation | Kind::Delivery, .. }
        | Command::Refresh { .. } => {
            return Err(Refusal::Forbidden(event_type));
        }
    };
    Ok(Checked { event_type, queue, text, label, enveloped })
}

/// An event that has no name gets that of its delivery, so that the log of the webhook and those of the functions call it the same.
fn named<'a>(Checked { text, label, enveloped, .. }: Checked<'a>, id: &str) -> (Cow<'a, str>, Option<CorrelationId>) {
    // An object with a type, so more follows the brace. Names hold nothing that JSON escapes.
    let rest = text.trim_start().strip_prefix('{').filter(|_| label.is_none() && !enveloped);
    match (CorrelationId::new(id), rest) {
        (Some(id), Some(rest)) => (format!("{{\"correlation_id\":\"{id}\",{rest}").into(), Some(id)),
        _ => (text.into(), label),
    }
}

/// Says why, without quoting what was sent.
fn log(refusal: &Refusal) {
    let status = refusal.status();
    match refusal {
        Refusal::Faults(faults) => tracing::warn!(status, faults = faults.0.len(), "refused"),
        Refusal::Unavailable(_) => tracing::error!(status, reason = chain(refusal), "refused"),
        refusal => tracing::warn!(status, reason = chain(refusal), "refused"),
    }
}
