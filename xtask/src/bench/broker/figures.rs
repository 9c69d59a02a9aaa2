//! All figures of a run, stored and shown.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::arm::{DEV, KAFKA};
use super::measure::Kind;
use crate::bench::error::BenchError;
use crate::bench::summary::{Machine, Spread};
use crate::bench::tool::load_average;

/// Every figure by kind and broker.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    machine: Machine,
    rounds: usize,
    /// True if the amounts were too small to mean anything.
    quick: bool,
    figures: BTreeMap<Kind, BTreeMap<&'static str, Vec<f64>>>,
    /// Load average of the machine after each measurement: what else ran shows here.
    load_averages: Vec<f64>,
    skipped: Vec<String>,
}

impl Figures {
    pub(crate) fn new(machine: Machine, rounds: usize, quick: bool) -> Self {
        Self {
            machine,
            rounds,
            quick,
            figures: BTreeMap::new(),
            load_averages: Vec::new(),
            skipped: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, kind: Kind, arm: &'static str, figure: f64) {
        let arms = self.figures.entry(kind).or_default();
        arms.entry(arm).or_default().push(figure);
        self.load_averages.extend(load_average());
    }

    pub(crate) fn skip(&mut self, what: String) {
        self.skipped.push(what);
    }

    /// Name, dev broker, Apache Kafka, ratio, goal, reached.
    fn rows(&self) -> Vec<[String; 6]> {
        let row = |(kind, arms): (&Kind, &BTreeMap<&str, Vec<f64>>)| {
            let spread = |arm| arms.get(arm).cloned().and_then(Spread::of);
            let (dev, kafka) = (spread(DEV), spread(KAFKA));
            let median = |spread: Option<Spread>| spread.map(|spread| spread.median);
            let digits = kind.digits();
            let text = |spread: Option<Spread>| {
                spread.map_or("–".to_owned(), |Spread { median, least, most }| {
                    format!("{median:.digits$} ({least:.digits$}–{most:.digits$})")
                })
            };
            let ratio = median(dev).zip(median(kafka)).map(|(dev, kafka)| dev / kafka);
            let reached = match kind.goal().reached(median(dev), median(kafka)) {
                Some(true) => "reached",
                Some(false) => "NOT REACHED",
                None => "–",
            };
            [
                kind.name().to_owned(),
                text(dev),
                text(kafka),
                ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}")),
                kind.goal().text(),
                reached.to_owned(),
            ]
        };
        self.figures.iter().map(row).collect()
    }

    fn heading(&self) -> String {
        let quick = if self.quick {
            " · QUICK: figures mean nothing"
        } else {
            ""
        };
        let loads = Spread::of(self.load_averages.clone()).map_or(String::new(), |spread| {
            format!(
                " · meanwhile {:.2} ({:.2}–{:.2})",
                spread.median, spread.least, spread.most
            )
        });
        format!("{}{loads} · {} rounds{quick}", self.machine, self.rounds)
    }

    /// For a terminal.
    pub(crate) fn table(&self) -> String {
        let titles = TITLES.map(str::to_owned);
        let rows: Vec<_> = std::iter::once(titles).chain(self.rows()).collect();
        let width = |column: usize| {
            let widths = rows.iter().map(|row: &[String; 6]| row[column].chars().count());
            widths.max().unwrap_or(0)
        };
        let mut text = format!("\n{}\n", self.heading());
        for row in &rows {
            let cells = row.iter().enumerate().map(|(column, cell)| {
                let width = width(column);
                if column == 0 {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            });
            text.push_str(&cells.collect::<Vec<_>>().join("  "));
            text.push('\n');
        }
        for reason in &self.skipped {
            text.push_str(&format!("skipped: {reason}\n"));
        }
        text
    }

    fn markdown(&self) -> String {
        let mut text = format!(
            "{}\n\n| {} |\n|---|---|---|---|---|---|\n",
            self.heading(),
            TITLES.join(" | ")
        );
        for row in self.rows() {
            text.push_str(&format!("| {} |\n", row.join(" | ")));
        }
        for reason in &self.skipped {
            text.push_str(&format!("\nSkipped: {reason}\n"));
        }
        text
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), BenchError> {
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

const TITLES: [&str; 6] = [
    "median (least–most)",
    "dev broker",
    "Apache Kafka 4.3.1",
    "ratio",
    "must be",
    "",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_medians_ratio_and_verdict() {
        let mut figures = Figures::new(Machine::look(), 3, true);
        for (dev, kafka) in [(150.0, 100.0), (140.0, 90.0), (160.0, 110.0)] {
            figures.add(Kind::ProduceLarge, DEV, dev);
            figures.add(Kind::ProduceLarge, KAFKA, kafka);
        }
        figures.add(Kind::Memory, DEV, 151.0);
        let rows = figures.rows();
        assert_eq!(
            rows[0][1..],
            ["150 (140–160)", "100 (90–110)", "1.50", "ratio ≥ 1.5", "reached"]
        );
        assert_eq!(rows[1][1..], ["151 (151–151)", "–", "–", "< 150", "NOT REACHED"]);
        assert!(figures.table().contains("QUICK"));
        assert!(figures.markdown().contains("| 1.50 | ratio ≥ 1.5 | reached |"));
    }
}
