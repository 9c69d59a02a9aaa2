//! Evidence in words: where and when.

use highwater_model::history::ProduceFacts;

/// A point in time of the history, to the millisecond: `12.310 s`.
pub(super) fn moment(at_ns: u64) -> String {
    let milliseconds = (at_ns + 500_000) / 1_000_000;
    format!("{}.{:03} s", milliseconds / 1000, milliseconds % 1000)
}

/// A length of time, to the millisecond.
pub(super) fn length(ns: u64) -> String {
    moment(ns)
}

/// The first partition that a Produce request writes to: `orders-3`, with the number of the others.
pub(super) fn produced(produce: &ProduceFacts) -> String {
    match produce.partitions.as_slice() {
        [] => "no partition".to_owned(),
        [only] => format!("{}-{}", only.topic, only.partition),
        [first, others @ ..] => format!("{}-{} and {} more", first.topic, first.partition, others.len()),
    }
}

/// Internal topics are the broker's business.
pub(super) fn is_internal(topic: &str) -> bool {
    topic.starts_with("__")
}
