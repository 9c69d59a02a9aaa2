//! All figures of a run, stored and shown.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::way::{DIRECT, PASSING, RECORDED, TOXIPROXY};
use crate::bench::error::BenchError;
use crate::bench::summary::{Machine, Spread};
use crate::bench::tool::load_average;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Kind {
    Rate,
    CpuPerGb,
    P50,
    P99,
    Memory,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Rate => "records/s",
            Self::CpuPerGb => "CPU s per GB",
            Self::P50 => "acknowledgement p50, ms",
            Self::P99 => "acknowledgement p99, ms",
            Self::Memory => "peak memory, 200 connections, 100 MB/s, MB",
        }
    }

    const fn digits(self) -> usize {
        match self {
            Self::Rate | Self::Memory => 0,
            Self::CpuPerGb | Self::P50 | Self::P99 => 2,
        }
    }
}

/// What one way must reach beside another, on Apache Kafka.
struct Goal {
    case: &'static str,
    kind: Kind,
    way: &'static str,
    /// The way it is compared with; none: with nothing.
    beside: Option<&'static str>,
    text: &'static str,
    reached: fn(f64, f64) -> bool,
}

const GOALS: [Goal; 11] = [
    Goal {
        case: "100B",
        kind: Kind::Rate,
        way: RECORDED,
        beside: Some(DIRECT),
        text: "≥ 0.7 of direct",
        reached: |it, other| it >= 0.7 * other,
    },
    Goal {
        case: "1KiB",
        kind: Kind::Rate,
        way: RECORDED,
        beside: Some(DIRECT),
        text: "≥ 0.9 of direct",
        reached: |it, other| it >= 0.9 * other,
    },
    Goal {
        case: "5KiB",
        kind: Kind::Rate,
        way: RECORDED,
        beside: Some(DIRECT),
        text: "≥ 0.9 of direct",
        reached: |it, other| it >= 0.9 * other,
    },
    Goal {
        case: "100B",
        kind: Kind::Rate,
        way: PASSING,
        beside: Some(TOXIPROXY),
        text: "≥ 1.0 of toxiproxy",
        reached: |it, other| it >= other,
    },
    Goal {
        case: "1KiB",
        kind: Kind::Rate,
        way: PASSING,
        beside: Some(TOXIPROXY),
        text: "≥ 1.0 of toxiproxy",
        reached: |it, other| it >= other,
    },
    Goal {
        case: "5KiB",
        kind: Kind::Rate,
        way: PASSING,
        beside: Some(TOXIPROXY),
        text: "≥ 1.0 of toxiproxy",
        reached: |it, other| it >= other,
    },
    Goal {
        case: "latency",
        kind: Kind::P50,
        way: RECORDED,
        beside: Some(DIRECT),
        text: "< 0.2 ms added",
        reached: |it, other| it - other < 0.2,
    },
    Goal {
        case: "latency",
        kind: Kind::P99,
        way: RECORDED,
        beside: Some(DIRECT),
        text: "< 1 ms added",
        reached: |it, other| it - other < 1.0,
    },
    Goal {
        case: "latency",
        kind: Kind::P99,
        way: PASSING,
        beside: Some(TOXIPROXY),
        text: "≤ toxiproxy",
        reached: |it, other| it <= other,
    },
    Goal {
        case: "latency",
        kind: Kind::P50,
        way: PASSING,
        beside: Some(TOXIPROXY),
        text: "–",
        reached: |it, other| it <= other,
    },
    Goal {
        case: "memory",
        kind: Kind::Memory,
        way: RECORDED,
        beside: None,
        text: "< 100 MB",
        reached: |it, _| it < 100.0,
    },
];

type Ways = BTreeMap<&'static str, Vec<f64>>;

/// Every figure by broker, case, kind and way.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    machine: Machine,
    rounds: usize,
    /// True if the amounts were too small to mean anything.
    quick: bool,
    figures: BTreeMap<String, BTreeMap<Kind, Ways>>,
    /// Load average of the machine after each measurement: what else ran shows here.
    load_averages: Vec<f64>,
    skipped: Vec<String>,
}

impl Figures {
    pub(super) fn new(machine: Machine, rounds: usize, quick: bool) -> Self {
        Self {
            machine,
            rounds,
            quick,
            figures: BTreeMap::new(),
            load_averages: Vec::new(),
            skipped: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, broker: &str, case: &str, kind: Kind, way: &'static str, figure: f64) {
        let kinds = self.figures.entry(format!("{broker} {case}")).or_default();
        kinds
            .entry(kind)
            .or_default()
            .entry(way)
            .or_default()
            .push(figure);
        self.load_averages.extend(load_average());
    }

    pub(super) fn skip(&mut self, what: String) {
        self.skipped.push(what);
    }

    fn median(&self, case: &str, kind: Kind, way: &str) -> Option<f64> {
        let rounds = self.figures.get(case)?.get(&kind)?.get(way)?;
        Some(Spread::of(rounds.clone())?.median)
    }

    /// Case, kind, then a cell for each way.
    fn rows(&self) -> Vec<Vec<String>> {
        let cell = |ways: &Ways, way: &str, digits: usize| {
            let spread = ways.get(way).cloned().and_then(Spread::of);
            spread.map_or("–".to_owned(), |Spread { median, least, most }| {
                format!("{median:.digits$} ({least:.digits$}–{most:.digits$})")
            })
        };
        let kinds = |(case, kinds): (&String, &BTreeMap<Kind, Ways>)| {
            let row = |(kind, ways): (&Kind, &Ways)| {
                let mut row = vec![format!("{case}, {}", kind.name())];
                let cells = [DIRECT, PASSING, RECORDED, TOXIPROXY].map(|way| cell(ways, way, kind.digits()));
                row.extend(cells);
                row
            };
            kinds.iter().map(row).collect::<Vec<_>>()
        };
        let mut rows = vec![TITLES.map(str::to_owned).to_vec()];
        rows.extend(self.figures.iter().flat_map(kinds));
        rows
    }

    /// What must be reached, with what was.
    fn goals(&self) -> Vec<Vec<String>> {
        let row = |goal: &Goal| {
            let broker = if goal.kind == Kind::Memory { "dev" } else { "kafka" };
            let case = format!("{broker} {}", goal.case);
            let it = self.median(&case, goal.kind, goal.way)?;
            let other = match goal.beside {
                Some(way) => Some(self.median(&case, goal.kind, way)?),
                None => None,
            };
            let digits = goal.kind.digits();
            let against = other.map_or(String::new(), |other| {
                format!(" against {other:.digits$}: {:.2}", it / other)
            });
            let verdict = match goal.text {
                "–" => "–",
                _ if (goal.reached)(it, other.unwrap_or_default()) => "reached",
                _ => "NOT REACHED",
            };
            Some(vec![
                format!("{case}, {}, {}", goal.kind.name(), goal.way),
                format!("{it:.digits$}{against}"),
                goal.text.to_owned(),
                verdict.to_owned(),
            ])
        };
        let mut rows = vec![["what", "median", "must be", ""].map(str::to_owned).to_vec()];
        rows.extend(GOALS.iter().filter_map(row));
        rows
    }

    fn heading(&self) -> String {
        let quick = if self.quick {
            " · QUICK: figures mean nothing"
        } else {
            ""
        };
        let loads = Spread::of(self.load_averages.clone()).map_or(String::new(), |spread| {
            let Spread { median, least, most } = spread;
            format!(" · meanwhile {median:.2} ({least:.2}–{most:.2})")
        });
        format!("{}{loads} · {} rounds{quick}", self.machine, self.rounds)
    }

    /// For a terminal.
    pub(super) fn table(&self) -> String {
        let mut text = format!(
            "\n{}\n{}\n{}",
            self.heading(),
            aligned(&self.rows()),
            aligned(&self.goals())
        );
        for reason in &self.skipped {
            text.push_str(&format!("skipped: {reason}\n"));
        }
        text
    }

    fn markdown(&self) -> String {
        let mut text = format!("{}\n", self.heading());
        for table in [self.rows(), self.goals()] {
            text.push('\n');
            for (number, row) in table.iter().enumerate() {
                text.push_str(&format!("| {} |\n", row.join(" | ")));
                if number == 0 {
                    text.push_str(&format!("|{}\n", "---|".repeat(row.len())));
                }
            }
        }
        for reason in &self.skipped {
            text.push_str(&format!("\nSkipped: {reason}\n"));
        }
        text
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), BenchError> {
        let file = |source| BenchError::File {
            path: path.to_owned(),
            source,
        };
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(file)?;
        }
        let text = serde_json::to_string_pretty(self).map_err(|source| BenchError::Json {
            what: "figures".to_owned(),
            source,
        })?;
        fs::write(path, text).map_err(file)?;
        fs::write(path.with_extension("md"), self.markdown()).map_err(file)
    }
}

const TITLES: [&str; 5] = ["median (least–most)", DIRECT, PASSING, RECORDED, TOXIPROXY];

fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = width(column);
            if column == 0 {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  "))
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_judged_by_medians() {
        let mut figures = Figures::new(Machine::look(), 3, true);
        for (direct, recorded) in [(100.0, 69.0), (90.0, 70.0), (110.0, 71.0)] {
            figures.add("kafka", "100B", Kind::Rate, DIRECT, direct);
            figures.add("kafka", "100B", Kind::Rate, RECORDED, recorded);
        }
        figures.add("kafka", "latency", Kind::P50, DIRECT, 0.3);
        figures.add("kafka", "latency", Kind::P50, RECORDED, 0.51);
        let goals = figures.goals();
        assert_eq!(
            goals[1][1..],
            ["70 against 100: 0.70", "≥ 0.7 of direct", "reached"]
        );
        assert_eq!(
            goals[2][1..],
            ["0.51 against 0.30: 1.70", "< 0.2 ms added", "NOT REACHED"]
        );
        assert_eq!(goals.len(), 3);
        assert!(figures.table().contains("QUICK"));
        assert!(figures.markdown().contains("| 100 (90–110) |"));
    }
}
