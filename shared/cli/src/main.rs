//! `redoubt`: what an administrator runs beside the deployment. Each command is a module.

mod arguments;
mod document;
mod failure;
mod plan;
mod script;

use std::{env, io::Write, process::ExitCode};

use crate::failure::Failure;

const HELP: &str = "\
Scripts and plans for those who administer a warehouse.

Usage:
  redoubt script setup FILE                     print what sets a warehouse up, as SQL to review and run by hand
  redoubt script change OLD NEW                 print what a changed integration asks of its warehouse
  redoubt script remove FILE [--keep-profiles]  print what takes everything away, or all but the profiles
  redoubt plan OLD NEW                          say in words what a changed integration brings about
  redoubt --help                                print this

FILE, OLD and NEW hold an integration's document, or an event with one (integration.created), as JSON.
Nothing is sent anywhere. Exit status: 0 done, 1 not possible, 2 not understood.
";

fn main() -> ExitCode {
    let mut out = Vec::new();
    let done = run(&env::args().skip(1).collect::<Vec<_>>(), &mut out);
    let written = std::io::stdout().write_all(&out);
    let failure = match (done, written) {
        (Ok(()), Ok(())) => return ExitCode::SUCCESS,
        (Err(failure), _) => failure,
        (Ok(()), Err(source)) => Failure::Output(source),
    };
    // There is nobody left to tell if this fails.
    let _ = writeln!(std::io::stderr(), "{failure}");
    ExitCode::from(failure.status())
}

/// Does what the arguments say. What was written before a failure is of use too.
fn run(arguments: &[String], out: &mut Vec<u8>) -> Result<(), Failure> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--help" | "-h" | "help"] => {
            out.extend_from_slice(HELP.as_bytes());
            Ok(())
        }
        ["script", rest @ ..] => script::run(rest, out),
        ["plan", rest @ ..] => plan::run(rest, out),
        _ => Err(Failure::usage("a command", &words)),
    }
}
