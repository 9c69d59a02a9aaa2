//! What contracts say about anomalies, for people, for programs, and as `docs/contracts.md`.
//!
//! Invariant: every word about an anomaly comes from the one table of `highwater-check`.

use std::fmt::Write;

use highwater_check::{Anomaly, Contract, Delivery, Promise, Standing};
use serde::Serialize;

use crate::text::{left, wrap};

const INTRODUCTION: &str = "\
# What a contract says about each anomaly

A contract is one promise about delivery (`at-most-once`, `at-least-once`, `exactly-once`, or for a cluster alone
`no-acknowledged-loss`), and optionally `ordered-per-key` and `ordered-per-partition`. Printed by `highwater contracts`,
and written from the same table in the program.

- *violation*: the contract forbids it, and one is enough for VIOLATED.
- *expected*: the price of the contract. It is counted, and bounded: what is beyond the bound has a name of its own.
- *not applicable*: the contract does not speak of it. It is told if it is seen, and changes no verdict.
";

const WIDTH: usize = 80;
const NAME: usize = 28;
const CELL: usize = 11;

/// All contracts and anomalies, in columns of a terminal.
#[must_use]
pub fn contracts_text() -> String {
    let mut text = String::new();
    // Names are broken behind their last dash, so that the columns fit into 80.
    let heads: Vec<(&str, &str)> = Delivery::ALL
        .into_iter()
        .map(|delivery| {
            let name = delivery.name();
            name.split_at(name.rfind('-').map_or(name.len(), |dash| dash + 1))
        })
        .collect();
    for line in [
        heads.iter().map(|(first, _)| *first).collect::<Vec<_>>(),
        heads.iter().map(|(_, second)| *second).collect(),
    ] {
        let cells: String = line.iter().map(|word| left(word, CELL)).collect();
        let _ = writeln!(text, "{}{}", " ".repeat(NAME), cells.trim_end());
    }
    for promise in Promise::ALL {
        let _ = writeln!(text, "\n{}", section(promise));
        for anomaly in of(promise) {
            let cells: String = deliveries(promise)
                .map(|contract| left(short(anomaly.standing(contract)), CELL))
                .collect();
            let _ = writeln!(text, "  {}{}", left(anomaly.name(), NAME - 2), cells.trim_end());
        }
    }
    text += "\n\
        violation: forbidden. expected: counted and bounded. –: only told if seen.\n\
        `highwater contracts --contract at-least-once` says why, and what bounds it.\n";
    text
}

/// One contract with the reason for each anomaly.
#[must_use]
pub fn contract_text(contract: Contract) -> String {
    let mut text = format!("{contract}\n");
    for standing in Standing::ALL {
        let anomalies: Vec<Anomaly> = Anomaly::ALL
            .into_iter()
            .filter(|anomaly| anomaly.standing(contract) == standing)
            .collect();
        if anomalies.is_empty() {
            continue;
        }
        let heading = match standing {
            Standing::Violation => "violation: one is enough for VIOLATED",
            Standing::Expected => "expected: counted, and bounded",
            Standing::NotApplicable => "not applicable: told if seen, and changes no verdict",
        };
        let _ = writeln!(text, "\n{heading}");
        for anomaly in anomalies {
            entry(&mut text, anomaly.name(), &anomaly.explanation(contract));
            if let Some(bound) = anomaly.bounded_by(contract) {
                entry(&mut text, "", &format!("bounded by {bound}"));
            }
        }
    }
    text
}

fn entry(text: &mut String, name: &str, words: &str) {
    for (index, line) in wrap(words, WIDTH - NAME).into_iter().enumerate() {
        let name = if index == 0 { name } else { "" };
        let _ = writeln!(text, "  {}{line}", left(name, NAME - 2));
    }
}

/// The table as it is in `docs/contracts.md`.
#[must_use]
pub fn contracts_markdown() -> String {
    let mut text = INTRODUCTION.to_owned();
    for promise in Promise::ALL {
        let _ = write!(text, "\n## {}\n\n| anomaly |", capital(&section(promise)));
        for delivery in Delivery::ALL {
            let _ = write!(text, " {} |", delivery.name());
        }
        text += " what is promised | expected: bounded by |\n|---|---|---|---|---|---|---|\n";
        for anomaly in of(promise) {
            let row = anomaly.row();
            let _ = write!(text, "| `{}` |", anomaly.name());
            for contract in deliveries(promise) {
                let _ = write!(text, " {} |", anomaly.standing(contract).word());
            }
            let bound = if row.bounded_by.is_empty() {
                "–"
            } else {
                row.bounded_by
            };
            let _ = writeln!(text, " {} | {bound} |", row.promised);
        }
    }
    text
}

#[derive(Serialize)]
struct Cell<'a> {
    contract: String,
    anomaly: &'static str,
    standing: &'static str,
    explanation: String,
    bounded_by: Option<&'a str>,
}

/// A JSON list with an object for each contract and anomaly; all four delivery promises if none is named.
#[must_use]
pub fn contracts_json(contract: Option<Contract>) -> String {
    let contracts: Vec<Contract> = match contract {
        Some(contract) => vec![contract],
        None => Delivery::ALL.map(|delivery| plain(delivery, None)).to_vec(),
    };
    let cells: Vec<Cell> = contracts
        .into_iter()
        .flat_map(|contract| Anomaly::ALL.map(|anomaly| cell(contract, anomaly)))
        .collect();
    // Plain text: there is nothing that could fail.
    serde_json::to_string_pretty(&cells).unwrap_or_default() + "\n"
}

fn cell(contract: Contract, anomaly: Anomaly) -> Cell<'static> {
    Cell {
        contract: contract.to_string(),
        anomaly: anomaly.name(),
        standing: anomaly.standing(contract).word(),
        explanation: anomaly.explanation(contract),
        bounded_by: anomaly.bounded_by(contract),
    }
}

fn of(promise: Promise) -> impl Iterator<Item = Anomaly> {
    Anomaly::ALL
        .into_iter()
        .filter(move |anomaly| anomaly.row().promise == promise)
}

/// The columns of a section: where order is promised by words of its own, with them.
fn deliveries(promise: Promise) -> impl Iterator<Item = Contract> {
    Delivery::ALL
        .into_iter()
        .map(move |delivery| plain(delivery, Some(promise)))
}

fn plain(delivery: Delivery, with: Option<Promise>) -> Contract {
    let ordered = with.is_some_and(|promise| promise.order_words().is_some());
    Contract {
        delivery,
        ordered_per_partition: ordered,
        ordered_per_key: ordered,
    }
}

fn section(promise: Promise) -> String {
    match promise.order_words() {
        Some(words) => format!("{}, with {words}", promise.heading()),
        None => promise.heading().to_owned(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn short(standing: Standing) -> &'static str {
    match standing {
        Standing::Violation | Standing::Expected => standing.word(),
        Standing::NotApplicable => "–",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/contracts.md");

    #[test]
    fn the_document_is_written_from_the_table() {
        let table = contracts_markdown();
        if std::env::var_os("HIGHWATER_RECORD").is_some() {
            std::fs::write(DOCUMENT, &table).unwrap();
        }
        let document = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
        assert!(
            document == table,
            "docs/contracts.md is not what the table says; HIGHWATER_RECORD=1 writes it"
        );
    }

    #[test]
    fn what_a_person_reads() {
        insta::assert_snapshot!("contracts", contracts_text());
        let contract = Contract::parse("at-least-once, ordered-per-key").unwrap();
        insta::assert_snapshot!("contract-at-least-once", contract_text(contract));
        for line in contracts_text().lines().chain(contract_text(contract).lines()) {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }

    #[test]
    fn every_cell_is_in_the_json() {
        let cells: Vec<serde_json::Value> = serde_json::from_str(&contracts_json(None)).unwrap();
        assert_eq!(cells.len(), Delivery::ALL.len() * Anomaly::ALL.len());
        let duplicate = cells
            .iter()
            .find(|cell| cell["contract"] == "at-least-once" && cell["anomaly"] == "duplicate")
            .unwrap();
        assert_eq!(duplicate["standing"], "expected");
        assert!(duplicate["bounded_by"].is_string());
        let one = contracts_json(Some(Contract::parse("exactly-once").unwrap()));
        let one: Vec<serde_json::Value> = serde_json::from_str(&one).unwrap();
        assert!(one.iter().all(|cell| cell["contract"] == "exactly-once"));
    }
}
