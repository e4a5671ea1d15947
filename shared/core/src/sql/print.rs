//! The printer: the only place where a tree becomes text, and the only one that quotes.
//!
//! One implementation prints on one line for the warehouse and indented for people; the redacted form is made from where the
//! literals stand, so it can't disagree with what is executed.

use std::fmt::Write as _;

use super::{
    name::{Ident, QualifiedName, Text},
    text::SqlText,
    tree::{Expr, Function, Join, Name, Select, Statement, Table},
};

/// Prints a statement for the warehouse.
#[must_use]
pub fn print(statement: &Statement) -> SqlText {
    let mut printer = Printer::new(false);
    printer.statement(statement);
    SqlText::new(printer.out, printer.literals)
}

/// Prints a statement over several lines, for people and for golden files. It reads the same to a parser.
#[must_use]
pub fn print_indented(statement: &Statement) -> SqlText {
    let mut printer = Printer::new(true);
    printer.statement(statement);
    SqlText::new(printer.out, printer.literals)
}

/// Fills in a text of this crate's own: each `{name}` becomes the value of that name, an identifier or a literal.
///
/// The texts are fixed parts of a release (tables, procedures, grants); all that varies in them goes through the two writers
/// below. A name without a value is a defect of the text, and is said so.
///
/// # Errors
/// The name that has no value, or the rest of a text whose brace is never closed.
pub(crate) fn fill(template: &'static str, values: &[(&str, Fill<'_>)]) -> Result<SqlText, String> {
    fill_parts(&[template], values)
}

/// The same for a text that is put together from several; no place reaches from one into the next.
///
/// # Errors
/// As [`fill`].
pub(crate) fn fill_parts(parts: &[&'static str], values: &[(&str, Fill<'_>)]) -> Result<SqlText, String> {
    let mut out = String::with_capacity(parts.iter().map(|part| part.len()).sum::<usize>() + 64);
    let mut literals = Vec::new();
    for part in parts {
        let mut rest = *part;
        while let Some((head, tail)) = rest.split_once('{') {
            out.push_str(head);
            let (name, tail) = tail.split_once('}').ok_or_else(|| tail.to_owned())?;
            let (_, value) = values.iter().find(|(known, _)| *known == name).ok_or_else(|| name.to_owned())?;
            match value {
                Fill::Ident(ident) => push_ident(&mut out, ident),
                Fill::Word(word) => out.push_str(word),
                Fill::Literal(text) => {
                    let start = out.len();
                    push_literal(&mut out, text);
                    literals.push((start, out.len()));
                }
                Fill::Literals(texts) => push_literals(&mut out, &mut literals, ("", ""), texts),
                Fill::Folded(texts) => push_literals(&mut out, &mut literals, ("LOWER(", ")"), texts),
                Fill::Number(number) => out.push_str(&number.to_string()),
                Fill::Padding(bytes) => out.extend(std::iter::repeat_n('x', *bytes)),
            }
            rest = tail;
        }
        out.push_str(rest);
    }
    Ok(SqlText::new(out, literals))
}

/// What a place in a text of this crate's own is filled with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fill<'a> {
    /// An identifier, quoted.
    Ident(&'a Ident),
    /// A literal, quoted and escaped.
    Literal(&'a Text),
    /// Literals with commas between.
    Literals(&'a [Text]),
    /// The same, folded as names are compared.
    Folded(&'a [Text]),
    /// A number.
    Number(u64),
    /// A word of SQL that stands in this crate's source.
    Word(&'static str),
    /// So many bytes of a comment that say nothing.
    Padding(usize),
}

/// Writes literals with commas between, each with something around it.
fn push_literals(out: &mut String, places: &mut Vec<(usize, usize)>, around: (&str, &str), texts: &[Text]) {
    for (index, text) in texts.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        out.push_str(around.0);
        let start = out.len();
        push_literal(out, text);
        places.push((start, out.len()));
        out.push_str(around.1);
    }
}

/// Quotes an identifier.
pub(super) fn push_ident(out: &mut String, ident: &Ident) {
    out.push('"');
    for (index, part) in ident.as_str().split('"').enumerate() {
        if index > 0 {
            out.push_str("\"\"");
        }
        out.push_str(part);
    }
    out.push('"');
}

/// Writes a literal. Redshift reads a backslash in a plain literal as an escape, so backslashes are doubled as well as quotes;
/// where they are not escapes (PostgreSQL's default) the value would differ, but could still not end the literal early.
pub(super) fn push_literal(out: &mut String, text: &Text) {
    out.push('\'');
    for (index, part) in text.as_str().split('\'').enumerate() {
        if index > 0 {
            out.push_str("''");
        }
        for (index, part) in part.split('\\').enumerate() {
            if index > 0 {
                out.push_str(r"\\");
            }
            out.push_str(part);
        }
    }
    out.push('\'');
}

/// Bytes that a text takes as a literal.
pub(crate) fn literal_bytes(text: &str) -> usize {
    text.len() + text.bytes().filter(|byte| matches!(byte, b'\'' | b'\\')).count() + 2
}

struct Printer {
    out: String,
    literals: Vec<(usize, usize)>,
    indented: bool,
    depth: usize,
}

impl Printer {
    fn new(indented: bool) -> Self {
        Self { out: String::with_capacity(4096), literals: Vec::new(), indented, depth: 0 }
    }

    /// A line break where people read, a blank where only the warehouse does.
    fn line(&mut self) {
        if self.indented {
            self.out.push('\n');
            for _ in 0..self.depth {
                self.out.push_str("  ");
            }
        } else {
            self.out.push(' ');
        }
    }

    fn literal(&mut self, text: &Text) {
        let start = self.out.len();
        push_literal(&mut self.out, text);
        self.literals.push((start, self.out.len()));
    }

    /// Text that stands in this crate's source or is made of digits; writing to a `String` can't fail.
    fn raw(&mut self, args: std::fmt::Arguments<'_>) {
        let _ = self.out.write_fmt(args);
    }

    fn name(&mut self, name: &QualifiedName) {
        for part in [&name.database, &name.schema].into_iter().flatten() {
            push_ident(&mut self.out, part);
            self.out.push('.');
        }
        push_ident(&mut self.out, &name.name);
    }

    fn list<T>(&mut self, items: &[T], separator: &str, mut print: impl FnMut(&mut Self, &T)) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push_str(separator);
            }
            print(self, item);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::CreateView { name, query, late_binding } => {
                self.out.push_str("CREATE OR REPLACE VIEW ");
                self.name(name);
                self.out.push_str(" AS");
                self.line();
                self.select(query);
                if *late_binding {
                    self.line();
                    self.out.push_str("WITH NO SCHEMA BINDING");
                }
            }
            Statement::Call { procedure, arguments } => {
                self.out.push_str("CALL ");
                self.name(procedure);
                self.out.push('(');
                self.list(arguments, ", ", Self::expr);
                self.out.push(')');
            }
            Statement::Insert { table, columns, rows } => {
                self.out.push_str("INSERT INTO ");
                self.name(table);
                self.out.push_str(" (");
                self.list(columns, ", ", |printer, column| printer.out.push_str(column));
                self.out.push_str(") VALUES ");
                self.list(rows, ", ", |printer, row| {
                    printer.out.push('(');
                    printer.list(row, ", ", Self::expr);
                    printer.out.push(')');
                });
            }
            Statement::Lock(table) => {
                self.out.push_str("LOCK ");
                self.name(table);
            }
            Statement::CreateTemporaryTable { name, columns } => {
                self.out.push_str("CREATE TEMPORARY TABLE ");
                push_ident(&mut self.out, name);
                self.out.push_str(" (");
                self.list(columns, ", ", |printer, (column, data_type)| {
                    printer.raw(format_args!("{column} {data_type}"));
                });
                self.out.push(')');
            }
        }
    }

    fn select(&mut self, select: &Select) {
        self.out.push_str("SELECT");
        if select.distinct {
            self.out.push_str(" DISTINCT");
        }
        if let Some(comment) = &select.comment {
            self.out.push_str(" /* ");
            push_comment(&mut self.out, comment);
            self.out.push_str(" */");
        }
        self.depth += 1;
        let top = self.depth == 1;
        for (index, (expr, name)) in select.items.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.clause(top);
            self.expr(expr);
            match name {
                None => {}
                Some(Name::Column(ident)) => {
                    self.out.push_str(" AS ");
                    push_ident(&mut self.out, ident);
                }
                Some(Name::Internal(name)) => {
                    self.out.push_str(" AS ");
                    self.out.push_str(name);
                }
            }
        }
        self.depth -= 1;
        self.clause(top);
        self.out.push_str("FROM ");
        self.table(&select.from);
        for join in &select.joins {
            self.clause(top);
            match join {
                Join::Cross(table) => {
                    self.out.push_str("CROSS JOIN ");
                    self.table(table);
                }
                Join::Left(table, on) => {
                    self.out.push_str("LEFT JOIN ");
                    self.table(table);
                    self.out.push_str(" ON ");
                    self.expr(on);
                }
            }
        }
        if let Some(filter) = &select.filter {
            self.clause(top);
            self.out.push_str("WHERE ");
            self.expr(filter);
        }
    }

    /// The start of a clause: on a line of its own in the outermost query, which is the one people read.
    fn clause(&mut self, top: bool) {
        if top {
            self.line();
        } else {
            self.out.push(' ');
        }
    }

    fn table(&mut self, table: &Table) {
        let alias = match table {
            Table::Named(name, alias) => {
                self.name(name);
                alias
            }
            Table::Derived(select, alias) => {
                self.nested(select);
                alias
            }
        };
        self.out.push_str(" AS ");
        self.out.push_str(alias.as_str());
    }

    fn nested(&mut self, select: &Select) {
        self.out.push('(');
        self.depth += 1;
        self.select(select);
        self.depth -= 1;
        self.out.push(')');
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Column(alias, name) => {
                self.out.push_str(alias.as_str());
                self.out.push('.');
                push_ident(&mut self.out, name);
            }
            Expr::Internal(alias, column) if alias.as_str().is_empty() => self.out.push_str(column),
            Expr::Internal(alias, column) => {
                self.out.push_str(alias.as_str());
                self.out.push('.');
                self.out.push_str(column);
            }
            Expr::Null => self.out.push_str("NULL"),
            Expr::Bool(value) => self.out.push_str(if *value { "TRUE" } else { "FALSE" }),
            Expr::Int(value) => self.raw(format_args!("{value}")),
            Expr::Number(number) => self.raw(format_args!("{number}")),
            Expr::Text(text) => self.literal(text),
            Expr::Days(days) => self.raw(format_args!("INTERVAL '{days} days'")),
            Expr::CurrentUser => self.out.push_str("CURRENT_USER"),
            Expr::Cast(inner, data_type) => {
                self.out.push_str("CAST(");
                self.expr(inner);
                self.raw(format_args!(" AS {data_type})"));
            }
            Expr::Case(whens, otherwise) => {
                self.out.push_str("CASE");
                for (when, then) in whens {
                    self.out.push_str(" WHEN ");
                    self.expr(when);
                    self.out.push_str(" THEN ");
                    self.expr(then);
                }
                self.out.push_str(" ELSE ");
                self.expr(otherwise);
                self.out.push_str(" END");
            }
            Expr::Call(Function::CountAll, _) => self.out.push_str("COUNT(*)"),
            Expr::External(function, arguments) => {
                self.name(function);
                self.out.push('(');
                self.list(arguments, ", ", Self::expr);
                self.out.push(')');
            }
            Expr::Call(function, arguments) => {
                self.out.push_str(function.as_str());
                self.out.push('(');
                self.list(arguments, ", ", Self::expr);
                self.out.push(')');
            }
            Expr::Binary(left, operator, right) => {
                self.operand(left);
                self.out.push(' ');
                self.out.push_str(operator.as_str());
                self.out.push(' ');
                self.operand(right);
            }
            Expr::And(all) => match all.as_slice() {
                [] => self.out.push_str("TRUE"),
                [one] => self.expr(one),
                all => self.list(all, " AND ", Self::operand),
            },
            Expr::Or(any) => match any.as_slice() {
                [] => self.out.push_str("FALSE"),
                [one] => self.expr(one),
                any => self.list(any, " OR ", Self::operand),
            },
            Expr::Not(inner) => {
                self.out.push_str("NOT (");
                self.expr(inner);
                self.out.push(')');
            }
            Expr::Negate(inner) => {
                self.out.push_str("-(");
                self.expr(inner);
                self.out.push(')');
            }
            Expr::IsNull(inner) => {
                self.operand(inner);
                self.out.push_str(" IS NULL");
            }
            Expr::IsNotNull(inner) => {
                self.operand(inner);
                self.out.push_str(" IS NOT NULL");
            }
            Expr::InList(inner, values) => {
                self.operand(inner);
                self.out.push_str(" IN (");
                self.list(values, ", ", |printer, text| printer.literal(text));
                self.out.push(')');
            }
            Expr::InValues(inner, values) => {
                self.operand(inner);
                self.out.push_str(" IN (");
                self.list(values, ", ", Self::expr);
                self.out.push(')');
            }
            Expr::Like(inner, pattern) => {
                self.operand(inner);
                self.out.push_str(" LIKE ");
                self.literal(pattern);
            }
            Expr::Between(inner, low, high) => {
                self.operand(inner);
                self.out.push_str(" BETWEEN ");
                self.operand(low);
                self.out.push_str(" AND ");
                self.operand(high);
            }
            Expr::InSelect(inner, select) => {
                self.operand(inner);
                self.out.push_str(" IN ");
                self.nested(select);
            }
        }
    }

    /// An expression inside another: in parentheses unless it can't be torn apart by what stands beside it.
    fn operand(&mut self, expr: &Expr) {
        let needs_parentheses = match expr {
            Expr::Binary(..)
            | Expr::Not(_)
            | Expr::Negate(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::InList(..)
            | Expr::InValues(..)
            | Expr::Like(..)
            | Expr::Between(..)
            | Expr::InSelect(..) => true,
            Expr::Number(number) => number.is_negative(),
            Expr::And(list) | Expr::Or(list) => {
                list.len() > 1 || list.iter().any(|one| !matches!(one, Expr::Column(..)))
            }
            Expr::Int(value) => *value < 0,
            _ => false,
        };
        if needs_parentheses {
            self.out.push('(');
            self.expr(expr);
            self.out.push(')');
        } else {
            self.expr(expr);
        }
    }
}

/// Writes a comment's text. The marks that begin and end comments are taken apart, so that no name in it can end it early;
/// the text is JSON, where `\u002f` reads as the slash it stands for.
fn push_comment(out: &mut String, comment: &str) {
    for c in comment.chars() {
        match c {
            '/' => out.push_str("\\u002f"),
            '*' => out.push_str("\\u002a"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sql::tree::{Alias, Operator};

    fn literal(text: &str) -> String {
        let mut out = String::new();
        push_literal(&mut out, &Text::new(text).unwrap());
        out
    }

    #[test]
    fn literals_double_quotes_and_backslashes() {
        for (text, printed) in [
            ("", "''"),
            ("it's", "'it''s'"),
            (r"\' OR 1=1 --", r"'\\'' OR 1=1 --'"),
            ("a''b", "'a''''b'"),
            ("line\nbreak", "'line\nbreak'"),
            (r"\", r"'\\'"),
        ] {
            assert_eq!(literal(text), printed);
        }
    }

    #[test]
    fn identifiers_double_quotes_only() {
        let mut out = String::new();
        push_ident(&mut out, &Ident::new(r#"a\" FROM secret --"#).unwrap());
        assert_eq!(out, r#""a\"" FROM secret --""#);
    }

    #[test]
    fn the_redacted_form_holds_no_literal() {
        let statement = Statement::Call {
            procedure: QualifiedName::new(Ident::fixed("p"), Ident::fixed("q")),
            arguments: vec![Expr::fixed("secret"), Expr::Int(7), Expr::fixed("it's")],
        };
        let text = print(&statement);
        assert_eq!(text.execute(), r#"CALL "p"."q"('secret', 7, 'it''s')"#);
        assert_eq!(text.redacted(), r#"CALL "p"."q"('…', 7, '…')"#);
        assert_eq!(format!("{text:?}"), r#"SqlText(CALL "p"."q"('…', 7, '…'))"#);
    }

    #[test]
    fn a_comment_cannot_be_ended_from_inside() {
        let mut out = String::new();
        push_comment(&mut out, "*/ DROP /* \n");
        assert_eq!(out, "\\u002a\\u002f DROP \\u002f\\u002a  ");
    }

    #[test]
    fn precedence_is_explicit() {
        let a = || Expr::Bool(true);
        let expr = Expr::And(vec![Expr::Or(vec![a(), a()]), Expr::Int(-1).binary(Operator::Minus, Expr::Int(-2))]);
        let mut printer = Printer::new(false);
        printer.expr(&expr);
        assert_eq!(printer.out, "(TRUE OR TRUE) AND ((-1) - (-2))");
        let _ = Alias::fixed("s");
    }

    /// Reads a literal as Redshift does: quotes doubled, backslash an escape.
    fn read_back(literal: &str) -> Option<String> {
        let mut chars = literal.strip_prefix('\'')?.chars();
        let mut value = String::new();
        loop {
            match chars.next()? {
                '\\' => value.push(chars.next()?),
                '\'' => match chars.next() {
                    Some('\'') => value.push('\''),
                    None => return Some(value),
                    Some(_) => return None,
                },
                c => value.push(c),
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_as_it_was(text in "[^\0]{0,40}|['\\\\\"/*$;-]{0,12}") {
            prop_assert_eq!(literal(&text).len(), literal_bytes(&text));
            prop_assert_eq!(read_back(&literal(&text)), Some(text));
        }
    }
}
