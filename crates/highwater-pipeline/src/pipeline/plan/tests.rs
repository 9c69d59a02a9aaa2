use super::super::{Json, Message, Raw, ToTopic};
use super::*;
use crate::retry::ErrorClass;

fn record() -> Incoming<'static, ()> {
    Incoming {
        value: (),
        key: Some(b"k"),
        partition: 0,
        offset: 7,
        failed_attempts: 0,
    }
}

fn copy(source: &str, target: &str) -> Result<Vec<String>, PlanError> {
    let plan = Pipeline::named("copy")
        .read(source, Raw)
        .handle(|record| {
            Ok(vec![Message {
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.clone(),
            }])
        })
        .make(ToTopic::new(target, Raw))
        .plan()?;
    let made = plan.process(Some(b"v"), &record()).unwrap();
    assert_eq!(made.records[0].value.as_deref(), Some(&b"v"[..]));
    Ok(vec![
        plan.topics().retry.clone(),
        plan.topics().dead_letters.clone(),
    ])
}

#[test]
fn topics_are_checked() {
    assert_eq!(
        copy("orders", "copies").unwrap(),
        ["orders.copy.retry", "orders.copy.dead-letters"]
    );
    for (name, source, target, expected) in [
        (
            "a loop",
            "orders",
            "orders",
            "`orders` is both the source and the topic of an effect: records would go round for ever; use two topics",
        ),
        (
            "a loop by the retry topic",
            "orders",
            "orders.copy.retry",
            "`orders.copy.retry` is both the retry topic and the topic of an effect: records would go round for ever; \
             use two topics",
        ),
        (
            "no topic",
            "orders!",
            "copies",
            "`orders!` (the source) is not a name of a topic: 249 letters, digits, `.`, `_` and `-` at most",
        ),
    ] {
        assert_eq!(copy(source, target).unwrap_err().to_string(), expected, "{name}");
    }
}

#[test]
fn a_process_and_a_pipeline_have_names() {
    let build = |name: &str, id: &str| {
        Pipeline::named(name)
            .read("a", Raw)
            .handle(|_| Ok(Vec::new()))
            .make(ToTopic::new("b", Raw))
            .exactly_once(id)
            .plan()
    };
    assert!(matches!(
        build("", "1"),
        Err(PlanError::Unnamed {
            what: "name of the pipeline"
        })
    ));
    assert!(matches!(
        build("p", ""),
        Err(PlanError::Unnamed {
            what: "name of the process"
        })
    ));
    let plan = build("p", "1").unwrap();
    assert_eq!(plan.guarantee(), Guarantee::ExactlyOnceKafka);
    let (consumer, producer) = plan.settings();
    assert_eq!(consumer["group.id"], "p");
    assert_eq!(producer["transactional.id"], "p-1");
    assert_eq!(producer["transaction.timeout.ms"], "10000");
}

#[test]
fn a_setting_that_breaks_the_promise_is_refused() {
    let error = Pipeline::named("p")
        .read("a", Raw)
        .handle(|_| Ok(Vec::new()))
        .make(ToTopic::new("b", Raw))
        .exactly_once("1")
        .consumer_setting("isolation.level", "read_uncommitted")
        .plan()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("`isolation.level = read_uncommitted` breaks exactly-once"),
        "{error}"
    );
}

#[test]
fn what_a_record_comes_to() {
    #[derive(Debug, thiserror::Error)]
    #[error("charge failed")]
    struct Charge(#[source] std::io::Error);

    let plan = Pipeline::named("p")
        .read("a", Json::<u64>::new())
        .handle(|record| match record.value {
            0 => panic!("no zero"),
            1 => Err(Failure::transient(Charge(std::io::Error::other(
                "connection refused",
            )))),
            2 => Err(Failure::fatal("schema is gone")),
            value => Ok(vec![Message::unkeyed(value * 2)]),
        })
        .make(ToTopic::new("b", Json::new()))
        .plan()
        .unwrap();
    let process = |value: &str| plan.process(Some(value.as_bytes()), &record());
    assert_eq!(
        process("21").unwrap().records[0].value.as_deref(),
        Some(&b"42"[..])
    );
    for (name, value, class, first) in [
        ("panic", "0", ErrorClass::Transient, "handler panicked: no zero"),
        ("transient", "1", ErrorClass::Transient, "charge failed"),
        ("fatal", "2", ErrorClass::Fatal, "schema is gone"),
        (
            "undecodable",
            "{",
            ErrorClass::Poison,
            "value is not the expected JSON",
        ),
    ] {
        let failure = process(value).unwrap_err();
        assert_eq!(
            (failure.class(), failure.chain()[0].as_str()),
            (class, first),
            "{name}"
        );
    }
    assert_eq!(
        process("1").unwrap_err().chain(),
        ["charge failed", "connection refused"]
    );
    assert_eq!(
        plan.process(None, &record()).unwrap_err().class(),
        ErrorClass::Poison,
        "a tombstone is no number"
    );
}
