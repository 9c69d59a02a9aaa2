//! Hazards for people: the list of them, and lessons to read.
//!
//! Invariant: what is shown of an arm is what was written down while it ran; nothing here judges.

mod lesson;
mod listing;
mod wire;

use highwater_model::{HazardLesson, HazardOutcome, HazardReport};

pub use self::lesson::lesson;
pub use self::listing::{ListedHazard, hazards_list, hazards_list_json, hazards_markdown};
use crate::Style;
use crate::number::duration;
use crate::paint::Paint;
use crate::text::{plain, wrap};

/// A report as JSON.
#[must_use]
pub fn hazards_json(report: &HazardReport) -> String {
    // Plain data: there is nothing that could fail.
    serde_json::to_string_pretty(report).unwrap_or_default() + "\n"
}

/// The first line of a report.
#[must_use]
pub fn hazards_head(target: &str, seed: &str, disarmed: bool, style: &Style) -> String {
    let disarmed = if disarmed {
        " · disarmed: no fault happens"
    } else {
        ""
    };
    let head = format!("highwater hazards · {} · seed {seed}{disarmed}", plain(target));
    format!("{}\n\n", Paint::new(style.color).bold(&head))
}

/// What came of all of them: the last lines of a report.
#[must_use]
pub fn hazards_summary(report: &HazardReport, style: &Style) -> String {
    let paint = Paint::new(style.color);
    let width = usize::from(style.width).clamp(80, 120);
    let absent = |lesson: &&HazardLesson| matches!(lesson.outcome, HazardOutcome::NotOnThisTarget { .. });
    let tried = report.lessons.iter().filter(|one| !absent(one)).count();
    let reproduced = report
        .lessons
        .iter()
        .filter(|one| one.outcome == HazardOutcome::Reproduced)
        .count();
    let left_out = match report.lessons.len() - tried {
        0 => String::new(),
        count => format!(" · {count} not on this target"),
    };
    let line = format!(
        "{reproduced} of {tried} reproduced with their controls holding{left_out} · {}",
        duration(report.took_ns)
    );
    let mut text = match reproduced == tried {
        true => paint.bold(&line),
        false => paint.trouble(&line),
    };
    text.push('\n');
    for lesson in report
        .lessons
        .iter()
        .filter(|one| one.outcome != HazardOutcome::Reproduced)
    {
        let (word, why) = outcome(lesson);
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        for line in wrap(&plain(&format!("{}  {word}{why}", lesson.name)), width - 2) {
            text += &format!("  {line}\n");
        }
    }
    text
}

/// An outcome in words, and why.
pub(crate) fn outcome(lesson: &HazardLesson) -> (&'static str, Option<&str>) {
    let open = lesson.open.as_ref().map(|arm| arm.because.as_str());
    let control = lesson.control.as_ref().map(|arm| arm.because.as_str());
    match &lesson.outcome {
        HazardOutcome::Reproduced => ("reproduced, the control held", None),
        HazardOutcome::NotReproduced => ("not reproduced", open),
        HazardOutcome::ControlFailed => ("reproduced, but the control did not hold", control),
        HazardOutcome::NotOnThisTarget { why } => ("not on this target", Some(why)),
        HazardOutcome::Failed { why } => ("could not be tried", Some(why)),
    }
}
