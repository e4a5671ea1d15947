//! Splits SQL into tokens whose concatenation is the text. Literals are read as Redshift reads them: a backslash
//! escapes the next character. Block comments do not nest.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// White space.
    Blank,
    /// `-- …` or `/* … */`.
    Comment,
    /// A keyword or an unquoted name, `#temporary` ones included.
    Word,
    /// `"name"`.
    Name,
    /// `'text'`, backslash escapes included.
    Literal,
    /// `$tag$ … $tag$`.
    Dollar,
    /// Digits and what follows them.
    Number,
    /// `::`, a dollar tag that is never closed, or any other single character.
    Symbol,
}

/// One token and where it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its characters.
    pub text: &'a str,
    /// The byte it starts at.
    pub start: usize,
}

impl<'a> Token<'a> {
    /// Whether this is the unquoted `word`, in whatever case.
    pub fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether this is one of the unquoted `words`.
    pub fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// Whether this is the symbol `text`.
    pub fn is_symbol(&self, text: &str) -> bool {
        self.kind == Kind::Symbol && self.text == text
    }

    /// Whether this can name something.
    pub fn is_identifier(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Name)
    }

    /// The name as the catalog has it: unquoted ones in lower case.
    pub fn name(&self) -> String {
        match self.kind {
            Kind::Name => inner(self.text, '"').replace("\"\"", "\""),
            _ => self.text.to_ascii_lowercase(),
        }
    }

    /// The value of a literal: quotes taken off, doubled quotes and backslash escapes resolved.
    pub fn literal(&self) -> String {
        let mut value = String::with_capacity(self.text.len());
        let mut characters = inner(self.text, '\'').chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => value.extend(characters.next().map(|escaped| match escaped {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    other => other,
                })),
                '\'' => {
                    characters.next();
                    value.push('\'');
                }
                other => value.push(other),
            }
        }
        value
    }

    /// The text between the tags of a dollar-quoted token and where it starts; `None` for other tokens.
    pub fn dollar_body(&self) -> Option<(&'a str, usize)> {
        if self.kind != Kind::Dollar {
            return None;
        }
        let tag = dollar_tag(self.text)?;
        let body = self.text.strip_prefix(tag)?.strip_suffix(tag)?;
        Some((body, self.start + tag.len()))
    }

    /// The bytes it covers.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end()
    }

    /// The byte after its last one.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

fn inner(text: &str, quote: char) -> &str {
    let text = text.strip_prefix(quote).unwrap_or(text);
    text.strip_suffix(quote).unwrap_or(text)
}

/// All tokens of `text`.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut start = 0;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = measure(rest, first);
        let (token, following) = rest.split_at_checked(length).unwrap_or((rest, ""));
        tokens.push(Token { kind, text: token, start });
        start += token.len();
        rest = following;
    }
    tokens
}

/// The tokens that are neither blank nor comment.
pub fn significant(text: &str) -> Vec<Token<'_>> {
    let mut tokens = tokens(text);
    tokens.retain(|token| !matches!(token.kind, Kind::Blank | Kind::Comment));
    tokens
}

/// The statements of a script: the texts between semicolons that hold any token.
pub fn statements(text: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let mut start = 0;
    let mut empty = true;
    for token in tokens(text) {
        if token.is_symbol(";") {
            if !empty {
                statements.extend(text.get(start..token.start));
            }
            start = token.end();
            empty = true;
        } else if !matches!(token.kind, Kind::Blank | Kind::Comment) {
            empty = false;
        }
    }
    if !empty {
        statements.extend(text.get(start..));
    }
    statements
}

fn measure(rest: &str, first: char) -> (Kind, usize) {
    if first.is_ascii_whitespace() {
        return (Kind::Blank, prefix(rest, |c| c.is_ascii_whitespace()));
    }
    if rest.starts_with("--") {
        return (Kind::Comment, prefix(rest, |c| c != '\n' && c != '\r'));
    }
    if let Some(comment) = rest.strip_prefix("/*") {
        return (Kind::Comment, comment.find("*/").map_or(rest.len(), |end| end + 4));
    }
    match first {
        '\'' => (Kind::Literal, quoted(rest, '\'', true)),
        '"' => (Kind::Name, quoted(rest, '"', false)),
        '$' => match dollar(rest) {
            Some(length) => (Kind::Dollar, length),
            None => (Kind::Symbol, dollar_tag(rest).map_or(1, str::len)),
        },
        '#' if rest.chars().nth(1).is_some_and(starts_word) => {
            (Kind::Word, 1 + prefix(rest.get(1..).unwrap_or_default(), continues_word))
        }
        _ if starts_word(first) => (Kind::Word, prefix(rest, continues_word)),
        '0'..='9' => (Kind::Number, prefix(rest, |c| c.is_ascii_alphanumeric() || c == '.' || c == '_')),
        ':' if rest.starts_with("::") => (Kind::Symbol, 2),
        _ => (Kind::Symbol, first.len_utf8()),
    }
}

fn starts_word(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_' || !character.is_ascii()
}

fn continues_word(character: char) -> bool {
    starts_word(character) || character.is_ascii_digit() || character == '$'
}

/// How many bytes at the start of `text` are characters that `holds`.
fn prefix(text: &str, holds: impl Fn(char) -> bool) -> usize {
    text.find(|character| !holds(character)).unwrap_or(text.len())
}

/// The length of the quoted token at the start of `text`; an unterminated one runs to the end.
fn quoted(text: &str, quote: char, escapes: bool) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((place, character)) = characters.next() {
        if escapes && character == '\\' {
            characters.next();
        } else if character == quote {
            match characters.peek() {
                Some((_, next)) if *next == quote => {
                    characters.next();
                }
                _ => return place + quote.len_utf8(),
            }
        }
    }
    text.len()
}

/// The opening tag, `$…$`, at the start of `text`.
fn dollar_tag(text: &str) -> Option<&str> {
    let after = text.strip_prefix('$')?;
    let name = prefix(after, |c| continues_word(c) && c != '$');
    let closes = after.get(name..)?.starts_with('$');
    let starts_well = after.starts_with(|c: char| c == '$' || starts_word(c));
    (closes && starts_well).then(|| text.get(..name + 2)).flatten()
}

fn dollar(text: &str) -> Option<usize> {
    let tag = dollar_tag(text)?;
    let body = text.strip_prefix(tag)?;
    Some(body.find(tag)? + 2 * tag.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        significant(text).into_iter().map(|token| (token.kind, token.text)).collect()
    }

    #[test]
    fn tokens_add_up_to_the_text() {
        for text in [
            "",
            "select 1",
            "select 'it''s \\' \"x\" -- no' -- yes\n, \"a\"\"b\"",
            "/* a /* b */ c",
            "$$ ' $$ $a$ $$ $a$ $1 $",
            "'open",
            "\"open",
            "/* open",
            "$x$ open",
            "é#t #t ü::int \u{1F600}",
        ] {
            assert_eq!(tokens(text).iter().map(|token| token.text).collect::<String>(), text);
        }
    }

    #[test]
    fn a_backslash_escapes_in_a_literal_and_not_in_a_name() {
        assert_eq!(kinds(r"'a\'b' c"), [(Kind::Literal, r"'a\'b'"), (Kind::Word, "c")]);
        assert_eq!(kinds(r"'a\\' c"), [(Kind::Literal, r"'a\\'"), (Kind::Word, "c")]);
        assert_eq!(kinds(r#""a\" c"#), [(Kind::Name, r#""a\""#), (Kind::Word, "c")]);
    }

    #[test]
    fn comments_do_not_nest() {
        assert_eq!(kinds("/* a /* b */ c"), [(Kind::Word, "c")]);
    }

    #[test]
    fn either_line_end_ends_a_comment() {
        assert_eq!(kinds("-- a\rb -- c\nd"), [(Kind::Word, "b"), (Kind::Word, "d")]);
    }

    #[test]
    fn dollar_quotes_close_with_their_own_tag() {
        assert_eq!(kinds("$a$ $$ ' $b$ $a$ x"), [(Kind::Dollar, "$a$ $$ ' $b$ $a$"), (Kind::Word, "x")]);
        assert_eq!(significant("$a$body$a$")[0].dollar_body(), Some(("body", 3)));
    }

    #[test]
    fn literals_give_their_value() {
        assert_eq!(significant(r"'a''b\'c\\d\n'")[0].literal(), "a'b'c\\d\n");
    }

    #[test]
    fn semicolons_in_literals_comments_and_bodies_do_not_split() {
        assert_eq!(statements("select ';'; /* ; */ ;; create $$ ; $$ -- ;"), ["select ';'", " create $$ ; $$ -- ;"]);
        assert!(statements(" ; -- nothing\n ;").is_empty());
    }
}
