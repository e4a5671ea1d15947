//! Metrics: counted while messages are handled, and written as lines of CloudWatch's embedded metric format, which makes metrics of
//! them without a call
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).
//!
//! They hold numbers only, and are counted per [`App`](crate::runtime::App): nothing here is global, so that several can work in
//! one process without mixing their numbers.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

/// The namespace of all metrics.
pub const NAMESPACE: &str = "Redoubt";

/// Most values that a metric may have in one line.
const MAX_VALUES: usize = 100;

const DEPLOYMENT: &str = "Deployment";
const FUNCTION: &str = "Function";

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Events that were received from producers.
    EventsIn,
    /// Events that were older than what was known.
    EventsStale,
    /// Messages that were wrong and went to the dead-letter queue.
    EventsRejected,
    /// Targets rendered: views, profiles, definitions of policies.
    TargetsRendered,
    /// SQL statements handed to the Data API.
    Statements,
    /// The bytes of their SQL.
    StatementBytes,
    /// Targets whose statements failed.
    StatementsFailed,
    /// Targets that are tried again after a failure.
    Retries,
    /// From the receipt of an event to its being in force.
    PropagationTime,
    /// Data sources and users that are unhealthy now.
    Unhealthy,
    /// Targets that are behind their newest revision.
    Behind,
    /// How long the oldest of them has been.
    OldestPending,
    /// Differences between a warehouse and what was put there.
    DriftFound,
    /// Those of them that were mended.
    DriftRepaired,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 14] = [
        Self::EventsIn,
        Self::EventsStale,
        Self::EventsRejected,
        Self::TargetsRendered,
        Self::Statements,
        Self::StatementBytes,
        Self::StatementsFailed,
        Self::Retries,
        Self::PropagationTime,
        Self::Unhealthy,
        Self::Behind,
        Self::OldestPending,
        Self::DriftFound,
        Self::DriftRepaired,
    ];

    /// Its name in CloudWatch.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EventsIn => "EventsIn",
            Self::EventsStale => "EventsStale",
            Self::EventsRejected => "EventsRejected",
            Self::TargetsRendered => "TargetsRendered",
            Self::Statements => "Statements",
            Self::StatementBytes => "StatementBytes",
            Self::StatementsFailed => "StatementsFailed",
            Self::Retries => "Retries",
            Self::PropagationTime => "PropagationTime",
            Self::Unhealthy => "Unhealthy",
            Self::Behind => "Behind",
            Self::OldestPending => "OldestPending",
            Self::DriftFound => "DriftFound",
            Self::DriftRepaired => "DriftRepaired",
        }
    }

    /// Its unit in CloudWatch.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::StatementBytes => "Bytes",
            Self::PropagationTime => "Milliseconds",
            Self::OldestPending => "Seconds",
            _ => "Count",
        }
    }
}

/// What was measured since it was written last.
#[derive(Debug, Default)]
pub struct Metrics {
    deployment: String,
    function: Option<String>,
    measured: Mutex<BTreeMap<Metric, Measured>>,
}

/// What is known of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Measured {
    /// One number: a sum, or what was seen last.
    One(u64),
    /// Each value that was observed.
    Each(Vec<u64>),
}

impl Metrics {
    /// Metrics of a deployment, and of a function of it.
    #[must_use]
    pub fn new(deployment: impl Into<String>, function: Option<String>) -> Self {
        Self { deployment: deployment.into(), function, measured: Mutex::default() }
    }

    /// Adds to a sum. Adding nothing writes nothing.
    pub fn count(&self, metric: Metric, n: impl TryInto<u64>) {
        let n = number(n);
        if n == 0 {
            return;
        }
        self.change(metric, |measured| {
            Measured::One(match measured {
                Some(Measured::One(sum)) => sum.saturating_add(n),
                _ => n,
            })
        });
    }

    /// Adds a value to a distribution.
    pub fn observe(&self, metric: Metric, value: impl TryInto<u64>) {
        let value = number(value);
        self.change(metric, |measured| match measured {
            Some(Measured::Each(mut values)) => {
                values.push(value);
                Measured::Each(values)
            }
            _ => Measured::Each(vec![value]),
        });
    }

    /// Says how much there is now, nothing included.
    pub fn gauge(&self, metric: Metric, n: impl TryInto<u64>) {
        let n = number(n);
        self.change(metric, |_| Measured::One(n));
    }

    fn change(&self, metric: Metric, change: impl FnOnce(Option<Measured>) -> Measured) {
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        let before = measured.remove(&metric);
        measured.insert(metric, change(before));
    }

    /// Forgets what was measured, and gives it as lines to be written as of a time: none if nothing was, several if more was
    /// observed than one line may hold.
    #[must_use]
    pub fn take_lines(&self, now: OffsetDateTime) -> Vec<String> {
        let measured = std::mem::take(&mut *self.measured.lock().unwrap_or_else(PoisonError::into_inner));
        let mut lines: Vec<Vec<(Metric, Value)>> = Vec::new();
        for (metric, measured) in measured {
            let values = match measured {
                Measured::One(value) => vec![json!(value)],
                Measured::Each(values) => values.chunks(MAX_VALUES).map(|values| json!(values)).collect(),
            };
            for (index, value) in values.into_iter().enumerate() {
                match lines.get_mut(index) {
                    Some(line) => line.push((metric, value)),
                    None => lines.push(vec![(metric, value)]),
                }
            }
        }
        lines.into_iter().map(|line| self.line(now, line)).collect()
    }

    /// Forgets what was measured and writes it to standard output, which Lambda passes on to CloudWatch.
    pub fn flush(&self, now: OffsetDateTime) {
        let text: String = self.take_lines(now).into_iter().map(|line| line + "\n").collect();
        // In one piece, so that no log line gets in between.
        if let Err(error) = io::stdout().write_all(text.as_bytes()) {
            tracing::warn!(%error, "metrics could not be written");
        }
    }

    fn line(&self, now: OffsetDateTime, metrics: Vec<(Metric, Value)>) -> String {
        let definitions: Vec<Value> =
            metrics.iter().map(|(metric, _)| json!({"Name": metric.as_str(), "Unit": metric.unit()})).collect();
        let mut dimensions = vec![vec![DEPLOYMENT]];
        let mut members = Map::new();
        members.insert(DEPLOYMENT.to_owned(), json!(self.deployment));
        if let Some(function) = &self.function {
            dimensions.push(vec![DEPLOYMENT, FUNCTION]);
            members.insert(FUNCTION.to_owned(), json!(function));
        }
        let directive = json!({"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": definitions});
        let milliseconds = now.unix_timestamp_nanos() / 1_000_000;
        let milliseconds = i64::try_from(milliseconds).unwrap_or_default();
        members.insert("_aws".to_owned(), json!({"Timestamp": milliseconds, "CloudWatchMetrics": [directive]}));
        members.extend(metrics.into_iter().map(|(metric, value)| (metric.as_str().to_owned(), value)));
        Value::Object(members).to_string()
    }
}

/// Numbers are never negative: what seems to have happened before its cause (clocks differ) took no time.
fn number(n: impl TryInto<u64>) -> u64 {
    n.try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        Metrics::new("redoubt", Some("redoubt-user".to_owned()))
    }

    fn lines(metrics: &Metrics) -> Vec<Value> {
        let now = OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_123_456_789).unwrap();
        metrics.take_lines(now).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_says_time_dimensions_units_and_values() {
        let metrics = metrics();
        metrics.count(Metric::EventsIn, 2_usize);
        metrics.count(Metric::EventsIn, 3_u64);
        metrics.observe(Metric::PropagationTime, 7);
        metrics.observe(Metric::PropagationTime, 5);
        metrics.gauge(Metric::Unhealthy, 4);
        metrics.gauge(Metric::Unhealthy, -1);
        let expected = json!({
            "_aws": {
                "Timestamp": 1_700_000_000_123_u64,
                "CloudWatchMetrics": [{
                    "Namespace": "Redoubt",
                    "Dimensions": [["Deployment"], ["Deployment", "Function"]],
                    "Metrics": [
                        {"Name": "EventsIn", "Unit": "Count"},
                        {"Name": "PropagationTime", "Unit": "Milliseconds"},
                        {"Name": "Unhealthy", "Unit": "Count"},
                    ],
                }],
            },
            "Deployment": "redoubt",
            "Function": "redoubt-user",
            "EventsIn": 5,
            "PropagationTime": [7, 5],
            "Unhealthy": 0,
        });
        assert_eq!(lines(&metrics), [expected]);
        assert!(lines(&metrics).is_empty(), "what was written is forgotten");
    }

    #[test]
    fn nothing_counted_writes_nothing() {
        let metrics = metrics();
        metrics.count(Metric::Statements, 0);
        assert!(lines(&metrics).is_empty());
    }

    #[test]
    fn more_values_than_a_line_holds_go_on_several() {
        let metrics = metrics();
        metrics.count(Metric::Statements, 1);
        (0..250_u64).for_each(|value| metrics.observe(Metric::PropagationTime, value));
        let lines = lines(&metrics);
        let counts: Vec<_> = lines.iter().map(|line| line["PropagationTime"].as_array().unwrap().len()).collect();
        assert_eq!(counts, [100, 100, 50]);
        let sums: Vec<_> = lines.iter().filter_map(|line| line["Statements"].as_u64()).collect();
        assert_eq!(sums, [1], "a sum is written once, or it would count several times");
        for line in &lines {
            let directive = &line["_aws"]["CloudWatchMetrics"][0];
            assert!(
                directive["Metrics"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|metric| { line.get(metric["Name"].as_str().unwrap()).is_some() })
            );
        }
    }

    #[test]
    fn without_a_function_there_is_one_dimension() {
        let metrics = Metrics::new("d", None);
        metrics.count(Metric::EventsIn, 1);
        let line = lines(&metrics).remove(0);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["Deployment"]]));
        assert!(line.get("Function").is_none());
    }

    #[test]
    fn names_are_told_apart() {
        let names: std::collections::BTreeSet<_> = Metric::ALL.iter().map(|metric| metric.as_str()).collect();
        assert_eq!(names.len(), Metric::ALL.len());
    }
}
