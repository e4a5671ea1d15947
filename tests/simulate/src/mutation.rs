//! Faults of Redoubt's own, made on purpose: each takes one of the things away that convergence rests on. The simulator is worth
//! something only if it notices every one.

macro_rules! mutations {
    ($($(#[$doc:meta])* $name:ident, $words:literal, $seed:literal;)*) => {
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

            /// Where to begin to look: a seed whose history noticed it when this was written.
            #[must_use]
            pub fn seed(self) -> u64 {
                match self { $(Self::$name => $seed,)* }
            }
        }
    };
}

mutations! {
    /// The procedures put in force whatever they are given.
    NoRevisionGuard, "procedures apply whatever the revision", 166;
    /// The definition that a document replaces is not kept.
    NoPrevious, "the previous definition is not kept", 2;
    /// Nobody asks after statements that are silent.
    NoSweep, "no sweep", 3;
    /// A retry has the token of the statement that failed.
    SameToken, "a retry has the failed statement's token", 12;
    /// In a batch only the state of the whole is looked at.
    ParentOnly, "the state of a call settles all its targets", 8;
    /// A message is taken off its queue when it is received.
    AtMostOnce, "messages are deleted when they are received", 0;
    /// Lists show what was stored a moment ago.
    StaleLists, "lists are eventually consistent", 5;
    /// A failed statement counts as done.
    NoRetry, "a failed statement counts as done", 1;
}
