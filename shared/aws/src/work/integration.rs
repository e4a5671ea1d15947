//! Integration events: store the integration, and bring its warehouse to where the document wants it. Setup, change and removal are
//! steps, each of which can be run again, and what is known of their progress is written down before and after each; so an
//! invocation may die anywhere, and the next one goes on.

use std::collections::BTreeSet;

use redoubt_core::{
    doctor::Verdict,
    model::{Id, Integration, stored},
    record::{Kind, NOWHERE, Record},
    render::{
        digest,
        install::{self, Connection, LookMeaning, Step},
    },
};
use serde_json::Value;

mod leaving;

use leaving::removal_of;

use super::{
    doctor,
    error::WorkError,
    fan_out::{self, Reason, What},
    installation::{self, Installation, Place},
    intake::{self, Accepts, Outcomes, Targets},
    steps::{self, Accounts},
    submission::{Then, status},
    trace::Trace,
    world,
};
use crate::{
    batch::{Message, Outcome},
    error::ErrorKind,
    port::{Queues, Store, Warehouse},
    runtime::App,
};

const ACCEPTS: Accepts =
    Accepts { documents: &[Kind::Integration], refreshes: Kind::Integration, words: "integration events" };

/// Names of the steps whose things were perhaps there before; see [`Made`].
const ACCOUNT: &str = "account";
const DATABASE: &str = "database";
/// What stands for all steps of the system account in [`Place::begun`].
const OWN: &str = "own";

/// Handles a batch of integration events.
pub async fn integration<S: Store, W: Warehouse, Q: Queues>(
    app: &App<S, W, Q>,
    messages: Vec<Message>,
) -> Vec<Outcome> {
    let mut outcomes = Outcomes::new(app, &messages);
    let taken = intake::take(app, &messages, ACCEPTS, &mut outcomes).await;
    let mut targets = Targets::default();
    for (index, id, merged) in taken.merged {
        targets.add(id, merged, index, &outcomes);
    }
    targets.refresh(app, Kind::Integration, taken.refreshes, &mut outcomes).await;
    for (id, pending) in targets.iter() {
        let received = pending.messages.iter().filter_map(|index| messages.get(*index));
        let receive_count = received.map(|message| message.receive_count).max().unwrap_or(1);
        if let Err(error) = follow(app, id, receive_count, pending.trace()).await {
            outcomes.fail(&pending.messages, &error);
        }
    }
    outcomes.into_inner()
}

/// Does what is left to do for an integration as it is stored now, unless another invocation is at it.
async fn follow<S: Store, W: Warehouse, Q: Queues>(
    app: &App<S, W, Q>,
    id: &Id,
    receive_count: u32,
    trace: Trace,
) -> Result<(), WorkError> {
    let (installation, memory) = Installation::load(app, id.as_str()).await?;
    if installation.is_leased(app.clock.now()) {
        return Err(WorkError::Leased { id: id.to_string() });
    }
    let mut run = Run { app, id, installation, memory, receive_count, trace, revision: 0 };
    run.save().await?;
    // Read only now: whoever stored a newer document before this has it followed here.
    let Some(record) = app.store.get(Kind::Integration, id.as_str()).await? else {
        return Ok(());
    };
    run.revision = record.revision;
    if run.installation.done == record.revision {
        return run.release().await;
    }
    let done = run.work(&record).await;
    if done.is_ok() {
        run.installation.done = record.revision;
    }
    let released = run.release().await;
    match done {
        Ok(then) => {
            run.note(&then).await?;
            released
        }
        Err(error) => {
            run.note(&match error.kind() {
                ErrorKind::Reject => Then::unhealthy(error.to_string()),
                _ => Then::pending(error.to_string()),
            })
            .await?;
            Err(error)
        }
    }
}

/// One invocation's work on one integration.
struct Run<'a, S, W, Q> {
    app: &'a App<S, W, Q>,
    id: &'a Id,
    installation: Installation,
    /// The record the installation is kept in.
    memory: Record,
    receive_count: u32,
    /// The event behind it.
    trace: Trace,
    /// The integration's.
    revision: u64,
}

impl<S: Store, W: Warehouse, Q: Queues> Run<'_, S, W, Q> {
    /// Does everything; gives what the integration is afterwards.
    async fn work(&mut self, record: &Record) -> Result<Then, WorkError> {
        let unreadable = |source| world::unreadable(record, source);
        let wanted = stored::integration(record).map_err(unreadable)?;
        let removal = stored::removal(record).map_err(unreadable)?;
        match (wanted, record.document(), removal) {
            (Some(integration), Some(document), _) => self.have(&integration, document).await,
            (_, _, Some(removal)) => self.give_up(&removal).await,
            // Deleted before it came.
            _ => Ok(Then::withdrawn()),
        }
    }

    /// Sets up what the document wants, has everything rendered, and leaves what it no longer wants.
    async fn have(&mut self, integration: &Integration, document: &Value) -> Result<Then, WorkError> {
        self.plan(integration, document).await?;
        self.set_up(integration).await?;
        let reason = self.examine(integration).await?;
        if let Some(place) = self.installation.places.last_mut() {
            place.enforcing = true;
        }
        self.installation.ready = Some(installation::digest(document));
        self.save().await?;
        if !self.installation.is_filled() {
            self.note(&Then { reason: Some("set up, being filled".to_owned()), ..Then::applied() }).await?;
            fan_out::tell(self.app, &What::ALL, &Reason::event(Some(self.trace.clone())), |_| true).await?;
            self.installation.filled();
            self.save().await?;
        }
        while self.installation.places.len() > 1 {
            self.leave_first(Some(integration), &removal_of(integration)).await?;
        }
        self.drop_former(integration).await?;
        Ok(match reason {
            Some(reason) => Then::unhealthy(reason),
            None => Then::applied(),
        })
    }

    /// Compares the document with what is there: the last place is the one to use, those before it are left.
    async fn plan(&mut self, integration: &Integration, document: &Value) -> Result<(), WorkError> {
        let mut words = Vec::new();
        let mut here = None;
        let mut made = BTreeSet::new();
        for (index, place) in self.installation.places.iter().enumerate() {
            let change = install::change(&self.integration_at(place)?, integration);
            if let Some(refused) = &change.refused {
                return Err(WorkError::Setup { step: "plan", message: refused.clone() });
            }
            if !change.is_none() {
                words.extend(change.words());
            }
            if !change.leaves {
                here = Some(index);
            } else if change.shared.account && place.made.contains(ACCOUNT) {
                // It serves both, and goes with the last of them.
                made.insert(ACCOUNT.to_owned());
            }
        }
        match here.map(|index| self.installation.places.remove(index)) {
            // It was about to be left, and part of it is gone: the rest goes too before it is set up again.
            Some(place) if !place.left.is_empty() => {
                self.installation.places.insert(0, place);
                self.leave_first(Some(integration), &removal_of(integration)).await?;
                self.installation.places.push(Place::new(document.clone()));
            }
            Some(mut place) => {
                if place.document != *document {
                    let former = std::mem::replace(&mut place.document, document.clone());
                    place.former.push(former);
                }
                self.installation.places.push(place);
            }
            None => self.installation.places.push(Place { made, ..Place::new(document.clone()) }),
        }
        if !words.is_empty() {
            tracing::info!(
                correlation_id = self.trace.id,
                integration = self.id.as_str(),
                plan = words.join(" "),
                "changing"
            );
            self.note(&Then::pending(words.join(" "))).await?;
        }
        self.save().await
    }

    fn integration_at(&self, place: &Place) -> Result<Integration, WorkError> {
        place.integration().map_err(|source| world::unreadable(&self.memory, source))
    }

    /// What the place was set up for before.
    fn former(&self) -> Result<Vec<Integration>, WorkError> {
        let former = self.installation.places.last().map(Place::former).transpose();
        Ok(former.map_err(|source| world::unreadable(&self.memory, source))?.unwrap_or_default())
    }

    async fn set_up(&mut self, integration: &Integration) -> Result<(), WorkError> {
        let setup = integration.setup.as_ref();
        let accounts = Accounts {
            integration,
            setup: setup.map(|setup| (setup.secret.clone(), setup.database.as_str().to_owned())),
            attempt: self.attempt(),
        };
        let mut steps = install::setup(integration)?;
        let mut changes = Vec::new();
        for former in self.former()? {
            changes.extend(install::change_steps(&former, integration)?.first);
        }
        // A change that asks for steps has all that the system account makes among them, with what comes before and after.
        if !changes.is_empty() {
            steps.retain(|step| step.connection != Connection::System);
            steps.extend(changes.into_iter().filter(|step| step.connection == Connection::System));
        }
        let count = steps.len();
        for (index, step) in steps.iter().enumerate() {
            // The setup account does its part once; what the system account makes is made again, so that it is what this
            // release wants.
            let once = step.connection != Connection::System;
            let done = digest(step.statements.iter().map(|statement| statement.execute().as_bytes()));
            let place = self.installation.places.last();
            if once && place.is_some_and(|place| place.done.get(step.name) == Some(&done)) {
                continue;
            }
            if let Some(place) = self.installation.places.last_mut() {
                place.begun.insert(if once { step.name } else { OWN }.to_owned());
            }
            self.progress("setting up", step, index, count).await?;
            if self.is_needed(&accounts, step).await? {
                steps::run(self.app, &accounts, step).await?;
            }
            if once && let Some(place) = self.installation.places.last_mut() {
                place.done.insert(step.name.to_owned(), done);
                self.save().await?;
            }
        }
        Ok(())
    }

    /// Looks before a step where it asks for that.
    async fn is_needed(&mut self, accounts: &Accounts<'_>, step: &Step) -> Result<bool, WorkError> {
        let Some(look) = &step.look else { return Ok(true) };
        let found = steps::count(self.app, accounts, step, &look.query).await?;
        let refused = |message: &str| WorkError::Setup { step: step.name, message: message.to_owned() };
        let Some(place) = self.installation.places.last_mut() else { return Ok(true) };
        match &look.meaning {
            LookMeaning::MustBeNone { .. } if found == 0 => Ok(true),
            LookMeaning::MustBeNone { refuse } => Err(refused(refuse)),
            LookMeaning::Exists { .. } if found == 0 => {
                // Before it is made, or an interruption would make it look like somebody else's.
                place.made.insert(step.name.to_owned());
                self.save().await?;
                Ok(true)
            }
            LookMeaning::Exists { refuse: Some(refuse) } if !place.made.contains(step.name) => Err(refused(refuse)),
            LookMeaning::Exists { .. } => Ok(false),
        }
    }

    /// Runs the preflight. What would leak keeps a place from being used for the first time. One that is in use goes on, since
    /// tighter policies must still get through; what is wrong with it is then said.
    async fn examine(&mut self, integration: &Integration) -> Result<Option<String>, WorkError> {
        self.note(&Then::pending("looking at what the warehouse does")).await?;
        let reader = doctor::second_account(integration, None);
        let report = doctor::examine(self.app, integration, reader).await?;
        self.installation.preflight = Some(serde_json::to_value(&report)?);
        let enforcing = self.installation.places.last().is_some_and(|place| place.enforcing);
        let blocking = report.blocks(&integration.accepted_risks);
        let against: Vec<String> = blocking
            .into_iter()
            .filter(|finding| !enforcing || finding.verdict == Verdict::Failed)
            .map(ToString::to_string)
            .collect();
        if against.is_empty() {
            return Ok(None);
        }
        let reason = format!("preflight: {}", against.join("; "));
        tracing::error!(
            correlation_id = self.trace.id,
            integration = self.id.as_str(),
            enforcing,
            "the preflight failed"
        );
        if enforcing {
            return Ok(Some(reason));
        }
        self.save().await?;
        Err(WorkError::Preflight { findings: reason })
    }

    /// What makes the tokens of this invocation's calls differ from those of the ones before it.
    fn attempt(&self) -> String {
        format!("{} {} {}", self.revision, self.receive_count, self.app.clock.now().unix_timestamp_nanos())
    }

    /// Says how far it is, and renews the lease.
    async fn progress(&mut self, what: &str, step: &Step, index: usize, count: usize) -> Result<(), WorkError> {
        let number = index + 1;
        tracing::info!(
            correlation_id = self.trace.id,
            integration = self.id.as_str(),
            step = step.name,
            number,
            count,
            "{what}"
        );
        self.save().await?;
        self.note(&Then::pending(format!("{what}, step {number} of {count}: {}", step.name))).await
    }

    async fn note(&self, then: &Then) -> Result<(), WorkError> {
        let status = status(&*self.app.clock, self.revision, 0, then);
        self.app.store.set_status(Kind::Integration, self.id.as_str(), NOWHERE, &status).await?;
        Ok(())
    }

    /// Writes the installation down and renews the lease. That the warehouse fell silent may be noted by others meanwhile;
    /// everything else is this invocation's as long as it has the lease.
    ///
    /// # Errors
    /// [`WorkError::Leased`] when another invocation took over.
    async fn save(&mut self) -> Result<(), WorkError> {
        let held = self.installation.leased_until.clone();
        loop {
            self.installation.lease(self.app.clock.now());
            if self.installation.save(self.app, &mut self.memory).await? {
                return Ok(());
            }
            let (stored, memory) = Installation::load(self.app, self.id.as_str()).await?;
            if stored.leased_until != held {
                return Err(WorkError::Leased { id: self.id.to_string() });
            }
            self.installation.silent_since = stored.silent_since;
            self.installation.waking = stored.waking;
            self.memory = memory;
        }
    }

    /// Gives the lease back. An installation that has nothing left is forgotten.
    async fn release(&mut self) -> Result<(), WorkError> {
        self.save().await?;
        if self.installation.places.is_empty() {
            self.app.store.remove(Kind::Installation, self.id.as_str()).await?;
            return Ok(());
        }
        installation::change(self.app, self.id.as_str(), |installation| installation.leased_until = None).await
    }
}
