//! The sentences about drifts and about what brokers said of themselves, the same in every format.

use highwater_model::{ClusterReport, ScenarioReport, TrendReport};

use crate::number::{NONE, count, counted, duration, optional_duration, significant};

/// The trends worth a line: those with an answer, and those that a limit asked for.
pub(crate) fn told_trends(scenario: &ScenarioReport) -> impl Iterator<Item = &TrendReport> {
    scenario.trends.iter().filter(|trend| {
        let asked = || {
            scenario
                .thresholds
                .iter()
                .any(|threshold| threshold.metric == trend.metric)
        };
        trend.per_min.is_some() || asked()
    })
}

/// What a trend is about: `median response time`, `memory of Apache Kafka`.
pub(crate) fn trend_subject(trend: &TrendReport) -> String {
    match &trend.process {
        Some(process) => format!("memory of {process}"),
        None => "median time until the acknowledgement".to_owned(),
    }
}

/// A slope: `+0.12 %`.
pub(crate) fn per_min(share: f64) -> String {
    let sign = if share < 0.0 { "-" } else { "+" };
    format!("{sign}{} %", significant((share * 100.0).abs()))
}

/// The interval of a slope: `-0.24 % to +0.47 %`.
pub(crate) fn trend_interval(trend: &TrendReport) -> String {
    match (trend.low_per_min, trend.high_per_min) {
        (Some(low), Some(high)) => format!("{} to {}", per_min(low), per_min(high)),
        _ => NONE.to_owned(),
    }
}

/// Whether the test shows a rise.
pub(crate) fn rises(trend: &TrendReport) -> bool {
    trend.shown && trend.per_min.is_some_and(|slope| slope > 0.0)
}

/// A trend in one line.
pub(crate) fn trend(trend: &TrendReport) -> String {
    let slope = trend.per_min.map_or_else(String::new, |slope| {
        format!("{} each minute ({}), ", per_min(slope), trend_interval(trend))
    });
    format!("{}: {slope}drift: {}", trend_subject(trend), trend_answer(trend))
}

/// What is worth saying of the brokers in a line each: a slow answer, throttling, changes of leaders.
pub(crate) fn brokers(cluster: &ClusterReport) -> Vec<String> {
    let mut lines = Vec::new();
    let slowest = cluster
        .brokers
        .iter()
        .filter(|broker| broker.canary_p50_ns.is_some());
    if let Some(broker) = slowest.max_by_key(|broker| (broker.unanswered, broker.canary_max_ns)) {
        let unanswered = match broker.unanswered {
            0 => String::new(),
            some => format!(", {} of {} unanswered", count(some), count(broker.asked)),
        };
        lines.push(format!(
            "canary: broker {} answered in {} (p50), {} at most{unanswered}",
            broker.node,
            optional_duration(broker.canary_p50_ns),
            optional_duration(broker.canary_max_ns),
        ));
    }
    for broker in cluster.brokers.iter().filter(|broker| broker.throttled_ns > 0) {
        lines.push(format!(
            "broker {} told producers to wait {} in {} answers",
            broker.node,
            duration(broker.throttled_ns),
            count(broker.throttled_answers)
        ));
    }
    if cluster.leader_changed + cluster.isr_shrunk > 0 {
        lines.push(format!(
            "other leaders or epochs seen {}, fewer in-sync replicas {}",
            counted(cluster.leader_changed, "time"),
            counted(cluster.isr_shrunk, "time")
        ));
    }
    lines
}

/// What the test says.
pub(crate) fn trend_answer(trend: &TrendReport) -> String {
    match (&trend.note, trend.shown, rises(trend)) {
        (Some(note), _, _) => format!("not known: {note}"),
        (None, false, _) => "none shown".to_owned(),
        (None, true, true) => "rises".to_owned(),
        (None, true, false) => "falls".to_owned(),
    }
}
