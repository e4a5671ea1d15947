//! Scripts for an administrator, taken apart as a query editor does: into parts, and those into statements.

/// A part of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Who runs it: `an administrator`, or the name of an account as SQL has it.
    pub who: String,
    /// The database as SQL has it; `None` is any other than Redoubt's.
    pub database: Option<String>,
    /// Its statements, in order.
    pub statements: Vec<String>,
}

/// Takes a script apart.
///
/// # Errors
/// What has not the form of one.
pub fn parts(script: &str) -> Result<Vec<Part>, String> {
    let mut pieces = script.split("\n-- Part ");
    let head = pieces.next().unwrap_or_default();
    if !statements(head)?.is_empty() {
        return Err(format!("statements before the first part: {head}"));
    }
    let mut parts = Vec::new();
    let pieces: Vec<&str> = pieces.collect();
    for (index, piece) in pieces.iter().enumerate() {
        let (heading, text) = piece.split_once('\n').ok_or("a part without text")?;
        let number = format!("{} of {}: as ", index + 1, pieces.len());
        let rest = heading.strip_prefix(&number).ok_or_else(|| format!("heading: {heading}"))?;
        let (who, place) = rest.split_once(", connected to ").ok_or_else(|| format!("heading: {heading}"))?;
        let database = place.strip_prefix("database ").map(str::to_owned);
        if database.is_none() && place != "another database" {
            return Err(format!("heading: {heading}"));
        }
        parts.push(Part { who: who.to_owned(), database, statements: statements(text)? });
    }
    Ok(parts)
}

/// What stands between semicolons, without comments before it.
fn statements(text: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if rest.starts_with("--") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after).trim_start();
            continue;
        }
        let end = end(rest).ok_or_else(|| format!("a statement without an end: {rest}"))?;
        let (statement, after) = rest.split_at(end);
        found.push(statement.to_owned());
        rest = after.strip_prefix(';').unwrap_or(after).trim_start();
    }
    Ok(found)
}

/// Where the semicolon stands that ends the statement with which a text begins.
fn end(text: &str) -> Option<usize> {
    const DOLLARS: &str = "$redoubt$";
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((index, c)) = chars.next() {
        match (quote, c) {
            (None, ';') => return Some(index),
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (Some('\''), '\\') => {
                chars.next();
            }
            (None, '$') => {
                let body = text.get(index..)?.strip_prefix(DOLLARS)?;
                let length = body.find(DOLLARS)? + 2 * DOLLARS.len();
                while chars.clone().next().is_some_and(|(place, _)| place < index + length) {
                    chars.next();
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_inside_something_end_nothing() {
        let script = "-- a;\n\n-- Part 1 of 2: as an administrator, connected to another database\nBEGIN;\nSELECT ';''', '\\';', \";\";\n\
                      -- Part 2 of 2: as \"a;b\", connected to database \"c\"\nx AS $redoubt$ a; 'b; $redoubt$ y;\nCOMMIT;\n";
        let parts = parts(script).unwrap();
        assert_eq!(parts[0].who, "an administrator");
        assert_eq!(parts[0].statements, ["BEGIN", "SELECT ';''', '\\';', \";\""]);
        assert_eq!((parts[1].who.as_str(), parts[1].database.as_deref()), ("\"a;b\"", Some("\"c\"")));
        assert_eq!(parts[1].statements, ["x AS $redoubt$ a; 'b; $redoubt$ y", "COMMIT"]);
    }

    #[test]
    fn what_is_no_script_is_refused() {
        assert!(parts("SELECT 1;\n").is_err());
        assert!(parts("\n-- Part 2 of 1: as a, connected to database b\nSELECT 1;\n").is_err());
        assert!(parts("\n-- Part 1 of 1: as a, connected to database b\nSELECT 1\n").is_err());
    }
}
