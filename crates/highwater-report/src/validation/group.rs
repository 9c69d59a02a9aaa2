//! Repetitions of one scenario, together.

use highwater_model::{Report, ScenarioReport, Verdict};

/// All runs of one scenario, in the order in which they ran.
pub(crate) struct Group<'a> {
    pub(crate) name: &'a str,
    pub(crate) runs: Vec<&'a ScenarioReport>,
}

impl<'a> Group<'a> {
    /// The runs whose figures can be believed.
    pub(crate) fn believed(&self) -> impl Iterator<Item = &'a ScenarioReport> {
        self.runs
            .iter()
            .copied()
            .filter(|run| run.verdict != Verdict::Invalid)
    }

    /// The worst of its verdicts.
    pub(crate) fn verdict(&self) -> Verdict {
        Verdict::join(self.runs.iter().map(|run| run.verdict))
    }
}

/// The scenarios of a run in the order of their first appearance.
pub(crate) fn groups(report: &Report) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for scenario in &report.scenarios {
        match groups.iter_mut().find(|group| group.name == scenario.name) {
            Some(group) => group.runs.push(scenario),
            None => groups.push(Group {
                name: &scenario.name,
                runs: vec![scenario],
            }),
        }
    }
    groups
}
