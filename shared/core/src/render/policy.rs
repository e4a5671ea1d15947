//! Statements that keep the definitions of policies readable in the warehouse.

use super::{counter, procedure, system};
use crate::{
    model::{Id, Names},
    sql::{
        SqlText, Text, print,
        tree::{Expr, Statement},
    },
};

/// The lock that a transaction writing policies takes first.
#[must_use]
pub fn lock(names: &Names) -> SqlText {
    print(&Statement::Lock(system(names, "mutex")))
}

/// Stores a policy's definition, unless a newer revision is stored. `None` removes it.
#[must_use]
pub fn put(names: &Names, policy: &Id, revision: u64, definition: Option<(&Text, &Text)>) -> SqlText {
    let mut arguments = vec![Expr::Text(policy.text().clone()), counter(revision)];
    match definition {
        Some((status, definition)) => {
            arguments.extend([Expr::Text(status.clone()), Expr::Text(definition.clone())]);
            print(&Statement::Call { procedure: procedure(names, "put_policy"), arguments })
        }
        None => print(&Statement::Call { procedure: procedure(names, "drop_policy"), arguments }),
    }
}
