//! From text to tokens, one at a time, so that the first error of a text is the one that is reported.

use super::error::{Place, SyntaxError};
use crate::{
    model::name::found,
    sql::{Ident, Number, Text},
};

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A bare word: a keyword, a function or a column.
    Word(String),
    /// A column in double quotes.
    Quoted(Ident),
    /// A text literal.
    Text(Text),
    /// A number without sign.
    Number(Number),
    /// `@name`, without the `@`.
    At(String),
    /// An operator or a mark.
    Symbol(&'static str),
    /// Nothing more.
    End,
}

impl Token {
    /// How an error speaks of it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Word(word) => found(word),
            Self::Quoted(ident) => format!("the column {}", found(ident.as_str())),
            Self::Text(_) => "a text".to_owned(),
            Self::Number(number) => format!("the number `{number}`"),
            Self::At(name) => found(&format!("@{name}")),
            Self::Symbol(symbol) => format!("`{symbol}`"),
            Self::End => "the end".to_owned(),
        }
    }
}

/// Marks that mean something, the longer before those they begin with.
const SYMBOLS: [&str; 15] = ["<=", ">=", "<>", "!=", "||", "(", ")", ",", "=", "<", ">", "+", "-", "*", "."];

/// What stands in SQL but not here, the longer before what it begins with, and what to write instead.
const REFUSED: [(&str, &str); 27] = [
    ("--", "no comments"),
    ("/*", "no comments"),
    ("::", "`CAST(value AS type)`"),
    (":", "a column or a literal: there are no parameters"),
    (";", "one expression and nothing after it"),
    ("$$", "a text in single quotes"),
    ("$", "a column or a literal: there are no parameters"),
    ("?", "a column or a literal: there are no parameters"),
    ("/", "one of `+`, `-`, `*`: a division fails where it divides by zero"),
    ("%", "one of `+`, `-`, `*`: a remainder fails where it divides by zero"),
    ("==", "`=`"),
    ("!~", "`NOT LIKE`: there are no regular expressions"),
    ("~", "`LIKE`: there are no regular expressions"),
    ("\u{2018}", "a straight quote `'`"),
    ("\u{2019}", "a straight quote `'`"),
    ("\u{201c}", "a straight quote `\"`"),
    ("\u{201d}", "a straight quote `\"`"),
    ("`", "a column bare or in double quotes"),
    ("[", "no lists but those of `IN`, in parentheses"),
    ("{", "an expression"),
    ("->", "a column: there are no paths into one"),
    ("\\", "a backslash only inside a text"),
    ("^", OPERATORS),
    ("&", OPERATORS),
    ("#", OPERATORS),
    ("!", OPERATORS),
    ("|", OPERATORS),
];

const OPERATORS: &str =
    "one of the operators `=`, `<>`, `<`, `<=`, `>`, `>=`, `+`, `-`, `*`, `||`, AND, OR, NOT, IN, LIKE, BETWEEN, IS";

/// Reads tokens.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    rest: &'a str,
    place: Place,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, place: Place::START }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        self.place.byte += u32::try_from(c.len_utf8()).unwrap_or_default();
        if c == '\n' {
            self.place.line += 1;
            self.place.column = 1;
        } else {
            self.place.column += 1;
        }
        Some(c)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let start = self.rest;
        while self.peek().is_some_and(&wanted) {
            self.bump();
        }
        start.get(..start.len() - self.rest.len()).unwrap_or_default()
    }

    /// The next token and where it begins.
    pub(super) fn next(&mut self) -> Result<(Place, Token), SyntaxError> {
        self.take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
        let place = self.place;
        let token = match self.peek() {
            None => Token::End,
            Some('\'') => Token::Text(self.text(place)?),
            Some('"') => Token::Quoted(self.quoted(place)?),
            Some(c) if c.is_ascii_digit() => Token::Number(self.number(place)?),
            Some(c) if begins_word(c) => self.word(place)?,
            Some('@') => self.at(place)?,
            Some(c) => Token::Symbol(self.symbol(place, c)?),
        };
        Ok((place, token))
    }

    fn text(&mut self, place: Place) -> Result<Text, SyntaxError> {
        let value =
            self.until('\'').ok_or_else(|| SyntaxError::new(place, "a text that does not end", "a `'` after it"))?;
        Text::new(value).map_err(|error| SyntaxError::new(place, error.to_string(), "a text without it"))
    }

    fn quoted(&mut self, place: Place) -> Result<Ident, SyntaxError> {
        let name =
            self.until('"').ok_or_else(|| SyntaxError::new(place, "a column that does not end", "a `\"` after it"))?;
        ident(place, name)
    }

    /// What stands between two of the mark; doubled, it is part of it.
    fn until(&mut self, mark: char) -> Option<String> {
        self.bump();
        let mut value = String::new();
        loop {
            let c = self.bump()?;
            if c == mark {
                if self.peek() != Some(mark) {
                    return Some(value);
                }
                self.bump();
            }
            value.push(c);
        }
    }

    fn number(&mut self, place: Place) -> Result<Number, SyntaxError> {
        let whole = self.take_while(|c| c.is_ascii_digit());
        let mut fraction = "";
        if self.peek() == Some('.') {
            self.bump();
            fraction = self.take_while(|c| c.is_ascii_digit());
            if fraction.is_empty() {
                return Err(SyntaxError::new(
                    place,
                    format!("{} and a point", found(whole)),
                    "a digit after the point",
                ));
            }
        }
        if self.peek().is_some_and(|c| continues_word(c) || c == '.') {
            let rest = self.take_while(|c| continues_word(c) || c == '.');
            let point = if fraction.is_empty() { "" } else { "." };
            let number = found(&format!("{whole}{point}{fraction}{rest}"));
            return Err(SyntaxError::new(place, number, "a number in plain digits, without exponent"));
        }
        Number::new(whole, fraction).ok_or_else(|| {
            let count = whole.len() + fraction.len();
            SyntaxError::new(place, format!("a number of {count} digits"), "at most 38, and 37 after the point")
        })
    }

    fn word(&mut self, place: Place) -> Result<Token, SyntaxError> {
        let word = self.take_while(continues_word);
        let typed = ["DATE", "TIMESTAMP"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword));
        if self.peek() == Some('\'') && !typed {
            let expected = "a plain text such as `'a'`, with nothing before it";
            return Err(SyntaxError::new(place, format!("{} before a text", found(word)), expected));
        }
        Ok(Token::Word(word.to_owned()))
    }

    fn at(&mut self, place: Place) -> Result<Token, SyntaxError> {
        self.bump();
        if !self.peek().is_some_and(begins_word) {
            return Err(SyntaxError::new(place, "`@`", "a name directly after it, such as `@username`"));
        }
        Ok(Token::At(self.take_while(continues_word).to_owned()))
    }

    fn symbol(&mut self, place: Place, c: char) -> Result<&'static str, SyntaxError> {
        let refused = REFUSED.iter().filter(|(mark, _)| self.rest.starts_with(mark));
        let symbol = SYMBOLS.iter().find(|symbol| self.rest.starts_with(**symbol));
        // The longest reading counts: `!=` is an operator although `!` is not, `->` is refused although `-` is not.
        if let Some((mark, expected)) = refused.max_by_key(|(mark, _)| mark.len())
            && symbol.is_none_or(|symbol| symbol.len() <= mark.len())
        {
            let found = if *mark == "`" { "a backtick".to_owned() } else { format!("`{mark}`") };
            return Err(SyntaxError::new(place, found, *expected));
        }
        let Some(symbol) = symbol else {
            let printable = !c.is_control() && !c.is_whitespace() && c.escape_debug().len() == 1;
            let found = if printable { format!("`{c}`") } else { format!("the character U+{:04X}", u32::from(c)) };
            return Err(SyntaxError::new(place, found, "a column, a literal, a function or an operator"));
        };
        for _ in symbol.chars() {
            self.bump();
        }
        if *symbol == "." && self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return Err(SyntaxError::new(place, "a point", "a digit before it, such as `0.5`"));
        }
        Ok(symbol)
    }
}

/// A column's name, or why it is none.
pub(super) fn ident(place: Place, name: impl Into<String>) -> Result<Ident, SyntaxError> {
    Ident::new(name)
        .map_err(|error| SyntaxError::new(place, error.to_string(), "a column of 1 to 127 bytes without NUL"))
}

/// What a bare word may begin with. Redshift takes any multibyte character
/// (<https://docs.aws.amazon.com/redshift/latest/dg/r_names.html>); here it must be a letter, so that a blank that only looks
/// like one is not a column.
pub(super) fn begins_word(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

/// What a bare word may hold.
pub(super) fn continues_word(c: char) -> bool {
    matches!(c, '_' | '$') || c.is_alphanumeric()
}
