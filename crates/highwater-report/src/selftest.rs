//! The proof of the checkers for people and for programs.
//!
//! Invariant: every mark is earned: a defect that was planted nowhere is not marked as caught.

use std::collections::BTreeMap;
use std::fmt::Write;

use highwater_check::Anomaly;
use highwater_check::history::Finding;
use highwater_check::pipeline::PipelineFinding;
use highwater_selftest::{
    Cell, CleanRow, Context, Expected, MatrixRow, Miss, Named, PipelineMiss, PipelineRow, Selftest, Where,
};
use serde_json::json;

use crate::Style;
use crate::number::{count, counted, duration};
use crate::paint::Paint;
use crate::text::{left, right, wrap};

const NAME: usize = 45;
/// Columns of the first column of the other tables.
const WIDE: usize = 52;
/// Where names stand that have no room beside their row.
const NARROW: usize = 50;
/// Columns of first, middle and last.
const PLACES: [usize; 3] = [7, 8, 6];
const NOT_PART: &str = "Not part of this: brokers and pipelines that really run, with a defect each, judged by the \
                        whole tool. `./test` proves those; `cargo test -p highwater --test prove` runs them alone.";

/// The proof as tables for a terminal; how long it took, in nanoseconds.
#[must_use]
pub fn selftest_text(proof: &Selftest, took_ns: u64, style: &Style) -> String {
    let mut page = Page {
        text: format!("highwater selftest · seed {:x} · no broker needed\n", proof.seed),
        width: usize::from(style.width).clamp(80, 120),
        paint: Paint::new(style.color),
    };
    page.matrix(proof);
    page.clean("clean histories", "steps", &proof.clean);
    page.clean("clean pipelines", "records", &proof.clean_pipelines);
    page.controls(proof);
    page.equivalents(proof);
    page.oracle(proof);
    page.sum(proof, took_ns);
    page.text
}

struct Page {
    text: String,
    width: usize,
    paint: Paint,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn heading(&mut self, line: &str) {
        let line = self.paint.bold(line.trim_end());
        self.text.push('\n');
        self.line(&line);
    }

    fn paragraph(&mut self, indent: usize, words: &str) {
        for line in wrap(words, self.width - indent) {
            self.line(&format!("{}{line}", " ".repeat(indent)));
        }
    }

    fn matrix(&mut self, proof: &Selftest) {
        let places = "first  middle  last  ";
        self.heading(&format!(
            "  {}{places}caught by",
            left("planted defect of a history", NAME)
        ));
        for row in &proof.matrix.rows {
            self.row(row.defect, &row.places, row.caught_by, row.forbidden);
        }
        self.heading(&format!(
            "  {}{places}caught by",
            left("planted defect of a pipeline", NAME)
        ));
        for row in &proof.pipelines {
            self.row(row.defect, &row.places, row.caught_by, row.forbidden);
        }
        let words: Vec<String> = contexts(proof)
            .iter()
            .map(|(context, cell)| {
                format!(
                    "{} {} of {}",
                    context.word(),
                    count(cell.killed),
                    count(cell.planted)
                )
            })
            .collect();
        self.heading("  planted in");
        self.paragraph(2, &words.join(" · "));
        for row in &proof.matrix.rows {
            if let Some(miss) = &row.miss {
                self.miss(row, miss);
            }
        }
        for row in &proof.pipelines {
            if let Some(miss) = &row.miss {
                self.pipeline_miss(row, miss);
            }
        }
    }

    fn row(&mut self, defect: &str, places: &[Cell; 3], caught_by: &[Anomaly], forbidden: bool) {
        let mut names: Vec<&str> = caught_by.iter().map(|anomaly| anomaly.name()).collect();
        if !forbidden {
            names.push("(told)");
        }
        let marks: String = places
            .iter()
            .zip(PLACES)
            .map(|(cell, width)| left(&mark(*cell), width))
            .collect();
        let front = format!("  {}{marks}", left(defect, NAME));
        let at = front.chars().count();
        let room = self.width.saturating_sub(at);
        if names.iter().any(|name| name.len() > room) {
            self.line(&front);
            self.paragraph(NARROW, &names.join(" "));
            return;
        }
        // Names that don't fit side by side stand below one another.
        let mut before = front;
        for line in wrap(&names.join(" "), room) {
            self.line(&format!("{before}{line}"));
            before = " ".repeat(at);
        }
    }

    fn pipeline_miss(&mut self, row: &PipelineRow, miss: &PipelineMiss) {
        let line = format!(
            "  MISSED  {}, {}, seed {:x}",
            row.defect,
            place(miss.place),
            miss.seed
        );
        let line = self.paint.trouble(&line);
        self.line(&line);
        for (word, findings) in [("expected  ", &miss.expected), ("found     ", &miss.found)] {
            let words: Vec<String> = findings.iter().map(pipeline_finding).collect();
            let words = match words.is_empty() {
                true => "nothing".to_owned(),
                false => words.join(" · "),
            };
            self.paragraph(10, &format!("{word}{words}"));
        }
    }

    fn miss(&mut self, row: &MatrixRow, miss: &Miss) {
        let place = place(miss.place);
        let line = format!(
            "  MISSED  {}, {place}, {}, seed {:x}",
            row.defect,
            miss.context.word(),
            miss.seed
        );
        let line = self.paint.trouble(&line);
        self.line(&line);
        let words = |findings: Vec<String>| match findings.is_empty() {
            true => "nothing".to_owned(),
            false => findings.join(" · "),
        };
        let expected = words(miss.expected.iter().map(expected).collect());
        let found = words(miss.found.iter().map(found).collect());
        self.paragraph(10, &format!("expected  {expected}"));
        self.paragraph(10, &format!("found     {found}"));
    }

    fn clean(&mut self, heading: &str, unit: &str, rows: &[CleanRow]) {
        let runs = heading.rsplit(' ').next().unwrap_or(heading);
        self.heading(&format!(
            "  {}{runs:>10}{unit:>9}{:>7}",
            left(heading, WIDE),
            "alarms"
        ));
        for row in rows {
            self.line(&format!(
                "  {}{}{}{}",
                left(row.contract, WIDE),
                right(&count(row.histories), 10),
                right(&count(row.steps), 9),
                right(&count(row.alarms), 7),
            ));
            if let Some(seed) = row.first_alarm {
                let line = self.paint.trouble(&format!("    first alarm: seed {seed:x}"));
                self.line(&line);
            }
        }
    }

    fn controls(&mut self, proof: &Selftest) {
        self.heading(&format!(
            "  {}{:>10}{:>9}",
            left("told otherwise, must change nothing", WIDE),
            "histories",
            "changed"
        ));
        for row in &proof.controls {
            self.line(&format!(
                "  {}{}{}",
                left(row.control.name(), WIDE),
                right(&count(row.histories), 10),
                right(&count(row.changed), 9),
            ));
        }
    }

    fn equivalents(&mut self, proof: &Selftest) {
        self.heading(&format!(
            "  {}{:>10}{:>9}",
            left("equivalent mutants, can't be seen", WIDE),
            "histories",
            "seen"
        ));
        for row in &proof.equivalents {
            self.line(&format!(
                "  {}{}{}",
                left(row.name, WIDE),
                right(&count(row.planted), 10),
                right(&count(row.seen), 9),
            ));
            self.paragraph(6, row.reason);
        }
    }

    fn oracle(&mut self, proof: &Selftest) {
        let Some(oracle) = &proof.oracle else { return };
        self.heading("  brute-force oracle");
        self.paragraph(
            2,
            &format!(
                "{}, {}: {}",
                counted(oracle.histories, "small history").replace("historys", "histories"),
                oracle.space,
                counted(oracle.disagreements.len() as u64, "disagreement")
            ),
        );
        for history in oracle.disagreements.iter().take(3) {
            let line = self.paint.trouble(&format!("    {history}"));
            self.line(&line);
        }
    }

    fn sum(&mut self, proof: &Selftest, took_ns: u64) {
        let killed = proof.killed();
        let all = || proof.clean.iter().chain(&proof.clean_pipelines);
        let alarms: u64 = all().map(|row| row.alarms).sum();
        let word = if proof.is_complete() {
            "COMPLETE"
        } else {
            "INCOMPLETE"
        };
        let clean = |rows: &[CleanRow]| count(rows.iter().map(|row| row.histories).sum());
        let sum = format!(
            "{word}  {} of histories and {} of pipelines: {} of {} killed · {} clean histories and {} clean \
             pipelines: {} · {}",
            counted(proof.matrix.rows.len() as u64, "defect"),
            count(proof.pipelines.len() as u64),
            count(killed.killed),
            count(killed.planted),
            clean(&proof.clean),
            clean(&proof.clean_pipelines),
            counted(alarms, "alarm"),
            duration(took_ns)
        );
        self.text.push('\n');
        for line in wrap(&sum, self.width) {
            let line = match proof.is_complete() {
                true => self.paint.bold(&line),
                false => self.paint.trouble(&line),
            };
            self.line(&line);
        }
        self.paragraph(0, NOT_PART);
    }
}

fn contexts(proof: &Selftest) -> BTreeMap<Context, Cell> {
    let mut sums: BTreeMap<Context, Cell> = BTreeMap::new();
    let histories = proof.matrix.rows.iter().flat_map(|row| &row.contexts);
    let pipelines = proof.pipelines.iter().flat_map(|row| &row.contexts);
    for (context, cell) in histories.chain(pipelines) {
        let sum = sums.entry(*context).or_default();
        sum.planted += cell.planted;
        sum.killed += cell.killed;
    }
    sums
}

fn mark(cell: Cell) -> String {
    match (cell.is_complete(), cell.planted) {
        (true, _) => "✓".to_owned(),
        (false, 0) => "–".to_owned(),
        (false, planted) => format!("✗ {}/{planted}", cell.killed),
    }
}

fn place(place: Where) -> &'static str {
    match place {
        Where::First => "first",
        Where::Middle => "middle",
        Where::Last => "last",
    }
}

fn expected(expected: &Expected) -> String {
    records(expected.anomaly, expected.records.iter().copied())
}

fn found(finding: &Finding) -> String {
    let records_of = finding
        .records
        .iter()
        .map(|record| (record.partition, record.offset, record.value));
    records(finding.anomaly, records_of)
}

fn records(anomaly: Anomaly, records: impl Iterator<Item = Named>) -> String {
    let mut words = anomaly.name().to_owned();
    for (partition, offset, value) in records {
        let offset = offset.map_or("?".to_owned(), |offset| offset.to_string());
        let value = value.map_or("?".to_owned(), |value| value.0.to_string());
        let _ = write!(words, " {}/{offset} (record {value})", partition.0);
    }
    words
}

fn pipeline_finding(finding: &PipelineFinding) -> String {
    let mut words = finding.anomaly.name().to_owned();
    for (word, places) in [("in", &finding.inputs), ("out", &finding.outputs)] {
        for place in places {
            let _ = write!(words, " {word} {}/{}", place.partition, place.offset);
        }
    }
    words
}

/// The proof for programs.
#[must_use]
pub fn selftest_json(proof: &Selftest, took_ns: u64) -> String {
    let cell = |cell: &Cell| json!({ "planted": cell.planted, "killed": cell.killed });
    let rows: Vec<_> = proof
        .matrix
        .rows
        .iter()
        .map(|row| {
            let contexts: BTreeMap<_, _> = row
                .contexts
                .iter()
                .map(|(context, at)| (context.word(), cell(at)))
                .collect();
            json!({
                "defect": row.defect,
                "caught_by": row.caught_by.iter().map(|anomaly| anomaly.name()).collect::<Vec<_>>(),
                "violation": row.forbidden,
                "first": cell(&row.places[0]),
                "middle": cell(&row.places[1]),
                "last": cell(&row.places[2]),
                "contexts": contexts,
                "missed": row.miss.as_ref().map(|miss| json!({
                    "seed": format!("{:x}", miss.seed),
                    "place": place(miss.place),
                    "expected": miss.expected.iter().map(expected).collect::<Vec<_>>(),
                    "found": miss.found.iter().map(found).collect::<Vec<_>>(),
                })),
            })
        })
        .collect();
    let pipelines: Vec<_> = proof
        .pipelines
        .iter()
        .map(|row| {
            let contexts: BTreeMap<_, _> = row
                .contexts
                .iter()
                .map(|(context, at)| (context.word(), cell(at)))
                .collect();
            json!({
                "defect": row.defect,
                "caught_by": row.caught_by.iter().map(|anomaly| anomaly.name()).collect::<Vec<_>>(),
                "violation": row.forbidden,
                "first": cell(&row.places[0]),
                "middle": cell(&row.places[1]),
                "last": cell(&row.places[2]),
                "contexts": contexts,
                "missed": row.miss.as_ref().map(|miss| json!({
                    "seed": format!("{:x}", miss.seed),
                    "place": place(miss.place),
                    "expected": miss.expected.iter().map(pipeline_finding).collect::<Vec<_>>(),
                    "found": miss.found.iter().map(pipeline_finding).collect::<Vec<_>>(),
                })),
            })
        })
        .collect();
    let clean = |rows: &[CleanRow], runs: &str, unit: &str| -> Vec<_> {
        rows.iter()
            .map(|row| {
                json!({
                    "contract": row.contract, runs: row.histories, unit: row.steps, "alarms": row.alarms,
                    "first_alarm": row.first_alarm.map(|seed| format!("{seed:x}")),
                })
            })
            .collect()
    };
    let controls: Vec<_> = proof
        .controls
        .iter()
        .map(|row| json!({ "control": row.control.name(), "histories": row.histories, "changed": row.changed }))
        .collect();
    let equivalents: Vec<_> = proof
        .equivalents
        .iter()
        .map(|row| json!({ "name": row.name, "reason": row.reason, "histories": row.planted, "seen": row.seen }))
        .collect();
    let oracle = proof.oracle.as_ref().map(|oracle| {
        json!({ "histories": oracle.histories, "space": oracle.space, "disagreements": oracle.disagreements })
    });
    let all = json!({
        "complete": proof.is_complete(),
        "seed": format!("{:x}", proof.seed),
        "took_ns": took_ns,
        "matrix": rows,
        "pipelines": pipelines,
        "clean": clean(&proof.clean, "histories", "steps"),
        "clean_pipelines": clean(&proof.clean_pipelines, "pipelines", "records"),
        "controls": controls,
        "equivalents": equivalents,
        "oracle": oracle,
    });
    format!("{all:#}\n")
}

#[cfg(test)]
mod tests {
    use highwater_selftest::{Extent, OracleRow, all_checkers, selftest};

    use super::*;

    const EXTENT: Extent = Extent {
        seed: 1,
        clean: 3,
        planted: 1,
        oracle: false,
    };

    #[test]
    fn what_a_person_reads() {
        let mut proof = selftest(EXTENT, &all_checkers, &mut |_| {});
        proof.oracle = Some(OracleRow {
            histories: 27_378,
            space: "all of them",
            disagreements: Vec::new(),
        });
        let text = selftest_text(&proof, 1_234_567_890, &Style::default());
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let wide = Style {
            color: false,
            width: 100,
        };
        insta::assert_snapshot!("selftest", selftest_text(&proof, 1_234_567_890, &wide));
        let json: serde_json::Value = serde_json::from_str(&selftest_json(&proof, 1)).unwrap();
        assert_eq!(json["complete"], true);
        assert_eq!(json["matrix"].as_array().unwrap().len(), proof.matrix.rows.len());
    }

    #[test]
    fn what_is_missed_is_named() {
        let judge = |steps: &[highwater_check::history::Step]| {
            let mut found = all_checkers(steps);
            found.retain(|finding| finding.anomaly != Anomaly::CorruptPayload);
            found
        };
        let proof = selftest(EXTENT, &judge, &mut |_| {});
        let text = selftest_text(&proof, 1_234_567_890, &Style::default());
        let missed: Vec<&str> = text
            .lines()
            .skip_while(|line| !line.contains("MISSED"))
            .take(3)
            .collect();
        insta::assert_snapshot!("selftest-missed", missed.join("\n"));
        assert!(text.contains("INCOMPLETE"));
    }
}
