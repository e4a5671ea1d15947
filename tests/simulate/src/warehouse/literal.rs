//! The literals of the statements that Redoubt sends, read as Redshift reads them.

/// A literal argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// A text.
    Text(String),
    /// A whole number.
    Number(u64),
    /// A truth value.
    Bool(bool),
    /// Nothing.
    Null,
}

impl Literal {
    /// The text.
    ///
    /// # Panics
    /// When it is no text: the statement is none that Redoubt sends.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => panic!("expected a text, found {other:?}"),
        }
    }

    /// The text, or nothing where it is null.
    #[must_use]
    pub fn optional(&self) -> Option<String> {
        (*self != Self::Null).then(|| self.text())
    }

    /// The number.
    ///
    /// # Panics
    /// When it is no number.
    #[must_use]
    pub fn number(&self) -> u64 {
        match self {
            Self::Number(number) => *number,
            other => panic!("expected a number, found {other:?}"),
        }
    }
}

/// The parenthesised lists of literals in a text: the arguments of a call, or the rows of an insert.
///
/// # Panics
/// When the text is not one that Redoubt prints.
#[must_use]
pub fn tuples(text: &str) -> Vec<Vec<Literal>> {
    let mut tuples = Vec::new();
    let text = text.split_once(" VALUES ").map_or(text, |(_, values)| values);
    let mut chars = text.chars().peekable();
    let mut tuple = Vec::new();
    let mut word = String::new();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                let mut value = String::new();
                loop {
                    match chars.next().unwrap() {
                        '\\' => value.push(chars.next().unwrap()),
                        '\'' if chars.peek() == Some(&'\'') => {
                            chars.next();
                            value.push('\'');
                        }
                        '\'' => break,
                        c => value.push(c),
                    }
                }
                tuple.push(Literal::Text(value));
            }
            ',' | ')' => {
                match word.as_str() {
                    "" => {}
                    "NULL" => tuple.push(Literal::Null),
                    "TRUE" | "FALSE" => tuple.push(Literal::Bool(word == "TRUE")),
                    number => tuple.push(Literal::Number(number.parse().unwrap())),
                }
                word.clear();
                if c == ')' {
                    tuples.push(std::mem::take(&mut tuple));
                }
            }
            '(' | ' ' => {}
            c => word.push(c),
        }
    }
    tuples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read_with_their_escapes() {
        let read = tuples(r"('it''s \\ 5', 7, NULL, TRUE), ('', 0, 'a\'b', FALSE)");
        assert_eq!(read.len(), 2);
        assert_eq!(
            read[0],
            [Literal::Text(r"it's \ 5".to_owned()), Literal::Number(7), Literal::Null, Literal::Bool(true)]
        );
        assert_eq!(read[1][2], Literal::Text("a'b".to_owned()));
    }
}
