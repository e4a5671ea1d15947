//! Kills function processes of this stack at random, most of them in the midst of an invocation.
//!
//! An environment that waits for its next event sleeps: its process does not run at all. That it runs shows that an event came, and
//! a little later it is killed. Whether an invocation was cut short is counted from Lambda's side, by what MiniStack logs of it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use redoubt_tests::chance::Chance;
use rustix::process::{Pid, Signal, kill_process};

/// The variable by which Lambda tells a process which function it is.
const NAME: &str = "AWS_LAMBDA_FUNCTION_NAME";
/// How long a process is watched until it does something.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_micros(500);
/// Of a hundred processes so many are killed whatever they do.
const AT_ANY_TIME: usize = 15;
/// An invocation takes from some ten to some hundred milliseconds.
const LONGEST_LIFE: usize = 90_000;

/// How often it kills.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    pub least: Duration,
    pub most: Duration,
}

/// Kills until it is stopped.
pub struct Chaos {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeMap<String, usize>>,
}

impl Chaos {
    /// Begins to kill what runs from code below a directory, but for the functions to be spared. It ends by itself after a while,
    /// or a slow machine would be kept from ever getting anything done.
    pub fn begin(seed: u64, rhythm: Rhythm, longest: Duration, code: PathBuf, spared: Vec<String>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || rage(seed, rhythm, longest, &code, &spared, &stopped));
        Self { stop, thread }
    }

    /// Stops and says how many processes of which function were killed.
    pub fn end(self) -> BTreeMap<String, usize> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn rage(
    seed: u64,
    rhythm: Rhythm,
    longest: Duration,
    code: &Path,
    spared: &[String],
    stop: &AtomicBool,
) -> BTreeMap<String, usize> {
    let begin = Instant::now();
    let mut chance = Chance::new(seed, 3);
    let mut killed = BTreeMap::new();
    while !stop.load(Ordering::Relaxed) && begin.elapsed() < longest {
        let micros = |duration: Duration| usize::try_from(duration.as_micros()).unwrap();
        pause(chance.between(micros(rhythm.least), micros(rhythm.most)));
        let mut functions: BTreeMap<String, Vec<Pid>> = BTreeMap::new();
        for (pid, name) in processes(code) {
            if !spared.contains(&name) {
                functions.entry(name).or_default().push(pid);
            }
        }
        if functions.is_empty() {
            continue;
        }
        let names: Vec<&String> = functions.keys().collect();
        let name = (*chance.of(&names)).clone();
        let at_any_time = chance.percent(AT_ANY_TIME);
        let life = chance.below(LONGEST_LIFE);
        let victim = if at_any_time {
            Some(*chance.of(&functions[&name]))
        } else {
            first_to_run(&functions[&name], stop).inspect(|_| pause(life))
        };
        if let Some(pid) = victim
            && runs_from(pid, code)
            && kill_process(pid, Signal::KILL).is_ok()
        {
            *killed.entry(name).or_default() += 1;
        }
    }
    killed
}

fn pause(micros: usize) {
    thread::sleep(Duration::from_micros(micros.try_into().unwrap()));
}

/// The first of some processes that gets to run.
fn first_to_run(pids: &[Pid], stop: &AtomicBool) -> Option<Pid> {
    let before: Vec<Option<u64>> = pids.iter().map(|pid| switches(*pid)).collect();
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE && !stop.load(Ordering::Relaxed) {
        for (pid, before) in pids.iter().zip(&before) {
            if before.is_some() && switches(*pid) != *before {
                return Some(*pid);
            }
        }
        thread::sleep(LOOK);
    }
    None
}

/// How often a process gave up the processor, which it does whenever it has nothing to do.
fn switches(pid: Pid) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
    status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?.trim().parse().ok()
}

fn runs_from(pid: Pid, code: &Path) -> bool {
    fs::read_link(format!("/proc/{}/exe", pid.as_raw_nonzero())).is_ok_and(|program| program.starts_with(code))
}

/// The function processes that run from code below a directory, with the names of their functions.
pub fn processes(code: &Path) -> Vec<(Pid, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        let Some(pid) = pid.filter(|pid| runs_from(*pid, code)) else { continue };
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        let name = environment.split(|byte| *byte == 0).find_map(|variable| {
            let variable = std::str::from_utf8(variable).ok()?;
            variable.strip_prefix(NAME)?.strip_prefix('=').map(str::to_owned)
        });
        found.extend(name.map(|name| (pid, name)));
    }
    found.sort_by_key(|(pid, _)| pid.as_raw_nonzero());
    found
}
