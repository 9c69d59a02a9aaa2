//! A comparison as Markdown, for a pull request.

use std::fmt::Write;

use highwater_model::{Comparison, EffectClass};

use super::words::{because, change, extent, figure, gate, heading, interval, p_value, share};
use crate::text::plain;

/// The comparison as a table for each scenario.
#[must_use]
pub fn comparison_markdown(comparison: &Comparison) -> String {
    let mut text = format!(
        "**{}**: {}\n\n- base: `{}`\n- candidate: `{}`\n- {}, on {}\n",
        heading(comparison),
        cell(&because(comparison)),
        cell(&comparison.base.name),
        cell(&comparison.candidate.name),
        extent(comparison),
        cell(&comparison.base.target),
    );
    for difference in &comparison.fingerprint {
        let (what, base) = (cell(&difference.what), cell(&difference.base));
        // Writing into a string can't fail.
        let _ = writeln!(
            text,
            "- not alike: {what} is {base} and {}",
            cell(&difference.candidate)
        );
    }
    for scenario in &comparison.scenarios {
        let _ = write!(
            text,
            "\n| {} | base | candidate | change | interval | p | noise | |\n|---|---:|---:|---:|---:|---:|---:|---|\n",
            cell(&scenario.name)
        );
        for metric in &scenario.metrics {
            let class = match metric.class {
                EffectClass::Regressed => "**regressed**".to_owned(),
                class => class.to_string(),
            };
            let gate = metric.gate.and_then(|of| gate(metric, of));
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {class}: {}{} |",
                metric.name,
                figure(metric.base_median, metric.unit),
                figure(metric.candidate_median, metric.unit),
                change(metric.change),
                interval(metric.interval),
                p_value(metric.p_adjusted),
                share(metric.noise_floor),
                cell(&metric.why),
                gate.map(|words| format!("; {words}")).unwrap_or_default(),
            );
        }
    }
    let _ = write!(
        text,
        "\nMedians; the interval covers the true change in {:.0} of 100 comparisons; p is adjusted over all metrics; noise \
         is what equal sides would show; a change matters beyond {} or beyond the noise, whichever is more.\n",
        (1.0 - comparison.alpha) * 100.0,
        share(Some(comparison.margin)),
    );
    for words in comparison.left_out.iter().chain(&comparison.hints) {
        let _ = write!(text, "\n- {}", cell(words));
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Text from outside within a line of a table.
fn cell(text: &str) -> String {
    plain(text).replace('|', "\\|").replace('`', "'")
}
