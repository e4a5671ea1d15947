//! Faults of Redoubt's own, made on purpose: each takes one of the things away that convergence rests on. The simulator is worth
//! something only if it notices every one.

use crate::theme::Theme;

macro_rules! mutations {
    ($($(#[$doc:meta])* $name:ident, $words:literal, $theme:expr;)*) => {
        /// What is taken away.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mutation { $($(#[$doc])* $name,)* }

        impl Mutation {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What it is, for people.
            #[must_use]
            pub fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }

            /// The histories in which it matters most; any, where it matters in all.
            #[must_use]
            pub fn theme(self) -> Option<Theme> {
                match self { $(Self::$name => $theme,)* }
            }
        }
    };
}

mutations! {
    /// The procedures put in force whatever they are given.
    NoRevisionGuard, "procedures apply whatever the revision", Some(Theme::Late);
    /// A data source has no row before its first view.
    NoRow, "no row before the first view", Some(Theme::Overlap);
    /// Profiles are merged without a lock.
    NoLock, "profiles are merged without the lock", Some(Theme::Overlap);
    /// The definition that a document replaces is not kept.
    NoPrevious, "the previous definition is not kept", None;
    /// Nobody asks after statements that are silent.
    NoSweep, "no sweep", None;
    /// A retry has the token of the statement that failed.
    SameToken, "a retry has the failed statement's token", None;
    /// In a batch only the state of the whole is looked at.
    ParentOnly, "the state of a call settles all its targets", None;
    /// A message is taken off its queue when it is received.
    AtMostOnce, "messages are deleted when they are received", None;
    /// Lists show what was stored a moment ago.
    StaleLists, "lists are eventually consistent", None;
    /// A failed statement counts as done.
    NoRetry, "a failed statement counts as done", None;
}
