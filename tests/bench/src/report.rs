//! Aligned text, and which targets were met.

use std::io::{self, Write};

/// Prints as it goes and remembers whether a target was missed.
#[derive(Debug, Default)]
pub struct Report {
    missed: Vec<String>,
}

impl Report {
    /// A heading.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn heading(&self, text: &str) -> io::Result<()> {
        self.line(&format!("\n{text}\n{}\n", "=".repeat(text.chars().count())))
    }

    /// A line of text.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn line(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// A table: the first column to the left, the others to the right.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn table(&self, head: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
        let mut widths = vec![0; head.len()];
        for row in std::iter::once(&head).chain(rows) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let rule = widths.iter().map(|width| "-".repeat(*width)).collect();
        for row in [&head, &rule].into_iter().chain(rows) {
            let mut line = String::from("  ");
            for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if index == 0 {
                    line.push_str(&format!("{cell:<width$}"));
                } else {
                    line.push_str(&format!("  {cell:>width$}"));
                }
            }
            self.line(line.trim_end())?;
        }
        self.line("")
    }

    /// A figure beside its target.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn target(&mut self, met: bool, what: &str, measured: &str, target: &str) -> io::Result<()> {
        let mark = if met { "pass" } else { "FAIL" };
        let line = format!("{what}: {measured} (target: {target})");
        self.line(&format!("  [{mark}] {line}"))?;
        if !met {
            self.missed.push(line);
        }
        Ok(())
    }

    /// Sums up. Tells whether every target was met.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn finish(self) -> io::Result<bool> {
        self.heading("Result")?;
        if self.missed.is_empty() {
            self.line("  Every target is met.")?;
        } else {
            self.line("  Missed:")?;
        }
        for line in &self.missed {
            self.line(&format!("  - {line}"))?;
        }
        Ok(self.missed.is_empty())
    }
}

/// The value in the middle; of an even number, the lower of the two.
pub fn median<T: Copy + PartialOrd>(values: &[T]) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

/// A count with its thousands apart.
pub fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
