//! `redoubt`: what administrators run by hand.

mod doctor;

use std::{
    io::{self, Write},
    process::ExitCode,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("doctor") => doctor::run(arguments, &mut io::stdout(), &mut io::stderr()).await,
        _ => {
            let _ = write!(io::stderr(), "{}", doctor::USAGE);
            ExitCode::from(2)
        }
    }
}
