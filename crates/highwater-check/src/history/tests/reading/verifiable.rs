use super::super::story::words;
use crate::history::{Isolation, Names, Options, check, read::verifiable};

fn found(lines: &[&str]) -> Vec<String> {
    let text = lines.join("\n");
    let (mut names, mut steps) = (Names::default(), Vec::new());
    verifiable(
        &mut text.as_bytes(),
        Isolation::Committed,
        &mut names,
        &mut |step| {
            steps.push(step);
        },
    )
    .unwrap();
    check(&steps, Options::default()).iter().map(words).collect()
}

const STARTED: &str = r#"{"timestamp":1,"name":"startup_complete"}"#;

fn sent(value: u64, offset: i64) -> String {
    format!(
        r#"{{"timestamp":2,"name":"producer_send_success","key":null,"value":"{value}","topic":"t","partition":0,"offset":{offset}}}"#
    )
}

fn consumed(first: i64, last: i64) -> String {
    let count = last - first + 1;
    format!(
        r#"{{"timestamp":3,"name":"records_consumed","count":{count},"partitions":[{{"topic":"t","partition":0,"count":{count},"minOffset":{first},"maxOffset":{last}}}]}}"#
    )
}

fn record(value: u64, offset: i64) -> String {
    format!(
        r#"{{"timestamp":3,"name":"record_data","key":null,"value":"{value}","topic":"t","partition":0,"offset":{offset}}}"#
    )
}

const FAILED: &str = r#"{"timestamp":2,"name":"producer_send_error","key":null,"value":"9","topic":"t","exception":"class org.apache.kafka.common.errors.RecordTooLargeException","message":"too large"}"#;
const TIMED_OUT: &str = r#"{"timestamp":2,"name":"producer_send_error","key":null,"value":"9","topic":"t","exception":"class org.apache.kafka.common.errors.TimeoutException","message":"late"}"#;

#[test]
fn clients_one_after_the_other() {
    let (zero, one, two) = (sent(10, 0), sent(11, 1), sent(12, 2));
    let all = [STARTED, &zero, &one, &two, STARTED];
    let with = |lines: &[&str]| found(&[&all[..], lines].concat());
    assert_eq!(with(&[&consumed(0, 2)]), [""; 0], "ranges, all read");
    assert_eq!(
        with(&[&consumed(0, 0), &consumed(2, 2)]),
        ["lost-write 0:11@1", "poll-skip 0:10@0 0:12@2 skipping 11"],
        "ranges with a hole"
    );
    let (first, last) = (record(10, 0), record(12, 2));
    assert_eq!(
        with(&[&first, &last, &consumed(0, 2)]),
        ["lost-write 0:11@1", "int-poll-skip 0:10@0 0:12@2 skipping 11"],
        "records with a hole"
    );
    let nine = record(9, 3);
    let (rest, more) = (consumed(0, 2), consumed(3, 3));
    assert_eq!(with(&[&rest, &nine, &more]), ["phantom 0:9@3"]);
    assert_eq!(
        with(&[TIMED_OUT, &rest, &nine, &more]),
        [""; 0],
        "an unknown send that landed"
    );
    assert_eq!(
        with(&[FAILED, &rest, &nine, &more]),
        ["client-misclassification 0:9@3"]
    );
}

#[test]
fn a_partition_that_comes_back_begins_where_the_group_had_committed() {
    let (zero, one) = (sent(10, 0), sent(11, 1));
    let assigned =
        r#"{"timestamp":3,"name":"partitions_assigned","partitions":[{"topic":"t","partition":0}]}"#;
    let revoked = r#"{"timestamp":3,"name":"partitions_revoked","partitions":[{"topic":"t","partition":0}]}"#;
    let (both, again) = (consumed(0, 1), consumed(1, 1));
    let story = [STARTED, &zero, &one, STARTED, assigned, &both];
    assert_eq!(
        found(&[&story[..], &[&again]].concat()),
        ["nonmonotonic-poll 0:11@1 0:11@1"]
    );
    assert_eq!(
        found(&[&story[..], &[revoked, assigned, &again]].concat()),
        [""; 0]
    );
    assert_eq!(found(&[&story[..], &[assigned, &again]].concat()), [""; 0]);
}

#[test]
fn what_is_not_understood_names_the_line() {
    for (text, message) in [
        (
            "\n[2026-01-01] WARN disconnected",
            "line 2: `[2026-01-01] WARN disconnected`",
        ),
        (
            r#"{"name":"producer_send_success","value":"1"}"#,
            "line 1: no topic",
        ),
    ] {
        let mut names = Names::default();
        let error = verifiable(
            &mut text.as_bytes(),
            Isolation::Committed,
            &mut names,
            &mut |_| {},
        )
        .expect_err(text)
        .to_string();
        assert!(error.starts_with(message), "{error}");
        assert!(error.contains("kafka-verifiable-producer.sh"), "{error}");
    }
}
