//! Runs histories: `SEEDS=1000` of them from `FIRST`, or `SEED=n` with its history, with `MUTATION=sweep` that of a fault made on
//! purpose. With the argument `mutations` it looks where each of those is noticed.

#![expect(clippy::print_stdout, reason = "a program that prints")]

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Instant,
};

use redoubt_simulate::{
    faults::{Counts, Table, add, missing},
    kernel::SECOND,
    mutation::Mutation,
    price::{self, DATE},
    run::{Options, run, shorten},
    scale::cases::{self, Case},
};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().filter(|text| !text.is_empty()).and_then(|text| text.parse().ok())
}

fn main() -> ExitCode {
    match number("SEED") {
        Some(seed) => one(seed),
        None if std::env::args().any(|argument| argument == "scale") => scale(),
        None if std::env::args().any(|argument| argument == "mutations") => mutations(number("SEEDS").unwrap_or(300)),
        None => many(number("FIRST").unwrap_or(0), number("SEEDS").unwrap_or(1_000)),
    }
}

/// Bursts without faults, under the real quotas.
fn scale() -> ExitCode {
    let size = |name: &str, default: u64| usize::try_from(number(name).unwrap_or(default)).unwrap_or(usize::MAX);
    println!("prices in US dollars, {DATE}:");
    for price in price::list::ALL {
        println!("  {:<28} {:>8} a million, {}", price.what, price.million, price.source);
    }
    let mut missed = 0;
    let mut show = |case: &Case| {
        println!("{case}");
        missed += case.missed();
    };
    show(&cases::policy_change(size("SOURCES", 10_000)));
    show(&cases::user_changes(size("USERS", 100_000)));
    show(&cases::first_load(size("LOAD", 100_000)));
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Where each mutation is first noticed.
fn mutations(seeds: u64) -> ExitCode {
    let mut missed = 0;
    for mutation in Mutation::ALL {
        let options = Options { mutation: Some(*mutation), ..Options::default() };
        let noticed = (0..seeds).find_map(|seed| Some((seed, run(seed, &options).failure?)));
        match noticed {
            Some((seed, failure)) => {
                let failure: String = failure.lines().next().unwrap_or_default().chars().take(70).collect();
                println!("{:<45} seed {seed:>4}: {failure}", mutation.words());
            }
            None => {
                missed += 1;
                println!("{:<45} NOT NOTICED in {seeds} histories", mutation.words());
            }
        }
    }
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One history, printed.
fn one(seed: u64) -> ExitCode {
    let words = std::env::var("MUTATION").ok().filter(|words| !words.is_empty());
    let mutation = words.and_then(|words| Mutation::ALL.iter().copied().find(|one| one.words().contains(&words)));
    let outcome = run(seed, &Options { history: true, mutation, ..Options::default() });
    println!("{}", outcome.history);
    println!("{}", Table(&outcome.faults));
    match outcome.failure {
        None => ExitCode::SUCCESS,
        Some(failure) => {
            println!("seed {seed} failed: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn many(first: u64, seeds: u64) -> ExitCode {
    let begin = Instant::now();
    let (mut counts, mut failed, mut events, mut judged, mut mixed, mut loose, mut torn, mut behind) =
        (Counts::new(), 0, 0, 0, 0, 0, 0, 0);
    let mut loosest = (0, String::new(), 0);
    for seed in first..first + seeds {
        let outcome = run(seed, &Options::default());
        add(&mut counts, &outcome.faults);
        events += outcome.events;
        judged += outcome.sightings.judged;
        mixed += outcome.sightings.mixed;
        loose += outcome.sightings.loose;
        torn += outcome.sightings.torn;
        behind += u32::from(outcome.behind);
        let (time, of) = outcome.sightings.loosest;
        if outcome.no_outage && time > loosest.0 {
            loosest = (time, of, seed);
        }
        if let Some(failure) = outcome.failure {
            failed += 1;
            report(seed, &failure);
        }
        progress(seed - first + 1, seeds, failed);
    }
    println!("\n{seeds} histories of {events} events in {:.0} s: {failed} failed", begin.elapsed().as_secs_f64());
    println!(
        "what users saw was judged {judged} times, {mixed} of them while no allowed view and profile were in force\n\
         {torn} views were submitted that no documents of one moment ask for\n\
         {behind} histories ended with what is right but behind its revision, until it was rendered once more"
    );
    println!(
        "{loose} times more was seen for a while than the newest documents allow; the longest without an outage: \
         {:.1} min, of `{}` in seed {}\n",
        minutes(loosest.0),
        loosest.1,
        loosest.2
    );
    print!("{}", Table(&counts));
    let missing = missing(&counts);
    for fault in &missing {
        println!("NEVER HAPPENED: {}", fault.words());
    }
    if failed == 0 && missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the shortest history that still fails.
fn report(seed: u64, failure: &str) {
    println!("\nseed {seed} FAILED: {failure}\nreproduce with: make simulate SEED={seed}\nits history, shortened:");
    let without = shorten(seed, None);
    println!("{}", run(seed, &Options { history: true, without, ..Options::default() }).history);
}

fn progress(done: u64, of: u64, failed: u64) {
    let interactive = std::io::stdout().is_terminal();
    if interactive {
        print!("\r{done} of {of} histories, {failed} failed ");
        let _ = std::io::stdout().flush();
    } else if done.is_multiple_of((of / 10).max(1)) {
        println!("{done} of {of} histories, {failed} failed");
    }
}

fn minutes(micros: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "hours at most")]
    let minutes = micros as f64 / (60 * SECOND) as f64;
    minutes
}
