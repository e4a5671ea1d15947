//! Table definitions: what tells Redshift how to store a table is taken out, constraints that Redshift does not
//! enforce as well, so that duplicates are possible here too.

use super::edit::Edits;
use super::token::{Kind, Token};

/// Edits `CREATE TABLE` given the significant tokens of the statement; `tokens` may end at a semicolon.
pub fn create_table(tokens: &[Token<'_>], edits: &mut Edits) {
    let Some(table) = tokens.iter().position(|token| token.is("table")) else {
        return;
    };
    let mut place = table + 1;
    if tokens.get(place).is_some_and(|token| token.text.starts_with('#'))
        && !tokens.iter().take(table).any(|token| token.is_any(&["temp", "temporary"]))
        && let Some(keyword) = tokens.get(table)
    {
        edits.insert(keyword.start, "TEMPORARY ");
    }
    // The name, up to the columns, the attributes or the query.
    while tokens.get(place).is_some_and(|token| !token.is_symbol("(") && !is_attribute(token) && !token.is("as")) {
        place += 1;
    }
    if tokens.get(place).is_some_and(|token| token.is_symbol("(")) {
        let end = closing(tokens, place);
        if !is_name_list(tokens, place, end) {
            columns(tokens, place + 1, end, edits);
        }
        place = end + 1;
    }
    attributes(tokens, place, edits);
}

/// `CREATE TABLE t (a, b) AS …` names columns and declares none.
fn is_name_list(tokens: &[Token<'_>], open: usize, close: usize) -> bool {
    let inside = tokens.get(open + 1..close).unwrap_or_default();
    inside.iter().enumerate().all(|(n, token)| if n % 2 == 0 { token.is_identifier() } else { token.is_symbol(",") })
}

/// The place of the bracket that closes the one at `open`, or the last place.
pub fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate().skip(open) {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return place;
            }
        }
    }
    tokens.len().saturating_sub(1)
}

fn is_attribute(token: &Token<'_>) -> bool {
    token.is_any(&["diststyle", "distkey", "sortkey", "compound", "interleaved", "encode", "backup"])
}

/// Table attributes between the columns and the query or the end.
fn attributes(tokens: &[Token<'_>], from: usize, edits: &mut Edits) {
    let mut place = from;
    while let Some(token) = tokens.get(place) {
        if token.is("as") {
            return;
        }
        if !is_attribute(token) {
            place += 1;
            continue;
        }
        let mut last = place;
        if token.is_any(&["diststyle", "backup", "encode"]) {
            last += 1;
        } else {
            if token.is_any(&["compound", "interleaved"]) {
                last += 1;
            }
            if tokens.get(last + 1).is_some_and(|next| next.is_symbol("(")) {
                last = closing(tokens, last + 1);
            } else if tokens.get(last + 1).is_some_and(|next| next.is("auto")) {
                last += 1;
            }
        }
        remove(tokens, place, last, edits);
        place = last + 1;
    }
}

fn remove(tokens: &[Token<'_>], first: usize, last: usize, edits: &mut Edits) {
    if let Some(first) = tokens.get(first) {
        let end = tokens.get(last).map_or(first.end(), Token::end);
        edits.remove(first.start..end);
    }
}

/// Each element between the brackets: a column, or a constraint of the table.
fn columns(tokens: &[Token<'_>], from: usize, end: usize, edits: &mut Edits) {
    let mut start = from;
    let mut kept = false;
    while start < end {
        let mut stop = start;
        while stop < end && !tokens.get(stop).is_some_and(|token| token.is_symbol(",")) {
            stop = if tokens.get(stop).is_some_and(|token| token.is_symbol("(")) {
                closing(tokens, stop) + 1
            } else {
                stop + 1
            };
        }
        let element = tokens.get(start..stop).unwrap_or_default();
        if is_constraint(element) {
            // With the comma before it, or the one after when it comes first.
            let (first, last) = if kept { (start.saturating_sub(1), stop - 1) } else { (start, stop.min(end - 1)) };
            remove(tokens, first, last, edits);
        } else {
            kept = true;
            column(element, edits);
        }
        start = stop + 1;
    }
}

fn is_constraint(element: &[Token<'_>]) -> bool {
    let mut rest = element.iter();
    match rest.next() {
        Some(first) if first.is("constraint") => {
            rest.nth(1).is_some_and(|token| token.is_any(&["primary", "unique", "foreign"]))
        }
        Some(first) if first.is_any(&["primary", "foreign"]) => rest.next().is_some_and(|token| token.is("key")),
        Some(first) if first.is("unique") => rest.next().is_some_and(|token| token.is_symbol("(")),
        _ => false,
    }
}

/// Attributes of one column, after its name.
fn column(element: &[Token<'_>], edits: &mut Edits) {
    let bracket = |place: usize| element.get(place).is_some_and(|token| token.is_symbol("("));
    if let Some(kind) = element.get(1) {
        declared_type(kind, element.get(2), edits);
    }
    let mut place = 2;
    while let Some(token) = element.get(place) {
        let mut last = place;
        if token.is_symbol("(") {
            place = closing(element, place) + 1;
            continue;
        } else if token.is("encode") || (token.is("primary") && element.get(place + 1).is_some_and(|key| key.is("key")))
        {
            last += 1;
            remove(element, place, last, edits);
            if token.is("primary") {
                edits.insert(token.start, "NOT NULL ");
            }
        } else if token.is_any(&["distkey", "sortkey", "unique"]) {
            remove(element, place, last, edits);
        } else if token.is("references") {
            last += 1;
            while element.get(last + 1).is_some_and(|token| token.is_symbol(".")) {
                last += 2;
            }
            if bracket(last + 1) {
                last = closing(element, last + 1);
            }
            remove(element, place, last, edits);
        } else if token.is("identity") && bracket(place + 1) {
            last = closing(element, place + 1);
            identity(token, element.get(place + 2..last).unwrap_or_default(), element.get(last), edits);
        }
        place = last + 1;
    }
}

/// VARCHAR without a length is VARCHAR(256) in a table, and so is TEXT.
fn declared_type(kind: &Token<'_>, open: Option<&Token<'_>>, edits: &mut Edits) {
    let has_length = open.is_some_and(|token| token.is_symbol("("));
    if kind.is("text") || (kind.is_any(&["varchar", "nvarchar"]) && !has_length) {
        edits.replace(kind.range(), "VARCHAR(256)");
    }
}

/// `IDENTITY (seed, step)`.
fn identity(keyword: &Token<'_>, inside: &[Token<'_>], close: Option<&Token<'_>>, edits: &mut Edits) {
    let numbers: Vec<String> = inside
        .split(|token| token.is_symbol(","))
        .map(|number| number.iter().map(|token| token.text).collect())
        .collect();
    if let ([seed, step], Some(close)) = (numbers.as_slice(), close) {
        let limit = if step.starts_with('-') { format!(" MAXVALUE {seed}") } else { format!(" MINVALUE {seed}") };
        edits.replace(
            keyword.start..close.end(),
            format!("GENERATED ALWAYS AS IDENTITY (START WITH {seed} INCREMENT BY {step}{limit})"),
        );
    }
}

/// Types whose lengths PostgreSQL does not take: `VARCHAR(MAX)`, and `VARBYTE(n)`, which is a domain.
pub fn type_lengths(tokens: &[Token<'_>], edits: &mut Edits) {
    for window in tokens.windows(4) {
        let [kind, open, length, close] = window else { continue };
        if !open.is_symbol("(") || !close.is_symbol(")") {
            continue;
        }
        if kind.is_any(&["varchar", "varying", "nvarchar"]) && length.is("max") {
            edits.replace(length.range(), "65535");
        } else if kind.is("varbyte") {
            edits.remove(open.start..close.end());
        }
    }
}

/// `#name`: the name of a temporary table.
pub fn temporary_names(tokens: &[Token<'_>], edits: &mut Edits) {
    for token in tokens.iter().filter(|token| token.kind == Kind::Word && token.text.starts_with('#')) {
        edits.replace(token.range(), format!("\"{}\"", token.text.to_ascii_lowercase()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::token::significant;

    fn edited(sql: &str) -> String {
        let tokens = significant(sql);
        let mut edits = Edits::default();
        create_table(&tokens, &mut edits);
        temporary_names(&tokens, &mut edits);
        type_lengths(&tokens, &mut edits);
        edits.apply(sql).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn attributes_are_taken_out() {
        for (sql, expected) in [
            (
                "create table a.t (i bigint identity(1, 1) not null encode az64 distkey sortkey, v varchar(10) encode lzo) \
                 diststyle key backup no compound sortkey (i, v)",
                "create table a.t (i bigint GENERATED ALWAYS AS IDENTITY (START WITH 1 INCREMENT BY 1 MINVALUE 1) not null , v varchar(10) )",
            ),
            (
                "create table t (a int primary key, b text, c varchar, primary key (a), unique (b), foreign key (a) references x (y))",
                "create table t (a int NOT NULL , b VARCHAR(256), c VARCHAR(256))",
            ),
            (
                "create table t (primary key (a), a int references x.y (z) default 1)",
                "create table t ( a int default 1)",
            ),
            ("create table #t (a varchar(max))", "create TEMPORARY table \"#t\" (a varchar(65535))"),
            ("create temp table t distkey (a) sortkey auto as select 1 as a", "create temp table t as select 1 as a"),
            ("create table t (like a.b)", "create table t (like a.b)"),
            ("create table t (encode, distkey) as select 1, 2", "create table t (encode, distkey) as select 1, 2"),
            (
                "create table t (a super, b varbyte(10), \"sortkey\" int)",
                "create table t (a super, b varbyte, \"sortkey\" int)",
            ),
        ] {
            assert_eq!(edited(sql), expected);
        }
    }
}
