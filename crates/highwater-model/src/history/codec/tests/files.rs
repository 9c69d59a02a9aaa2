use super::{Encoder, GoodTo, HistoryError, file, read};
use crate::history::{HistoryBody, HistoryEvent};

fn ended(sequence: u64) -> HistoryEvent {
    HistoryEvent {
        sequence,
        at_ns: sequence * 1_500_000_000,
        body: HistoryBody::Ended {
            requests: 1,
            responses: 1,
            waited_ns: 0,
        },
    }
}

#[test]
fn files_that_are_no_histories_are_named_by_what_they_start_with() {
    for (name, bytes, message) in [
        ("nothing", &b""[..], "not a history of highwater: it is empty"),
        (
            "text",
            b"{\"event\":\"began\"}",
            "not a history of highwater: it starts with the text \"{\\\"event\\\":\\\"be\"",
        ),
        (
            "bytes",
            b"PK\x03\x04\0\0",
            "not a history of highwater: it starts with the bytes 50 4b 03 04 00 00",
        ),
        (
            "a history that was transferred as text",
            b"\x89HWH\n\x1a\n\x01\0\0\0",
            "not a history of highwater: it starts with the bytes 89 48 57 48 0a 1a 0a 01 00 00 00",
        ),
    ] {
        let (events, error) = read(bytes);
        assert!(events.is_empty(), "{name}");
        assert_eq!(error.unwrap().to_string(), message, "{name}");
    }
}

#[test]
fn another_version_is_named() {
    let (mut bytes, _) = file(&[ended(0)]);
    bytes[8] = 7;
    let (events, error) = read(&bytes);
    assert!(events.is_empty());
    assert_eq!(
        error.unwrap().to_string(),
        "a history in format version 7; this highwater reads version 1"
    );
}

#[test]
fn damage_and_cuts_say_up_to_where_it_is_good() {
    let (bytes, ends) = file(&[ended(0), ended(1), ended(2)]);
    let (events, error) = read(&bytes[..ends[2] - 1]);
    let error = error.unwrap();
    assert_eq!(events, [ended(0), ended(1)]);
    assert_eq!(
        error.to_string(),
        format!(
            "the history is cut off: good up to event 1 at 1.500 s (byte {})",
            ends[1]
        )
    );
    let good = GoodTo {
        events: 2,
        last_sequence: Some(1),
        last_at_ns: Some(1_500_000_000),
        byte: ends[1] as u64,
    };
    assert_eq!(error.good_to(), Some(good));
    let mut changed = bytes;
    changed[ends[2] - 1] ^= 1;
    let (events, error) = read(&changed);
    assert_eq!(events, [ended(0), ended(1)]);
    assert!(matches!(error, Some(HistoryError::Damaged { good: found, .. }) if found == good));
}

#[test]
fn a_length_that_promises_much_takes_no_memory() {
    let mut bytes = Encoder::header().to_vec();
    super::super::put_varint(super::super::MAX_BODY_BYTES, &mut bytes);
    bytes.extend_from_slice(&[0; 100]);
    let (_, error) = read(&bytes);
    assert!(matches!(error, Some(HistoryError::Cut { .. })));
    let mut bytes = Encoder::header().to_vec();
    super::super::put_varint(super::super::MAX_BODY_BYTES + 1, &mut bytes);
    let (_, error) = read(&bytes);
    assert!(matches!(error, Some(HistoryError::Damaged { .. })));
}

#[test]
fn the_same_events_give_the_same_bytes_for_ever() {
    // A change of these bytes is a change of the format and asks for another version.
    let (bytes, _) = file(&[ended(0), ended(1)]);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "894857480d0a1a0a01000000041568e0510a0c020207d0ddbc930a0280bcc1960b"
    );
}
