//! The end of the scenario: the history and the topics are read, and every change is accounted for.

use std::time::{Duration, Instant};

use highwater_check::changes::{
    At, ChangeAccount, ChangeEnd, ChangeSummary, Field, Flushed, Interruption, Operation, RowChange,
    RowHistory, Table, Window, envelope,
};
use highwater_check::{Findings, PartitionEnd, Quiet};
use highwater_load::read_back;
use highwater_load::rows::history::HistoryLine;
use highwater_load::rows::{Database, REVISION, RowLoad, Tracker, history, record_of};
use highwater_model::{EventBody, Outcome, RecordCounts, RecordId};
use highwater_target::CdcNames;

use super::fault::Fact;
use super::parts::tables;
use crate::context::Context;
use crate::plan::Plan;
use crate::readback::AnomalyLog;
use crate::session::described;

/// Between two readings of the ends that must be equal.
const BETWEEN_READS: Duration = Duration::from_millis(500);
/// How long the topics may take to become quiet.
const QUIET_LIMIT: Duration = Duration::from_secs(30);
/// Limit of one request for the ends of the partitions.
const ENDS_TIMEOUT: Duration = Duration::from_secs(20);
/// How long after its first event a connector may still begin to repeat itself, in milliseconds: other partitions
/// come a moment later, and a task that gives up once more begins once more.
const CATCH_UP_MS: i64 = 20_000;

/// Where things stand.
pub(super) struct Places<'a> {
    pub(super) bootstrap: &'a str,
    pub(super) names: &'a CdcNames,
    pub(super) database: &'a Database,
    /// End of the write-ahead log before the connector was made.
    pub(super) made_at: u64,
}

/// What was found.
pub(super) struct Judged {
    pub(super) findings: Findings,
    pub(super) summary: ChangeSummary,
    pub(super) quiet: Quiet,
    /// Offsets that the connector has flushed.
    pub(super) flushed: usize,
}

/// Reads everything and judges it.
pub(super) fn judge(
    context: &Context<'_>,
    plan: &Plan,
    places: &Places<'_>,
    rows: &RowLoad,
    facts: &[Fact],
) -> Result<Judged, String> {
    let tables = tables();
    let history = read_history(places.database, &tables, rows)?;
    let window = Window {
        interruptions: interruptions(context, facts),
        flushed: read_flushed(context, places)?,
    };
    let flushed = window.flushed.len();
    let (ends, quiet_before) = wait_until_quiet(context, places, &tables)?;
    let expected = ends
        .iter()
        .map(|end| (end.high_watermark() - end.log_start()).max(0))
        .sum::<i64>();
    let mut account = ChangeAccount::new(&history, plan.contract, window).made_at(places.made_at);
    let mut reached = Vec::new();
    let mut read = 0;
    for table in &tables {
        let topic = places.names.topic(&table.name);
        let own: Vec<read_back::PartitionEnd> = ends
            .iter()
            .filter(|end| end.topic == topic)
            .map(|end| end.end)
            .collect();
        let done = read_back::records(
            places.bootstrap,
            &topic,
            &own,
            true,
            context.interrupted,
            &mut |stored| {
                let at = At {
                    topic: &topic,
                    partition: stored.partition,
                    offset: stored.offset,
                    at_ms: stored.at_ms.unwrap_or(0),
                };
                account.observe(at, &envelope::parse(table, stored.key, stored.value));
            },
        )
        .map_err(|error| described(&error))?;
        read += done.read;
        context.events.emit(EventBody::ReadBack {
            read,
            expected: expected.cast_unsigned(),
        });
        reached.extend(own.iter().map(|end| ChangeEnd {
            topic: topic.clone(),
            end: PartitionEnd {
                partition: end.partition,
                log_start: end.log_start,
                high_watermark: end.high_watermark,
                last_stable_offset: end.last_stable_offset,
                read_to: done.reached.get(&end.partition).copied().unwrap_or(end.log_start),
            },
        }));
    }
    let after = all_ends(places, &tables)?;
    let quiet = Quiet {
        two_equal_reads: quiet_before && after == ends,
        lso_is_hw: after
            .iter()
            .all(|end| end.end.last_stable_offset == end.end.high_watermark),
        detail: format!("{} partitions, {expected} records", ends.len()),
    };
    let mut log = AnomalyLog::new(context.directory.join("anomalies.jsonl"), &plan.scenario().name);
    let topic_of = |table: &str| places.names.topic(table);
    let (mut findings, summary) =
        account.finish(&reached, &topic_of, &mut |name, example| log.write(name, example));
    log.finish()?;
    findings.counts = counts(findings.counts, rows, &history);
    Ok(Judged {
        findings,
        summary,
        quiet,
        flushed,
    })
}

/// Of the load and of the rows before it; what is committed is what the history says, so that nothing stays unknown.
fn counts(of_history: RecordCounts, rows: &RowLoad, history: &RowHistory) -> RecordCounts {
    let offered: u64 = rows
        .ledgers()
        .iter()
        .flat_map(|ledger| ledger.rows().collect::<Vec<_>>())
        .filter(|row| row.outcome != Outcome::Pending || row.handed_ns.is_some())
        .count() as u64;
    let before = history
        .changes()
        .iter()
        .filter(|change| change.record == RecordId::UNSTAMPED)
        .count() as u64;
    let committed = history.changes().len() as u64;
    let attempted = (offered + before).max(committed);
    RecordCounts {
        attempted,
        acknowledged: committed,
        failed: attempted - committed,
        unknown: 0,
        ..of_history
    }
}

fn read_history(database: &Database, tables: &[Table], rows: &RowLoad) -> Result<RowHistory, String> {
    let tracker = rows.tracker();
    let mut changes = Vec::new();
    history::read(database, &mut |line| {
        changes.push(change_of(&line, tables, &tracker)?);
        Ok(())
    })
    .map_err(|error| described(&error))?;
    let mut history = RowHistory::new(changes);
    for rolled_back in rows.rolled_back() {
        history.note_rolled_back(
            rolled_back.table,
            Field::Integer(rolled_back.id),
            rolled_back.transaction,
        );
    }
    Ok(history)
}

fn change_of(line: &HistoryLine, tables: &[Table], tracker: &Tracker) -> Result<RowChange, String> {
    let table = tables
        .iter()
        .find(|table| table.name == line.table)
        .ok_or_else(|| format!("no table {}", line.table))?;
    let side = |text: &Option<String>| {
        text.as_ref()
            .map(|text| {
                let value = serde_json::from_str(text).map_err(|error| error.to_string())?;
                table.row_of_texts(&value).map_err(|error| error.to_string())
            })
            .transpose()
    };
    let (before, after) = (side(&line.before)?, side(&line.after)?);
    let operation = Operation::of_letter(&line.operation)
        .filter(|operation| *operation != Operation::Read)
        .ok_or_else(|| format!("no operation {}", line.operation))?;
    let row = after.as_ref().or(before.as_ref()).ok_or("neither row is there")?;
    let key = row.get(&table.key).cloned().ok_or("the row has no key")?;
    let record = match (after.as_ref().and_then(|row| row.get(REVISION)), &key) {
        (Some(Field::Integer(revision)), _) => record_of(*revision),
        (None, Field::Integer(id)) => tracker.delete_of(&table.name, *id),
        _ => RecordId::UNSTAMPED,
    };
    Ok(RowChange {
        table: line.table.clone(),
        key,
        operation,
        before,
        after,
        transaction: line.transaction,
        wal_position: line.wal_position,
        record,
    })
}

/// When the connector may have begun again, in wall-clock time: records carry that.
fn interruptions(context: &Context<'_>, facts: &[Fact]) -> Vec<Interruption> {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let now_ns = context.clock.now_ns();
    let wall_ms = |at_ns: u64| now_ms - (now_ns.saturating_sub(at_ns) / 1_000_000).cast_signed();
    facts
        .iter()
        .map(|fact| Interruption {
            from_ms: wall_ms(fact.fired_ns),
            until_ms: fact
                .recovered_ns
                .map_or(now_ms, |at_ns| wall_ms(at_ns) + CATCH_UP_MS),
        })
        .collect()
}

/// What the connector has flushed, as its offsets topic has it. A topic that was wiped has what came after.
fn read_flushed(context: &Context<'_>, places: &Places<'_>) -> Result<Vec<Flushed>, String> {
    let topic = &places.names.offsets_topic;
    let ends = read_back::ends(places.bootstrap, topic, ENDS_TIMEOUT).map_err(|error| described(&error))?;
    let mut flushed = Vec::new();
    let mut take = |stored: read_back::Stored<'_>| {
        let key: Option<serde_json::Value> = stored.key.and_then(|key| serde_json::from_slice(key).ok());
        let ours =
            key.is_some_and(|key| key.get(0).and_then(|name| name.as_str()) == Some(&places.names.connector));
        let value = stored.value.and_then(|value| serde_json::from_slice(value).ok());
        let position = value.as_ref().and_then(envelope::flushed);
        if let (true, Some(position), Some(at_ms)) = (ours, position, stored.at_ms) {
            flushed.push(Flushed { at_ms, position });
        }
    };
    read_back::records(
        places.bootstrap,
        topic,
        &ends,
        true,
        context.interrupted,
        &mut take,
    )
    .map_err(|error| described(&error))?;
    flushed.sort_by_key(|flushed| flushed.at_ms);
    Ok(flushed)
}

/// The end of a partition of one of several topics.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TopicEnd {
    topic: String,
    end: read_back::PartitionEnd,
}

impl TopicEnd {
    fn high_watermark(&self) -> i64 {
        self.end.high_watermark
    }

    fn log_start(&self) -> i64 {
        self.end.log_start
    }
}

fn all_ends(places: &Places<'_>, tables: &[Table]) -> Result<Vec<TopicEnd>, String> {
    let mut all = Vec::new();
    for table in tables {
        let topic = places.names.topic(&table.name);
        let ends =
            read_back::ends(places.bootstrap, &topic, ENDS_TIMEOUT).map_err(|error| described(&error))?;
        all.extend(ends.into_iter().map(|end| TopicEnd {
            topic: topic.clone(),
            end,
        }));
    }
    Ok(all)
}

/// Two equal readings; false if the topics did not become quiet in time.
fn wait_until_quiet(
    context: &Context<'_>,
    places: &Places<'_>,
    tables: &[Table],
) -> Result<(Vec<TopicEnd>, bool), String> {
    let limit = Instant::now() + QUIET_LIMIT;
    let mut before = all_ends(places, tables)?;
    loop {
        std::thread::sleep(BETWEEN_READS);
        let now = all_ends(places, tables)?;
        if now == before {
            return Ok((now, true));
        }
        if Instant::now() >= limit || context.is_interrupted() {
            return Ok((now, false));
        }
        before = now;
    }
}
