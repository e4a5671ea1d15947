//! Measures what Redoubt promises: how fast views are rendered and how that grows, how many Data API calls a burst of events
//! takes, and how large the functions are and how fast they start. Ends with 1 if a target is missed.

mod coalescing;
mod counting;
mod generate;
mod rendering;
mod report;
mod starting;

use std::{error::Error, process::ExitCode};

use report::Report;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut report = Report::default();
    rendering::run(&mut report)?;
    coalescing::run(&mut report)?;
    starting::run(&mut report)?;
    Ok(if report.finish()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
