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

FILE, OLD and NEW hold an integration's document, or an event with one (integration.created), as JSON.
Only the doctor reaches the warehouse. Exit status: 0 done, 1 not possible, or the doctor found what blocks; 2 not understood.
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = env::args().skip(1).peekable();
    if arguments.next_if(|command| command == "doctor").is_some() {
        return doctor::run(arguments, &mut std::io::stdout(), &mut std::io::stderr()).await;
    }
    let mut out = Vec::new();
    let done = run(&arguments.collect::<Vec<_>>(), &mut out);
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
