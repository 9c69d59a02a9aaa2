//! The diagrams of a stored run: what each rule did when it fired for the first time.

use std::path::Path;

use highwater_model::Report;
use highwater_report::Diagram;
use highwater_report::history::{Around, excerpt};

use super::source::{NAMES, open};

/// Rules of a scenario that are drawn; a page with more pictures is not read.
const MAX_RULES: usize = 5;

/// A diagram for each rule that fired. A history that is gone or can't be read gives none: the report stands without.
pub(crate) fn diagrams(directory: &Path, report: &Report) -> Vec<Diagram> {
    let mut diagrams = Vec::new();
    for (scenario, result) in report.scenarios.iter().enumerate() {
        let file = directory.join(match scenario {
            0 => "history.hwh".to_owned(),
            later => format!("history-{later}.hwh"),
        });
        let fired = result.rules.iter().filter(|rule| rule.fired > 0);
        for rule in fired.take(MAX_RULES) {
            let Ok(events) = open(&file) else { break };
            let around = Around::Nth {
                what: rule.name.clone(),
                ordinal: 1,
            };
            if let Some(svg) = excerpt(events, &around, NAMES) {
                diagrams.push(Diagram {
                    scenario,
                    title: format!("On the wire, when \"{}\" fired for the first time", rule.name),
                    svg,
                });
            }
        }
    }
    diagrams
}
