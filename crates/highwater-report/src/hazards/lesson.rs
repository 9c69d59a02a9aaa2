//! One hazard as a lesson: what goes wrong, both arms with what was done and seen, what mends it.

use highwater_model::{HazardArm, HazardFound, HazardLesson, HazardNote, HazardOutcome};

use super::outcome;
use super::wire::diagram;
use crate::Style;
use crate::history::Names;
use crate::number::duration;
use crate::paint::Paint;
use crate::text::{left, plain, wrap};

const INDENT: usize = 2;
const LABEL: usize = 12;
/// Records named one by one; the rest is counted.
const MAX_RECORDS: usize = 6;

/// A lesson to read.
#[must_use]
pub fn lesson(lesson: &HazardLesson, names: Names, style: &Style) -> String {
    let paint = Paint::new(style.color);
    let width = usize::from(style.width).clamp(80, 120);
    let mut page = Page {
        text: String::new(),
        paint,
        width,
    };
    let (word, why) = outcome(lesson);
    let (name, took) = (paint.bold(&plain(&lesson.name)), duration(lesson.took_ns));
    let word = match lesson.outcome {
        HazardOutcome::Reproduced | HazardOutcome::NotOnThisTarget { .. } => word.to_owned(),
        _ => paint.trouble(word),
    };
    page.text += &format!("{name}  {}\n", plain(&lesson.title));
    page.text += &format!("  {word} · {took}\n");
    if let (None, Some(why)) = (&lesson.open, why) {
        page.line("because", why);
    }
    page.line("goes wrong", &lesson.risk);
    for (label, arm) in [("open", &lesson.open), ("control", &lesson.control)] {
        if let Some(arm) = arm {
            page.arm(label, arm, names);
        }
    }
    page.line("mend", &lesson.mend);
    page.line("source", &lesson.sources.join(", "));
    page.text.push('\n');
    page.text
}

struct Page {
    text: String,
    paint: Paint,
    width: usize,
}

impl Page {
    fn line(&mut self, label: &str, what: &str) {
        self.deeper(0, label, what);
    }

    /// A label, and text beside it that wraps below itself.
    fn deeper(&mut self, depth: usize, label: &str, what: &str) {
        let indent = INDENT + depth * INDENT;
        let label_width = LABEL - depth * INDENT;
        for (index, line) in wrap(&plain(what), self.width - INDENT - LABEL)
            .into_iter()
            .enumerate()
        {
            let label = left(if index == 0 { label } else { "" }, label_width);
            self.text += &format!("{}{}{line}\n", " ".repeat(indent), self.paint.dim(&label));
        }
    }

    fn arm(&mut self, label: &str, arm: &HazardArm, names: Names) {
        self.line(label, &arm.with);
        let mut last = "";
        for note in &arm.notes {
            let (word, what) = match note {
                HazardNote::Did(what) => ("done", what),
                HazardNote::Saw(what) => ("seen", what),
            };
            let label = if word == last { "" } else { word };
            self.deeper(1, label, what);
            last = word;
        }
        if !arm.counts.is_empty() {
            let counts: Vec<String> = arm
                .counts
                .iter()
                .map(|one| format!("{} {}", one.what, one.count))
                .collect();
            self.deeper(1, "counted", &counts.join(" · "));
        }
        self.records(arm);
        let diagram = diagram(
            &arm.wire,
            names,
            &Style {
                color: false,
                width: u16::try_from(self.width - 2 * INDENT).unwrap_or(80),
            },
        );
        if !diagram.is_empty() {
            self.deeper(1, "on the wire", " ");
            for line in diagram.lines() {
                self.text += format!("{}{line}", " ".repeat(2 * INDENT)).trim_end();
                self.text.push('\n');
            }
        }
        let (word, because) = (verdict_word(arm.found), &arm.because);
        self.deeper(1, "found", &format!("{word}: {because}"));
    }

    fn records(&mut self, arm: &HazardArm) {
        for (index, record) in arm.records.iter().take(MAX_RECORDS).enumerate() {
            let offset = record
                .offset
                .map_or_else(|| "not there".to_owned(), |offset| format!("offset {offset}"));
            let line = format!(
                "{}/{} {offset} \"{}\": {}",
                record.topic, record.partition, record.value, record.remark
            );
            self.deeper(1, if index == 0 { "records" } else { "" }, &line);
        }
        if arm.records.len() > MAX_RECORDS {
            self.deeper(1, "", &format!("and {} more", arm.records.len() - MAX_RECORDS));
        }
    }
}

fn verdict_word(found: HazardFound) -> &'static str {
    match found {
        HazardFound::Harm => "harm",
        HazardFound::Whole => "whole",
        HazardFound::Neither => "neither harm nor whole",
    }
}
