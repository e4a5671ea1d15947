//! `redshift-standin`: see the library and README.md.

use redoubt_local::{Standin, arguments};
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("REDSHIFT_STANDIN_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    let config = match arguments::parse(std::env::args().skip(1)) {
        Ok(Some(config)) => config,
        Ok(None) => return say(arguments::USAGE),
        Err(error) => {
            let _ = write!(std::io::stderr(), "redshift-standin: {error}\n\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut message = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                message.push_str(&format!(": {cause}"));
                source = cause.source();
            }
            tracing::error!("{message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: redoubt_local::Config) -> Result<(), Box<dyn Error>> {
    // Before anything starts, so that no signal finds PostgreSQL without an owner.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let standin = Standin::start(config).await?;
    let servers: Vec<String> =
        standin.warehouses().map(|warehouse| format!("{}=127.0.0.1:{}", warehouse.name(), warehouse.port())).collect();
    say(&format!("ready api={} {}\n", standin.endpoint(), servers.join(" ")));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    standin.stop().await?;
    Ok(())
}

/// Writes to standard output at once; nobody reading it is not an error.
fn say(text: &str) -> ExitCode {
    let mut output = std::io::stdout().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    ExitCode::SUCCESS
}
