//! What the brokers said of themselves while the load ran.

use highwater_model::{BrokerReport, CanarySample, ClusterReport, ScenarioReport, ThrottleSample};
use maud::{Markup, html};

use super::resources::small;
use super::svg::{latency, short};
use crate::number::{NONE, count, counted, duration, moment, optional_duration};

/// Changes that are listed; all are in the data of the run.
const CHANGES_MAX: usize = 40;
/// Brokers with a chart of their own.
const CHARTS_MAX: usize = 9;

pub(super) fn cluster(scenario: &ScenarioReport) -> Markup {
    let cluster = &scenario.cluster;
    if let Some(reason) = &cluster.unasked {
        return html! {
            section {
                h3 { "What the brokers said" }
                p class="note" { "They could not be asked beside the load: " (reason) "." }
            }
        };
    }
    if cluster.brokers.is_empty() && cluster.partitions.is_empty() {
        return html! {};
    }
    html! {
        section {
            h3 { "What the brokers said" }
            p class="note" {
                "Each is asked a small question every second on a connection of its own; its answer is timed from when "
                "the question was due."
            }
            (table(&cluster.brokers))
            div class="small-charts" {
                @for broker in cluster.brokers.iter().filter(|broker| broker.asked > 0).take(CHARTS_MAX) {
                    (canaries(scenario, broker))
                }
                @if cluster.partitions.len() > 1 { (in_sync(scenario, cluster)) }
                @if !cluster.throttles.is_empty() { (throttling(scenario, &cluster.throttles)) }
            }
            (changes(cluster))
        }
    }
}

fn table(brokers: &[BrokerReport]) -> Markup {
    html! {
        div class="scroll" {
            table class="figures named" {
                thead {
                    tr {
                        th rowspan="2" { "broker" }
                        th colspan="5" { "answer to the canary" }
                        th colspan="2" { "told producers to wait" }
                    }
                    tr {
                        th { "asked" } th { "unanswered" } th { "p50" } th { "p99" } th { "max" }
                        th { "in sum" } th { "answers" }
                    }
                }
                tbody {
                    @for broker in brokers {
                        tr {
                            td { (broker.node) " at " (broker.address) }
                            td { (count(broker.asked)) }
                            td class=[(broker.unanswered > 0).then_some("bad")] { (count(broker.unanswered)) }
                            td { (optional_duration(broker.canary_p50_ns)) }
                            td { (optional_duration(broker.canary_p99_ns)) }
                            td { (optional_duration(broker.canary_max_ns)) }
                            td class=[(broker.throttled_ns > 0).then_some("bad")] {
                                @if broker.throttled_ns > 0 { (duration(broker.throttled_ns)) } @else { (NONE) }
                            }
                            td { (count(broker.throttled_answers)) }
                        }
                    }
                }
            }
        }
    }
}

fn canaries(scenario: &ScenarioReport, broker: &BrokerReport) -> Markup {
    let own: Vec<&CanarySample> = scenario
        .cluster
        .canaries
        .iter()
        .filter(|one| one.node == broker.node)
        .collect();
    let points: Vec<(f64, Option<f64>)> = own
        .iter()
        .map(|one| (one.at_ns as f64, one.answered_ns.map(|ns| ns as f64)))
        .collect();
    small(
        scenario,
        &format!("broker {}: answer to the canary", broker.node),
        &points,
        latency,
    )
}

/// Steps: what was seen holds until something else is seen.
fn in_sync(scenario: &ScenarioReport, cluster: &ClusterReport) -> Markup {
    let mut points: Vec<(f64, Option<f64>)> = Vec::new();
    for one in &cluster.partitions {
        if let Some((_, before)) = points.last().copied() {
            points.push((one.at_ns as f64, before));
        }
        points.push((one.at_ns as f64, Some(f64::from(one.in_sync))));
    }
    let end = (scenario.started_ns + scenario.duration_ns) as f64;
    if let Some((_, last)) = points.last().copied() {
        points.push((end, last));
    }
    let replicas = cluster
        .partitions
        .iter()
        .map(|one| one.replicas)
        .max()
        .unwrap_or(0);
    let title = format!("in-sync replicas of the topic, of {replicas}");
    small(scenario, &title, &points, short)
}

fn throttling(scenario: &ScenarioReport, throttles: &[ThrottleSample]) -> Markup {
    let points: Vec<(f64, Option<f64>)> = throttles
        .iter()
        .map(|one| (one.at_ns as f64, Some(one.total_ns as f64)))
        .collect();
    small(
        scenario,
        "throttling told to producers, each second",
        &points,
        latency,
    )
}

fn changes(cluster: &ClusterReport) -> Markup {
    let changes: Vec<(u64, &str)> = cluster
        .partitions
        .iter()
        .flat_map(|one| one.changes.iter().map(|change| (one.at_ns, change.as_str())))
        .collect();
    html! {
        @if changes.is_empty() {
            p class="note" { "Leaders and in-sync replicas of the topic stayed as they were." }
        } @else {
            p {
                "Partitions were seen with another leader or leader epoch " (counted(cluster.leader_changed, "time"))
                ", and with fewer in-sync replicas " (counted(cluster.isr_shrunk, "time")) "."
            }
            details {
                summary { "What changed, and when" }
                div class="scroll" {
                    table {
                        thead { tr { th { "moment" } th { "change" } } }
                        tbody {
                            @for (at_ns, change) in changes.iter().take(CHANGES_MAX) {
                                tr { td { (moment(*at_ns)) } td { (change) } }
                            }
                        }
                    }
                }
                @if changes.len() > CHANGES_MAX {
                    p class="note" { "And " (count((changes.len() - CHANGES_MAX) as u64)) " more in report.json." }
                }
            }
        }
    }
}
