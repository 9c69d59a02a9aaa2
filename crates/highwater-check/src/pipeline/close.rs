//! The end: what every input has come to, in order, and how far that could be judged.

use std::collections::BTreeMap;

use super::check::{Branch, NO_KEY, PipelineCheck, Row};
use super::finding::{Extent, Judged, PipelineFinding, PipelineFindings};
use super::{Aggregate, Cardinality, Check, Place, Source, Windows};
use crate::Anomaly;

impl PipelineCheck {
    /// Says what was found. `windows`: what may be processed again, if that is known; duplicates are told apart by it.
    #[must_use]
    pub fn finish(mut self, windows: Option<Windows>) -> PipelineFindings {
        let untraced = self.nothing_traced();
        if untraced.is_some() {
            self.forget_traces();
        }
        let windows = windows.map(Windows::joined);
        let mut possibly_lost = Vec::new();
        if untraced.is_none() {
            self.duplicates(windows.as_ref());
            self.reorders();
            possibly_lost = self.losses();
            if let Cardinality::Aggregate(aggregate) = self.lineage.cardinality {
                let told = self.by_key.findings(aggregate, &self.rows, &self.keys);
                self.found.extend(told);
            }
        }
        let judged = Check::ALL.map(|check| Judged {
            check,
            extent: self.extent(check, untraced.as_deref()),
        });
        self.found.sort();
        PipelineFindings {
            findings: self.found,
            possibly_lost,
            untraceable: self.untraceable,
            ambiguous: self.ambiguous.into_iter().collect(),
            inputs: self.inputs,
            outputs: self.outputs,
            judged: judged.into(),
        }
    }

    /// Why nothing could be traced, if nothing could.
    fn nothing_traced(&self) -> Option<String> {
        let none = self.outputs > 0 && self.matched == 0;
        if !none {
            return None;
        }
        match (&self.lineage.source, self.untraceable.examples.first()) {
            (Source::Same, _) => Some("no output has the key and the value of an input".to_owned()),
            (_, Some(example)) if self.untraceable.count == self.outputs => {
                Some(format!("no output names an input: {}", example.why))
            }
            _ => None,
        }
    }

    /// By the rule `same` what can't be traced looks like a phantom.
    fn forget_traces(&mut self) {
        let (phantoms, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.found)
            .into_iter()
            .partition(|finding| finding.anomaly == Anomaly::PipelinePhantom);
        self.found = kept;
        if self.untraceable.count == 0 {
            self.untraceable.count = phantoms.len() as u64;
            self.untraceable.examples = std::mem::take(&mut self.unlike);
        }
    }

    /// Committed inputs that are told from all others.
    fn judged_rows(&self) -> impl Iterator<Item = (u32, &Row)> {
        let all = self.rows.iter().enumerate();
        all.filter(|(_, row)| row.committed && !row.ambiguous)
            .map(|(number, row)| (u32::try_from(number).unwrap_or(u32::MAX), row))
    }

    fn about(&self, anomaly: Anomaly, row: &Row) -> PipelineFinding {
        let mut finding = PipelineFinding::new(anomaly);
        finding.inputs.push(row.place);
        finding.key = (row.key != NO_KEY).then(|| self.keys.text(row.key).to_vec());
        finding
    }

    /// Adds findings of inputs without outputs; gives back those that may be hidden in what could not be traced.
    fn losses(&mut self) -> Vec<Place> {
        let wanted = match self.lineage.cardinality {
            Cardinality::OneToOne | Cardinality::FanOut(_) | Cardinality::Aggregate(Aggregate::List) => true,
            Cardinality::Filter | Cardinality::Aggregate(_) => false,
        };
        if !wanted {
            return Vec::new();
        }
        let lost: Vec<PipelineFinding> = self
            .judged_rows()
            .filter(|(_, row)| row.outputs == 0)
            .map(|(_, row)| self.about(Anomaly::PipelineLoss, row))
            .collect();
        let untraceable = self.untraceable.count;
        // One output of those hides one input; a list may hide any number.
        let several = matches!(self.lineage.cardinality, Cardinality::Aggregate(_));
        if untraceable > 0 && (several || lost.len() as u64 <= untraceable) {
            let mut places: Vec<Place> = lost.into_iter().flat_map(|finding| finding.inputs).collect();
            places.sort_unstable();
            return places;
        }
        for mut finding in lost {
            if untraceable > 0 {
                finding.note = Some(format!(
                    "up to {untraceable} of these may be among the outputs that name no input"
                ));
            }
            self.found.push(finding);
        }
        Vec::new()
    }

    fn duplicates(&mut self, windows: Option<&Windows>) {
        let mut repeated: Vec<(u32, Vec<Place>, Option<String>)> = Vec::new();
        let mut extras: BTreeMap<u32, Vec<Place>> = BTreeMap::new();
        for (row, place) in std::mem::take(&mut self.extras) {
            let first = self.rows[row as usize].first;
            extras.entry(row).or_insert_with(|| vec![first]).push(place);
        }
        repeated.extend(extras.into_iter().map(|(row, places)| (row, places, None)));
        repeated.extend(self.branches());
        for (row, mut places, note) in repeated {
            places.sort_unstable();
            let row = &self.rows[row as usize];
            let inside = windows.map(|windows| windows.contains(row.place));
            let mut finding = self.about(Anomaly::PipelineDuplicate, row);
            finding.outputs = places;
            finding.note = note;
            finding.inside_window = inside;
            if inside == Some(false) {
                let mut outside = finding.clone();
                outside.anomaly = Anomaly::RedeliveryOutsideWindow;
                self.found.push(outside);
            }
            self.found.push(finding);
        }
    }

    /// Settles fan-outs: the order of what is no repetition, inputs with too few, and those with too many.
    fn branches(&mut self) -> Vec<(u32, Vec<Place>, Option<String>)> {
        let Cardinality::FanOut(exactly) = self.lineage.cardinality else {
            return Vec::new();
        };
        let mut branches = std::mem::take(&mut self.branches);
        branches.sort_unstable_by_key(|branch| (branch.row, branch.content, branch.place));
        let mut repeated = Vec::new();
        let mut firsts: Vec<(Place, u32)> = Vec::new();
        for of_input in branches.chunk_by(|one, other| one.row == other.row) {
            let row = of_input[0].row;
            let mut different: Vec<Place> = Vec::new();
            for alike in of_input.chunk_by(|one, other| one.content == other.content) {
                different.push(alike[0].place);
                firsts.push((alike[0].place, row));
                if alike.len() > 1 {
                    repeated.push((row, places(alike), None));
                }
            }
            let Some(exactly) = exactly.map(|number| number.get() as usize) else {
                continue;
            };
            different.sort_unstable();
            let note = format!("{} of {exactly} outputs", different.len());
            if different.len() > exactly {
                repeated.push((row, different, Some(note)));
            } else if different.len() < exactly {
                let mut finding = self.about(Anomaly::PipelineLoss, &self.rows[row as usize]);
                finding.outputs = different;
                finding.note = Some(note);
                self.found.push(finding);
            }
        }
        firsts.sort_unstable();
        for (place, row) in firsts {
            self.keeps_order(row, place);
        }
        repeated
    }

    /// Which output of an input came first is only known within a partition.
    fn reorders(&mut self) {
        let reordered = std::mem::take(&mut self.reordered);
        let in_two: std::collections::BTreeSet<Place> = self
            .found
            .iter()
            .filter(|finding| finding.anomaly == Anomaly::PipelineDuplicate && !self.is_fan_out())
            .filter(|finding| {
                let home = |place: &Place| (place.topic, place.partition);
                finding
                    .outputs
                    .iter()
                    .any(|place| home(place) != home(&finding.outputs[0]))
            })
            .flat_map(|finding| finding.inputs.iter().copied())
            .collect();
        let rows = &self.rows;
        let certain = reordered
            .into_iter()
            .filter(|(row, _)| !in_two.contains(&rows[*row as usize].place))
            .map(|(_, finding)| finding);
        self.found.extend(certain);
    }

    fn is_fan_out(&self) -> bool {
        matches!(self.lineage.cardinality, Cardinality::FanOut(_))
    }

    fn extent(&self, check: Check, untraced: Option<&str>) -> Extent {
        if let Some(why) = self.not_asked(check) {
            return Extent::NotAsked(why);
        }
        if check == Check::KeyMoved {
            return Extent::Whole;
        }
        if let Some(why) = untraced {
            return Extent::Not(why.to_owned());
        }
        if self.untraceable.count > 0 {
            return Extent::Partly(format!("{} outputs name no input", self.untraceable.count));
        }
        if !self.ambiguous.is_empty() {
            return Extent::Partly(format!(
                "{} inputs are named like another one",
                self.ambiguous.len()
            ));
        }
        if self.by_key.not_numbers > 0 {
            return Extent::Partly(format!(
                "{} inputs have ids that are no whole numbers",
                self.by_key.not_numbers
            ));
        }
        Extent::Whole
    }

    fn not_asked(&self, check: Check) -> Option<&'static str> {
        match (check, self.lineage.cardinality) {
            (Check::Loss, Cardinality::Filter) => Some("a filter may leave inputs out"),
            (Check::Duplicate, Cardinality::Aggregate(Aggregate::List)) => {
                Some("an input may be in several aggregates")
            }
            (Check::Duplicate, Cardinality::Aggregate(Aggregate::Last)) => {
                Some("the last id says nothing about what came before")
            }
            (Check::Reorder, Cardinality::Aggregate(_)) => Some("an aggregate has no order"),
            _ => None,
        }
    }
}

fn places(branches: &[Branch]) -> Vec<Place> {
    branches.iter().map(|branch| branch.place).collect()
}
