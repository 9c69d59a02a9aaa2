use highwater_model::{Repetition, Report, ScenarioReport, Verdict};

use super::Page;
use crate::number::{count, optional_duration};
use crate::text::{cut, left, plain, right};
use crate::wording;

impl Page {
    /// A run of several scenarios: one line for each.
    pub(super) fn overview(&mut self, report: &Report) {
        let text = format!(
            "{} {}: {}",
            self.form,
            report.name,
            wording::tally(&report.scenarios)
        );
        let text = text.trim_start();
        self.block(report.verdict.word(), report.verdict != Verdict::Holds, text);
        if report.scenarios.is_empty() {
            return;
        }
        self.blank();
        let name_columns = self.width.saturating_sub(2 + 14 + 14 + 8 + 8 + 10).min(40);
        let head = format!(
            "  {}{}{}{}{}{}",
            left("scenario", name_columns),
            left("verdict", 14),
            right("acknowledged", 14),
            right("lost", 8),
            right("twice", 8),
            right("ack max", 10),
        );
        let head = self.paint.dim(&head);
        self.lines.push(head);
        for scenario in &report.scenarios {
            let account = &scenario.records;
            let found = |value: u64| {
                if account.read_back {
                    count(value)
                } else {
                    crate::number::NONE.to_owned()
                }
            };
            let verdict = left(scenario.verdict.word(), 14);
            let verdict = match scenario.verdict {
                Verdict::Holds => verdict,
                Verdict::Inconclusive | Verdict::Invalid | Verdict::Violated => self.paint.trouble(&verdict),
            };
            self.lines.push(format!(
                "  {}{verdict}{}{}{}{}",
                left(&cut(&plain(&placed(scenario)), name_columns - 2), name_columns),
                right(&count(account.acknowledged), 14),
                right(&found(account.lost), 8),
                right(&found(account.duplicated), 8),
                right(&optional_duration(scenario.latency.ack.response.max_ns), 10),
            ));
        }
    }
}

/// The repetition in front, so that a long name that is cut keeps it: `2/3 broker-restart/sigkill`.
fn placed(scenario: &ScenarioReport) -> String {
    match scenario.repetition {
        Some(Repetition { index, of }) => format!("{index}/{of} {}", scenario.name),
        None => scenario.name.clone(),
    }
}
