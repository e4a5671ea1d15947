//! Request rates: a bucket of tokens for each operation, as large as one second's allowance.

use super::Operation;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Counts the requests of every operation.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<Vec<Bucket>>);

#[derive(Debug)]
struct Bucket {
    operation: Operation,
    tokens: f64,
    filled: Instant,
}

impl Throttle {
    /// Whether a request may pass now.
    pub fn admit(&self, operation: Operation) -> bool {
        self.admit_at(operation, Instant::now())
    }

    fn admit_at(&self, operation: Operation, now: Instant) -> bool {
        let rate = f64::from(operation.rate());
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = buckets.iter().position(|bucket| bucket.operation == operation).unwrap_or_else(|| {
            buckets.push(Bucket { operation, tokens: rate, filled: now });
            buckets.len() - 1
        });
        let Some(bucket) = buckets.get_mut(place) else {
            return true;
        };
        let elapsed = now.saturating_duration_since(bucket.filled).as_secs_f64();
        bucket.tokens = (bucket.tokens + elapsed * rate).min(rate);
        bucket.filled = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_operation_has_its_own_rate() {
        let throttle = Throttle::default();
        let now = Instant::now();
        assert_eq!((0..50).filter(|_| throttle.admit_at(Operation::Execute, now)).count(), 30);
        assert_eq!((0..50).filter(|_| throttle.admit_at(Operation::Cancel, now)).count(), 3);
        let later = now + Duration::from_millis(500);
        assert_eq!((0..50).filter(|_| throttle.admit_at(Operation::Execute, later)).count(), 15);
    }
}
