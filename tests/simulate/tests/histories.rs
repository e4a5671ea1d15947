//! Histories: a few of them with everything that must hold, and the proof that it is noticed when it does not.

use redoubt_simulate::{
    faults::{Counts, Fault, Table, add},
    mutation::Mutation,
    run::{Options, run},
};

/// Histories of the suite; `make simulate` runs more.
const SEEDS: u64 = 40;
/// Histories within which a mutation must be noticed.
const PATIENCE: u64 = 200;
/// Kinds of faults that are too rare for so few histories; `make simulate` asks for every one.
const RARE: [Fault; 6] = [
    Fault::TokenForgotten,
    Fault::ResultsForgotten,
    Fault::Deadlock,
    Fault::ActiveLimit,
    Fault::RowConflict,
    Fault::StatementAborted,
];

#[test]
fn whatever_goes_wrong_nobody_sees_too_much_and_the_newest_documents_win() {
    let mut counts = Counts::new();
    for seed in 0..SEEDS {
        let outcome = run(seed, &Options::default());
        if let Some(failure) = outcome.failure {
            panic!("seed {seed}: {failure}\nreproduce with: make simulate SEED={seed}");
        }
        add(&mut counts, &outcome.faults);
    }
    println!("{}", Table(&counts));
    for fault in Fault::ALL.iter().filter(|fault| !RARE.contains(fault)) {
        assert!(counts.get(fault).is_some_and(|count| *count > 0), "never happened: {}", fault.words());
    }
}

#[test]
fn a_seed_gives_one_history() {
    let options = Options { history: true, ..Options::default() };
    for seed in [3, 7, 20] {
        let (one, other) = (run(seed, &options).history, run(seed, &options).history);
        assert!(one.lines().count() > 20, "the history says something");
        assert_eq!(one, other, "seed {seed}");
    }
}

/// Without what convergence rests on, histories fail, and soon.
#[test]
fn what_convergence_rests_on_is_missed() {
    let mut missed = Vec::new();
    for mutation in Mutation::ALL {
        let options = Options { mutation: Some(*mutation), ..Options::default() };
        let first = (0..PATIENCE).find_map(|seed| Some((seed, run(seed, &options).failure?)));
        match first {
            Some((seed, failure)) => {
                let failure: String = failure.chars().take(100).collect();
                println!("{:<50} seed {seed}: {failure}", mutation.words());
            }
            None => missed.push(mutation.words()),
        }
    }
    assert!(missed.is_empty(), "not noticed: {missed:?}");
}
