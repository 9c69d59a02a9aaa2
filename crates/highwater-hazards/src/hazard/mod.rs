//! The catalogue: one file for each hazard, one body for both of its arms.
//!
//! Invariant: the arms of a hazard differ in the setting that is named, and in what the application does because of
//! it; never in the fault.

mod abort_after_commit;
mod acks_one;
mod ambiguous_error;
mod close_blocks;
mod commit_before_process;
mod concurrent_transactions;
mod coordinator_moved;
mod copying;
mod hanging_transaction;
mod late_end_txn;
mod no_rewind;
mod offsets_lost;
mod out_of_range;
mod partitions_added;
mod producer_id_expired;
mod read_uncommitted;
mod redelivery;
mod retry_duplicates;
mod retry_reorders;
mod rules;
mod transaction_timeout;
mod values;
mod zombie_in_group;
mod zombie_new_id;

use std::time::Instant;

use highwater_model::{HazardArm, HazardFound, HazardLesson, HazardOutcome};
use highwater_target::TargetSpec;

use crate::arm::{Found, Side};
use crate::error::HazardError;
use crate::scene::Scene;
use crate::stage::Stage;

/// A hazard that can be reproduced.
#[derive(Debug)]
pub struct Hazard {
    /// Stable name, as it is typed.
    pub name: &'static str,
    /// Heading.
    pub title: &'static str,
    /// What goes wrong, and when.
    pub risk: &'static str,
    /// The setting or habit that mends it.
    pub mend: &'static str,
    /// Numbers of KIPs and of Kafka's issues, or the documented setting.
    pub sources: &'static [&'static str],
    /// The setting of the arm that is open to the hazard.
    pub(crate) open: &'static str,
    /// The setting of the control.
    pub(crate) control: &'static str,
    /// Where it can't be done, and why.
    pub(crate) absent: fn(&TargetSpec) -> Option<&'static str>,
    /// Both arms.
    pub(crate) run: fn(&mut Scene<'_>) -> Result<Found, HazardError>,
}

/// Every hazard, in the order in which they are best read.
static CATALOGUE: [&Hazard; 21] = [
    &late_end_txn::HAZARD,
    &hanging_transaction::HAZARD,
    &zombie_new_id::HAZARD,
    &zombie_in_group::HAZARD,
    &no_rewind::HAZARD,
    &abort_after_commit::HAZARD,
    &concurrent_transactions::HAZARD,
    &coordinator_moved::HAZARD,
    &transaction_timeout::HAZARD,
    &read_uncommitted::HAZARD,
    &retry_duplicates::HAZARD,
    &retry_reorders::HAZARD,
    &producer_id_expired::HAZARD,
    &ambiguous_error::HAZARD,
    &commit_before_process::HAZARD,
    &redelivery::HAZARD,
    &out_of_range::HAZARD,
    &offsets_lost::HAZARD,
    &partitions_added::HAZARD,
    &acks_one::HAZARD,
    &close_blocks::HAZARD,
];

/// Every hazard, in the order in which they are best read.
#[must_use]
pub fn catalogue() -> &'static [&'static Hazard] {
    &CATALOGUE
}

/// For those that one broker can show.
pub(crate) fn on_one_broker(target: &TargetSpec) -> Option<&'static str> {
    (*target == TargetSpec::KafkaThree)
        .then_some("its clients speak to a single broker; --target dev and --target kafka show it")
}

impl Hazard {
    /// Why it can't be done with a target, if it can't.
    #[must_use]
    pub fn absent_on(&self, target: &TargetSpec) -> Option<&'static str> {
        (self.absent)(target)
    }

    /// Runs both arms, the open one first.
    ///
    /// # Errors
    /// [`HazardError::Interrupted`] only; whatever else goes wrong is in the lesson.
    pub fn run(&'static self, stage: &mut Stage) -> Result<HazardLesson, HazardError> {
        let began = Instant::now();
        let mut lesson = self.lesson(HazardOutcome::NotReproduced);
        lesson.outcome = match self.absent_on(stage.spec()) {
            Some(why) => HazardOutcome::NotOnThisTarget { why: why.to_owned() },
            None => self.both(stage, &mut lesson)?,
        };
        lesson.took_ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Ok(lesson)
    }

    /// The lesson of one that is not run, because the target can't show it.
    #[must_use]
    pub fn left_out(&self, target: &TargetSpec) -> HazardLesson {
        self.lesson(HazardOutcome::NotOnThisTarget {
            why: self.absent_on(target).unwrap_or_default().to_owned(),
        })
    }

    fn lesson(&self, outcome: HazardOutcome) -> HazardLesson {
        HazardLesson {
            name: self.name.to_owned(),
            title: self.title.to_owned(),
            risk: self.risk.to_owned(),
            mend: self.mend.to_owned(),
            sources: self.sources.iter().map(|&source| source.to_owned()).collect(),
            outcome,
            open: None,
            control: None,
            took_ns: 0,
        }
    }

    fn both(
        &'static self,
        stage: &mut Stage,
        lesson: &mut HazardLesson,
    ) -> Result<HazardOutcome, HazardError> {
        let mut run = |side| self.arm(stage, side);
        let arms = run(Side::Open).and_then(|open| Ok((open, run(Side::Control)?)));
        let (open, control) = match arms {
            Ok(arms) => arms,
            Err(HazardError::Interrupted) => return Err(HazardError::Interrupted),
            Err(error) => return Ok(HazardOutcome::Failed { why: story(&error) }),
        };
        let outcome = match (open.found, control.found) {
            (HazardFound::Harm, HazardFound::Whole) => HazardOutcome::Reproduced,
            (HazardFound::Harm, _) => HazardOutcome::ControlFailed,
            _ => HazardOutcome::NotReproduced,
        };
        (lesson.open, lesson.control) = (Some(open), Some(control));
        Ok(outcome)
    }

    fn arm(&'static self, stage: &mut Stage, side: Side) -> Result<HazardArm, HazardError> {
        let mut scene = Scene::new(stage, self.name, side);
        let found = (self.run)(&mut scene);
        // Whatever went wrong on the way out of an interrupted arm is a consequence.
        scene.go_on()?;
        let found = found?;
        let (notes, wire) = scene.finish();
        Ok(HazardArm {
            with: match side {
                Side::Open => self.open.to_owned(),
                Side::Control => self.control.to_owned(),
            },
            notes: notes.notes,
            counts: notes.counts,
            records: notes.records,
            found: found.found,
            because: found.because,
            wire,
        })
    }
}

/// An error with its sources behind it.
fn story(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_everything_is_said() {
        let names: BTreeSet<&str> = CATALOGUE.iter().map(|hazard| hazard.name).collect();
        assert_eq!(names.len(), CATALOGUE.len());
        for hazard in CATALOGUE {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(hazard.name.chars().all(plain), "{}", hazard.name);
            for text in [
                hazard.title,
                hazard.risk,
                hazard.mend,
                hazard.open,
                hazard.control,
            ] {
                assert!(
                    !text.is_empty() && !text.ends_with('.'),
                    "{}: {text}",
                    hazard.name
                );
            }
            assert!(!hazard.sources.is_empty(), "{}", hazard.name);
            assert_ne!(hazard.open, hazard.control);
        }
    }

    #[test]
    fn every_hazard_can_be_seen_somewhere() {
        for hazard in CATALOGUE {
            let targets = [TargetSpec::Dev, TargetSpec::Kafka, TargetSpec::KafkaThree];
            let somewhere = targets.iter().any(|target| hazard.absent_on(target).is_none());
            assert!(somewhere, "{}", hazard.name);
        }
    }
}
