//! Whether latency and memory drifted.

use highwater_model::{ScenarioReport, TrendReport};
use maud::{Markup, html};

use crate::number::NONE;
use crate::watched;

pub(super) fn trends(scenario: &ScenarioReport) -> Markup {
    let shown: Vec<&TrendReport> = watched::told_trends(scenario).collect();
    if shown.is_empty() {
        return html! {};
    }
    html! {
        section {
            h3 { "Did anything drift?" }
            div class="scroll" {
                table class="figures named" {
                    thead {
                        tr { th { "over the steady phase" } th { "each minute" } th { "99 % interval" } th { "a drift?" } }
                    }
                    tbody {
                        @for trend in shown {
                            tr {
                                td { (watched::trend_subject(trend)) }
                                td { (trend.per_min.map_or_else(|| NONE.to_owned(), watched::per_min)) }
                                td { (watched::trend_interval(trend)) }
                                td class=[watched::rises(trend).then_some("bad")] { (watched::trend_answer(trend)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
