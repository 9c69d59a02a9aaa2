//! From what a watch saw of the brokers to what a report says of them.

use std::collections::BTreeMap;

use highwater_load::Seen;
use highwater_model::{BrokerReport, CanarySample, ClusterReport, ThrottleSample};

/// Answers that a 99th percentile takes.
const FEWEST_FOR_P99: usize = 100;

/// Summarises what was seen during the load; all of it is kept for the charts.
pub(crate) fn summarise(seen: Seen, throttles: Vec<ThrottleSample>, load: (u64, u64)) -> ClusterReport {
    let mut brokers: BTreeMap<i32, BrokerReport> = BTreeMap::new();
    for (node, address) in &seen.brokers {
        brokers.insert(*node, broker(*node, address, &seen.canaries, load));
    }
    for told in &throttles {
        let broker = brokers.entry(told.node).or_insert_with(|| BrokerReport {
            node: told.node,
            ..BrokerReport::default()
        });
        broker.throttled_ns += told.total_ns;
        broker.throttled_answers += told.answers;
    }
    ClusterReport {
        brokers: brokers.into_values().collect(),
        partitions: seen.partitions,
        canaries: seen.canaries,
        throttles,
        isr_shrunk: seen.isr_shrunk,
        leader_changed: seen.leader_changed,
        unasked: match (seen.answered, seen.last_error) {
            (false, Some(reason)) => Some(reason),
            _ => None,
        },
    }
}

fn broker(node: i32, address: &str, canaries: &[CanarySample], load: (u64, u64)) -> BrokerReport {
    let own: Vec<&CanarySample> = canaries
        .iter()
        .filter(|one| one.node == node && (load.0..=load.1).contains(&one.at_ns))
        .collect();
    let mut answers: Vec<u64> = own.iter().filter_map(|one| one.answered_ns).collect();
    answers.sort_unstable();
    let at = |share: f64| {
        answers
            .get(((answers.len() as f64 * share).ceil() as usize).saturating_sub(1))
            .copied()
    };
    BrokerReport {
        node,
        address: address.to_owned(),
        asked: own.len() as u64,
        unanswered: (own.len() - answers.len()) as u64,
        canary_p50_ns: at(0.5),
        canary_p99_ns: at(0.99).filter(|_| answers.len() >= FEWEST_FOR_P99),
        canary_max_ns: answers.last().copied(),
        throttled_ns: 0,
        throttled_answers: 0,
    }
}

/// The metrics that limits can be set on. Without a single answer nothing is known.
pub(crate) fn measurements(cluster: &ClusterReport, measurements: &mut BTreeMap<String, f64>) {
    if cluster.unasked.is_some() || cluster.partitions.is_empty() {
        return;
    }
    let brokers = || cluster.brokers.iter();
    let mut put = |name: &str, value: Option<f64>| {
        if let Some(value) = value {
            measurements.insert(name.to_owned(), value);
        }
    };
    let slowest =
        |read: fn(&BrokerReport) -> Option<u64>| brokers().filter_map(read).max().map(|ns| ns as f64);
    put("broker.canary.p50", slowest(|broker| broker.canary_p50_ns));
    put("broker.canary.max", slowest(|broker| broker.canary_max_ns));
    put(
        "broker.throttled",
        Some(brokers().map(|broker| broker.throttled_ns).sum::<u64>() as f64),
    );
    put("isr.shrunk", Some(cluster.isr_shrunk as f64));
    put("leader.changed", Some(cluster.leader_changed as f64));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slow_one_of_three_is_known_by_its_node() {
        let answers = (1..=3).flat_map(|node| {
            (0..120_u64).map(move |at| CanarySample {
                at_ns: at,
                node,
                answered_ns: (node != 3 || at != 50).then_some(1_000 * u64::from(node.unsigned_abs()) + at),
            })
        });
        let seen = Seen {
            brokers: (1..=3).map(|node| (node, format!("host:{node}"))).collect(),
            canaries: answers.collect(),
            partitions: vec![highwater_model::PartitionsSample::default()],
            leader_changed: 2,
            answered: true,
            ..Seen::default()
        };
        let told = |node, total_ns| ThrottleSample {
            node,
            total_ns,
            answers: 1,
            ..ThrottleSample::default()
        };
        // The first ten were before the load.
        let report = summarise(seen, vec![told(2, 70), told(2, 5), told(9, 1)], (10, 119));
        let third = &report.brokers[2];
        assert_eq!((third.asked, third.unanswered), (110, 1));
        assert_eq!(
            (third.canary_p50_ns, third.canary_p99_ns, third.canary_max_ns),
            (Some(3_065), Some(3_118), Some(3_119))
        );
        let throttled: Vec<_> = report
            .brokers
            .iter()
            .map(|broker| (broker.node, broker.throttled_ns))
            .collect();
        assert_eq!(throttled, [(1, 0), (2, 75), (3, 0), (9, 1)]);
        let mut values = BTreeMap::new();
        measurements(&report, &mut values);
        assert_eq!(values["broker.canary.p50"], 3_065.0);
        assert_eq!(
            (
                values["broker.throttled"],
                values["leader.changed"],
                values["isr.shrunk"]
            ),
            (76.0, 2.0, 0.0)
        );
    }

    #[test]
    fn brokers_that_could_not_be_asked_leave_no_values() {
        let seen = Seen {
            last_error: Some("a:1: refused".into()),
            ..Seen::default()
        };
        let report = summarise(seen, Vec::new(), (0, 10));
        assert_eq!(report.unasked.as_deref(), Some("a:1: refused"));
        let mut values = BTreeMap::new();
        measurements(&report, &mut values);
        assert!(values.is_empty());
    }
}
