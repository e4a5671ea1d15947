//! Arguments: words in their places, and options anywhere.

use crate::failure::Failure;

/// Takes an option out of the arguments and says whether it was there.
pub fn take_option<'a>(arguments: &[&'a str], option: &str) -> (Vec<&'a str>, bool) {
    let rest: Vec<&str> = arguments.iter().copied().filter(|argument| *argument != option).collect();
    let found = rest.len() < arguments.len();
    (rest, found)
}

/// Exactly so many names of files, none of which looks like an option.
pub fn files<'a, const N: usize>(arguments: &[&'a str], expected: &str) -> Result<[&'a str; N], Failure> {
    let is_option = |argument: &&str| argument.starts_with('-');
    match <[&str; N]>::try_from(arguments) {
        Ok(files) if !files.iter().any(is_option) => Ok(files),
        _ => Err(Failure::usage(expected, arguments)),
    }
}
