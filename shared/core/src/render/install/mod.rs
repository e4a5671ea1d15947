//! How a warehouse is set up, changed and left: steps as data. Whoever runs them does so in order and notes which are done;
//! [`script`] prints the same steps for an administrator to run by hand.
//!
//! What Redoubt makes is said once, by the texts in [`template`]: the setup runs them, and what a removal drops is read off
//! them. Each step can be run again, whatever became of it the first time: what can say `IF NOT EXISTS`, `IF EXISTS` or
//! `OR REPLACE` does, and for the rest [`Tolerates`] says which answer means that it was done.

mod change;
mod external;
mod grants;
mod impersonation;
mod removal;
pub mod script;
mod setup;
mod template;

pub use change::{By as ChangeBy, Change, ChangeSteps, Difference, Shared, change, change_steps, leave};
pub use grants::{By, Grant, Grantee, Object, Privilege, grants};
pub use removal::{Made, removal};
pub use setup::setup;
pub(crate) use template::procedure_types;

use crate::sql::SqlText;

/// One step; its statements go in one transaction or one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does, for logs, status and scripts. No two steps of a setup, a removal or a change have the same.
    pub name: &'static str,
    /// Who runs it and where.
    pub connection: Connection,
    /// The statements; at least one.
    pub statements: Vec<SqlText>,
    /// How they go together.
    pub mode: StepMode,
    /// Which failure means that it was done before.
    pub tolerates: Tolerates,
    /// What to look at before.
    pub look: Option<Look>,
}

impl Step {
    /// A step whose statements go one by one; none where there are none.
    fn each(
        name: &'static str,
        connection: Connection,
        statements: Vec<SqlText>,
        tolerates: Tolerates,
    ) -> Option<Self> {
        let step = Self { name, connection, statements, mode: StepMode::Each, tolerates, look: None };
        (!step.statements.is_empty()).then_some(step)
    }
}

/// How the statements of a step go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepMode {
    /// In one transaction.
    Together,
    /// One by one, each in a transaction of its own or in none, where Redshift allows none; each is judged by itself.
    Each,
}

/// Which failure of a statement means that it was done before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tolerates {
    /// None does.
    Nothing,
    /// «already exists».
    There,
    /// «does not exist».
    Gone,
    /// «permission denied»: it is somebody else's to do, and what needs it says so if nobody did.
    Denied,
}

impl Tolerates {
    /// Whether a warehouse's message says that the statement was done before.
    #[must_use]
    pub fn covers(self, message: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::There => message.contains("already exists"),
            Self::Gone => message.contains("does not exist"),
            Self::Denied => message.contains("permission denied"),
        }
    }
}

/// Who runs a step and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Connection {
    /// The setup account, in a database that exists already.
    SetupElsewhere,
    /// The setup account, in Redoubt's database.
    Setup,
    /// The system account, in Redoubt's database. What it makes, it owns.
    System,
}

/// A query that gives one row with one count, run before a step on the step's connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The query.
    pub query: SqlText,
    /// What the count means.
    pub meaning: LookMeaning,
}

/// What the count of a look means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookMeaning {
    /// Not 0: what the step makes is there already. Who did not begin to make it leaves the step out.
    Exists {
        /// Why whoever did not begin to make it stops instead.
        refuse: Option<String>,
    },
    /// Not 0: the step must not run.
    MustBeNone {
        /// Why.
        refuse: String,
    },
}

/// A text of a step could not be filled in: a defect of this crate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the text of step `{step}` has a place `{place}` that nothing fills")]
pub struct TemplateError {
    /// The step.
    pub step: &'static str,
    /// The place.
    pub place: String,
}

#[cfg(test)]
mod tests;
