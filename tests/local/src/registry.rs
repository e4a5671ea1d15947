//! All statements of the last day, and the client tokens of the last hours.

use crate::event::RETENTION;
use crate::identifier;
use crate::statement::{Statement, Status, Submission};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most statements of a warehouse that may be submitted and not yet ended.
pub const ACTIVE_STATEMENTS: usize = 500;
/// How long a client token is remembered.
const TOKEN_LIFETIME: Duration = Duration::from_hours(8);

/// What became of a submission.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// A new statement of that id, to be run.
    New(String),
    /// The token was used before, for that id.
    Known(String),
    /// Too many of its warehouse are active.
    Full,
}

/// The statements, shared by the API and the runner.
#[derive(Debug, Default)]
pub struct Registry(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    statements: HashMap<String, Statement>,
    order: VecDeque<String>,
    tokens: HashMap<String, (String, Instant)>,
    /// By warehouse.
    active: HashMap<String, usize>,
    last_query: i64,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a submission in, unless its token is known or there are too many.
    pub fn submit(&self, submission: Submission, token: Option<String>) -> Admission {
        let mut inner = self.lock();
        inner.forget_old();
        if let Some((id, _)) = token.as_ref().and_then(|token| inner.tokens.get(token)) {
            return Admission::Known(id.clone());
        }
        let active = inner.active.entry(submission.warehouse().to_owned()).or_default();
        if *active >= ACTIVE_STATEMENTS {
            return Admission::Full;
        }
        *active += 1;
        let id = identifier::unique();
        inner.order.push_back(id.clone());
        inner.statements.insert(id.clone(), Statement::new(id.clone(), Arc::new(submission)));
        if let Some(token) = token {
            inner.tokens.insert(token, (id.clone(), Instant::now()));
        }
        Admission::New(id)
    }

    /// Reads one statement.
    pub fn read<T>(&self, id: &str, read: impl FnOnce(&Statement) -> T) -> Option<T> {
        self.lock().statements.get(id).map(read)
    }

    /// Changes one statement that has not ended; the change may end it.
    pub fn change<T>(&self, id: &str, change: impl FnOnce(&mut Statement) -> T) -> Option<T> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let statement = inner.statements.get_mut(id)?;
        if statement.status().is_terminal() {
            return None;
        }
        let changed = change(statement);
        statement.updated = time::OffsetDateTime::now_utc();
        if statement.status().is_terminal()
            && let Some(active) = inner.active.get_mut(statement.submission.warehouse())
        {
            *active = active.saturating_sub(1);
        }
        Some(changed)
    }

    /// Reads the newest statements first.
    pub fn scan<T>(&self, mut read: impl FnMut(&Statement) -> Option<T>) -> Vec<T> {
        let inner = self.lock();
        inner.order.iter().rev().filter_map(|id| inner.statements.get(id)).filter_map(&mut read).collect()
    }

    /// A number no query had before.
    pub fn next_query(&self) -> i64 {
        let mut inner = self.lock();
        inner.last_query += 1;
        inner.last_query
    }

    /// Waits until the statement has ended or `longest` has passed.
    pub async fn wait(&self, id: &str, longest: Duration) {
        let Some(mut status) = self.read(id, |statement| statement.status.subscribe()) else {
            return;
        };
        let ended = status.wait_for(|status: &Status| status.is_terminal());
        // On timeout the present state is what the caller reports.
        let _ = tokio::time::timeout(longest, ended).await.map(|ended| ended.map(|_| ()));
    }
}

impl Inner {
    fn forget_old(&mut self) {
        self.tokens.retain(|_, (_, created)| created.elapsed() < TOKEN_LIFETIME);
        while let Some(oldest) = self.order.front() {
            let expired = self
                .statements
                .get(oldest)
                .is_none_or(|statement| statement.status().is_terminal() && statement.submitted.elapsed() > RETENTION);
            if !expired {
                return;
            }
            self.statements.remove(oldest);
            self.order.pop_front();
        }
    }
}
