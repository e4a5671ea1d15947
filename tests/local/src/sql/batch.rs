//! Calls of external functions in select lists, made for all rows at once.
//!
//! `f(x)` becomes `H.f(H.batch(H.arguments(x)) OVER (), row_number() OVER ())`: the aggregate `batch` over all rows of
//! the query sends them together, and each row takes its own result out of the answer. Where the call stands in a
//! branch of CASE, `batch` is given only the rows that reach the branch. Any other text, the arguments included, stays
//! byte for byte, and a call where a window function is not allowed stays as it is: it is made row by row.

use super::edit::Edits;
use super::table::closing;
use super::token::{Token, significant};
use serde::Deserialize;
use std::collections::HashSet;
use std::ops::Range;

/// An external function that a view may call.
#[derive(Debug, Deserialize)]
pub struct Callable {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The schema of what batches are made with.
    pub helpers: String,
}

/// What ends a select list.
const LIST_ENDS: &[&str] = &[
    "from",
    "where",
    "group",
    "having",
    "order",
    "limit",
    "offset",
    "union",
    "intersect",
    "except",
    "minus",
    "window",
    "qualify",
    "into",
];
/// What begins the next SELECT of a compound one.
const SET_OPERATIONS: &[&str] = &["union", "intersect", "except", "minus"];
/// A query with one of these can't have a window function in its list, or it would mean something else.
const GROUPING: &[&str] = &["group", "having", "qualify"];

/// The statement with batches in place of calls. `aggregates` are the names of functions whose arguments can't hold a
/// window function.
pub fn batch(statement: &str, functions: &[Callable], aggregates: &HashSet<String>) -> String {
    let tokens = significant(statement);
    let mut rewriter =
        Rewriter { statement, tokens: &tokens, functions, aggregates, cases: Vec::new(), edits: Edits::default() };
    rewriter.query(0..tokens.len());
    rewriter.edits.apply(statement)
}

/// A CASE whose END is still to come.
#[derive(Default)]
struct Case {
    /// Between CASE and the first WHEN.
    operand: Option<Range<usize>>,
    /// Between WHEN and THEN.
    conditions: Vec<Range<usize>>,
    part: Part,
    /// Where the part begins.
    begin: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Operand,
    When,
    Then,
    Else,
}

struct Rewriter<'t, 'a> {
    statement: &'a str,
    tokens: &'t [Token<'a>],
    functions: &'t [Callable],
    aggregates: &'t HashSet<String>,
    cases: Vec<Case>,
    edits: Edits,
}

impl<'a> Rewriter<'_, 'a> {
    fn token(&self, place: usize) -> Option<&Token<'a>> {
        self.tokens.get(place)
    }

    fn is(&self, place: usize, word: &str) -> bool {
        self.token(place).is_some_and(|token| token.is(word))
    }

    fn is_symbol(&self, place: usize, symbol: &str) -> bool {
        self.token(place).is_some_and(|token| token.is_symbol(symbol))
    }

    /// Whether the word at `place` is a keyword and not the alias after AS or a part of a longer name.
    fn keyword(&self, place: usize, words: &[&str]) -> bool {
        let named = place.checked_sub(1).is_some_and(|before| self.is(before, "as") || self.is_symbol(before, "."));
        !named && self.token(place).is_some_and(|token| token.is_any(words))
    }

    /// The places outside brackets, with that of each opening bracket.
    fn level(&self, range: Range<usize>) -> Vec<usize> {
        let mut places = Vec::new();
        let mut place = range.start;
        while place < range.end {
            places.push(place);
            place = if self.is_symbol(place, "(") { closing(self.tokens, place) + 1 } else { place + 1 };
        }
        places
    }

    /// The tokens of a statement, or between brackets that may hold a query.
    fn query(&mut self, range: Range<usize>) {
        let outer = std::mem::take(&mut self.cases);
        let level = self.level(range.clone());
        let mut list_end = range.start;
        for (n, place) in level.iter().copied().enumerate() {
            if place < list_end {
                continue;
            }
            if self.is(place, "select") {
                let rest = level.get(n + 1..).unwrap_or_default();
                let find = |words| rest.iter().copied().find(|place| self.keyword(*place, words));
                list_end = find(LIST_ENDS).unwrap_or(range.end);
                let branch_end = find(SET_OPERATIONS).unwrap_or(range.end);
                let has = |words| rest.iter().any(|place| *place < branch_end && self.keyword(*place, words));
                // What DISTINCT is ordered by must be in its list word for word.
                let listed = self.is(place + 1, "distinct") && has(&["order"]);
                let eligible = !listed && !has(GROUPING);
                self.list(place + 1..list_end, eligible);
            } else if self.is_symbol(place, "(") {
                self.query(place + 1..closing(self.tokens, place));
            }
        }
        self.cases = outer;
    }

    /// A part of a select list. Where it is not `eligible`, only the queries inside are looked at.
    fn list(&mut self, range: Range<usize>, eligible: bool) {
        let depth = self.cases.len();
        let mut place = range.start;
        while place < range.end {
            if let Some((helpers, name, open)) = self.call(place) {
                let close = closing(self.tokens, open);
                if eligible {
                    self.replace(place, open, close, &helpers, &name);
                }
                place = close + 1;
            } else if self.is_symbol(place, "(") {
                let close = closing(self.tokens, place);
                self.brackets(place, close, eligible);
                place = close + 1;
            } else {
                self.case_word(place, depth);
                place += 1;
            }
        }
        self.cases.truncate(depth);
    }

    fn brackets(&mut self, open: usize, close: usize, eligible: bool) {
        let first = (open + 1..close).find(|place| !self.is_symbol(*place, "("));
        if first.and_then(|place| self.token(place)).is_some_and(|token| token.is_any(&["select", "with"])) {
            self.query(open + 1..close);
            return;
        }
        let before = open.checked_sub(1).and_then(|before| self.token(before)).filter(|token| token.is_identifier());
        let closed = before
            .is_some_and(|token| self.aggregates.contains(&token.name()) || token.is_any(&["over", "filter", "group"]));
        self.list(open + 1..close, eligible && !closed);
    }

    /// Follows CASE … END, where the list holds them outside brackets.
    fn case_word(&mut self, place: usize, depth: usize) {
        if self.keyword(place, &["case"]) {
            self.cases.push(Case { begin: place + 1, ..Case::default() });
            return;
        }
        if self.cases.len() == depth || !self.keyword(place, &["when", "then", "else", "end"]) {
            return;
        }
        if self.is(place, "end") {
            self.cases.pop();
            return;
        }
        let part = match self.token(place) {
            Some(token) if token.is("when") => Part::When,
            Some(token) if token.is("then") => Part::Then,
            _ => Part::Else,
        };
        if let Some(case) = self.cases.last_mut() {
            let passed = case.begin..place;
            match case.part {
                Part::Operand if !passed.is_empty() => case.operand = Some(passed),
                Part::When => case.conditions.push(passed),
                _ => {}
            }
            case.part = part;
            case.begin = place + 1;
        }
    }

    /// The helpers and the name of the function called at `place`, and the place of the opening bracket.
    fn call(&self, place: usize) -> Option<(String, String, usize)> {
        let (schema, name) = (self.token(place)?, self.token(place + 2)?);
        let called = schema.is_identifier()
            && self.is_symbol(place + 1, ".")
            && name.is_identifier()
            && self.is_symbol(place + 3, "(")
            && !place.checked_sub(1).is_some_and(|before| self.is_symbol(before, "."));
        let (schema, name) = (schema.name(), name.name());
        let function = self.functions.iter().find(|function| function.schema == schema && function.name == name);
        function.filter(|_| called).map(|function| (function.helpers.clone(), name, place + 3))
    }

    fn replace(&mut self, place: usize, open: usize, close: usize, helpers: &str, name: &str) {
        let (Some(first), Some(open), Some(last)) = (self.token(place), self.token(open), self.token(close)) else {
            return;
        };
        let (begin, end) = (first.start..open.end(), last.range());
        let (helpers, name) = (quoted(helpers), quoted(name));
        let guards: Vec<String> = self.cases.iter().filter_map(|case| self.guard(case)).collect();
        let (guard, after) = match guards.as_slice() {
            [] => (String::new(), ""),
            guards => (format!("CASE WHEN ({}) THEN ", guards.join(") AND (")), " END"),
        };
        self.edits.replace(begin, format!("{helpers}.{name}({helpers}.batch({guard}{helpers}.arguments("));
        self.edits.replace(end, format!("){after}) OVER (), row_number() OVER ())"));
    }

    /// Whether a row reaches the part of the CASE that is being read: the same CASE with TRUE and FALSE as its results.
    /// None if it always does, or if that can't be asked for a second time with the same answer.
    fn guard(&self, case: &Case) -> Option<String> {
        let reached = match case.part {
            Part::Operand => return None,
            Part::When if case.conditions.is_empty() => return None,
            Part::Then => case.conditions.len().checked_sub(1),
            Part::When | Part::Else => None,
        };
        let ranges = case.operand.iter().chain(&case.conditions);
        let unsure = ["over", "random"];
        if ranges.clone().any(|range| range.clone().any(|place| self.token(place).is_some_and(|t| t.is_any(&unsure)))) {
            return None;
        }
        let mut guard = format!("CASE {}", case.operand.clone().map_or("", |operand| self.text(operand)));
        for (n, condition) in case.conditions.iter().enumerate() {
            let value = if Some(n) == reached { "TRUE" } else { "FALSE" };
            guard.push_str(&format!(" WHEN {} THEN {value}", self.text(condition.clone())));
        }
        guard.push_str(if reached.is_some() { " ELSE FALSE END" } else { " ELSE TRUE END" });
        Some(guard)
    }

    /// The text from the first to the last of these tokens.
    fn text(&self, range: Range<usize>) -> &'a str {
        let start = self.token(range.start).map(|token| token.start);
        let end = range.end.checked_sub(1).and_then(|last| self.token(last)).map(Token::end);
        start.zip(end).and_then(|(start, end)| self.statement.get(start..end)).unwrap_or_default()
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batched(sql: &str) -> String {
        let functions = [("s", "f"), ("s", "g"), ("S x", "F\"")].map(|(schema, name)| Callable {
            schema: schema.to_owned(),
            name: name.to_owned(),
            helpers: "H".to_owned(),
        });
        let aggregates = ["max", "count", "row_number"].map(str::to_owned).into();
        batch(sql, &functions, &aggregates)
    }

    /// What a call becomes.
    fn call(name: &str, arguments: &str) -> String {
        format!("\"H\".{name}(\"H\".batch(\"H\".arguments({arguments})) OVER (), row_number() OVER ())")
    }

    #[test]
    fn calls_in_select_lists_become_batches() {
        let (f, g) = (call("\"f\"", "a"), call("\"g\"", "b, 'x', ')'"));
        for (sql, expected) in [
            ("create view v as select s.f(a) from t", format!("create view v as select {f} from t")),
            (
                "create view v (x, y) as select /* c */ cast(s.f(a) as varchar(15)) as x, \"s\" . g(b, 'x', ')')::int y from t",
                format!("create view v (x, y) as select /* c */ cast({f} as varchar(15)) as x, {g}::int y from t"),
            ),
            (
                "with w as (select s.f(a) from t) select a from w union all select s.f(a) from u where s.f(a) = 1",
                format!("with w as (select {f} from t) select a from w union all select {f} from u where s.f(a) = 1"),
            ),
            (
                "select coalesce(s.f(a), (select s.f(a) from u limit 1)) from (select s.f(a), 1 from t) x",
                format!("select coalesce({f}, (select {f} from u limit 1)) from (select {f}, 1 from t) x"),
            ),
            ("select \"S x\".\"F\"\"\"(a) from t", format!("select {} from t", call("\"F\"\"\"", "a"))),
            ("select distinct s.f(a) from t", format!("select distinct {f} from t")),
            ("((select s.f(a) from t))", format!("((select {f} from t))")),
            (
                "select extract(day from d), s.f(a) as \"from\" from t",
                format!("select extract(day from d), {f} as \"from\" from t"),
            ),
            (
                "select a as case, s.f(a) as from, b as end from t",
                format!("select a as case, {f} as from, b as end from t"),
            ),
            ("select s.f(a -- )\n) from t", format!("select {} from t", call("\"f\"", "a -- )\n"))),
            ("select s.f(s.g(a)) from t", format!("select {} from t", call("\"f\"", "s.g(a)"))),
        ] {
            assert_eq!(batched(sql), expected, "{sql}");
        }
    }

    #[test]
    fn what_is_no_call_or_can_be_no_batch_stays() {
        for sql in [
            "select 's.f(a)', \"s.f(a)\", 1 -- s.f(a)\n, 2 /* s.f(a) */, $$ s.f(a) $$ from t",
            "select 'it''s \\' s.f(a) from t' from t",
            "select db.s.f(a), s.h(a), f(a), s.F2(a), s.f from t",
            "select max(s.f(a)), count(distinct s.f(b)) from t",
            "select row_number() over (order by s.f(a)) from t",
            "select s.f(a), count(*) from t group by 1",
            "select s.f(max(a)) from t having count(*) > 1",
            "select a from t where s.f(a) = 1 order by s.f(a)",
            "select a from t join u on s.f(a) = u.b",
            "select distinct s.f(a) from t order by s.f(a)",
        ] {
            assert_eq!(batched(sql), sql);
        }
        // The one that groups does not keep the other one from it.
        let sql = "select s.f(a) from t union select s.f(a) from t group by 1";
        assert_eq!(batched(sql), sql.replacen("s.f(a)", &call("\"f\"", "a"), 1));
    }

    #[test]
    fn a_branch_of_case_sends_the_rows_that_reach_it() {
        let guarded = |guard: &str| {
            format!(
                "\"H\".\"f\"(\"H\".batch(CASE WHEN ({guard}) THEN \"H\".arguments(a) END) OVER (), row_number() OVER ())"
            )
        };
        for (sql, guard) in [
            ("case when p = 1 then b else s.f(a) end", "CASE  WHEN p = 1 THEN FALSE ELSE TRUE END"),
            ("case when p then b when q then s.f(a) end", "CASE  WHEN p THEN FALSE WHEN q THEN TRUE ELSE FALSE END"),
            ("case x + 1 when 1 then (s.f(a)) end", "CASE x + 1 WHEN 1 THEN TRUE ELSE FALSE END"),
            ("case when p then 1 when s.f(a) = 1 then 2 end", "CASE  WHEN p THEN FALSE ELSE TRUE END"),
            (
                "case when p then case when 'end' = q then 1 else cast(s.f(a) as int) end end",
                "CASE  WHEN p THEN TRUE ELSE FALSE END) AND (CASE  WHEN 'end' = q THEN FALSE ELSE TRUE END",
            ),
        ] {
            assert_eq!(
                batched(&format!("select {sql} from t")),
                format!("select {} from t", sql.replace("s.f(a)", &guarded(guard)))
            );
        }
        for sql in [
            "case s.f(a) when 1 then 2 end",
            "case when s.f(a) = 1 then 2 end",
            "case when random() < 0.5 then s.f(a) end",
            "case when x then 1 end || s.f(a)",
            "case when x then (select s.f(a) from u) end",
        ] {
            assert_eq!(
                batched(&format!("select {sql} from t")),
                format!("select {} from t", sql.replace("s.f(a)", &call("\"f\"", "a")))
            );
        }
    }

    #[test]
    fn broken_text_never_panics() {
        let pieces = ["select ", "s.f(", ")", "case ", "when ", "then ", "end ", "from t ", "'", "(", "over", "union "];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    for d in pieces {
                        batched(&format!("{a}{b}{c}{d}{a}"));
                    }
                }
            }
        }
    }
}
