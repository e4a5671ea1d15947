//! Waiting for a statement.

use std::time::Duration;

use crate::{
    error::DescribeError,
    port::{Clock, Report, Warehouse},
};

/// Before the second look; it doubles from look to look, since most statements take no time and some take minutes.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause between two looks: the Data API takes 100 of them a second from a whole account
/// (<https://docs.aws.amazon.com/redshift/latest/mgmt/amazon-redshift-limits.html>).
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// How long a step of a setup, or a question of the preflight, may take: a step takes seconds, a warehouse that resumes minutes.
pub(super) const STEP: Duration = Duration::from_secs(200);

/// What became of a statement; nothing where it has not ended in time.
///
/// # Errors
/// When it can't be learnt.
pub(super) async fn end_of<W: Warehouse>(
    warehouse: &W,
    clock: &dyn Clock,
    statement_id: &str,
    patience: Duration,
) -> Result<Option<Report>, DescribeError> {
    let (mut pause, mut waited) = (FIRST_PAUSE, Duration::ZERO);
    loop {
        let report = warehouse.describe(statement_id).await?;
        if report.state.is_final() {
            return Ok(Some(report));
        }
        if waited >= patience {
            return Ok(None);
        }
        clock.sleep(pause).await;
        waited += pause;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
