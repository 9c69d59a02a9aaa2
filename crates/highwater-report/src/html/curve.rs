//! Latency by quantile: the share of records on an axis that gives the slowest ones room.

use highwater_model::{CurvePoint, ScenarioReport};
use maud::{Markup, html};

use super::scale::Scale;
use super::svg::{Plot, latency};
use crate::number::duration;

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 320.0;

/// Response and service time of acknowledgements by quantile.
pub(super) fn curve(scenario: &ScenarioReport) -> Markup {
    let curve = &scenario.curve;
    if curve.response.is_empty() && curve.service.is_empty() {
        return html! {};
    }
    let both = || curve.response.iter().chain(&curve.service);
    let low = both().map(|point| point.value_ns).min().unwrap_or(1);
    let high = both().map(|point| point.value_ns).max().unwrap_or(1);
    let nines = both().filter_map(nines).fold(1.0, f64::max);
    let plot = Plot {
        // The last point, the maximum, stands half a decade after the highest quantile below it.
        x: Scale::linear(0.0, nines + 0.5, 66.0, 988.0),
        y: Scale::log(low as f64, high as f64, 280.0, 14.0),
    };
    html! {
        section {
            h3 { "How many records were how slow" }
            figure class="chart" {
                ul class="legend" {
                    li { span class="key max" {} "response: since the record was due" }
                    li { span class="key service" {} "service: since the client took it" }
                }
                div class="plot" {
                    svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label="Latency by quantile" {
                        (plot.axes((nines.ceil() as usize, 5), share, latency))
                        (plot.line("service", &points(&curve.service, nines)))
                        (plot.line("max", &points(&curve.response, nines)))
                        text class="strip-label" x="988" y="312" text-anchor="end" { "share of records that were faster" }
                    }
                }
                details {
                    summary { "The chart as a table" }
                    div class="scroll" { (table(&curve.response, &curve.service)) }
                }
            }
        }
    }
}

/// How many nines a quantile has; none for the maximum.
fn nines(point: &CurvePoint) -> Option<f64> {
    let rest = 1.0 - point.quantile;
    // Below this the difference is that of floating point and not of records.
    (rest > 1e-9).then(|| -rest.log10())
}

fn points(curve: &[CurvePoint], last: f64) -> Vec<(f64, Option<f64>)> {
    curve
        .iter()
        .map(|point| (nines(point).unwrap_or(last + 0.5), Some(point.value_ns as f64)))
        .collect()
}

/// Tick label: `90 %`, `99.9 %`.
fn share(nines: f64) -> String {
    if nines == 0.0 {
        return "0 %".to_owned();
    }
    // Ticks between whole nines have no round share.
    if (nines - nines.round()).abs() > 1e-6 {
        return String::new();
    }
    let decimals = (nines.round() as usize).saturating_sub(2);
    format!("{:.decimals$} %", 100.0 * (1.0 - 10_f64.powf(-nines.round())))
}

fn table(response: &[CurvePoint], service: &[CurvePoint]) -> Markup {
    let at = |curve: &[CurvePoint], quantile: f64| {
        let known = curve
            .iter()
            .find(|point| (point.quantile - quantile).abs() < 1e-12);
        known.map_or_else(
            || crate::number::NONE.to_owned(),
            |point| duration(point.value_ns),
        )
    };
    let mut quantiles: Vec<f64> = response
        .iter()
        .chain(service)
        .map(|point| point.quantile)
        .collect();
    quantiles.sort_by(f64::total_cmp);
    quantiles.dedup_by(|a, b| (*a - *b).abs() < 1e-12);
    html! {
        table class="figures" {
            thead { tr { th { "faster" } th { "response" } th { "service" } } }
            tbody {
                @for quantile in quantiles {
                    tr {
                        td { (percent(quantile)) }
                        td { (at(response, quantile)) }
                        td { (at(service, quantile)) }
                    }
                }
            }
        }
    }
}

/// A quantile with all the digits it needs and no more.
fn percent(quantile: f64) -> String {
    let text = format!("{:.6}", quantile * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_written_with_the_digits_they_need() {
        assert_eq!(
            [0.0, 1.0, 2.0, 3.0, 4.0].map(share),
            ["0 %", "90 %", "99 %", "99.9 %", "99.99 %"]
        );
        assert_eq!([0.5, 0.9999, 1.0].map(percent), ["50 %", "99.99 %", "100 %"]);
    }
}
