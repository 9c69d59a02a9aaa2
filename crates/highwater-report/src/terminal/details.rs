use highwater_model::{ScenarioReport, ThresholdResult};

use super::Page;
use crate::number::{duration_f64, percent, rate, records};
use crate::text::right;
use crate::wording;

/// Examples of each anomaly that are named; all are in the file.
const EXAMPLES: usize = 3;

impl Page {
    pub(super) fn anomalies(&mut self, scenario: &ScenarioReport) {
        for anomaly in &scenario.anomalies {
            let allowed = if anomaly.violation {
                ""
            } else {
                " (allowed by the contract)"
            };
            let what = format!("{}{allowed}", records(anomaly.count));
            self.painted_row(&anomaly.name, &what, anomaly.violation);
            self.row("", &anomaly.explanation);
            for (index, example) in anomaly.examples.iter().take(EXAMPLES).enumerate() {
                let word = if index == 0 { "first: " } else { "" };
                self.row("", &format!("{word}{}", wording::example(example)));
            }
        }
        if !scenario.anomalies.is_empty() {
            self.row("", "every one of them is in anomalies.jsonl beside the report");
        }
    }

    /// The conditions that were missing, with what to change.
    pub(super) fn conditions(&mut self, scenario: &ScenarioReport) {
        for check in wording::not_valid(&scenario.validity) {
            let text = format!("measured {}, required {}", check.measured, check.required);
            self.painted_row(&check.name, &text, true);
            if let Some(remedy) = &check.remedy {
                self.row("", &format!("what to change: {remedy}"));
            }
        }
    }

    pub(super) fn account(&mut self, scenario: &ScenarioReport) {
        let told: Vec<String> = wording::told(&scenario.records)
            .split(" · ")
            .map(str::to_owned)
            .collect();
        self.parts("records", &told);
        self.row("", &wording::found(&scenario.records));
        if let (Some(offered), Some(achieved)) = (scenario.offered_per_s, scenario.achieved_per_s) {
            let share = if offered > 0.0 {
                format!(" ({})", percent(achieved / offered))
            } else {
                String::new()
            };
            let text = format!("offered {} · achieved {}{share}", rate(offered), rate(achieved));
            self.row("rate", &text);
        } else if let Some(achieved) = scenario.achieved_per_s {
            self.row("rate", &format!("achieved {}", rate(achieved)));
        }
    }

    pub(super) fn faults(&mut self, scenario: &ScenarioReport) {
        for (index, fault) in scenario.faults.iter().enumerate() {
            let label = if index == 0 { "fault" } else { "" };
            self.parts(label, &wording::fault(fault));
            if let Some(reaction) = &fault.client_reaction {
                self.row("", &format!("seen at the client: {reaction}"));
            }
        }
        for (index, rule) in scenario.rules.iter().enumerate() {
            let label = if index == 0 { "rules" } else { "" };
            self.painted_row(label, &wording::rule(rule), rule.fired == 0);
        }
    }

    pub(super) fn stall(&mut self, scenario: &ScenarioReport) {
        let Some(stall) = &scenario.stall else {
            return;
        };
        self.blank();
        let head = ["by arithmetic", "response", "service"]
            .map(|word| right(word, 15))
            .concat();
        self.heading("pause of the broker", &head);
        for row in &stall.rows {
            let figures = [row.analytic_ns, row.response_ns, row.service_ns]
                .map(|ns| right(&duration_f64(ns), 15))
                .concat();
            self.table_row(&row.statistic, &figures);
        }
        self.row("largest error", &percent(stall.largest_error));
    }

    pub(super) fn thresholds(&mut self, scenario: &ScenarioReport) {
        let Some(summary) = wording::thresholds(&scenario.thresholds) else {
            return;
        };
        self.row("thresholds", &summary);
        for threshold in wording::not_passed(&scenario.thresholds) {
            let failed = threshold.result == ThresholdResult::Fail;
            let label = format!("  {}", wording::result(threshold.result));
            self.painted_row(&label, &wording::threshold_measured(threshold), failed);
        }
    }

    pub(super) fn hints(&mut self, scenario: &ScenarioReport) {
        for (index, hint) in scenario.hints.iter().enumerate() {
            self.row(if index == 0 { "next" } else { "" }, hint);
        }
    }
}
