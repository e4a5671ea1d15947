//! What is known while a plan is evaluated for one viewer.

use time::PrimitiveDateTime;

use super::{Engine, Functions, Interpreter, Viewer, error::InterpretError, meets, value::Value};
use crate::model::EntitlementKind;
use crate::{
    plan::{Held, ViewPlan},
    render::profile::ProfileState,
    sql::Text,
};

/// One viewer before one plan.
pub(super) struct Scope<'a> {
    interpreter: &'a Interpreter<'a>,
    plan: &'a ViewPlan,
    viewer: &'a Viewer<'a>,
    /// What is known of the viewer; who has no profile sees nothing, so there always is one.
    pub(super) profile: &'a ProfileState,
}

/// The values of one row.
#[derive(Clone, Copy)]
pub(super) struct Row<'a>(pub(super) &'a [Value]);

impl<'a> Row<'a> {
    /// The value of a column.
    pub(super) fn value(self, column: usize) -> Result<&'a Value, InterpretError> {
        self.0.get(column).ok_or(InterpretError::NoColumn(column))
    }
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        interpreter: &'a Interpreter<'a>,
        plan: &'a ViewPlan,
        viewer: &'a Viewer<'a>,
        profile: &'a ProfileState,
    ) -> Self {
        Self { interpreter, plan, viewer, profile }
    }

    pub(super) fn engine(&self) -> Engine {
        self.interpreter.engine
    }

    pub(super) fn now(&self) -> PrimitiveDateTime {
        self.interpreter.now
    }

    pub(super) fn functions(&self) -> &dyn Functions {
        self.interpreter.functions
    }

    pub(super) fn account(&self) -> &str {
        self.viewer.account
    }

    pub(super) fn source(&self) -> Option<&str> {
        Some(self.plan.source.as_str())
    }

    pub(super) fn token(&self) -> Option<&str> {
        self.interpreter.keys.token.as_deref()
    }

    /// The salt of the data source.
    pub(super) fn salt(&self) -> Option<&str> {
        self.interpreter.keys.salt.as_deref()
    }

    /// The salt of hashes: that of the project the viewer works in, where it allows masked joins here, else the source's.
    pub(super) fn hash_salt(&self) -> Option<&str> {
        let salts = &self.interpreter.keys.project_salts;
        let joined = self.plan.join_projects.iter().filter(|project| meets(&project.works_in, self.profile));
        joined.filter_map(|project| salts.get(&project.id)).next().map(String::as_str).or_else(|| self.salt())
    }

    /// Whether the viewer has a value: exactly, in the engine's reading of blanks.
    pub(super) fn holds(&self, held: &Held, value: &str) -> bool {
        let engine = self.engine();
        self.held(held).any(|held| engine.same(held.as_str(), value))
    }

    /// What the viewer has of a kind. Purposes count only in the projects that bundle the data source.
    fn held<'s>(&'s self, held: &'s Held) -> impl Iterator<Item = &'s Text> + 's {
        self.profile.entitlements.iter().filter_map(move |(kind, name, value)| {
            let is_held = match held {
                Held::Attribute(attribute) => *kind == EntitlementKind::Attribute && name.as_ref() == Some(attribute),
                Held::Group => *kind == EntitlementKind::Group,
                Held::Purpose => {
                    *kind == EntitlementKind::Purpose
                        && name.as_ref().is_some_and(|project| self.plan.purpose_projects.contains(project))
                }
            };
            is_held.then_some(value)
        })
    }
}
