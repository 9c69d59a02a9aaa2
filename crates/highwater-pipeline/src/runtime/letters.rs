//! Retry records and dead letters as records.

use super::facts::Facts;
use super::kept::Kept;
use super::writer::Piece;
use crate::deadletter::{Family, Letter};
use crate::partition::Work;
use crate::pipeline::Failure;

/// The step that failed; a pipeline has one.
const STEP: &str = "handler";

/// The retry record of a work: the record as it was, in the partition with the same number.
pub(super) fn retry_record(
    facts: &Facts,
    partition: i32,
    work: &Work<Kept>,
    failure: Option<&Failure>,
) -> Piece {
    let letter = work.retry_record(&facts.topics.source, partition).letter();
    piece(
        facts,
        facts.topics.retry.clone(),
        Some(partition),
        &work.record,
        letter,
        failure,
    )
}

/// The dead letter of a work: key and value as they were, in the partition with the same number if there is one.
pub(super) fn dead_letter(
    facts: &Facts,
    partition: i32,
    work: &Work<Kept>,
    failure: Option<&Failure>,
) -> Piece {
    let mut letter = Letter {
        topic: Some(facts.topics.source.clone()),
        partition: Some(partition),
        offset: Some(work.offset),
        attempts: Some(work.attempts.made),
        first: Some(work.attempts.first),
        ..Letter::new(Family::Highwater)
    };
    if let Some((offset, _)) = &work.record.foreign {
        letter.topic = Some(facts.topics.retry.clone());
        letter.offset = Some(*offset);
    }
    piece(
        facts,
        facts.topics.dead_letters.clone(),
        (partition < facts.letter_partitions).then_some(partition),
        &work.record,
        letter,
        failure,
    )
}

fn piece(
    facts: &Facts,
    topic: String,
    partition: Option<i32>,
    record: &Kept,
    letter: Letter,
    failure: Option<&Failure>,
) -> Piece {
    let letter = Letter {
        group: Some(facts.name.clone()),
        step: Some(STEP.to_owned()),
        timestamp_ms: record.timestamp_ms,
        timestamp_kind: record.timestamp_kind,
        ..letter
    };
    let letter = match failure {
        Some(failure) => failure.told_in(letter),
        None => letter,
    };
    Piece {
        topic,
        partition,
        key: record.key.clone(),
        value: record.value.clone(),
        headers: Some(record.headers_and(&letter.to_headers())),
    }
}
