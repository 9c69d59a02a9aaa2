//! The account of records: what the client was told, what was in the log, and what does not fit.

use highwater_model::{AnomalyReport, RecordCounts, ScenarioReport};
use maud::{Markup, html};

use super::svg::px;
use crate::number::{NONE, count, records};
use crate::wording;

const WIDTH: f64 = 1000.0;
/// Examples of each anomaly on the page.
const EXAMPLES: usize = 20;
/// A part that is not empty is never thinner than this: 1 of 30,000 must be seen.
const THINNEST: f64 = 6.0;

/// Parts of a whole: class, name, size.
type Parts = [(&'static str, &'static str, u64)];

/// The account with its two bars, the figures and the examples.
pub(super) fn account(scenario: &ScenarioReport) -> Markup {
    let account = &scenario.records;
    html! {
        section {
            h3 id="records" { "The account of records" }
            @if account.attempted == 0 {
                p class="nothing" { "No record was attempted." }
            } @else {
                figure class="chart" {
                    div class="plot" { (bars(account)) }
                    figcaption {
                        "Above: what the client was told of each record it tried to write. Below: what was found when "
                        "the log was read from start to end after the run. An unknown record may be in the log or not; "
                        "neither is a fault."
                    }
                }
            }
            (figures(account))
            @for anomaly in &scenario.anomalies { (self::anomaly(anomaly)) }
            @if scenario.anomalies.is_empty() && account.read_back {
                p { "No anomaly was found." }
            }
        }
    }
}

fn bars(account: &RecordCounts) -> Markup {
    let told = [
        ("ok", "acknowledged", account.acknowledged),
        ("open", "unknown", account.unknown),
        ("dull", "failed", account.failed),
    ];
    let found = [
        ("ok", "readable", account.delivered),
        ("bad", "lost", account.lost),
    ];
    html! {
        svg viewBox=(format!("0 0 {WIDTH} 176")) role="img" aria-label="Account of records" {
            (bar(20.0, &format!("told to the client: {}", records(account.attempted)), &told))
            @if account.read_back {
                (bar(110.0, &format!("found in the log: {}", records(account.delivered)), &found))
            } @else {
                text class="bar-title" x="0" y="118" { "the log was not read back: what is in it is not known" }
            }
        }
    }
}

fn bar(top: f64, title: &str, parts: &Parts) -> Markup {
    let places = widths(parts);
    html! {
        text class="bar-title" x="0" y=(px(top - 6.0)) { (title) }
        @for ((class, name, size), (x, width)) in parts.iter().zip(&places) {
            @if *size > 0 {
                rect class={ "part " (class) } x=(px(*x)) y=(px(top)) width=(px(*width)) height="26" {
                    title { (name) ": " (count(*size)) }
                }
            }
        }
        (labels(top + 44.0, parts, &places))
    }
}

fn labels(y: f64, parts: &Parts, places: &[(f64, f64)]) -> Markup {
    let present: Vec<_> = parts
        .iter()
        .zip(places)
        .filter(|((_, _, size), _)| *size > 0)
        .collect();
    // Small parts stand at the right end: their labels are set from there, one beside the other.
    let mut right_end = WIDTH;
    let mut set = Vec::new();
    for ((class, name, size), (x, _)) in present.iter().rev() {
        let text = format!("{} {name}", count(*size));
        let wide = text.chars().count() as f64 * 7.4;
        let start = x.min(right_end - wide).max(0.0);
        right_end = start - 16.0;
        set.push((start, *class, text));
    }
    html! {
        @for (x, class, text) in set { text class={ "bar-label " (class) } x=(px(x)) y=(px(y)) { (text) } }
    }
}

/// Place and width of each part; thin ones are widened at the cost of the widest.
fn widths(parts: &Parts) -> Vec<(f64, f64)> {
    let total: u64 = parts.iter().map(|(_, _, size)| size).sum();
    let mut widths: Vec<f64> = parts
        .iter()
        .map(|(_, _, size)| match size {
            0 => 0.0,
            size => (*size as f64 / total as f64 * WIDTH).max(THINNEST),
        })
        .collect();
    let excess = widths.iter().sum::<f64>() - WIDTH;
    if let Some(widest) = widths.iter_mut().max_by(|a, b| a.total_cmp(b)) {
        *widest = (*widest - excess.max(0.0)).max(THINNEST);
    }
    let mut x = 0.0;
    widths
        .into_iter()
        .map(|width| {
            let place = (x, width);
            x += width;
            place
        })
        .collect()
}

fn figures(account: &RecordCounts) -> Markup {
    let found = |value: u64| match account.read_back {
        true => count(value),
        false => NONE.to_owned(),
    };
    let bad = |value: u64| (account.read_back && value > 0).then_some("bad");
    html! {
        div class="scroll" {
            table class="figures" {
                thead {
                    tr {
                        th { "attempted" } th { "acknowledged" } th { "failed" } th { "unknown" }
                        th { "readable" } th { "lost" } th { "duplicated" } th { "reordered" }
                    }
                }
                tbody {
                    tr {
                        td { (count(account.attempted)) }
                        td { (count(account.acknowledged)) }
                        td { (count(account.failed)) }
                        td { (count(account.unknown)) }
                        td { (found(account.delivered)) }
                        @for value in [account.lost, account.duplicated, account.reordered] {
                            td class=[bad(value)] { (found(value)) }
                        }
                    }
                }
            }
        }
    }
}

fn anomaly(anomaly: &AnomalyReport) -> Markup {
    let shown = anomaly.examples.len().min(EXAMPLES);
    html! {
        h4 class=[anomaly.violation.then_some("bad")] {
            (anomaly.name) ": " (records(anomaly.count))
            @if !anomaly.violation { " (allowed by the contract)" }
        }
        p { (anomaly.explanation) }
        @if shown > 0 {
            div class="scroll" {
                table {
                    thead {
                        tr {
                            th { "topic" } th class="n" { "partition" } th class="n" { "offset" }
                            th class="n" { "producer" } th class="n" { "sequence" } th { "what was seen" }
                        }
                    }
                    tbody {
                        @for example in &anomaly.examples[..shown] {
                            tr {
                                td { (example.topic) }
                                td class="n" { (example.partition) }
                                td class="n" {
                                    (example.offset.map_or_else(|| NONE.to_owned(), wording::signed))
                                }
                                @let (producer, sequence) = wording::identity(example.record)
                                    .unwrap_or_else(|| (NONE.to_owned(), NONE.to_owned()));
                                td class="n" { (producer) }
                                td class="n" { (sequence) }
                                td { (example.detail) }
                            }
                        }
                    }
                }
            }
        }
        @if anomaly.count > shown as u64 {
            p class="note" {
                "The first " (count(shown as u64)) " of " (count(anomaly.count))
                "; every one is in " code { "anomalies.jsonl" } " beside this report."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_million_is_seen_and_the_bar_keeps_its_length() {
        let places = widths(&[("ok", "a", 1_000_000), ("bad", "b", 1), ("dull", "c", 0)]);
        assert_eq!(places[1].1, THINNEST);
        assert_eq!(places[2].1, 0.0);
        let end = places[2].0 + places[2].1;
        assert!((end - WIDTH).abs() < 1e-6, "{end}");
    }
}
