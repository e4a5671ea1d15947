//! The demo: TPC-H data under the policies of `documents/`, on the running local stack.
//!
//! It sends governance events as a catalog would, waits until they are enforced, looks at the data as different people,
//! then changes things and measures how long each change takes. It ends with failure if anybody sees anything else than
//! they must.

mod changes;
mod columns;
mod data;
mod documents;
mod explain;
mod forms;
mod masks;
mod screen;
mod secret;
mod send;
mod settings;
mod show;
mod unmask;
mod viewers;
mod wait;
mod warehouse;
mod world;

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use aws_config::BehaviorVersion;
use redoubt_core::event::{Event, wire::PolicyDocument};

use crate::{
    screen::Screen,
    send::Sender,
    settings::Settings,
    show::Mismatch,
    viewers::STRANGER,
    world::{World, WorldError},
};

type Failure = Box<dyn Error>;

/// Seed of the order in which events are sent.
const SEED: u64 = 20_261_121;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let complaint = match run().await {
        Ok(mismatches) if mismatches.is_empty() => return ExitCode::SUCCESS,
        Ok(mismatches) => {
            let describe =
                |it: &Mismatch| format!("  {}\n    expected {}\n    found    {}", it.what, it.expected, it.found);
            let list: Vec<String> = mismatches.iter().map(describe).collect();
            format!("error: not everybody sees what they must\n{}", list.join("\n"))
        }
        Err(error) => {
            let causes = std::iter::successors(error.source(), |error| (*error).source());
            let causes: Vec<String> = causes.map(|cause| format!(": {cause}")).collect();
            format!("error: {error}{}", causes.concat())
        }
    };
    // Nothing is left to do when standard error is closed too.
    let _ = writeln!(io::stderr(), "\n{complaint}");
    ExitCode::FAILURE
}

async fn run() -> Result<Vec<Mismatch>, Failure> {
    let begin = Instant::now();
    let mut settings = Settings::from_env()?;
    let aws = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let sqs = aws_sdk_sqs::Client::new(&aws);
    let digest = secret::password_digest(&aws_sdk_secretsmanager::Client::new(&aws), &settings).await?;
    settings.set("REDOUBT_SYSTEM_PASSWORD_DIGEST", digest);

    // Milliseconds, so that a second run is always newer than what the first one changed in the end.
    let version = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let variable = |name: &str| settings.get(name).map(str::to_owned);
    let documents = documents::load(&documents::directory(), version, &variable)?;
    let mut world = World::default();
    let integration = vec![(world.apply(&documents.integration)?, documents.integration.clone())];
    let mut events = Vec::with_capacity(documents.others.len());
    for event in &documents.others {
        events.push((world.apply(event)?, event.clone()));
    }

    let mut screen = Screen::new();
    let outcome = converge_and_show(&settings, &sqs, &mut world, &integration, &mut events, &mut screen).await;
    let outcome = match outcome {
        Ok(mut mismatches) => {
            let sender = Sender::new(&sqs, &settings);
            screen.heading("Changes, and how long each takes from the event to what people see")?;
            let phones = policy(&documents.others, "phones")?;
            let changed = changes::make(&settings, &sender, &mut world, phones, version + 1, &mut screen).await;
            changed.map_err(Failure::from).map(|more| {
                mismatches.extend(more);
                mismatches
            })
        }
        Err(error) => Err(error),
    };
    match &outcome {
        Ok(mismatches) if mismatches.is_empty() => {
            screen.line("")?;
            screen.line(&format!("Everybody sees what they must. {:.1} s in all.", begin.elapsed().as_secs_f64()))?;
        }
        _ => {
            let letters = wait::dead_letters(&sqs, &settings).await;
            if !letters.is_empty() {
                screen.heading("Messages in dead-letter queues, earlier runs included")?;
            }
            for letter in letters {
                screen.line(&format!("  {letter}"))?;
            }
        }
    }
    outcome
}

type Outgoing = Vec<(redoubt_core::record::Kind, Event)>;

async fn converge_and_show(
    settings: &Settings,
    sqs: &aws_sdk_sqs::Client,
    world: &mut World,
    integration: &Outgoing,
    events: &mut Outgoing,
    screen: &mut Screen,
) -> Result<Vec<Mismatch>, Failure> {
    let sender = Sender::new(sqs, settings);
    let people = world.people()?;
    let sources = world.sources()?;
    let warehouse = world.integration()?;
    screen.heading(&format!(
        "Redoubt demo: {} tables of TPC-H, {} people, {} policies",
        sources.len(),
        people.len(),
        world.policy_ids().len()
    ))?;

    let step = Instant::now();
    let loaded = data::load(settings, &sources).await?;
    let mut accounts: Vec<String> = people.iter().map(|person| person.user.database_user.as_str().to_owned()).collect();
    accounts.push(STRANGER.to_owned());
    data::create_accounts(settings, &accounts).await?;
    let how = if loaded { "generated and loaded" } else { "already loaded" };
    screen.line(&format!("  data and accounts     {how} ({:.1} s)", step.elapsed().as_secs_f64()))?;

    let step = Instant::now();
    sender.send(integration).await?;
    wait::for_account(settings, warehouse.system_user.as_str()).await?;
    data::grant_to_owner(settings, warehouse.system_user.as_str()).await?;
    let session = wait::for_setup(settings, &warehouse).await?;
    screen.line(&format!("  integration.created   warehouse set up ({:.1} s)", step.elapsed().as_secs_f64()))?;

    let count = events.len();
    send::shuffle(events, SEED);
    let batches = sender.send(events).await?;
    screen.line(&format!("  events                {count} sent in shuffled order, {batches} batches"))?;
    let took = wait::for_convergence(&session, world, screen).await?;
    screen.line(&format!(
        "  converged             views, profiles and policies in force ({:.1} s)",
        took.as_secs_f64()
    ))?;
    let mut mismatches = show::everybody(settings, world, screen).await?;
    mismatches.extend(masks::show(settings, world, screen).await?);
    mismatches.extend(unmask::joins(settings, world, screen).await?);
    mismatches.extend(unmask::show(settings, world, screen).await?);
    Ok(mismatches)
}

/// A policy document by identity.
fn policy(events: &[Event], id: &str) -> Result<PolicyDocument, WorldError> {
    let found = events.iter().find_map(|event| match event {
        Event::PolicyCreated { policy } if policy.id == id => Some(policy.clone()),
        _ => None,
    });
    found.ok_or_else(|| WorldError::Missing { kind: redoubt_core::record::Kind::Policy, id: id.to_owned() })
}
