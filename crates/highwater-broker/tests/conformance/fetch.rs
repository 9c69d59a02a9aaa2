//! Fetch: how much, from where, and what is refused.

use std::time::Instant;

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::messages::{FetchRequest, FetchResponse};
use uuid::Uuid;

use crate::arm::{Arm, error};
use crate::batches::batch;
use crate::client::{fetch_request, topic};

const VERSION: i16 = 12;

fn with_partition(name: &str, partition: FetchPartition) -> FetchRequest {
    let wanted = FetchTopic::default()
        .with_topic(topic(name))
        .with_partitions(vec![partition]);
    FetchRequest::default()
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_topics(vec![wanted])
}

fn partition(offset: i64) -> FetchPartition {
    FetchPartition::default()
        .with_fetch_offset(offset)
        .with_partition_max_bytes(1 << 20)
}

/// Four batches of a known size: offsets 0, 1, 2-3, 4.
fn filled(arm: &mut Arm) -> (String, i32) {
    let name = arm.topic("t");
    let one = batch(&["aaaa"]);
    arm.fill(&name, one.clone());
    arm.fill(&name, one.clone());
    arm.fill(&name, batch(&["bb", "cc"]));
    arm.fill(&name, one.clone());
    (name, i32::try_from(one.len()).expect("small"))
}

pub(crate) fn offsets(arm: &mut Arm) {
    let (name, _) = filled(arm);
    for offset in [0, 1, 3, 4, 5, 6, -1, i64::MAX] {
        arm.see_fetch(&format!("offset {offset}"), &fetch_request(&name, 0, offset));
    }
}

pub(crate) fn limits(arm: &mut Arm) {
    let (name, size) = filled(arm);
    for (what, bytes) in [
        ("no bytes", 0),
        ("a byte", 1),
        ("one batch", size),
        ("one batch and a half", size + size / 2),
        ("two batches", size * 2),
        ("a byte less", size * 2 - 1),
        ("negative", -1),
    ] {
        let narrow = with_partition(&name, partition(0).with_partition_max_bytes(bytes));
        arm.see_fetch(&format!("partition: {what}"), &narrow);
        let narrow = fetch_request(&name, 0, 0).with_max_bytes(bytes);
        arm.see_fetch(&format!("request: {what}"), &narrow);
    }
}

pub(crate) fn a_limit_for_several_partitions(arm: &mut Arm) {
    let name = arm.topic_with("t", 2, &[]);
    for index in [0, 1] {
        let request = crate::client::produce_request(&name, index, batch(&["aaaa"]));
        arm.call(&request, 9);
    }
    let both = vec![partition(0), partition(0).with_partition(1)];
    let wanted = FetchTopic::default()
        .with_topic(topic(&name))
        .with_partitions(both);
    for bytes in [1, 100, 1 << 20] {
        let request = FetchRequest::default()
            .with_min_bytes(1)
            .with_max_bytes(bytes)
            .with_topics(vec![wanted.clone()]);
        let response = arm.call(&request, VERSION);
        let counts: Vec<usize> = response.responses[0]
            .partitions
            .iter()
            .map(|one| one.records.as_ref().map_or(0, bytes::Bytes::len))
            .map(|bytes| bytes.min(1))
            .collect();
        arm.see(format!("{bytes} bytes"), format!("{counts:?}"));
    }
}

pub(crate) fn waiting(arm: &mut Arm) {
    let (name, _) = filled(arm);
    for (what, offset, wait_ms, min_bytes) in [
        ("at the end", 5, 300, 1),
        ("enough is there", 0, 15_000, 1),
        ("too little is there", 0, 300, 1 << 20),
        ("nothing asked for", 5, 15_000, 0),
        ("an error", 9, 15_000, 1),
    ] {
        let request = fetch_request(&name, 0, offset)
            .with_max_wait_ms(wait_ms)
            .with_min_bytes(min_bytes);
        let begin = Instant::now();
        let data = arm.fetch(&request);
        let waited = begin.elapsed().as_millis();
        let seen = arm.fetched(&data);
        arm.see(what, seen);
        let seen = (waited >= 290, waited < 10_000);
        arm.see(format!("{what}: waited, in time"), format!("{seen:?}"));
    }
}

pub(crate) fn unknown_places(arm: &mut Arm) {
    let name = arm.topic("t");
    let nowhere = arm.name("nowhere");
    arm.see_fetch("unknown topic", &fetch_request(&nowhere, 0, 0));
    for index in [1, -1] {
        arm.see_fetch(&format!("partition {index}"), &fetch_request(&name, index, 0));
    }
}

pub(crate) fn by_topic_id(arm: &mut Arm) {
    let name = arm.topic("t");
    arm.fill(&name, batch(&["a"]));
    let id = arm.topic_id(&name);
    for (what, id) in [
        ("known", id),
        ("unknown", Uuid::from_u128(77)),
        ("nil", Uuid::nil()),
    ] {
        let wanted = FetchTopic::default()
            .with_topic_id(id)
            .with_partitions(vec![partition(0)]);
        let request = FetchRequest::default()
            .with_min_bytes(1)
            .with_topics(vec![wanted]);
        let response = arm.call(&request, 13);
        let seen = arm.fetched(&response.responses[0].partitions[0].clone());
        arm.see(what, seen);
    }
}

pub(crate) fn leader_epochs(arm: &mut Arm) {
    let (name, _) = filled(arm);
    for epoch in [-1, 0, 7] {
        let request = with_partition(&name, partition(0).with_current_leader_epoch(epoch));
        arm.see_fetch(&format!("current epoch {epoch}"), &request);
    }
    for (epoch, offset) in [(0, 2), (7, 2), (0, 5)] {
        let request = with_partition(&name, partition(offset).with_last_fetched_epoch(epoch));
        let data = arm.fetch(&request);
        let diverging = format!(
            "{}@{}",
            data.diverging_epoch.epoch, data.diverging_epoch.end_offset
        );
        let seen = arm.fetched(&data);
        arm.see(
            format!("last epoch {epoch} at {offset}"),
            format!("{seen} diverging={diverging}"),
        );
    }
}

pub(crate) fn old_versions(arm: &mut Arm) {
    let (name, _) = filled(arm);
    for version in 4..=12 {
        let response = arm.call(&fetch_request(&name, 0, 0), version);
        let seen = arm.fetched(&response.responses[0].partitions[0].clone());
        arm.see(format!("version {version}"), seen);
    }
}

pub(crate) fn sessions(arm: &mut Arm) {
    let (name, _) = filled(arm);
    let other = arm.topic("other");
    let full = fetch_request(&name, 0, 0).with_session_epoch(0);
    let first = arm.call(&full, VERSION);
    arm.see_session("full, new session", &first, None);
    let id = first.session_id;
    let next = |epoch: i32| {
        FetchRequest::default()
            .with_min_bytes(0)
            .with_session_id(id)
            .with_session_epoch(epoch)
    };
    let answer = arm.call(&next(1), VERSION);
    arm.see_session("the same offsets again", &answer, Some(id));
    let moved = next(2).with_topics(fetch_request(&name, 0, 5).topics);
    let answer = arm.call(&moved, VERSION);
    arm.see_session("at the end", &answer, Some(id));
    arm.fill(&name, batch(&["new"]));
    let answer = arm.call(&next(3), VERSION);
    arm.see_session("something new", &answer, Some(id));
    let added = next(4).with_topics(fetch_request(&other, 0, 0).topics);
    let answer = arm.call(&added, VERSION);
    arm.see_session("another partition", &answer, Some(id));
    let answer = arm.call(&next(4), VERSION);
    arm.see_session("an epoch again", &answer, Some(id));
    let answer = arm.call(&next(9), VERSION);
    arm.see_session("an epoch to come", &answer, Some(id));
    let forgotten = ForgottenTopic::default()
        .with_topic(topic(&name))
        .with_partitions(vec![0]);
    let answer = arm.call(&next(5).with_forgotten_topics_data(vec![forgotten]), VERSION);
    arm.see_session("forgotten", &answer, Some(id));
    let answer = arm.call(&next(1).with_session_id(id.wrapping_add(77)), VERSION);
    arm.see_session("an unknown session", &answer, None);
    let answer = arm.call(&next(-1), VERSION);
    arm.see_session("closed", &answer, None);
    let answer = arm.call(&next(6), VERSION);
    arm.see_session("after that", &answer, None);
}

impl Arm {
    fn see_session(&mut self, what: &str, answer: &FetchResponse, id: Option<i32>) {
        let partitions: Vec<String> = answer
            .responses
            .iter()
            .flat_map(|one| &one.partitions)
            .map(|one| {
                let bytes = one.records.as_ref().map_or(0, bytes::Bytes::len);
                format!("{} records={}", error(one.error_code), bytes > 0)
            })
            .collect();
        let session = match id {
            Some(id) => format!("the same {}", answer.session_id == id),
            None => format!("one {}", answer.session_id != 0),
        };
        self.see(
            what,
            format!("{} session={session} {partitions:?}", error(answer.error_code)),
        );
    }
}
