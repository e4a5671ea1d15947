//! Waiting for a state, never for a time.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::StackError;

/// How long a state may take to come. Most take under a second.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const POLL: Duration = Duration::from_millis(40);

/// Looks until there is a result.
///
/// # Errors
/// When there is none in time, with what the last look saw; the error of a look.
pub async fn until<T>(
    wanted: impl Fn() -> String,
    look: impl AsyncFn() -> Result<Result<T, String>, StackError>,
) -> Result<T, StackError> {
    let begin = Instant::now();
    loop {
        match look().await? {
            Ok(found) => return Ok(found),
            Err(seen) if begin.elapsed() >= PATIENCE => {
                return Err(StackError::Late { patience: PATIENCE, wanted: wanted(), seen });
            }
            Err(_) => sleep(POLL).await,
        }
    }
}
