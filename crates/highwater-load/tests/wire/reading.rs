//! Reading a log with raw requests, and what is still open in it.

use std::sync::atomic::AtomicBool;

use highwater_load::log::{self, Group, LogError, Open};
use highwater_model::history::{Isolation, MarkerFact};
use rdkafka::producer::Producer as _;

use crate::rig::{PATIENCE, Rig, send};

/// Offsets and values of a partition.
fn values(rig: &Rig, topic: &str, isolation: Isolation) -> Vec<String> {
    let mut values = Vec::new();
    let reached = log::read(
        &rig.broker(),
        topic,
        isolation,
        &AtomicBool::new(false),
        &mut |fetched| {
            for (facts, batch) in fetched.facts.batches.iter().zip(&fetched.batches) {
                assert!(batch.intact);
                if let Some(marker) = facts.marker {
                    let word = if marker == MarkerFact::Commit {
                        "commit"
                    } else {
                        "abort"
                    };
                    values.push(format!("{}:{word}", facts.base_offset));
                }
                for record in batch
                    .records
                    .iter()
                    .flat_map(highwater_wire::records::Records::iter)
                {
                    let record = record.unwrap();
                    let value = String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned();
                    values.push(format!("{}:{value}", record.offset));
                }
            }
        },
    );
    assert!(reached.unwrap().values().all(|one| one.whole));
    values
}

#[test]
fn a_log_is_read_at_both_levels_and_says_what_is_open() {
    let rig = Rig::start(&[], Vec::new(), |_| {});
    rig.topic("t", 1, &[]);
    let producer = rig.producer("p", &[("transactional.id", "tx")]);
    for (value, commit) in [("kept", true), ("dropped", false)] {
        producer.begin_transaction().unwrap();
        send(&producer, "t", 0, [value]);
        if commit {
            producer.commit_transaction(PATIENCE).unwrap();
        } else {
            producer.abort_transaction(PATIENCE).unwrap();
        }
    }
    assert_eq!(
        log::still_open(&rig.broker(), &["t"], &[], &|_, _, _| true).unwrap(),
        []
    );
    producer.begin_transaction().unwrap();
    send(&producer, "t", 0, ["open"]);

    let everything = ["0:kept", "1:commit", "2:dropped", "3:abort", "4:open"];
    assert_eq!(values(&rig, "t", Isolation::ReadUncommitted), everything);
    // Whoever reads committed records leaves out what was aborted; the log does not.
    assert_eq!(values(&rig, "t", Isolation::ReadCommitted), everything[..4]);
    let open = log::still_open(
        &rig.broker(),
        &["t"],
        &[Group {
            group: "g",
            topics: &["t"],
        }],
        &|_, _, from| from < 4,
    )
    .unwrap();
    let words: Vec<String> = open
        .iter()
        .map(|open| match open {
            Open::Unstable {
                last_stable_offset,
                high_watermark,
                producers,
                ..
            } => {
                format!(
                    "unstable {last_stable_offset} of {high_watermark}, {} open",
                    producers.len()
                )
            }
            Open::Transaction {
                transactional_id,
                state,
                ..
            } => format!("{transactional_id} {state}"),
            Open::Behind {
                group,
                committed,
                end,
                ..
            } => format!("{group} at {committed} of {end}"),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(words, ["unstable 4 of 5, 1 open", "tx Ongoing", "g at -1 of 4"]);
}

#[test]
fn what_cannot_be_read_is_said() {
    let rig = Rig::start(&[], Vec::new(), |config| config.auto_create_topics = false);
    let missing = log::ends(&rig.broker(), "nowhere").unwrap_err();
    assert!(matches!(missing, LogError::TopicMissing { .. }), "{missing:?}");
    let nobody = log::ends("127.0.0.1:1", "t").unwrap_err();
    assert!(matches!(nobody, LogError::Unreachable { .. }), "{nobody:?}");
    rig.topic("t", 1, &[]);
    send(&rig.producer("p", &[]), "t", 0, ["a"]);
    let stopped = log::read(
        &rig.broker(),
        "t",
        Isolation::ReadCommitted,
        &AtomicBool::new(true),
        &mut |_| {},
    );
    assert!(matches!(stopped, Err(LogError::Interrupted)));
}
