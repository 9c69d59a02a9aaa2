//! What brokers told a producer about throttling it, as its client says once a second.
//!
//! A broker that holds a client to its quota answers at once, says for how long it will not read the next request of that
//! connection, and does so: the client sees slow acknowledgements and nothing else (KIP-219).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use highwater_model::ThrottleSample;
use serde::Deserialize;

/// Seconds of throttling that are kept, over all brokers: more than a day.
const MOST: usize = 100_000;

/// The part of the library's statistics about one broker that is used.
#[derive(Debug, Deserialize)]
pub(crate) struct BrokerStatistics {
    #[serde(default = "nobody")]
    nodeid: i32,
    #[serde(default)]
    throttle: Window,
}

/// A node that is not known yet.
fn nobody() -> i32 {
    -1
}

/// Throttle times within a second, in milliseconds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Window {
    max: i64,
    sum: i64,
    cnt: i64,
}

/// What was told so far.
#[derive(Debug, Default)]
pub(crate) struct Throttles(Mutex<Vec<ThrottleSample>>);

impl Throttles {
    pub(crate) fn take_in(&self, at_ns: u64, brokers: &BTreeMap<String, BrokerStatistics>) {
        let ns = |ms: i64| u64::try_from(ms).unwrap_or(0).saturating_mul(1_000_000);
        let told = brokers.values().filter(|broker| broker.throttle.sum > 0);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for BrokerStatistics { nodeid, throttle } in told {
            if kept.len() < MOST {
                kept.push(ThrottleSample {
                    at_ns,
                    node: *nodeid,
                    total_ns: ns(throttle.sum),
                    longest_ns: ns(throttle.max),
                    answers: u64::try_from(throttle.cnt).unwrap_or(0),
                });
            }
        }
    }

    pub(crate) fn all(&self) -> Vec<ThrottleSample> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_seconds_with_throttling_are_kept() {
        let read = |text: &str| serde_json::from_str(text).unwrap();
        let throttles = Throttles::default();
        throttles.take_in(
            1,
            &read(
                r#"{"a:1/1": {"nodeid": 1, "throttle": {"min": 0, "max": 0, "sum": 0, "cnt": 3}}, "b": {}}"#,
            ),
        );
        throttles.take_in(
            2,
            &read(r#"{"a:1/1": {"nodeid": 1, "throttle": {"max": 40, "sum": 70, "cnt": 2}}}"#),
        );
        let all = throttles.all();
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].at_ns, all[0].node, all[0].answers), (2, 1, 2));
        assert_eq!((all[0].total_ns, all[0].longest_ns), (70_000_000, 40_000_000));
    }
}
