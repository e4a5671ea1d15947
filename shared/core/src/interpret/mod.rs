//! What one viewer sees of sample rows, evaluated from a plan without any SQL.
//!
//! This is the second reading of a [`ViewPlan`]: the first is the view that [`crate::render`] prints. Both must mean the same,
//! and a test holds them against each other row by row; so this one is written from what policies mean and shares no code
//! with the other. It also serves where no warehouse is at hand: to say beforehand what a policy will do.
//!
//! Logic has three values, as in SQL: what is unknown hides a row and masks a cell.

mod condition;
mod digest;
mod error;
mod exact;
mod expression;
mod rows;
mod scope;
mod transform;
mod value;

use std::collections::BTreeMap;

use time::PrimitiveDateTime;

pub use condition::{may_see, meets};
pub use error::InterpretError;
pub use value::Value;

use crate::{
    plan::{PlannedColumn, Treatment, ViewPlan},
    render::profile::ProfileState,
    sql::Text,
};
use scope::{Row, Scope};

/// Who looks.
#[derive(Debug, Clone, Copy)]
pub struct Viewer<'a> {
    /// The database account.
    pub account: &'a str,
    /// What Redshift knows of them; `None` of whoever has no profile.
    pub profile: Option<&'a ProfileState>,
}

/// What hashes and random draws are made with, as it stands in `masking_key`.
#[derive(Clone, Default)]
pub struct Keys {
    /// The data source's salt.
    pub salt: Option<String>,
    /// The data source's token.
    pub token: Option<String>,
    /// Salts of projects that allow masked joins, by identity.
    pub project_salts: BTreeMap<Text, String>,
}

/// Says nothing of the secrets.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// The functions that the mask Lambda serves, by their names in the warehouse.
pub trait Functions {
    /// What a function gives for the arguments of one row.
    ///
    /// # Errors
    /// What the function says; no value of a row.
    fn call(&self, name: &str, arguments: &[Option<&str>]) -> Result<Option<String>, String>;
}

/// What depends on the engine that answers queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Engine {
    /// Blanks at the end of a text.
    pub blanks: Blanks,
    /// How long a text is where a type limits it.
    pub lengths: Lengths,
}

/// Whether blanks at the end of a text count when texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blanks {
    /// They do: PostgreSQL.
    Significant,
    /// They don't: Redshift (<https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html>).
    Ignored,
}

/// What the length of `CHAR` and `VARCHAR` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lengths {
    /// Characters: PostgreSQL.
    Characters,
    /// Bytes: Redshift (<https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html>).
    Bytes,
}

impl Engine {
    /// The warehouse.
    pub const REDSHIFT: Self = Self { blanks: Blanks::Ignored, lengths: Lengths::Bytes };
    /// What tests run on.
    pub const POSTGRESQL: Self = Self { blanks: Blanks::Significant, lengths: Lengths::Characters };

    /// What counts of a text when it is compared.
    fn compared(self, text: &str) -> &str {
        match self.blanks {
            Blanks::Significant => text,
            Blanks::Ignored => text.trim_end_matches(' '),
        }
    }

    fn same(self, one: &str, other: &str) -> bool {
        self.compared(one) == self.compared(other)
    }

    /// As much of a text as a column of this length carries, in whole characters.
    fn cut(self, text: &str, length: u32) -> &str {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let end = match self.lengths {
            Lengths::Characters => text.char_indices().nth(length).map_or(text.len(), |(start, _)| start),
            Lengths::Bytes => text.floor_char_boundary(length),
        };
        text.get(..end).unwrap_or(text)
    }
}

/// What plans are evaluated with, whoever looks.
#[derive(Clone, Copy)]
pub struct Interpreter<'a> {
    /// Secrets of the data source.
    pub keys: &'a Keys,
    /// The functions of the mask Lambda.
    pub functions: &'a dyn Functions,
    /// When the query begins, in UTC and whole seconds, as `GETDATE()` gives it.
    pub now: PrimitiveDateTime,
    /// The engine that is imitated.
    pub engine: Engine,
}

impl Interpreter<'_> {
    /// The rows that a viewer sees of those given, in their order, each cell as it is shown.
    ///
    /// # Errors
    /// When rows and plan do not belong together, or a function fails; a warehouse would fail too.
    pub fn visible_rows(
        &self,
        plan: &ViewPlan,
        viewer: &Viewer<'_>,
        rows: &[Vec<Value>],
    ) -> Result<Vec<Vec<Value>>, InterpretError> {
        check(plan, rows)?;
        let Some(profile) = viewer.profile.filter(|profile| may_see(&plan.subscription, profile)) else {
            return Ok(Vec::new());
        };
        let scope = Scope::new(self, plan, viewer, profile);
        let mut visible = Vec::new();
        'rows: for row in rows {
            let row = Row(row);
            for rule in &plan.rows {
                if !scope.passes(rule, row)? {
                    continue 'rows;
                }
            }
            let cells = plan.columns.iter().zip(row.0);
            visible.push(cells.map(|(column, value)| scope.cell(column, value, row)).collect::<Result<_, _>>()?);
        }
        Ok(visible)
    }
}

/// Checks that rows have the plan's columns.
fn check(plan: &ViewPlan, rows: &[Vec<Value>]) -> Result<(), InterpretError> {
    for (index, row) in rows.iter().enumerate() {
        let (found, expected) = (row.len(), plan.columns.len());
        if found != expected {
            return Err(InterpretError::Width { row: index + 1, found, expected });
        }
        let misfit = plan.columns.iter().zip(row).find(|(column, value)| !value.is_of(column.declared));
        if let Some((column, _)) = misfit {
            return Err(InterpretError::Type { row: index + 1, column: column.name.as_str().to_owned() });
        }
    }
    Ok(())
}

impl Scope<'_> {
    /// What a cell shows.
    fn cell(&self, column: &PlannedColumn, value: &Value, row: Row<'_>) -> Result<Value, InterpretError> {
        let shown = match &column.treatment {
            Treatment::Clear => value.clone(),
            Treatment::Masked { only_where, cases, otherwise } => {
                // Where it is unknown whether a cell is meant, it is.
                let is_meant = match only_where {
                    None => true,
                    Some(predicate) => !self.is_false(predicate, row)?,
                };
                if is_meant {
                    let case = cases.iter().find(|(condition, _)| meets(condition, self.profile));
                    self.transformed(case.map_or(otherwise, |(_, transform)| transform), column, value, row)?
                } else {
                    value.clone()
                }
            }
        };
        Ok(shown.shown_as(column.shown, self.engine()))
    }
}

#[cfg(test)]
mod tests;
