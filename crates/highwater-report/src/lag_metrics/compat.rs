//! The same figures under the names and labels that existing dashboards expect.

use std::collections::BTreeMap;

use highwater_model::{LagPartition, LagSurvey};

use super::exposition::Family;

/// An exporter whose families are written, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compat {
    /// kafka_exporter: `kafka_consumergroup_lag`, …
    KafkaExporter,
    /// kafka-lag-exporter: `kafka_consumergroup_group_lag`, `…_lag_seconds`, …
    KafkaLagExporter,
    /// KMinion: `kminion_kafka_consumer_group_topic_partition_lag`, …
    Kminion,
}

type Logs<'a> = BTreeMap<(&'a str, i32), &'a LagPartition>;
type Value = fn(&LagPartition) -> Option<f64>;
type Named = &'static [(&'static str, Value)];

/// Names of labels for group, topic and partition.
struct Labels(&'static str, &'static str, &'static str);

const LAG: Value = |one| one.state.records().map(|records| records as f64);
const AGE: Value = |one| one.sample.behind_ms.map(|ms| ms as f64 / 1e3);
const COMMITTED: Value = |one| one.sample.committed.map(|offset| offset as f64);
const END: Value = |one| Some(one.sample.high_watermark as f64);
const START: Value = |one| Some(one.sample.log_start as f64);

pub(super) fn families(compat: Compat, survey: &LagSurvey, logs: &Logs<'_>) -> String {
    let (labels, of_groups, of_logs): (Labels, Named, Named) = match compat {
        Compat::KafkaExporter => (
            Labels("consumergroup", "topic", "partition"),
            &[
                ("kafka_consumergroup_lag", LAG),
                ("kafka_consumergroup_current_offset", COMMITTED),
            ],
            &[
                ("kafka_topic_partition_current_offset", END),
                ("kafka_topic_partition_oldest_offset", START),
            ],
        ),
        Compat::KafkaLagExporter => (
            Labels("group", "topic", "partition"),
            &[
                ("kafka_consumergroup_group_lag", LAG),
                ("kafka_consumergroup_group_lag_seconds", AGE),
                ("kafka_consumergroup_group_offset", COMMITTED),
            ],
            &[
                ("kafka_partition_latest_offset", END),
                ("kafka_partition_earliest_offset", START),
            ],
        ),
        Compat::Kminion => (
            Labels("group_id", "topic_name", "partition_id"),
            &[("kminion_kafka_consumer_group_topic_partition_lag", LAG)],
            &[
                ("kminion_kafka_topic_partition_high_water_mark", END),
                ("kminion_kafka_topic_partition_low_water_mark", START),
            ],
        ),
    };
    let mut text = String::new();
    for (name, value) in of_groups {
        let mut family = Family::new(
            name,
            "gauge",
            "See the metrics of highwater with the same meaning.",
        );
        for group in &survey.groups {
            for one in &group.partitions {
                if let Some(value) = value(one) {
                    let partition = one.partition.to_string();
                    let values = [
                        (labels.0, group.name.as_str()),
                        (labels.1, &one.topic),
                        (labels.2, &partition),
                    ];
                    family.sample(&values, value);
                }
            }
        }
        text += &family.finish();
    }
    for (name, value) in of_logs {
        let mut family = Family::new(
            name,
            "gauge",
            "See the metrics of highwater with the same meaning.",
        );
        for ((topic, partition), one) in logs {
            if let Some(value) = value(one) {
                let values = [(labels.1, *topic), (labels.2, &partition.to_string())];
                family.sample(&values, value);
            }
        }
        text += &family.finish();
    }
    if compat == Compat::KafkaExporter {
        let mut family = Family::new("kafka_consumergroup_members", "gauge", "Members of the group.");
        for group in &survey.groups {
            if let Some(members) = group.members {
                family.sample(&[(labels.0, &group.name)], f64::from(members));
            }
        }
        text += &family.finish();
    }
    text
}
