//! Measures what Redoubt promises: how fast views are rendered and how that grows, how many Data API calls a burst of events
//! takes, how fast values are masked, what a policy view costs its readers, and how large the functions are and how fast they
//! start. Ends with 1 if a target is missed.
//!
//! With names of sections (`rendering`, `coalescing`, `masking`, `views`, `starting`) as arguments, only those are measured.

mod coalescing;
mod counting;
mod generate;
mod masking;
mod rendering;
mod report;
mod starting;
mod views;

use std::{env, error::Error, process::ExitCode};

use report::Report;

type Section = fn(&mut Report) -> Result<(), Box<dyn Error>>;

const SECTIONS: [(&str, Section); 5] = [
    ("rendering", rendering::run),
    ("coalescing", coalescing::run),
    ("masking", masking::run),
    ("views", views::run),
    ("starting", starting::run),
];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let wanted: Vec<String> = env::args().skip(1).collect();
    if let Some(name) = wanted.iter().find(|name| !SECTIONS.iter().any(|(section, _)| section == name)) {
        return Err(format!("no section `{name}`").into());
    }
    let mut report = Report::default();
    for (name, section) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|other| other == name) {
            section(&mut report)?;
        }
    }
    Ok(if report.finish()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
