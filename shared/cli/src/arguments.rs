//! Arguments: documents in their places, and options anywhere.

use crate::{document::STANDARD_INPUT, failure::Failure};

/// How a command is called.
pub struct Form {
    /// For people.
    pub usage: &'static str,
    /// An option that is there or not.
    pub switch: Option<&'static str>,
    /// An option with a value behind it.
    pub value: Option<&'static str>,
}

/// What a command was called with.
#[derive(Debug, PartialEq, Eq)]
pub struct Given<'a, const N: usize> {
    /// Names of files, or `-` for at most one.
    pub files: [&'a str; N],
    /// Whether the switch is there.
    pub switch: bool,
    /// The option's value.
    pub value: Option<&'a str>,
}

impl Form {
    /// A form with nothing but files.
    pub const fn plain(usage: &'static str) -> Self {
        Self { usage, switch: None, value: None }
    }

    /// Reads exactly so many files, and the options.
    pub fn read<'a, const N: usize>(&self, arguments: &[&'a str]) -> Result<Given<'a, N>, Failure> {
        let (mut files, mut switch, mut value) = (Vec::new(), false, None);
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            if self.switch == Some(argument) {
                switch = true;
            } else if self.value == Some(argument) {
                match rest.next() {
                    Some(text) if !text.is_empty() && value.is_none() => value = Some(text),
                    Some(_) if value.is_some() => return Err(self.refuse(format!("`{argument}` twice"))),
                    _ => return Err(self.refuse(format!("`{argument}` without a value"))),
                }
            } else if argument.starts_with('-') && argument != STANDARD_INPUT {
                return Err(self.refuse(format!("the option `{argument}`")));
            } else {
                files.push(argument);
            }
        }
        if files.iter().filter(|file| **file == STANDARD_INPUT).count() > 1 {
            return Err(self.refuse("standard input twice".to_owned()));
        }
        match <[&str; N]>::try_from(files) {
            Ok(files) => Ok(Given { files, switch, value }),
            Err(files) => Err(Failure::usage(self.usage, &files)),
        }
    }

    fn refuse(&self, found: String) -> Failure {
        Failure::Usage { expected: self.usage.to_owned(), found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Form = Form { usage: "`a FILE`", switch: Some("--json"), value: Some("--secret") };

    fn read(line: &str) -> Result<Given<'_, 1>, String> {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        FORM.read(&words).map_err(|failure| failure.to_string())
    }

    #[test]
    fn options_stand_anywhere() {
        assert_eq!(read("f"), Ok(Given { files: ["f"], switch: false, value: None }));
        assert_eq!(read("--json - --secret s"), Ok(Given { files: ["-"], switch: true, value: Some("s") }));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, found) in [
            ("", "nothing"),
            ("f g", "`f g`"),
            ("f --secret", "`--secret` without a value"),
            ("f --secret s --secret t", "`--secret` twice"),
            ("f --quick", "the option `--quick`"),
            ("- -", "standard input twice"),
        ] {
            let expected = format!("error: found {found}, expected `a FILE`; `redoubt --help` says more");
            assert_eq!(read(line), Err(expected), "{line}");
        }
    }
}
