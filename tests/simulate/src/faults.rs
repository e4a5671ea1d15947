//! What can go wrong, how likely it is in a run, and how often it happened.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use crate::kernel::{Random, Sim};

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident, $words:literal, $chance:literal;)*) => {
        /// A kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault { $($(#[$doc])* $name,)* }

        impl Fault {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What it is, for people.
            #[must_use]
            pub fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }

            /// How often it strikes in bad weather, of a thousand chances; 0 where it is not a matter of draws.
            fn worst(self) -> u32 {
                match self { $(Self::$name => $chance,)* }
            }
        }
    };
}

faults! {
    /// The producer or EventBridge sends an event twice (at least once, both say).
    EventTwice, "event sent twice", 250;
    /// A later version is sent before an earlier one.
    EventsSwapped, "event sent after a newer one", 0;
    /// A standard queue hands a message out that is in flight.
    Duplicate, "message delivered again while in flight", 60;
    /// A standard queue does not hand out the oldest message first.
    OutOfOrder, "message delivered before an older one", 0;
    /// A copy of a message survives its deletion.
    DeleteLost, "message survived its deletion", 60;
    /// Sending failed, nothing was sent.
    SendFailed, "sending failed", 30;
    /// Sending failed, part was sent.
    SendPartly, "sending failed after part was sent", 30;
    /// A message keeps its visibility timeout.
    PostponeFailed, "message could not be postponed", 100;
    /// An invocation died before a call had its effect.
    CrashBefore, "invocation died before a call's effect", 80;
    /// An invocation died after a call had its effect.
    CrashAfter, "invocation died after a call's effect", 80;
    /// An invocation was stopped at its timeout.
    TimedOut, "invocation stopped at its timeout", 0;
    /// A call takes minutes.
    Slow, "call took minutes", 4;
    /// DynamoDB throttles.
    StoreThrottled, "store throttled", 25;
    /// DynamoDB's reply is lost.
    StoreReplyLost, "store failed after its effect", 25;
    /// Something changed between the pages of a list.
    ListTorn, "list changed between its pages", 0;
    /// The Data API throttles.
    ApiThrottled, "Data API throttled", 60;
    /// 500 statements are active.
    ActiveLimit, "too many active statements", 0;
    /// The Data API fails before it takes a call.
    ApiFailed, "Data API failed before its effect", 60;
    /// The Data API takes a call and its reply is lost.
    ApiReplyLost, "Data API failed after its effect", 60;
    /// A statement's state can't be learnt.
    DescribeFailed, "statement could not be described", 60;
    /// A token brought the id of an earlier call.
    TokenKnown, "call repeated under its token", 0;
    /// A token came again after it was forgotten.
    TokenForgotten, "token came again after eight hours", 0;
    /// The state of a statement was asked for after a day.
    ResultsForgotten, "statement forgotten after a day", 0;
    /// A completion event never comes.
    EventLost, "completion event lost", 150;
    /// A completion event comes late.
    EventLate, "completion event late", 150;
    /// A completion event comes twice.
    EventDoubled, "completion event doubled", 150;
    /// A statement fails in a way that passes.
    StatementFailed, "statement failed, to pass", 100;
    /// A statement fails in a way that lasts.
    StatementRefused, "statement refused for good", 0;
    /// A statement is stopped by somebody.
    StatementAborted, "call aborted", 40;
    /// A call begins long after it was taken.
    StatementLate, "call ran minutes late", 80;
    /// A transaction waited for another's lock.
    LockWaited, "waited for a lock", 0;
    /// A transaction lost a row to another one.
    RowConflict, "conflict on a row (1023)", 0;
    /// Two transactions waited for each other.
    Deadlock, "deadlock", 0;
    /// The warehouse can't be reached.
    Silence, "statement found no warehouse", 0;
    /// An instance's clock is off by more than a minute.
    ClockSkew, "clock off by more than a minute", 0;
    /// The schedules stop for more than a day.
    ScheduleStopped, "schedules stopped for a day", 0;
    /// A function takes nothing from its queue for hours.
    MappingStopped, "function stopped for hours", 0;
    /// All functions stop for hours, just when a reply of the Data API was lost, and come back one after the other.
    AllStopped, "all functions stopped after a lost reply", 0;
}

/// How often each kind happened.
pub type Counts = BTreeMap<Fault, u64>;

#[derive(Debug)]
struct State {
    chances: BTreeMap<Fault, u32>,
    counts: Counts,
    peace: bool,
}

/// The faults of one run. Clones are the same.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Mutex<State>>);

impl Faults {
    /// Nothing goes wrong by chance.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::new(Mutex::new(State { chances: BTreeMap::new(), counts: BTreeMap::new(), peace: true })))
    }

    /// The weather of one run: each kind is off, rare or as bad as it gets. Runs in which only some things go wrong reach places
    /// that are never reached where everything does.
    #[must_use]
    pub fn weather(random: &mut Random) -> Self {
        let chances = Fault::ALL.iter().map(|fault| {
            let share = random.below(4);
            let chance = if share < 2 { 0 } else { u64::from(fault.worst()) * (share - 1) / 2 };
            (*fault, u32::try_from(chance).unwrap_or(0))
        });
        Self(Arc::new(Mutex::new(State { chances: chances.collect(), counts: BTreeMap::new(), peace: false })))
    }

    /// Has a fault strike at least so often, of a thousand chances.
    pub fn raise(&self, fault: Fault, chance: u32) {
        let mut state = self.0.lock().unwrap();
        let known = state.chances.entry(fault).or_default();
        *known = chance.max(*known);
    }

    /// Whether a fault happens now; counts it if so.
    #[must_use]
    pub fn strikes(&self, sim: &Sim, fault: Fault) -> bool {
        let mut state = self.0.lock().unwrap();
        let chance = if state.peace { 0 } else { state.chances.get(&fault).copied().unwrap_or(0) };
        let strikes = sim.draw(|random| random.permille(chance));
        if strikes {
            *state.counts.entry(fault).or_default() += 1;
        }
        strikes
    }

    /// Whether a fault is to happen, without counting it: it may yet not come about.
    #[must_use]
    pub fn strikes_quietly(&self, sim: &Sim, fault: Fault) -> bool {
        let state = self.0.lock().unwrap();
        let chance = if state.peace { 0 } else { state.chances.get(&fault).copied().unwrap_or(0) };
        sim.draw(|random| random.permille(chance))
    }

    /// Counts a fault that came about by itself.
    pub fn happened(&self, fault: Fault) {
        *self.0.lock().unwrap().counts.entry(fault).or_default() += 1;
    }

    /// From here on nothing goes wrong by chance.
    pub fn make_peace(&self) {
        self.0.lock().unwrap().peace = true;
    }

    /// Whether nothing goes wrong by chance any more.
    #[must_use]
    pub fn is_peace(&self) -> bool {
        self.0.lock().unwrap().peace
    }

    /// How often each kind happened.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.lock().unwrap().counts.clone()
    }
}

/// Adds counts up.
pub fn add(to: &mut Counts, counts: &Counts) {
    for (fault, count) in counts {
        *to.entry(*fault).or_default() += count;
    }
}

/// The kinds that never happened.
#[must_use]
pub fn missing(counts: &Counts) -> Vec<Fault> {
    Fault::ALL.iter().copied().filter(|fault| counts.get(fault).copied().unwrap_or(0) == 0).collect()
}

/// Counts as a table.
#[derive(Debug)]
pub struct Table<'a>(pub &'a Counts);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in Fault::ALL {
            let count = self.0.get(fault).copied().unwrap_or(0);
            writeln!(f, "  {:<42} {count:>10}", fault.words())?;
        }
        Ok(())
    }
}
