//! The table.

use highwater_model::{LagGroup, LagPartition, LagState, LagVerdict};

/// Where a metric has its values from.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// Each group in each partition: labels `group`, `topic`, `partition`.
    Partition(fn(&LagPartition) -> Option<f64>),
    /// Each group: label `group`.
    Group(fn(&LagGroup) -> Option<f64>),
    /// Each partition that some group reads: labels `topic`, `partition`.
    Log(fn(&LagPartition) -> Option<f64>),
    /// Each group in each partition, 1 for the verdict that it has: with the label `verdict`.
    Verdict,
    /// The survey itself, without labels.
    Survey,
}

pub(super) struct Metric {
    pub(super) name: &'static str,
    /// `gauge` or `counter`.
    pub(super) kind: &'static str,
    pub(super) help: &'static str,
    pub(super) source: Source,
}

const fn gauge(name: &'static str, source: Source, help: &'static str) -> Metric {
    Metric {
        name,
        kind: "gauge",
        help,
        source,
    }
}

pub(super) const LAG: &str = "highwater_group_lag_records";
pub(super) const AGE: &str = "highwater_group_lag_seconds";
pub(super) const VERDICT: &str = "highwater_group_verdict";
pub(super) const LOST: &str = "highwater_group_lost_records";
pub(super) const RISK: &str = "highwater_group_at_risk_seconds";
pub(super) const ETA: &str = "highwater_group_catching_up_seconds";
pub(super) const MEMBERS: &str = "highwater_group_members";
pub(super) const HELD: &str = "highwater_partition_held_back_records";
pub(super) const SURVEY_TIME: &str = "highwater_survey_timestamp_seconds";
pub(super) const SURVEY_TOOK: &str = "highwater_survey_duration_seconds";
pub(super) const SURVEY_REQUESTS: &str = "highwater_survey_requests";
pub(super) const SURVEY_FAILURES: &str = "highwater_survey_failures_total";

/// All of them, in the order in which they are written.
pub(super) const METRICS: &[Metric] = &[
    gauge(
        LAG,
        Source::Partition(|one| one.state.records().map(|records| records as f64)),
        "Records that the group has not committed; absent where that is not known, as after its offset was deleted.",
    ),
    gauge(
        AGE,
        Source::Partition(|one| one.sample.behind_ms.map(|ms| ms as f64 / 1e3)),
        "Age of the record that the group reads next; absent where there is none.",
    ),
    gauge(
        "highwater_group_committed_offset",
        Source::Partition(|one| one.sample.committed.map(|offset| offset as f64)),
        "The offset that the group goes on from.",
    ),
    gauge(
        LOST,
        Source::Partition(|one| match one.state {
            LagState::OffsetDeleted { lost } => Some(lost as f64),
            _ => None,
        }),
        "Records that went before the group had read them, while its offset is one that is gone.",
    ),
    gauge(
        "highwater_group_ahead_records",
        Source::Partition(|one| match one.state {
            LagState::AheadOfLog { records } => Some(records as f64),
            _ => None,
        }),
        "How far the committed offset is beyond the end of the log: the topic was made anew, or cut off.",
    ),
    gauge(
        VERDICT,
        Source::Verdict,
        "1 for the verdict over the window of readings: unknown, data-lost, at-risk, rewound, stopped, stalled, slowing, catching-up, ok.",
    ),
    gauge(
        RISK,
        Source::Partition(|one| match one.judgement.as_ref()?.verdict {
            LagVerdict::AtRisk { seconds } => Some(seconds as f64),
            _ => None,
        }),
        "Time until retention takes what the group reads next; only while it is at risk.",
    ),
    gauge(
        ETA,
        Source::Partition(|one| match one.judgement.as_ref()?.verdict {
            LagVerdict::CatchingUp { eta_s } => Some(eta_s as f64),
            _ => None,
        }),
        "Time until the group has caught up, at the pace of the window; only while it is catching up.",
    ),
    gauge(
        MEMBERS,
        Source::Group(|group| group.members.map(f64::from)),
        "Members of the group; absent where the coordinator does not say.",
    ),
    gauge(
        "highwater_partition_log_start_offset",
        Source::Log(|one| Some(one.sample.log_start as f64)),
        "Offset of the first record that is still there.",
    ),
    gauge(
        "highwater_partition_high_watermark",
        Source::Log(|one| Some(one.sample.high_watermark as f64)),
        "Offset after the last record that every in-sync replica has.",
    ),
    gauge(
        HELD,
        Source::Log(|one| Some(one.sample.held_back() as f64)),
        "Offsets that an open transaction holds back from read_committed readers. That is no lag.",
    ),
    gauge(
        SURVEY_TIME,
        Source::Survey,
        "When the last reading that succeeded began.",
    ),
    gauge(SURVEY_TOOK, Source::Survey, "How long it took."),
    gauge(
        SURVEY_REQUESTS,
        Source::Survey,
        "Requests to the brokers that it took.",
    ),
    Metric {
        name: SURVEY_FAILURES,
        kind: "counter",
        help: "Readings that failed since the start.",
        source: Source::Survey,
    },
];

/// The table as documentation.
#[must_use]
pub fn lag_metrics_markdown() -> String {
    let mut text = "| metric | labels | what it says |\n|---|---|---|\n".to_owned();
    for metric in METRICS {
        let labels = match metric.source {
            Source::Partition(_) => "group, topic, partition",
            Source::Verdict => "group, topic, partition, verdict",
            Source::Group(_) => "group",
            Source::Log(_) => "topic, partition",
            Source::Survey => "",
        };
        text += &format!("| `{}` | {labels} | {} |\n", metric.name, metric.help);
    }
    text
}
