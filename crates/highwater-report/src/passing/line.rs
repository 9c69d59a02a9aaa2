//! One line a second, where the output is no terminal.

use super::Passing;
use crate::number::{NONE, bytes, count, moment, significant};
use crate::text::right;

/// What passed, in stable columns; rates are since `before`.
#[must_use]
pub fn line(now: &Passing, before: &Passing) -> String {
    let bytes_per_s = |counter: fn(&Passing) -> u64| {
        now.per_s(before, counter)
            .map_or_else(|| NONE.to_owned(), |rate| format!("{}/s", bytes(rate as u64)))
    };
    let requests_per_s = now
        .per_s(before, Passing::requests)
        .map_or_else(|| NONE.to_owned(), |rate| format!("{}/s", significant(rate)));
    [
        right(&moment(now.elapsed_ns), 11),
        format!("connections {}", right(&count(now.connections_open), 5)),
        format!(
            "requests {} {}",
            right(&count(now.requests()), 11),
            right(&requests_per_s, 9)
        ),
        format!(
            "to brokers {}",
            right(&bytes_per_s(|now| now.bytes_to_brokers), 11)
        ),
        format!(
            "to clients {}",
            right(&bytes_per_s(|now| now.bytes_to_clients), 11)
        ),
        format!("errors {}", right(&count(now.errors()), 7)),
        format!("fired {}", right(&count(now.fired()), 7)),
        format!("troubles {}", right(&count(now.troubles_total), 3)),
    ]
    .join("  ")
}
