//! What a history is about. Most have a little of everything; some go where that rarely leads.

use redoubt_aws::port::Queue;

use crate::{
    faults::{Fault, Faults},
    kernel::{MINUTE, Micros, Random, SECOND},
    settings::Settings,
};

/// What a history is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// A little of everything.
    Mixed,
    /// Policies are switched on and off faster than they are read, so that what is read of two of them may never have been true of
    /// both.
    Storm,
    /// Data sources and users are changed, switched off or deleted while their first statement runs.
    Overlap,
    /// Statements run long after they were taken.
    Late,
    /// Two data sources exchange the names of their views.
    Exchange,
    /// Much fails, and the installation gives up soon.
    GivesUp,
}

impl Theme {
    /// Every one.
    pub const ALL: [Self; 6] = [Self::Mixed, Self::Storm, Self::Overlap, Self::Late, Self::Exchange, Self::GivesUp];

    /// Draws one.
    #[must_use]
    pub fn draw(random: &mut Random) -> Self {
        match random.below(20) {
            0..=3 => Self::Storm,
            4..=5 => Self::Overlap,
            6..=7 => Self::Late,
            8..=9 => Self::Exchange,
            10..=11 => Self::GivesUp,
            _ => Self::Mixed,
        }
    }

    /// The longest pause between two events is twice this.
    #[must_use]
    pub fn pause(self, random: &mut Random) -> Micros {
        // Some histories are bursts, some have minutes between events.
        let any = *random.one_of(&[SECOND / 4, 5 * SECOND, MINUTE]);
        match self {
            Self::Overlap | Self::Exchange => SECOND / 2,
            Self::Late => MINUTE,
            Self::Mixed | Self::Storm | Self::GivesUp => any,
        }
    }

    /// How many of a thousand events are sent minutes late.
    #[must_use]
    pub fn late_events(self) -> u32 {
        match self {
            Self::Overlap | Self::Exchange => 100,
            Self::Mixed | Self::Storm | Self::Late | Self::GivesUp => 400,
        }
    }

    /// Makes the deployment one in which it comes about.
    pub fn deploy(self, settings: &mut Settings) {
        match self {
            Self::Overlap | Self::Exchange => {
                // Every message is handled by itself, and statements take longer than what lies between events.
                settings.running = 50;
                settings.view_statement = 15 * SECOND;
                settings.statement = SECOND;
                for mapping in &mut settings.mappings {
                    if matches!(mapping.queue, Queue::DataSource | Queue::User) {
                        (mapping.batch, mapping.concurrency, mapping.window) = (1, 3, 0);
                    }
                }
            }
            Self::GivesUp => settings.set("REDOUBT_MAX_ATTEMPTS", "1"),
            Self::Mixed | Self::Storm | Self::Late => {}
        }
    }

    /// Has what it is about go wrong more often.
    pub fn worsen(self, faults: &Faults) {
        match self {
            Self::Late => faults.raise(Fault::StatementLate, 400),
            Self::GivesUp => faults.raise(Fault::StatementFailed, 400),
            Self::Mixed | Self::Storm | Self::Overlap | Self::Exchange => {}
        }
    }
}
