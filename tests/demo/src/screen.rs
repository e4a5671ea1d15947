//! Plain text for people: lines, a line that changes in place, and tables.

use std::io::{self, IsTerminal, Write};

/// Where the demo prints: colours and changing lines only on a terminal.
pub struct Screen {
    terminal: bool,
    pending: bool,
}

/// Widest cell of a table; longer values are cut.
const CELL: usize = 72;
/// Longest value of a row.
const VALUE: usize = 18;

impl Screen {
    /// Standard output.
    pub fn new() -> Self {
        Self { terminal: io::stdout().is_terminal(), pending: false }
    }

    /// Prints a line.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        if std::mem::take(&mut self.pending) {
            write!(io::stdout(), "\r\x1b[2K")?;
        }
        writeln!(io::stdout(), "{text}")
    }

    /// Prints a line in bold after an empty one.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn heading(&mut self, text: &str) -> io::Result<()> {
        self.line("")?;
        let text = self.styled("1", text);
        self.line(&text)
    }

    /// Shows how far things are: in place on a terminal, else as a line.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn progress(&mut self, text: &str) -> io::Result<()> {
        if !self.terminal {
            return self.line(text);
        }
        self.pending = true;
        write!(io::stdout(), "\r\x1b[2K{text}")?;
        io::stdout().flush()
    }

    /// Shows what is being done, on a terminal only; the next line takes its place.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn transient(&mut self, text: &str) -> io::Result<()> {
        if self.terminal { self.progress(text) } else { Ok(()) }
    }

    /// Prints a table, indented.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn table(&mut self, headers: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        let lines = table(headers, rows);
        for (index, line) in lines.iter().enumerate() {
            let styled = if index == 0 { self.styled("4", line) } else { line.clone() };
            self.line(&format!("  {styled}"))?;
        }
        Ok(())
    }

    /// Text in a style (an SGR code) where styles can be shown.
    pub fn styled(&self, code: &str, text: &str) -> String {
        if self.terminal { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The lines of a table, each column as wide as its widest cell.
fn table(headers: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let header = headers.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let cells: Vec<Vec<String>> =
        std::iter::once(&header).chain(rows).map(|row| row.iter().map(|cell| cut(cell, CELL)).collect()).collect();
    let width = |column: usize| cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..headers.len()).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let padded: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ")
    };
    let mut lines: Vec<String> = cells.iter().map(|row| line(row).trim_end().to_owned()).collect();
    if !lines.is_empty() {
        let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        lines.insert(1, rules.join("  "));
    }
    lines
}

/// A value of a row, shortened for the eye.
pub fn short(value: &Option<String>) -> String {
    value.as_ref().map_or_else(|| "null".to_owned(), |text| cut(text, VALUE))
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most - 1).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["1".to_owned(), "ana".to_owned()], vec!["22".to_owned(), "x".repeat(99)]];
        let lines = table(&["n", "name"], &rows);
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0], "n   name");
        assert_eq!(lines[1], format!("──  {}", "─".repeat(CELL)));
        assert_eq!(lines[2], "1   ana");
        assert_eq!(lines[3], format!("22  {}…", "x".repeat(CELL - 1)));
    }
}
