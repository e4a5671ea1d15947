//! `redoubt`: what an administrator runs beside the deployment. Each command is a module.

mod arguments;
mod doctor;
mod document;
mod failure;
mod plan;
mod script;

use std::{env, io::Write, process::ExitCode};

use crate::failure::Failure;

const HELP: &str = "\
For those who administer a warehouse: what it does, and what Redoubt does to it.

Usage:
  redoubt doctor FILE [--reader-secret ARN] [--json]
                                                look at what the warehouse does, with your own AWS credentials
  redoubt script setup FILE                     print what sets a warehouse up, as SQL to review and run by hand
  redoubt script change OLD NEW                 print what a changed integration asks of its warehouse
  redoubt script remove FILE [--keep-profiles]  print what takes everything away, or all but the profiles
  redoubt plan OLD NEW                          say in words what a changed integration brings about
  redoubt --help                                print this

FILE, OLD and NEW hold an integration's document, or an event with one (integration.created, integration.updated),
in YAML or JSON; - is the standard input. A value ${NAME} is taken from the environment.

  --reader-secret ARN  secret (name or ARN) of a second, ordinary account; without it, the one of `setup`
  --json               the report as JSON

Only the doctor reaches the warehouse.
Exit status: 0 done; 1 not possible, or the doctor found what blocks; 2 the arguments are not understood.
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let mut out = Vec::new();
    let done = run(&arguments, &mut out).await;
    let written = std::io::stdout().write_all(&out);
    let failure = match (done, written) {
        (Ok(status), Ok(())) => return status,
        (Err(failure), _) => failure,
        (Ok(_), Err(source)) => Failure::Output(source),
    };
    // There is nobody left to tell if this fails.
    let _ = writeln!(std::io::stderr(), "{failure}");
    ExitCode::from(failure.status())
}

/// Does what the arguments say. What was written before a failure is of use too.
async fn run(arguments: &[String], out: &mut Vec<u8>) -> Result<ExitCode, Failure> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if words == ["help"] || words.iter().any(|word| matches!(*word, "--help" | "-h")) {
        out.extend_from_slice(HELP.as_bytes());
        return Ok(ExitCode::SUCCESS);
    }
    match words.as_slice() {
        ["doctor", rest @ ..] => return doctor::run(rest, out).await,
        ["script", rest @ ..] => script::run(rest, out)?,
        ["plan", rest @ ..] => plan::run(rest, out)?,
        _ => return Err(Failure::usage("`doctor`, `script` or `plan`", &words)),
    }
    Ok(ExitCode::SUCCESS)
}
