//! Changes and events in words.

use std::collections::BTreeSet;

use super::{ChangeEvent, Field, Row, RowChange};

/// Columns that are named of a row that is not as it was.
const MOST_COLUMNS: usize = 3;

/// `update of videos 17 in transaction 812`.
pub(super) fn event(event: &ChangeEvent) -> String {
    said(
        event.operation.word(),
        &event.table,
        &event.key,
        event.transaction,
    )
}

/// The same of a change of the history.
pub(super) fn change(change: &RowChange) -> String {
    said(
        change.operation.word(),
        &change.table,
        &change.key,
        Some(change.transaction),
    )
}

/// A position of the write-ahead log as PostgreSQL writes it.
pub(super) fn wal(position: u64) -> String {
    format!("{:X}/{:X}", position >> 32, position & 0xffff_ffff)
}

/// How an event differs from the change that it tells of.
pub(super) fn difference(event: &ChangeEvent, change: &RowChange) -> String {
    let what = if event.operation != change.operation {
        format!("the history has it as {}", change.operation.word())
    } else if let Some(what) = rows("before", event.before.as_ref(), change.before.as_ref()) {
        what
    } else {
        rows("after", event.after.as_ref(), change.after.as_ref())
            .unwrap_or_else(|| "it was another change".to_owned())
    };
    format!("{}: {what}", self::event(event))
}

fn said(what: &str, table: &str, key: &Field, transaction: Option<u64>) -> String {
    match transaction {
        Some(transaction) => format!("{what} of {table} {key} in transaction {transaction}"),
        None => format!("{what} of {table} {key}"),
    }
}

fn rows(side: &str, event: Option<&Row>, history: Option<&Row>) -> Option<String> {
    match (event, history) {
        (None, Some(_)) => Some(format!("`{side}` is missing")),
        (Some(_), None) => Some(format!("`{side}` is there, and should not be")),
        (Some(event), Some(history)) if event != history => {
            let names: BTreeSet<&String> = event.keys().chain(history.keys()).collect();
            let none = Field::Null;
            let differing: Vec<String> = names
                .into_iter()
                .filter_map(|name| {
                    let (is, was) = (
                        event.get(name).unwrap_or(&none),
                        history.get(name).unwrap_or(&none),
                    );
                    (is != was).then(|| format!("`{side}.{name}` is {is} and was {was}"))
                })
                .take(MOST_COLUMNS)
                .collect();
            Some(differing.join(", "))
        }
        _ => None,
    }
}
