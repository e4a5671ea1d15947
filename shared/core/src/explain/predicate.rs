//! What a predicate asks of the user.

use serde::Serialize;

use super::{Facts, decide::decide, rows::held, verdict::Verdict};
use crate::{
    expression::{self, Bound, Expression, Node, UserTest},
    model::EntitlementKind,
};

/// A test of the user in a predicate. How it bears on a row is for the predicate to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PredicateTest {
    /// Whether they have something.
    Has(Verdict),
    /// Whether a column equals one of their values.
    Contains {
        /// The attribute; none where groups or purposes are compared.
        #[serde(skip_serializing_if = "Option::is_none")]
        attribute: Option<String>,
        /// The kind of value: `attribute`, `group` or `purpose`.
        kind: &'static str,
        /// The column.
        column: String,
        /// Their values.
        has: Vec<String>,
    },
}

/// The tests in a predicate, from left to right; none where it does not fit the data source.
pub(super) fn tests(facts: &Facts<'_>, predicate: &Expression) -> Vec<PredicateTest> {
    let mut found = Vec::new();
    if let Ok(bound) = expression::bind(predicate, facts.source) {
        collect(facts, &bound, &mut found);
    }
    found
}

fn collect(facts: &Facts<'_>, bound: &Bound, found: &mut Vec<PredicateTest>) {
    match bound.node() {
        Node::User(UserTest::Has(condition)) => {
            found.push(PredicateTest::Has(decide(condition, facts.user, &facts.projects)));
        }
        Node::User(UserTest::Contains { kind, attribute, column }) => found.push(PredicateTest::Contains {
            attribute: attribute.as_ref().map(|name| name.as_str().to_owned()),
            kind: kind.as_str(),
            column: facts.column_name(Some(*column)).unwrap_or_default(),
            has: match kind {
                EntitlementKind::Purpose => facts.purposes(),
                _ => held(facts, *kind, attribute.as_ref()),
            },
        }),
        _ => {}
    }
    bound.children().into_iter().for_each(|child| collect(facts, child, found));
}
