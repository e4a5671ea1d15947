//! Drift: what a warehouse holds and what was put there, compared.
//!
//! Read in this order: [`Kind`] (what can differ) → [`query`] (what is asked, in a bounded number of statements) → [`judge`]
//! (what follows from the answers) → [`remedy`] (the statements that undo it). Whoever runs the statements only carries them
//! out.
//!
//! What was not seen is never taken for sound: a question without an answer is a finding of its own. No finding holds values of
//! rows or SQL; it holds names of objects and accounts.

pub mod expected;
pub mod judge;
pub mod query;
pub mod remedy;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::{
    expected::{Account, Definition, Page, Table, View},
    query::{Query, Question},
};
use crate::{
    model::Id,
    sql::{SqlText, Text},
};

/// What can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A policy view is gone.
    ViewDropped,
    /// A policy view's text is another than the one that was put in force.
    ViewEdited,
    /// A policy view belongs to somebody else.
    ViewReowned,
    /// What the warehouse keeps of a data source was changed.
    SourceRowChanged,
    /// What the warehouse keeps of a policy was changed.
    PolicyRowChanged,
    /// A profile, or what a user has in it, was changed.
    ProfileChanged,
    /// A profile of an account that no user has.
    ProfileOfNobody,
    /// Somebody has a right on an object of Redoubt's that it did not give.
    ObjectGrant,
    /// A right on Redoubt's own database that it did not give.
    DatabaseGrant,
    /// A right for everything in a schema, now and in future.
    SchemaScopedGrant,
    /// A right for everything in a database, now and in future.
    DatabaseScopedGrant,
    /// A right on objects to come.
    DefaultPrivilege,
    /// A view or materialized view of somebody else's that keeps what a policy view was when it was made.
    FrozenView,
    /// Somebody reads the table below a policy view directly.
    RawTableGrant,
    /// The table has a column that the data source does not list.
    ColumnAppeared,
    /// The table lacks a column that the data source lists.
    ColumnVanished,
    /// A column has another type than the data source says.
    ColumnRetyped,
    /// The table is gone.
    TableVanished,
    /// A question had no answer, so nothing is known.
    NotSeen,
}

impl Kind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 19] = [
        Self::ViewDropped,
        Self::ViewEdited,
        Self::ViewReowned,
        Self::SourceRowChanged,
        Self::PolicyRowChanged,
        Self::ProfileChanged,
        Self::ProfileOfNobody,
        Self::ObjectGrant,
        Self::DatabaseGrant,
        Self::SchemaScopedGrant,
        Self::DatabaseScopedGrant,
        Self::DefaultPrivilege,
        Self::FrozenView,
        Self::RawTableGrant,
        Self::ColumnAppeared,
        Self::ColumnVanished,
        Self::ColumnRetyped,
        Self::TableVanished,
        Self::NotSeen,
    ];

    /// The name in reports, logs and documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ViewDropped => "view_dropped",
            Self::ViewEdited => "view_edited",
            Self::ViewReowned => "view_reowned",
            Self::SourceRowChanged => "source_row_changed",
            Self::PolicyRowChanged => "policy_row_changed",
            Self::ProfileChanged => "profile_changed",
            Self::ProfileOfNobody => "profile_of_nobody",
            Self::ObjectGrant => "object_grant",
            Self::DatabaseGrant => "database_grant",
            Self::SchemaScopedGrant => "schema_scoped_grant",
            Self::DatabaseScopedGrant => "database_scoped_grant",
            Self::DefaultPrivilege => "default_privilege",
            Self::FrozenView => "frozen_view",
            Self::RawTableGrant => "raw_table_grant",
            Self::ColumnAppeared => "column_appeared",
            Self::ColumnVanished => "column_vanished",
            Self::ColumnRetyped => "column_retyped",
            Self::TableVanished => "table_vanished",
            Self::NotSeen => "not_seen",
        }
    }

    /// What is done about it, as far as it is Redoubt's own.
    #[must_use]
    pub fn treatment(self) -> Treatment {
        match self {
            Self::ViewDropped
            | Self::ViewEdited
            | Self::ViewReowned
            | Self::SourceRowChanged
            | Self::PolicyRowChanged
            | Self::ProfileChanged
            | Self::ProfileOfNobody
            | Self::ObjectGrant => Treatment::Repaired,
            Self::SchemaScopedGrant | Self::DefaultPrivilege => Treatment::RepairedWhereOwn,
            Self::DatabaseGrant
            | Self::DatabaseScopedGrant
            | Self::FrozenView
            | Self::RawTableGrant
            | Self::ColumnAppeared
            | Self::ColumnVanished
            | Self::ColumnRetyped
            | Self::TableVanished
            | Self::NotSeen => Treatment::Reported,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is done about a kind of drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// It is undone.
    Repaired,
    /// It is undone where the object is Redoubt's, and told where not.
    RepairedWhereOwn,
    /// It is told.
    Reported,
}

impl Treatment {
    /// The word of the documentation.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Repaired => "repaired",
            Self::RepairedWhereOwn => "repaired on Redoubt's own, else reported",
            Self::Reported => "reported",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub kind: Kind,
    /// Of what: names only.
    pub object: String,
    /// What was seen there.
    pub found: String,
    /// What should be.
    pub expected: String,
    /// What undoes it.
    pub remedy: Remedy,
}

/// What undoes a difference. None of these gives anybody more than the newest documents do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// A person decides. What is about the table of a data source is told there too.
    Report {
        /// The data source.
        source: Option<Id>,
    },
    /// To have it rendered anew.
    Render(Target),
    /// To have it dropped and made anew: what is there may have another shape, or be somebody else's.
    Remake(Target),
    /// To have it rendered anew at a revision above this one, which the warehouse has and Redoubt never gave.
    RenderAbove(Target, u64),
    /// To take a right back, by a statement of the system account.
    Revoke(SqlText),
    /// To delete rows that Redoubt did not write, by statements of the system account in one transaction that holds the lock of
    /// [`lock`](crate::render::policy::lock).
    Delete {
        /// The statements.
        statements: Vec<SqlText>,
        /// What is to be rendered after that.
        then: Option<Target>,
        /// The account whose rows they are.
        account: Text,
    },
}

/// What can be rendered anew.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// A data source, a user or a policy.
    pub kind: crate::record::Kind,
    /// Its identity.
    pub id: String,
}

impl Remedy {
    /// To be told, about no data source.
    #[must_use]
    pub fn report() -> Self {
        Self::Report { source: None }
    }

    /// Whether it changes something.
    #[must_use]
    pub fn repairs(&self) -> bool {
        !matches!(self, Self::Report { .. })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: found {}, expected {}", self.kind, self.object, self.found, self.expected)
    }
}
