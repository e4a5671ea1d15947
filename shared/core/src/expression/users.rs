//! Unknown means no: tests of the user may stand only where they can open something and nothing can turn them around.
//!
//! A group, an attribute or a purpose that is missing, or that Redoubt does not know of, must never open anything. So a test of
//! the user stands in a row predicate only, and there only under AND, OR and parentheses; under NOT, in a CASE or in a
//! comparison, what a user lacks could be what lets them in.

use super::{
    Kind,
    ast::{Comparison, Expr, Node},
    error::{Place, SyntaxError},
    functions::AtFunction,
};

/// Checks where tests of the user stand.
pub(super) fn check(expr: &Expr, kind: Kind) -> Result<(), SyntaxError> {
    if kind == Kind::RowPredicate { open(expr) } else { none(expr, &|place, function| refused(place, function)) }
}

/// A place that is under AND, OR and parentheses only.
fn open(expr: &Expr) -> Result<(), SyntaxError> {
    match &expr.node {
        Node::Or(list) | Node::And(list) => list.iter().try_for_each(open),
        Node::User(_) => Ok(()),
        Node::Compare(left, Comparison::Equal, right)
            if left.node == Node::Username || right.node == Node::Username =>
        {
            let other = if left.node == Node::Username { right } else { left };
            none(other, &|place, function| closed(place, function, "beside `@username`"))
        }
        Node::Username => Err(alone(expr.place)),
        node => {
            let position = position(node);
            expr.children().into_iter().try_for_each(|child| match child.node {
                Node::Username => Err(alone(child.place)),
                _ => none(child, &|place, function| closed(place, function, position)),
            })
        }
    }
}

/// A place where no test of the user may stand, nor anywhere below.
fn none(expr: &Expr, error: &dyn Fn(Place, AtFunction) -> SyntaxError) -> Result<(), SyntaxError> {
    match &expr.node {
        Node::User(test) => Err(error(expr.place, test.function())),
        Node::Username => Err(error(expr.place, AtFunction::Username)),
        _ => expr.children().into_iter().try_for_each(|child| none(child, error)),
    }
}

fn position(node: &Node) -> &'static str {
    match node {
        Node::Not(_) => "under NOT",
        Node::Compare(..) | Node::Between { .. } | Node::In { .. } | Node::Like { .. } => "in a comparison",
        Node::IsNull { .. } => "under IS NULL",
        Node::Case { .. } => "in a CASE",
        Node::Cast(..) => "in a CAST",
        Node::Call(..) => "in an argument",
        _ => "in a computation",
    }
}

fn refused(place: Place, function: AtFunction) -> SyntaxError {
    let expected =
        "no test of the user in the expression of a cell or a mask: say whom it is for with `cases` or `except`";
    SyntaxError::new(place, format!("`@{}`", function.name()), expected)
}

fn closed(place: Place, function: AtFunction, position: &str) -> SyntaxError {
    let expected =
        "tests of the user only under AND, OR and parentheses, so that what is missing or unknown opens nothing";
    SyntaxError::new(place, format!("`@{}` {position}", function.name()), expected)
}

fn alone(place: Place) -> SyntaxError {
    SyntaxError::new(place, "`@username`", "it only as one side of `=`, such as `@username = owner`")
}
