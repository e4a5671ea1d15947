//! Collecting every fault of a document instead of stopping at the first.

use crate::event::{Fault, Faults};

/// Faults found so far.
#[derive(Debug, Default)]
pub(super) struct Collector(Vec<Fault>);

impl Collector {
    /// Keeps a fault.
    pub(super) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// The value, or its fault is kept.
    pub(super) fn take<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.0.push(fault)).ok()
    }

    /// Checks each element at `path[index]`; those that are wrong leave a fault.
    pub(super) fn each<T, U>(
        &mut self,
        path: &str,
        items: &[T],
        mut check: impl FnMut(&mut Self, &str, &T) -> Option<U>,
    ) -> Vec<U> {
        items.iter().enumerate().filter_map(|(index, item)| check(self, &format!("{path}[{index}]"), item)).collect()
    }

    /// The value if there was no fault at all.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Faults> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Faults(self.0)),
        }
    }
}
