//! What each consumer group got of what was acknowledged, and its lag at rest.

use std::collections::BTreeMap;

use highwater_model::{GroupReport, LagReport, ScenarioReport};
use maud::{Markup, html};

use crate::number::{NONE, count};

pub(super) fn groups(scenario: &ScenarioReport) -> Markup {
    if scenario.groups.is_empty() {
        return html! {};
    }
    html! {
        section {
            h3 { "Consumer groups" }
            p class="note" {
                "Each group has to receive every acknowledged record. What it had processed and not committed when "
                "a partition changed hands may come again; what it had committed may not."
            }
            (received(&scenario.groups))
            (lag(&scenario.groups))
        }
    }
}

fn received(groups: &[GroupReport]) -> Markup {
    let columns = [
        "members",
        "acknowledged",
        "received",
        "skipped",
        "not reached",
        "again, inside the window",
        "at most at once",
        "again, outside of it",
        "by a halted member",
    ];
    html! {
        div class="scroll" {
            table class="figures named" {
                thead { tr { th { "group" } @for column in columns { th { (column) } } } }
                tbody {
                    @for group in groups {
                        tr {
                            td { (group.name) }
                            td { (count(u64::from(group.members))) }
                            td { (count(group.expected)) }
                            td { (count(group.received)) }
                            (wrong(group.skipped))
                            (wrong(group.behind))
                            td { (count(group.redelivered)) }
                            td { (count(group.widest_window)) }
                            (wrong(group.outside_window))
                            td { (count(group.by_halted)) }
                        }
                    }
                }
            }
        }
    }
}

/// A count that should be none.
fn wrong(value: u64) -> Markup {
    html! { td class=[(value > 0).then_some("bad")] { (count(value)) } }
}

fn lag(groups: &[GroupReport]) -> Markup {
    let readings: Vec<(&GroupReport, &LagReport)> = groups
        .iter()
        .flat_map(|group| group.lag.iter().map(move |one| (group, one)))
        .collect();
    if readings.is_empty() {
        return html! {};
    }
    let exact = readings.iter().all(|(_, one)| one.is_exact());
    let mut moments: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for (group, one) in &readings {
        *moments.entry((&group.name, &one.moment)).or_insert(0) += one.lag;
    }
    html! {
        p {
            @for ((group, moment), lag) in &moments {
                "Lag of " (group) " when " (moment) ": " (count(lag.unsigned_abs())) ". "
            }
            @if exact {
                "In every partition it is the number of records that were left to process."
            } @else {
                "Where it is not what was left to process, the row is marked."
            }
        }
        details open[!exact] {
            summary { "Lag by partition, while load and group rested" }
            div class="scroll" {
                table class="figures named" {
                    thead {
                        tr {
                            th { "group" } th { "when" } th { "partition" } th { "end" } th { "committed" } th { "lag" }
                            th { "produced" } th { "processed" }
                        }
                    }
                    tbody {
                        @for (group, one) in &readings {
                            tr {
                                td { (group.name) }
                                td { (one.moment) }
                                td { (one.partition) }
                                td { (one.end) }
                                td { @match one.committed { Some(offset) => (offset), None => (NONE) } }
                                td class=[(!one.is_exact()).then_some("bad")] { (one.lag) }
                                td { (count(one.produced)) }
                                td { (count(one.consumed)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
