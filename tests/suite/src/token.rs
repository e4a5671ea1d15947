//! SQL cut into tokens as Redshift does, independently of the printer: a backslash in a plain literal escapes what follows it.

use std::fmt;

/// A token. White space is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A name or keyword that is not quoted.
    Word(String),
    /// A quoted name, unquoted.
    Quoted(String),
    /// A literal, as the value it stands for.
    Literal(String),
    /// A literal between dollar marks: its text.
    Dollar(String),
    /// A number.
    Number(String),
    /// A comment: its text.
    Comment(String),
    /// Anything else, one character.
    Symbol(char),
    /// Two colons: a cast.
    DoubleColon,
}

/// Text that ends within a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished(pub &'static str);

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the text ends within {}", self.0)
    }
}

impl std::error::Error for Unfinished {}

impl Token {
    /// Whether it is this keyword.
    #[must_use]
    pub fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// Whether it is this character.
    #[must_use]
    pub fn is_symbol(&self, symbol: char) -> bool {
        *self == Self::Symbol(symbol)
    }
}

/// Cuts SQL into tokens.
///
/// # Errors
/// When a literal, a quoted name or a comment is never closed.
pub fn tokens(sql: &str) -> Result<Vec<Token>, Unfinished> {
    let mut found = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let (token, after) = if first.is_whitespace() {
            rest = rest.trim_start();
            continue;
        } else if let Some(after) = rest.strip_prefix("--") {
            let (line, after) = after.split_once('\n').unwrap_or((after, ""));
            (Token::Comment(line.to_owned()), after)
        } else if let Some(after) = rest.strip_prefix("/*") {
            let (comment, after) = after.split_once("*/").ok_or(Unfinished("a comment"))?;
            (Token::Comment(comment.to_owned()), after)
        } else if let Some(after) = rest.strip_prefix('\'') {
            let (text, after) = quoted(after, '\'', true).ok_or(Unfinished("a literal"))?;
            (Token::Literal(text), after)
        } else if let Some(after) = rest.strip_prefix('"') {
            let (text, after) = quoted(after, '"', false).ok_or(Unfinished("a quoted name"))?;
            (Token::Quoted(text), after)
        } else if let Some((text, after)) = dollar(rest)? {
            (Token::Dollar(text.to_owned()), after)
        } else if let Some(after) = rest.strip_prefix("::") {
            (Token::DoubleColon, after)
        } else if first.is_ascii_digit() {
            let (number, after) = split_where(rest, |c| !c.is_ascii_alphanumeric() && c != '.');
            (Token::Number(number.to_owned()), after)
        } else if first.is_alphabetic() || first == '_' {
            let (word, after) = split_where(rest, |c| !c.is_alphanumeric() && c != '_' && c != '$');
            (Token::Word(word.to_owned()), after)
        } else {
            let mut chars = rest.chars();
            chars.next();
            (Token::Symbol(first), chars.as_str())
        };
        found.push(token);
        rest = after;
    }
    Ok(found)
}

fn split_where(text: &str, end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(end).unwrap_or(text.len()))
}

/// What stands before the closing quote, and the rest behind it.
fn quoted(text: &str, quote: char, escapes: bool) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '\\' if escapes => value.push(chars.next()?),
            c if c == quote => match chars.as_str().strip_prefix(quote) {
                Some(after) => {
                    value.push(quote);
                    chars = after.chars();
                }
                None => return Some((value, chars.as_str())),
            },
            c => value.push(c),
        }
    }
}

/// A literal between dollar marks, if one begins here.
fn dollar(text: &str) -> Result<Option<(&str, &str)>, Unfinished> {
    let Some((tag, after)) = text.strip_prefix('$').and_then(|rest| rest.split_once('$')) else {
        return Ok(None);
    };
    if !tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') || tag.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(None);
    }
    let mark = format!("${tag}$");
    after.split_once(mark.as_str()).map(Some).ok_or(Unfinished("a text between dollar marks"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_is_cut_as_redshift_does() {
        let sql = "SELECT 'it''s \\' x', \"a\"\"b\" /* ' */ FROM t1 -- \"\nWHERE x::int >= 1.5 AS $r$ ' $r$;";
        let word = |word: &str| Token::Word(word.to_owned());
        assert_eq!(
            tokens(sql).unwrap(),
            [
                word("SELECT"),
                Token::Literal("it's ' x".to_owned()),
                Token::Symbol(','),
                Token::Quoted("a\"b".to_owned()),
                Token::Comment(" ' ".to_owned()),
                word("FROM"),
                word("t1"),
                Token::Comment(" \"".to_owned()),
                word("WHERE"),
                word("x"),
                Token::DoubleColon,
                word("int"),
                Token::Symbol('>'),
                Token::Symbol('='),
                Token::Number("1.5".to_owned()),
                word("AS"),
                Token::Dollar(" ' ".to_owned()),
                Token::Symbol(';'),
            ]
        );
    }

    #[test]
    fn what_is_never_closed_is_refused() {
        for (sql, within) in [
            ("'a", "a literal"),
            (r"'a\'", "a literal"),
            ("\"a\"\"", "a quoted name"),
            ("/* *", "a comment"),
            ("$a$ $b$", "a text between dollar marks"),
        ] {
            assert_eq!(tokens(sql), Err(Unfinished(within)), "{sql}");
        }
    }
}
