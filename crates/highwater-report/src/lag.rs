//! How far consumer groups are behind, for people and programs.
//!
//! Invariant: a number that is no lag (nothing was ever committed, the offset is gone) is never added to one, and what
//! a single reading can't tell is not said of it.

use std::collections::BTreeMap;

use highwater_model::{LagGroup, LagPartition, LagState, LagSurvey, LagVerdict};

use crate::number::{NONE, count, counted, duration};
use crate::paint::Paint;
use crate::text::{cut, left, plain, right, width, wrap};
use crate::{ReportError, Style};

/// Longer names are cut in tables; all are whole in JSON.
const NAME_MAX: usize = 34;
/// Columns beside the two names, in a narrow terminal.
const BESIDE: usize = 56;
/// A narrower terminal shows neither members nor the largest lag.
const WIDE: usize = 110;
/// Partitions with trouble that are told of for each group and topic.
const TOLD_MAX: usize = 5;

/// The survey as it is, on one line.
///
/// # Errors
/// [`ReportError::Json`].
pub fn lag_json(survey: &LagSurvey) -> Result<String, ReportError> {
    let mut text = serde_json::to_string(survey).map_err(ReportError::Json)?;
    text.push('\n');
    Ok(text)
}

/// The survey for a person; with `partitions` each of them has a line.
#[must_use]
pub fn lag_text(survey: &LagSurvey, partitions: bool, style: &Style) -> String {
    let page = Page {
        paint: Paint::new(style.color),
        width: usize::from(style.width).clamp(80, 140),
    };
    if survey.groups.is_empty() {
        return "no consumer group\n".to_owned();
    }
    let rows: Vec<Row<'_>> = survey.groups.iter().flat_map(rows).collect();
    let widest = |names: &mut dyn Iterator<Item = &str>| {
        let widest = names.map(|name| width(&plain(name))).max().unwrap_or(0);
        widest.clamp(5, ((page.width.min(WIDE) - BESIDE) / 2).min(NAME_MAX))
    };
    let names = Names {
        group: widest(&mut rows.iter().map(|row| row.group.name.as_str())),
        topic: widest(&mut rows.iter().map(|row| row.topic)),
    };
    let mut lines = vec![page.paint.dim(&page.line(
        &names,
        [
            "group",
            "topic",
            "members",
            "partitions",
            "lag",
            "largest",
            "behind",
            "",
        ],
    ))];
    for row in &rows {
        page.row(row, &names, partitions, &mut lines);
    }
    lines.push(String::new());
    lines.push(page.paint.dim(&format!(
        "  {} in {}, {} to the brokers",
        counted(survey.groups.len() as u64, "group"),
        duration(survey.took_ns),
        counted(survey.requests, "request"),
    )));
    let judged = rows
        .iter()
        .flat_map(|row| &row.partitions)
        .any(|one| one.judgement.is_some());
    if !judged {
        let text = "One reading does not say whether a group moves: highwater lag --watch judges that.";
        lines.push(page.paint.dim(&format!("  {text}")));
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// A group in a topic.
struct Row<'a> {
    group: &'a LagGroup,
    topic: &'a str,
    partitions: Vec<&'a LagPartition>,
}

fn rows(group: &LagGroup) -> Vec<Row<'_>> {
    let mut topics: BTreeMap<&str, Vec<&LagPartition>> = BTreeMap::new();
    for partition in &group.partitions {
        topics.entry(&partition.topic).or_default().push(partition);
    }
    if topics.is_empty() {
        topics.insert(NONE, Vec::new());
    }
    topics
        .into_iter()
        .map(|(topic, partitions)| Row {
            group,
            topic,
            partitions,
        })
        .collect()
}

/// Widths of the first columns.
struct Names {
    group: usize,
    topic: usize,
}

struct Page {
    paint: Paint,
    width: usize,
}

impl Page {
    fn line(&self, names: &Names, cells: [&str; 8]) -> String {
        let [group, topic, members, partitions, lag, largest, behind, word] = cells;
        let wide = |text: &str, columns| match self.width < WIDE {
            true => String::new(),
            false => right(text, columns),
        };
        let line = format!(
            "  {}  {}{}{}{}{}{}  {word}",
            left(&cut(&plain(group), names.group), names.group),
            left(&cut(&plain(topic), names.topic), names.topic),
            wide(members, 9),
            right(partitions, 12),
            right(lag, 12),
            wide(largest, 12),
            right(behind, 12),
        );
        line.trim_end().to_owned()
    }

    fn row(&self, row: &Row<'_>, names: &Names, all: bool, lines: &mut Vec<String>) {
        let lags = || row.partitions.iter().filter_map(|one| one.state.records());
        let behind = row.partitions.iter().filter_map(|one| one.sample.behind_ms).max();
        let members = row
            .group
            .members
            .map_or_else(|| NONE.to_owned(), |members| count(u64::from(members)));
        let worst = row
            .partitions
            .iter()
            .map(|one| word(one))
            .max_by_key(|word| word.0);
        let (rank, word) = worst.unwrap_or((0, "nothing committed"));
        let line = self.line(
            names,
            [
                &row.group.name,
                row.topic,
                &members,
                &count(row.partitions.len() as u64),
                &lags().reduce(|a, b| a + b).map_or_else(|| NONE.to_owned(), count),
                &lags().max().map_or_else(|| NONE.to_owned(), count),
                &age(behind),
                word,
            ],
        );
        lines.push(if rank >= TROUBLE {
            self.paint.trouble(&line)
        } else {
            line
        });
        let told = row
            .partitions
            .iter()
            .filter(|one| all || self::word(one).0 >= TROUBLE);
        for (index, partition) in told.enumerate() {
            if !all && index == TOLD_MAX {
                lines.push("      and more: highwater lag --partitions lists all".to_owned());
                break;
            }
            let indent = " ".repeat(10);
            let text = format!("/{} {}", partition.partition, sentence(partition));
            for (index, line) in wrap(&plain(&text), self.width - 10).into_iter().enumerate() {
                lines.push(match index {
                    0 => format!("      {line}"),
                    _ => format!("{indent}{line}"),
                });
            }
        }
    }
}

fn age(ms: Option<i64>) -> String {
    let ns = ms.map(|ms| ms.max(0).unsigned_abs().saturating_mul(1_000_000));
    ns.map_or_else(|| NONE.to_owned(), duration)
}

/// From here on somebody has to do something.
const TROUBLE: u8 = 4;

/// How bad it is, and the word for it.
fn word(partition: &LagPartition) -> (u8, &'static str) {
    let of_reading = match &partition.state {
        LagState::Known { .. } => (0, ""),
        LagState::NeverCommitted { .. } => (1, "never committed"),
        LagState::AheadOfLog { .. } => (5, "ahead of the log"),
        LagState::OffsetDeleted { .. } => (9, "offset deleted"),
        LagState::Unreadable { .. } => (4, "unreadable"),
    };
    let of_window = match partition.judgement.as_ref().map(|one| &one.verdict) {
        None => (0, ""),
        Some(LagVerdict::Unknown) => (0, "not yet known"),
        Some(LagVerdict::Ok) => (0, "ok"),
        Some(LagVerdict::CatchingUp { .. }) => (2, "catching up"),
        Some(LagVerdict::Rewound { .. }) => (3, "rewound"),
        Some(LagVerdict::Slowing { .. }) => (5, "slowing"),
        Some(LagVerdict::Stalled) => (6, "stalled"),
        Some(LagVerdict::Stopped) => (7, "stopped"),
        Some(LagVerdict::AtRisk { .. }) => (8, "at risk"),
        Some(LagVerdict::DataLost { .. }) => (9, "data lost"),
    };
    if of_window.0 >= of_reading.0 {
        of_window
    } else {
        of_reading
    }
}

fn sentence(partition: &LagPartition) -> String {
    let reading = match &partition.state {
        LagState::Known { records } => format!(
            "lag {}, committed {}, end {}",
            count(*records),
            partition.sample.committed.unwrap_or_default(),
            partition.sample.last_stable
        ),
        LagState::NeverCommitted { records } => {
            format!("never committed, {} in the log", counted(*records, "record"))
        }
        LagState::AheadOfLog { records } => format!(
            "committed {} beyond the end of the log, {}: was the topic made anew?",
            count(*records),
            partition.sample.high_watermark
        ),
        LagState::OffsetDeleted { lost } => format!(
            "{} went before they were read: committed {}, the log begins at {}",
            counted(*lost, "record"),
            partition.sample.committed.unwrap_or_default(),
            partition.sample.log_start
        ),
        LagState::Unreadable { reason } => format!("can't be read: {reason}"),
    };
    let held = partition.sample.held_back();
    let held = match held {
        0 => String::new(),
        held => format!(", {} behind an open transaction", count(held)),
    };
    match &partition.judgement {
        Some(judgement) => format!(
            "{}: {}{held}",
            judgement.verdict.name().replace('-', " "),
            judgement.evidence
        ),
        None => format!("{reading}{held}"),
    }
}
