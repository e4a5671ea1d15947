//! Logs: one JSON object a line on standard output, as CloudWatch and its queries like them.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How the targets of our own lines begin. Libraries write whole requests, and thereby SQL, when they are asked for detail.
const OWN: &str = "redoubt";

/// What is logged unless the configuration says otherwise.
#[must_use]
pub fn default_filter() -> Targets {
    Targets::new().with_default(LevelFilter::INFO)
}

/// Starts logging. A second call changes nothing.
pub fn init(filter: &Targets) {
    if subscriber(filter.clone(), io::stdout).try_init().is_err() {
        tracing::warn!("logging was started already");
    }
}

pub(crate) fn subscriber<W>(filter: Targets, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_ansi(false)
        .with_writer(writer);
    tracing_subscriber::registry().with(lines.with_filter(filter.and(filter_fn(is_discreet))))
}

/// Whether a line can't hold a request, whatever level is asked for.
fn is_discreet(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= LevelFilter::INFO || metadata.target().starts_with(OWN)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    use crate::testing::LogLines;

    fn lines(filter: &str, log: impl FnOnce()) -> Vec<Value> {
        let lines = LogLines::with(filter);
        log();
        lines.all()
    }

    #[test]
    fn a_line_is_an_object_with_time_level_fields_and_span() {
        let lines = lines("info", || {
            let _span = tracing::info_span!("batch", request = "r1").entered();
            tracing::warn!(count = 2, "two\nlines\u{1b}[31m");
            tracing::debug!("not shown");
        });
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        OffsetDateTime::parse(line["timestamp"].as_str().unwrap(), &Rfc3339).unwrap();
        assert_eq!((&line["level"], &line["count"]), (&Value::from("WARN"), &Value::from(2)));
        assert!(line["message"].as_str().unwrap().starts_with("two\nlines"));
        assert_eq!(line["span"]["request"], "r1");
    }

    #[test]
    fn no_filter_makes_libraries_write_requests() {
        let lines = lines("trace,aws_smithy_runtime=trace,lambda_runtime::layers=trace", || {
            tracing::trace!(target: "aws_smithy_runtime::client", "a request");
            tracing::debug!(target: "lambda_runtime::layers", "a payload");
            tracing::debug!(target: "a_library_of_tomorrow", "who knows");
            tracing::info!(target: "aws_config", "fine");
            tracing::trace!(target: "redoubt_aws", "ours");
        });
        let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(messages, ["fine", "ours"]);
    }
}
