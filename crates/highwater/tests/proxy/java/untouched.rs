//! Groups of KIP-848 and share groups pass: all that was produced is read, and the history has understood each request.

use highwater_model::history::{RequestFate, ResponseFate};
use kafka_protocol::messages::IncrementalAlterConfigsRequest;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::protocol::StrBytes;

use crate::arm::Arm;
use crate::behind::{Behind, History};
use crate::children::run;
use crate::clients::{producer_at, send_and_wait};
use crate::jvm::java;

const RECORDS: usize = 20;
/// Number of a group among the resources that have settings.
const GROUP: i8 = 32;

/// Runs one of Kafka's consumers until it has read everything.
fn read(arm: &Arm, topic: &str, class: &str, more: &[&str]) -> (Vec<String>, History) {
    arm.topic(topic, 2);
    let direct = producer_at(&arm.address().to_string(), "direct", &[]);
    let values: Vec<String> = (10..10 + RECORDS)
        .map(|number| format!("value-{number}"))
        .collect();
    for value in &values {
        send_and_wait(&direct, topic, value).expect("stored");
    }
    let behind = Behind::new(arm, Vec::new());
    let mut command = java(&[]);
    let most = RECORDS.to_string();
    command
        .arg(class)
        .args([
            "--bootstrap-server",
            &behind.bootstrap(),
            "--topic",
            topic,
            "--group",
            topic,
        ])
        .args(["--max-messages", &most, "--timeout-ms", "45000"])
        .args(more);
    let said = run(&command, "").well();
    let mut read: Vec<String> = said.lines().map(str::to_owned).collect();
    read.sort();
    assert_eq!(read, values);
    let snapshot = behind.proxy().snapshot();
    assert_eq!(snapshot.unknown_requests, 0);
    (read, behind.stop())
}

/// Requests of this API went through as they came; there were some.
#[track_caller]
fn assert_through(history: &History, api: &str) {
    let seen = history.of(api);
    assert!(!seen.is_empty(), "no {api}");
    for one in seen {
        assert_eq!(one.fate, RequestFate::Forwarded, "{one:?}");
        let through = one
            .answers
            .iter()
            .all(|(fate, _)| *fate == ResponseFate::Delivered);
        assert!(through || one.unanswered, "{one:?}");
    }
}

#[test]
fn a_group_of_kip_848() {
    let more = [
        "--from-beginning",
        "--command-property",
        "group.protocol=consumer",
    ];
    let class = "org.apache.kafka.tools.consumer.ConsoleConsumer";
    let (_, history) = read(&Arm::kafka(), "kip-848", class, &more);
    for api in ["ConsumerGroupHeartbeat", "Fetch", "OffsetCommit"] {
        assert_through(&history, api);
    }
    assert!(
        history.of("JoinGroup").is_empty(),
        "the old protocol was not spoken"
    );
}

#[test]
fn a_share_group() {
    let arm = Arm::kafka();
    let text = |text: &str| StrBytes::from_string(text.to_owned());
    let earliest = AlterableConfig::default()
        .with_name(text("share.auto.offset.reset"))
        .with_value(Some(text("earliest")));
    let resource = AlterConfigsResource::default()
        .with_resource_type(GROUP)
        .with_resource_name(text("share"))
        .with_configs(vec![earliest]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let answer = arm.connect().call(&request, 1).expect("an answer");
    assert_eq!(answer.responses[0].error_code, 0, "{answer:?}");
    let class = "org.apache.kafka.tools.consumer.ConsoleShareConsumer";
    let (_, history) = read(&arm, "share", class, &[]);
    for api in ["ShareGroupHeartbeat", "ShareFetch"] {
        assert_through(&history, api);
    }
}
