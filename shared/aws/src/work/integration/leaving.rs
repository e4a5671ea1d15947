//! Leaving a place: everything of Redoubt's goes, step by step, and nothing of others'.

use redoubt_core::{
    model::{Integration, Removal},
    render::install::{self, Connection, Made, Step},
};

use super::{ACCOUNT, DATABASE, OWN, Run};
use crate::{
    port::{Queues, Store, Warehouse},
    work::{
        error::WorkError,
        fan_out::{self, Reason, What},
        installation::Place,
        steps::{self, Accounts},
        submission::Then,
    },
};

impl<S: Store, W: Warehouse, Q: Queues> Run<'_, S, W, Q> {
    /// Removes an integration from wherever it is.
    pub(super) async fn give_up(&mut self, removal: &Removal) -> Result<Then, WorkError> {
        // Nothing is put in force there from here on.
        self.installation.ready = None;
        self.save().await?;
        let mut kept = Vec::new();
        while let Some(place) = self.installation.places.first() {
            kept.extend(left_behind(&self.integration_at(place)?, place, removal));
            self.leave_first(None, removal).await?;
        }
        fan_out::tell(self.app, &[What::DataSources], &Reason::event(Some(self.trace.clone())), |_| true).await?;
        Ok(Then { reason: (!kept.is_empty()).then(|| kept.join("; ")), ..Then::withdrawn() })
    }

    /// Removes everything from the first place and forgets it. What the place that is used instead shares with it stays.
    pub(super) async fn leave_first(
        &mut self,
        instead: Option<&Integration>,
        removal: &Removal,
    ) -> Result<(), WorkError> {
        let Some(place) = self.installation.places.first().cloned() else { return Ok(()) };
        let integration = &self.integration_at(&place)?;
        let made = Made { account: place.made.contains(ACCOUNT), database: place.made.contains(DATABASE) };
        let setup = removal.setup.as_ref().map(|(secret, database)| (secret.clone(), database.as_str().to_owned()));
        let accounts = Accounts { integration, setup, attempt: self.attempt() };
        let steps = match instead {
            Some(instead) => install::leave(integration, instead, removal, made)?,
            None => install::removal(integration, removal, made)?,
        };
        let count = steps.len();
        for (index, step) in steps.iter().enumerate() {
            if place.left.contains(step.name) {
                continue;
            }
            self.progress("removing", step, index, count).await?;
            match self.take_away(&accounts, step, &place).await {
                // Somebody dropped it, with everything that was in it.
                Err(WorkError::Setup { message, .. }) if is_gone(&message, integration.database.as_str()) => {}
                done => done?,
            }
            if let Some(place) = self.installation.places.first_mut() {
                place.left.insert(step.name.to_owned());
            }
            self.save().await?;
        }
        self.installation.places.remove(0);
        self.save().await
    }

    /// Runs a step of a removal where the setup began what it takes away: nothing of others' goes, and what was never made has no
    /// account to take it away with.
    async fn take_away(&mut self, accounts: &Accounts<'_>, step: &Step, place: &Place) -> Result<(), WorkError> {
        let begun = match step.connection {
            Connection::System => place.begun.contains(OWN),
            // Named after what it takes back; whether database and account go is said by `Made`.
            Connection::Setup | Connection::SetupElsewhere => {
                [ACCOUNT, DATABASE].contains(&step.name) || place.begun.contains(step.name)
            }
        };
        if !begun && step.connection == Connection::System {
            return Ok(());
        }
        // What it looks for is looked for even if there is nothing to take back: the steps after it rely on that.
        if self.is_needed(accounts, step).await? && begun {
            steps::run(self.app, accounts, step).await?;
        }
        Ok(())
    }

    /// Takes away what only former documents of the place wanted: schemas that views were in go once no view is left in them.
    pub(super) async fn drop_former(&mut self, integration: &Integration) -> Result<(), WorkError> {
        let accounts = Accounts { integration, setup: None, attempt: self.attempt() };
        for former in self.former()? {
            let steps = install::change_steps(&former, integration)?.last;
            for (index, step) in steps.iter().enumerate() {
                self.progress("changing", step, index, steps.len()).await?;
                steps::run(self.app, &accounts, step).await.map_err(|error| match error {
                    // It is not empty yet.
                    WorkError::Setup { step, message } => WorkError::SetupUnfinished { step, message },
                    error => error,
                })?;
            }
            if let Some(place) = self.installation.places.last_mut() {
                place.former.remove(0);
            }
            self.save().await?;
        }
        Ok(())
    }
}

/// Whether a message says that there is no such database.
fn is_gone(message: &str, database: &str) -> bool {
    message.contains(&format!("database \"{database}\" does not exist"))
}

/// How a place is left for another of the same integration.
pub(super) fn removal_of(integration: &Integration) -> Removal {
    let setup = integration.setup.as_ref().map(|setup| (setup.secret.clone(), setup.database.clone()));
    Removal { keep_profiles: false, setup }
}

/// What a removal leaves in the warehouse, in words.
fn left_behind(integration: &Integration, place: &Place, removal: &Removal) -> Vec<String> {
    let mut left = Vec::new();
    if removal.keep_profiles {
        left.push("profiles and entitlements are kept".to_owned());
    } else if removal.setup.is_none() {
        if place.made.contains(DATABASE) {
            left.push(format!("database `{}` is left to be dropped", integration.database.as_str()));
        }
        if place.made.contains(ACCOUNT) {
            left.push(format!("account `{}` is left to be dropped", integration.system_user.as_str()));
        }
    }
    left
}
