//! The outcome table for people, for programs, and as `docs/outcomes.md`.

use std::fmt::Write;

use highwater_check::outcome::{Api, Row, Signal, rows};
use serde::Serialize;

const INTRODUCTION: &str = "\
# What an answer says about a request

What a client gets for a request, and whether the request was applied: `ok`, `failed` (it certainly was not, and will
not be) or `unknown` (it may have been, or may still be; neither is a violation). What is not in the table is
`unknown`. Printed by `highwater outcomes`, and written from the same table in the program.

- An outcome is that of *one request*. A client that retries may have been heard before: `failed` after a timeout
  or a disconnect of the same batch says nothing of the first attempt.
- *applied* means: the records are in the log (Produce), the offsets are committed (OffsetCommit) or pending in the
  transaction (TxnOffsetCommit), the transaction is decided as asked (EndTxn), whoever had the transactional id is
  fenced (InitProducerId), the partitions are in the transaction (AddPartitionsToTxn, AddOffsetsToTxn), the topic was
  made by this request (CreateTopics), the front of the log has moved (DeleteRecords).
- *acks* is named where the same error means something else with it.
- *tried* says whether a test brings the error about on Apache Kafka 4.3.1 and then looks what became of the request.
  The others are read from Kafka's code and documents only. What stands for every API was tried with Produce.
";

/// The table in columns of a terminal.
#[must_use]
pub fn outcomes_text() -> String {
    let widest = rows().map(|row| name(row).len()).max().unwrap_or(0);
    let mut text = String::new();
    for (title, section) in sections() {
        let _ = writeln!(text, "{title}");
        for row in section {
            let tried = if row.provoked { "tried" } else { "" };
            let (word, name, reason) = (row.applied.word(), name(row), row.reason);
            let _ = writeln!(text, "  {name:<widest$}  {word:<7}  {tried:<5}  {reason}");
        }
        text += "\n";
    }
    text +=
        "What is not listed is unknown. docs/outcomes.md has the sources; --format json is for programs.\n";
    text
}

/// The table as it is in `docs/outcomes.md`.
#[must_use]
pub fn outcomes_markdown() -> String {
    let mut text = INTRODUCTION.to_owned();
    for (title, section) in sections() {
        let _ = write!(
            text,
            "\n## {title}\n\n| answer | means | why | source | tried |\n|---|---|---|---|---|\n"
        );
        for row in section {
            let tried = if row.provoked { "yes" } else { "no" };
            let (word, name) = (row.applied.word(), name(row));
            let _ = writeln!(
                text,
                "| {name} | {word} | {} | {} | {tried} |",
                row.reason, row.source
            );
        }
    }
    text
}

#[derive(Serialize)]
struct Line {
    api: Option<&'static str>,
    api_key: Option<i16>,
    signal: &'static str,
    error: Option<&'static str>,
    error_code: Option<i16>,
    acks: Option<i16>,
    outcome: &'static str,
    reason: &'static str,
    source: &'static str,
    provoked: bool,
}

/// The table as a JSON list, a line for each row; `api` null is for every API.
#[must_use]
pub fn outcomes_json() -> String {
    let lines: Vec<Line> = rows().map(line).collect();
    // Plain text and numbers: there is nothing that could fail.
    serde_json::to_string_pretty(&lines).unwrap_or_default() + "\n"
}

fn line(row: &Row) -> Line {
    let (signal, error, error_code) = match row.signal {
        Signal::Error(code) => ("error", Some(row.name), Some(code)),
        Signal::Timeout => ("timeout", None, None),
        Signal::Disconnect => ("disconnect", None, None),
        Signal::NoAnswer => ("no-answer", None, None),
    };
    Line {
        api: row.api.map(Api::name),
        api_key: row.api.map(Api::key),
        signal,
        error,
        error_code,
        acks: row.acks,
        outcome: row.applied.word(),
        reason: row.reason,
        source: row.source,
        provoked: row.provoked,
    }
}

fn name(row: &Row) -> String {
    match row.acks {
        Some(acks) => format!("{} (acks={acks})", row.name),
        None => row.name.to_owned(),
    }
}

fn sections() -> impl Iterator<Item = (&'static str, Vec<&'static Row>)> {
    let of = |api: Option<Api>| rows().filter(move |row| row.api == api).collect::<Vec<_>>();
    let every = ("Every API", of(None));
    std::iter::once(every).chain(Api::ALL.into_iter().map(move |api| (api.name(), of(Some(api)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/outcomes.md");

    #[test]
    fn the_document_is_written_from_the_table() {
        let table = outcomes_markdown();
        if std::env::var_os("HIGHWATER_RECORD").is_some() {
            std::fs::write(DOCUMENT, &table).unwrap();
        }
        let document = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
        assert!(
            document == table,
            "docs/outcomes.md is not what the table says; HIGHWATER_RECORD=1 writes it"
        );
    }

    #[test]
    fn every_row_is_in_every_form() {
        let (text, json) = (outcomes_text(), outcomes_json());
        let lines: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
        assert_eq!(lines.len(), rows().count());
        let listed = text.lines().filter(|line| line.starts_with("  ")).count();
        assert_eq!(listed, rows().count());
        let timed_out = lines
            .iter()
            .find(|line| line["api"] == "Produce" && line["error"] == "REQUEST_TIMED_OUT");
        assert_eq!(timed_out.unwrap()["outcome"], "unknown");
        assert_eq!(timed_out.unwrap()["error_code"], 7);
    }
}
