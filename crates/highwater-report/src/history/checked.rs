//! What was found in a history, for people and for machines.
//!
//! Invariant: the verdict comes first; names from a history are made harmless; every list says how many it leaves out.

use std::fmt::Write as _;

use highwater_check::history::{Coverage, Edge, Finding, Names, Partition, Summary, Value};
use highwater_check::{Anomaly, Contract, Judgement, Standing};
use highwater_model::Verdict;
use serde::Serialize;

use crate::ReportError;
use crate::format::Style;
use crate::number::{count, counted};
use crate::paint::Paint;
use crate::text::{plain, wrap};

/// A checked history.
#[derive(Debug, Clone, Copy)]
pub struct Checked<'a> {
    /// Its name: a file.
    pub subject: &'a str,
    /// How it is written down: `jepsen-edn`.
    pub format: &'a str,
    /// What it was held against.
    pub contract: Contract,
    /// What was found.
    pub summary: &'a Summary,
    /// How much it says.
    pub coverage: &'a Coverage,
    /// The answer.
    pub judgement: &'a Judgement,
    /// Names of what is numbered.
    pub names: &'a Names,
}

/// Occurrences of an anomaly that the text shows.
const SHOWN: usize = 5;
/// Passed-over records that a line shows.
const SKIPPED: usize = 8;

/// For a terminal.
#[must_use]
pub fn checked_text(checked: &Checked<'_>, style: &Style) -> String {
    let (paint, width) = (Paint::new(style.color), usize::from(style.width.max(80)));
    let verdict = checked.judgement.verdict;
    let word = match verdict {
        Verdict::Holds => paint.bold(verdict.word()),
        _ => paint.trouble(verdict.word()),
    };
    let mut text = format!("{word}  {}  {}\n", plain(checked.subject), checked.contract);
    for reason in &checked.judgement.reasons {
        for line in wrap(&plain(reason), width - 2) {
            let _ = writeln!(text, "  {line}");
        }
    }
    text.push('\n');
    for line in wrap(&covered(checked), width - 2) {
        let _ = writeln!(text, "  {line}");
    }
    for standing in Standing::ALL {
        let mut heading = Some(match standing {
            Standing::Violation => "forbidden by the contract",
            Standing::Expected => "allowed by the contract, and counted",
            Standing::NotApplicable => "told, without effect on the verdict",
        });
        for (anomaly, times, first) in checked.summary.anomalies() {
            if anomaly.standing(checked.contract) != standing {
                continue;
            }
            if let Some(heading) = heading.take() {
                let _ = writeln!(text, "\n{}", paint.bold(heading));
            }
            let _ = writeln!(text, "  {}: {}", anomaly.name(), anomaly.headline(times));
            for line in wrap(&anomaly.explanation(checked.contract), width - 4) {
                let _ = writeln!(text, "    {}", paint.dim(&line));
            }
            examples(&mut text, checked, times, first, width);
        }
    }
    text
}

fn covered(checked: &Checked<'_>) -> String {
    let coverage = checked.coverage;
    let mut parts = vec![
        format!(
            "{} ({})",
            counted(coverage.operations, "operation"),
            checked.format
        ),
        format!("{} sent", counted(coverage.sent, "record")),
        format!("{} acknowledged", count(coverage.acknowledged)),
        format!("{} read", count(coverage.read)),
        format!(
            "{}, {} read back",
            counted(coverage.partitions, "partition"),
            count(coverage.read_back)
        ),
    ];
    if coverage.unknown > 0 {
        parts.push(counted(coverage.unknown, "unknown operation"));
    }
    if coverage.disturbances > 0 {
        parts.push(counted(coverage.disturbances, "disturbance"));
    }
    parts.join(" · ")
}

fn examples<'a>(
    text: &mut String,
    checked: &Checked<'_>,
    times: u64,
    first: impl Iterator<Item = &'a Finding>,
    width: usize,
) {
    for finding in first.take(SHOWN) {
        for (number, line) in wrap(&told(finding, checked.names), width - 6)
            .into_iter()
            .enumerate()
        {
            let lead = if number == 0 { "- " } else { "  " };
            let _ = writeln!(text, "    {lead}{line}");
        }
    }
    let more = times.saturating_sub(SHOWN as u64);
    if more > 0 {
        let _ = writeln!(text, "    … and {} more", count(more));
    }
}

/// One occurrence in a sentence.
fn told(finding: &Finding, names: &Names) -> String {
    let place = |partition: Partition| plain(names.of_partition(partition));
    let shown = |value: Value| plain(&names.of_value(value));
    let records: Vec<String> = finding
        .records
        .iter()
        .map(|record| {
            let mut words = place(record.partition);
            if let Some(offset) = record.offset {
                let _ = write!(words, " offset {offset}");
            }
            if let Some(value) = record.value {
                let _ = write!(words, " value {}", shown(value));
            }
            words
        })
        .collect();
    let mut words = match finding.edges.is_empty() {
        true => records.join(", "),
        false => finding
            .edges
            .iter()
            .zip(&finding.steps)
            .map(|(edge, step)| match edge {
                Edge::WriteWrite(partition, before, after) => format!(
                    "step {step} wrote {} value {} right before value {}",
                    place(*partition),
                    shown(*before),
                    shown(*after)
                ),
                Edge::WriteRead(partition, value) => {
                    format!(
                        "step {step} wrote {} value {} that the next read",
                        place(*partition),
                        shown(*value)
                    )
                }
            })
            .collect::<Vec<_>>()
            .join(", "),
    };
    if !finding.skipped.is_empty() {
        let all = finding
            .delta
            .and_then(|delta| u64::try_from(delta - 1).ok())
            .unwrap_or(finding.skipped.len() as u64);
        let named: Vec<String> = finding
            .skipped
            .iter()
            .take(SKIPPED)
            .map(|value| shown(*value))
            .collect();
        let left_out = all.saturating_sub(named.len() as u64);
        let _ = write!(words, "; passed over {}", named.join(", "));
        if left_out > 0 {
            let _ = write!(words, " and {} more", count(left_out));
        }
    }
    if let Some((group, members)) = &finding.group {
        let members: Vec<String> = members
            .iter()
            .map(|member| plain(names.of_member(*member)))
            .collect();
        let _ = write!(words, "; group {}", plain(names.of_group(*group)));
        if !members.is_empty() {
            let _ = write!(words, ", {}", members.join(", "));
        }
    }
    if finding.edges.is_empty() && !finding.steps.is_empty() {
        let steps: Vec<String> = finding.steps.iter().map(u64::to_string).collect();
        let noun = if steps.len() == 1 { "step" } else { "steps" };
        let _ = write!(words, " ({noun} {})", steps.join(", "));
    }
    words
}

#[derive(Serialize)]
struct Page<'a> {
    history: &'a str,
    format: &'a str,
    contract: String,
    verdict: &'static str,
    reasons: &'a [String],
    operations: u64,
    unknown_operations: u64,
    records_sent: u64,
    records_acknowledged: u64,
    records_read: u64,
    records_unseen: u64,
    partitions: u64,
    partitions_read_back: u64,
    disturbances: u64,
    anomalies: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    count: u64,
    standing: &'static str,
    explanation: String,
    examples: Vec<Example>,
}

#[derive(Serialize)]
struct Example {
    records: Vec<Place>,
    steps: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clients: Vec<String>,
}

#[derive(Serialize)]
struct Place {
    partition: String,
    offset: Option<i64>,
    value: Option<String>,
}

/// As JSON, indented: an object with the verdict, the coverage and every anomaly.
///
/// # Errors
/// [`ReportError::Json`] if it can't be serialised.
pub fn checked_json(checked: &Checked<'_>) -> Result<String, ReportError> {
    let coverage = checked.coverage;
    let page = Page {
        history: checked.subject,
        format: checked.format,
        contract: checked.contract.to_string(),
        verdict: checked.judgement.verdict.word(),
        reasons: &checked.judgement.reasons,
        operations: coverage.operations,
        unknown_operations: coverage.unknown,
        records_sent: coverage.sent,
        records_acknowledged: coverage.acknowledged,
        records_read: coverage.read,
        records_unseen: coverage.unseen,
        partitions: coverage.partitions,
        partitions_read_back: coverage.read_back,
        disturbances: coverage.disturbances,
        anomalies: checked
            .summary
            .anomalies()
            .map(|(anomaly, times, first)| entry(checked, anomaly, times, first))
            .collect(),
    };
    let mut text = serde_json::to_string_pretty(&page).map_err(ReportError::Json)?;
    text.push('\n');
    Ok(text)
}

fn entry<'a>(
    checked: &Checked<'_>,
    anomaly: Anomaly,
    times: u64,
    first: impl Iterator<Item = &'a Finding>,
) -> Entry {
    let names = checked.names;
    Entry {
        name: anomaly.name(),
        count: times,
        standing: anomaly.standing(checked.contract).word(),
        explanation: anomaly.explanation(checked.contract),
        examples: first
            .map(|finding| Example {
                records: finding
                    .records
                    .iter()
                    .map(|record| Place {
                        partition: names.of_partition(record.partition).to_owned(),
                        offset: record.offset,
                        value: record.value.map(|value| names.of_value(value)),
                    })
                    .collect(),
                steps: finding.steps.clone(),
                delta: finding.delta,
                skipped: finding
                    .skipped
                    .iter()
                    .map(|value| names.of_value(*value))
                    .collect(),
                clients: finding
                    .processes
                    .iter()
                    .map(|process| names.of_process(*process).to_owned())
                    .collect(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use highwater_check::history::{Analysis, Isolation, Options, judge, read};

    use super::*;

    const LOST_AND_SKIPPED: &str = "\
        {:index 1, :type :ok, :process 0, :f :txn, :value [[:send :x [0 1]] [:send :y [0 2]]]}\n\
        {:index 3, :type :ok, :process 0, :f :txn, :value [[:send :x [2 3]] [:send :x [3 4]]]}\n\
        {:index 5, :type :info, :process 0, :f :txn, :value [[:send :x 5]]}\n\
        {:index 7, :type :ok, :process 1, :f :txn, :value [[:send :y [1 6]] [:send :x [5 7]]]}\n\
        {:index 8, :type :info, :process :nemesis, :f :kill, :value nil}\n\
        {:index 9, :type :ok, :process 2, :f :poll, :value [[:poll {:x [[0 1]], :y [[0 2] [1 6]]}]]}\n\
        {:index 11, :type :ok, :process 2, :f :poll, :value [[:poll {:x [[3 4] [5 7]]}]]}\n";
    const WHOLE: &str = "\
        {:type :ok, :process 0, :f :send, :value [[:send :x [0 1]]]}\n\
        {:type :ok, :process 2, :f :poll, :value [[:poll {:x [[0 1]]}]]}\n";
    const UNREAD: &str = "\
        {:type :ok, :process 0, :f :send, :value [[:send :x [0 1]]]}\n\
        {:type :ok, :process 0, :f :send, :value [[:send :x [1 2]]]}\n\
        {:type :ok, :process 2, :f :poll, :value [[:poll {:x [[0 1]]}]]}\n";

    fn both(text: &str, contract: &str) -> (String, String) {
        let (mut names, mut analysis) = (Names::default(), Analysis::new(Options::default()));
        read::edn(
            &mut text.as_bytes(),
            Isolation::Committed,
            &mut names,
            &mut |step| analysis.step(&step),
        )
        .unwrap();
        let mut summary = Summary::default();
        let coverage = analysis.finish(&mut |finding| summary.add(finding));
        let contract = Contract::parse(contract).unwrap();
        let judgement = judge(contract, &summary, &coverage, &[]);
        let checked = Checked {
            subject: "history.edn",
            format: "jepsen-edn",
            contract,
            summary: &summary,
            coverage: &coverage,
            judgement: &judgement,
            names: &names,
        };
        (
            checked_text(&checked, &Style::default()),
            checked_json(&checked).unwrap(),
        )
    }

    #[test]
    fn a_history_with_much_wrong() {
        let (text, json) = both(LOST_AND_SKIPPED, "exactly-once");
        insta::assert_snapshot!("checked-violated", text);
        insta::assert_snapshot!("checked-violated-json", json);
        assert!(text.lines().all(|line| crate::text::width(line) <= 80));
    }

    #[test]
    fn the_same_where_less_is_promised() {
        insta::assert_snapshot!("checked-at-most-once", both(LOST_AND_SKIPPED, "at-most-once").0);
    }

    #[test]
    fn histories_with_nothing_wrong() {
        insta::assert_snapshot!("checked-holds", both(WHOLE, "exactly-once").0);
        insta::assert_snapshot!("checked-inconclusive", both(UNREAD, "exactly-once").0);
    }
}
