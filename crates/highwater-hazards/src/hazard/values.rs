//! Values that tell where they come from, and what is there too often or not at all.

use std::collections::BTreeSet;

use crate::client::LogRecord;

/// `stem-first` to `stem-last`.
pub(super) fn numbered(stem: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("{stem}-{number}")).collect()
}

/// The second and later records of each value.
pub(super) fn repeated(records: &[LogRecord]) -> Vec<LogRecord> {
    let mut seen = BTreeSet::new();
    let mut again = records.to_vec();
    again.retain(|record| !seen.insert(record.value.clone()));
    again
}

/// Those of the wanted values that no record has.
pub(super) fn absent(wanted: &[String], records: &[LogRecord]) -> Vec<String> {
    let there = |value: &&String| !records.iter().any(|record| record.value == **value);
    wanted.iter().filter(there).cloned().collect()
}

/// Values in a line.
pub(super) fn listed<'a>(values: impl IntoIterator<Item = &'a String>) -> String {
    let all: Vec<&str> = values.into_iter().map(String::as_str).collect();
    match all.as_slice() {
        [] => "nothing".to_owned(),
        all => all.join(" "),
    }
}

/// The values of records.
pub(super) fn of(records: &[LogRecord]) -> Vec<String> {
    records.iter().map(|record| record.value.clone()).collect()
}
