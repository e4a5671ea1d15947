//! What services cost, and what comes of it.

use crate::usage::Used;

/// What a million of something costs in US dollars, and where that is said.
#[derive(Debug, Clone, Copy)]
pub struct Price {
    /// What is paid for.
    pub what: &'static str,
    /// US dollars for a million.
    pub million: f64,
    /// Where it is said.
    pub source: &'static str,
}

/// When the prices were looked up.
pub const DATE: &str = "November 2026";

/// List prices for us-east-1, on demand, without free tiers.
pub mod list {
    use super::Price;

    /// Events that producers send to a bus; those of AWS services, as completion events are, cost nothing.
    pub const EVENT: Price = Price {
        what: "EventBridge, custom events",
        million: 1.0,
        source: "https://aws.amazon.com/eventbridge/pricing/",
    };
    /// Requests of 64 KB.
    pub const QUEUE: Price =
        Price { what: "SQS, requests", million: 0.4, source: "https://aws.amazon.com/sqs/pricing/" };
    /// Invocations.
    pub const INVOCATION: Price =
        Price { what: "Lambda, requests", million: 0.2, source: "https://aws.amazon.com/lambda/pricing/" };
    /// GB-seconds on arm64.
    pub const GB_SECOND: Price =
        Price { what: "Lambda arm64, GB-seconds", million: 13.3334, source: "https://aws.amazon.com/lambda/pricing/" };
    /// Read units.
    pub const READ: Price = Price {
        what: "DynamoDB, read units",
        million: 0.125,
        source: "https://aws.amazon.com/dynamodb/pricing/on-demand/",
    };
    /// Write units.
    pub const WRITE: Price = Price {
        what: "DynamoDB, write units",
        million: 0.625,
        source: "https://aws.amazon.com/dynamodb/pricing/on-demand/",
    };
    /// Calls of the Data API.
    pub const DATA_API: Price =
        Price { what: "Redshift Data API, calls", million: 0.0, source: "https://aws.amazon.com/redshift/pricing/" };

    /// All of them.
    pub const ALL: [Price; 7] = [EVENT, QUEUE, INVOCATION, GB_SECOND, READ, WRITE, DATA_API];
}

/// GB-seconds of functions with so many MB that ran for so many microseconds.
#[must_use]
pub fn gb_seconds(running: u64, megabytes: u64) -> f64 {
    float(running) / 1e6 * float(megabytes) / 1_024.0
}

/// What a use costs in US dollars, with so many events sent, and functions of so many MB.
#[must_use]
pub fn cost(used: &Used, events: u64, megabytes: u64) -> f64 {
    let calls = used.calls() + used.describes + used.results;
    let sum = [
        (list::EVENT, float(events)),
        (list::QUEUE, float(used.queue)),
        (list::INVOCATION, float(used.invocations)),
        (list::GB_SECOND, gb_seconds(used.running, megabytes)),
        (list::READ, float(used.reads)),
        (list::WRITE, float(used.writes)),
        (list::DATA_API, float(calls)),
    ];
    sum.iter().map(|(price, count)| price.million * count / 1e6).sum()
}

/// A count to compute with.
#[must_use]
pub fn float(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let float = count as f64;
    float
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_is_the_sum_of_counts_times_prices() {
        let used = Used {
            queue: 2_000_000,
            invocations: 3_000_000,
            // 2,048 seconds of 512 MB are 1,024 GB-seconds.
            running: 2_048_000_000,
            reads: 8_000_000,
            writes: 4_000_000,
            batches: 1_000_000,
            ..Used::default()
        };
        let expected = 5.0 * 1.0 + 2.0 * 0.4 + 3.0 * 0.2 + 1_024.0 * 0.000_013_333_4 + 8.0 * 0.125 + 4.0 * 0.625;
        assert!((gb_seconds(used.running, 512) - 1_024.0).abs() < 1e-9);
        assert!((cost(&used, 5_000_000, 512) - expected).abs() < 1e-9);
        assert!(cost(&Used::default(), 0, 512) == 0.0);
    }

    #[test]
    fn every_price_has_a_source() {
        assert!(list::ALL.iter().all(|price| price.source.starts_with("https://aws.amazon.com/")));
    }
}
