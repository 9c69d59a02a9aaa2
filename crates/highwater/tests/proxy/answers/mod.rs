//! Faults of single requests and answers, seen by a producer: in doubt, refused, lied to, sent twice.

mod drop_ack;
mod dup;
mod reject;
mod rewrite;

use highwater_model::history::{RequestFate, ResponseFate};

use crate::behind::Exchange;

/// What usually becomes of a request.
const THROUGH: (RequestFate, &[ResponseFate]) = (RequestFate::Forwarded, &[ResponseFate::Delivered]);

/// Compares what became of requests with what was expected.
#[track_caller]
fn assert_fates(seen: &[Exchange], expected: &[(RequestFate, &[ResponseFate])]) {
    let seen: Vec<_> = seen.iter().map(Exchange::fates).collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(request, answers)| (*request, answers.to_vec()))
        .collect();
    assert_eq!(seen, expected);
}
