//! A pause of the broker, measured and by arithmetic.

use highwater_model::ScenarioReport;
use maud::{Markup, html};

use crate::number::{duration, duration_f64, percent, rate, records};

pub(super) fn stall(scenario: &ScenarioReport) -> Markup {
    let Some(stall) = &scenario.stall else {
        return html! {};
    };
    html! {
        section {
            h3 { "The pause, measured and by arithmetic" }
            p {
                "The broker was away for " (duration(stall.outage_ns)) " while records kept coming at "
                (rate(stall.arrival_per_s)) "; the backlog was drained at " (rate(stall.drain_per_s)) ". So it is known "
                "how long the " (records(stall.affected)) " that waited must have waited. Service time is what tools "
                "say that don't count from the moment a record was due."
            }
            div class="scroll" {
                table class="figures named" {
                    thead {
                        tr { th { "statistic" } th { "by arithmetic" } th { "response" } th { "difference" } th { "service" } }
                    }
                    tbody {
                        @for row in &stall.rows {
                            tr {
                                td { (row.statistic) }
                                td { (duration_f64(row.analytic_ns)) }
                                td { (duration_f64(row.response_ns)) }
                                td { (difference(row.response_ns, row.analytic_ns)) }
                                td { (duration_f64(row.service_ns)) }
                            }
                        }
                    }
                }
            }
            p class="note" { "Largest difference: " (percent(stall.largest_error)) "." }
        }
    }
}

fn difference(measured: f64, analytic: f64) -> String {
    if analytic == 0.0 {
        return crate::number::NONE.to_owned();
    }
    let share = measured / analytic - 1.0;
    let sign = if share > 0.0 { "+" } else { "" };
    format!("{sign}{}", percent(share))
}
