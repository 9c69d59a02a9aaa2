use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{Codec, EncodingError, MAX_RECORD_BYTES};
use crate::account::{AccountId, Cents, Decline, Event, Fact, RequestId, TransferId};
use crate::transfer::{Leg, Outcome, Step, next_leg};

/// Version 1 had `amount` where version 2 has `cents`, and version 3 put the fact under a name of its own.
const STEPS: &[super::Upcaster] = &[amount_to_cents, nest_fact];

fn amount_to_cents(record: &mut Map<String, Value>) -> Result<(), String> {
    let amount = record.remove("amount").ok_or("no `amount`")?;
    record.insert("cents".to_owned(), amount);
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "the type of a step")]
fn nest_fact(record: &mut Map<String, Value>) -> Result<(), String> {
    let fact: Map<String, Value> = ["type", "request", "cents"]
        .iter()
        .filter_map(|name| record.remove(*name).map(|value| ((*name).to_owned(), value)))
        .collect();
    record.insert("fact".to_owned(), Value::Object(fact));
    Ok(())
}

#[test]
fn old_versions_are_lifted_step_by_step() {
    let codec = Codec::with(STEPS);
    let head = r#""account":"a","sequence":0,"at_ms":7,"balance":5"#;
    let written = [
        format!(r#"{{"v":1,{head},"type":"deposited","request":"r","amount":5}}"#),
        format!(r#"{{"v":2,{head},"type":"deposited","request":"r","cents":5}}"#),
        format!(r#"{{"v":3,{head},"fact":{{"type":"deposited","request":"r","cents":5}}}}"#),
    ];
    let events: Vec<Event> = written
        .iter()
        .map(|record| codec.read(record.as_bytes()).unwrap())
        .collect();
    assert_eq!(events[0], events[2]);
    assert_eq!(events[1], events[2]);
    assert_eq!(codec.write(&events[0]).unwrap(), written[2].as_bytes());
}

#[test]
fn what_can_not_be_read_is_named() {
    let long = format!(r#"{{"v":1,"x":"{}"}}"#, "x".repeat(MAX_RECORD_BYTES));
    for (record, steps, said) in [
        ("", &[][..], "no JSON object with a version `v`"),
        ("{}", &[], "no JSON object with a version `v`"),
        (r#"{"v":-1}"#, &[], "no JSON object with a version `v`"),
        (
            r#"{"v":2}"#,
            &[],
            "version 2 of its shape, and this program knows 1 to 1: update the program",
        ),
        (
            r#"{"v":0}"#,
            &[],
            "version 0 of its shape, and this program knows 1 to 1: update the program",
        ),
        (r#"{"v":1}"#, &[], "not of the shape of version 1"),
        (r#"{"v":1}"#, STEPS, "can't be lifted from version 1: no `amount`"),
        (r#"{"v":2}"#, STEPS, "not of the shape of version 3"),
        (&long, &[], "a record of 16398 bytes: at most 16384 are read"),
    ] {
        let error = Codec::with(steps).read::<Event>(record.as_bytes()).unwrap_err();
        let shown: String = record.chars().take(30).collect();
        assert_eq!(error.to_string(), said, "{shown}");
    }
}

#[test]
fn a_fact_with_an_unknown_field_is_refused() {
    let record = r#"{"v":1,"account":"a","sequence":0,"at_ms":7,"balance":5,
        "fact":{"type":"deposited","request":"r","cents":5,"currency":"EUR"}}"#;
    let error = Codec::default().read::<Event>(record.as_bytes()).unwrap_err();
    assert!(matches!(error, EncodingError::Shape { .. }), "{error}");
}

fn account() -> impl Strategy<Value = AccountId> {
    "[a-z0-9._-]{1,64}".prop_map(|name| AccountId::new(&name).unwrap())
}

fn request() -> impl Strategy<Value = RequestId> {
    "[!-~]{1,64}".prop_map(|name| RequestId::new(&name).unwrap())
}

fn fact() -> impl Strategy<Value = Fact> {
    let transfer = (account(), request()).prop_map(|(from, request)| TransferId { from, request });
    let reason = prop_oneof![Just(Decline::UnknownAccount), Just(Decline::TooMuch)];
    (
        0..7_u8,
        request(),
        account(),
        transfer,
        reason,
        any::<u64>().prop_map(Cents),
    )
        .prop_map(|(which, request, to, transfer, reason, cents)| match which {
            0 => Fact::Deposited { request, cents },
            1 => Fact::Withdrawn { request, cents },
            2 => Fact::TransferBegun { request, to, cents },
            3 => Fact::TransferReceived { transfer, cents },
            4 => Fact::TransferDeclined {
                transfer,
                cents,
                reason,
            },
            5 => Fact::TransferCompleted { request },
            _ => Fact::TransferReversed {
                request,
                cents,
                reason,
            },
        })
}

proptest! {
    #[test]
    fn every_event_and_its_leg_is_read_as_it_was_written(
        account in account(), sequence: u64, at_ms: u64, balance: u64, fact in fact(),
    ) {
        let event = Event { account, sequence, at_ms, balance: Cents(balance), fact };
        let codec = Codec::default();
        prop_assert_eq!(&codec.read::<Event>(&codec.write(&event).unwrap()).unwrap(), &event);
        if let Some(leg) = next_leg(&event) {
            prop_assert_eq!(codec.read::<Leg>(&codec.write(&leg).unwrap()).unwrap(), leg);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let _ = Codec::with(STEPS).read::<Event>(&bytes);
    }
}

#[test]
fn a_leg_says_what_is_to_be_done() {
    let leg = Leg {
        account: AccountId::new("alice").unwrap(),
        transfer: TransferId {
            from: AccountId::new("alice").unwrap(),
            request: RequestId::new("r1").unwrap(),
        },
        step: Step::Settle(Outcome::Declined(Decline::UnknownAccount)),
    };
    let written = String::from_utf8(Codec::default().write(&leg).unwrap()).unwrap();
    assert_eq!(
        written,
        r#"{"v":1,"account":"alice","transfer":{"from":"alice","request":"r1"},"step":{"settle":{"declined":"unknown-account"}}}"#
    );
}
