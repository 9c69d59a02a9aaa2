//! Produce: what is taken, and with which code the rest is refused.

use bytes::Bytes;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{FetchRequest, ProduceRequest};
use uuid::Uuid;

use crate::arm::{Arm, error, poll};
use crate::ask::{EARLIEST, LATEST, MAX_TIMESTAMP, listed, produced};
use crate::batches::*;
use crate::client::{fetch_request, produce_request, topic};

pub(crate) fn acknowledgements(arm: &mut Arm) {
    let name = arm.topic("t");
    for acks in [1, -1] {
        let request = produce_request(&name, 0, batch(&["a", "b"])).with_acks(acks);
        let response = arm.call(&request, 9);
        arm.see(
            format!("acks {acks}"),
            produced(&response.responses[0].partition_responses[0]),
        );
    }
    let silent = produce_request(&name, 0, batch(&["c"])).with_acks(0);
    arm.connection().send(&silent, 9).expect("sent");
    arm.see_produce("the answer after acks 0", &name, batch(&["d"]));
    for acks in [2, -2, 7] {
        let request = produce_request(&name, 0, batch(&["a"])).with_acks(acks);
        let response = arm.call(&request, 9);
        arm.see(
            format!("acks {acks}"),
            produced(&response.responses[0].partition_responses[0]),
        );
    }
    arm.see_log("log", &name, 0);
}

pub(crate) fn acks_0_to_nowhere_closes(arm: &mut Arm) {
    let name = arm.name("nowhere");
    let request = produce_request(&name, 0, batch(&["a"])).with_acks(0);
    arm.connection().send(&request, 9).expect("sent");
    let closed = arm.connection().receive_raw().is_err();
    arm.see("closed", closed);
}

pub(crate) fn acks_0_with_a_bad_batch_closes(arm: &mut Arm) {
    let name = arm.topic("t");
    let mut bad = batch(&["a"]).to_vec();
    bad[64] ^= 1;
    let request = produce_request(&name, 0, bad.into()).with_acks(0);
    arm.connection().send(&request, 9).expect("sent");
    let closed = arm.connection().receive_raw().is_err();
    arm.see("closed", closed);
}

pub(crate) fn codecs_stay_as_they_are(arm: &mut Arm) {
    let name = arm.topic("t");
    let plain = batch(&["one", "two", "three"]);
    for (codec, label) in [(1, "gzip"), (2, "snappy"), (3, "lz4"), (4, "zstd")] {
        let sent = compressed(&plain, codec);
        let answer = arm.produce(&name, sent.clone());
        arm.see(label, produced(&answer));
        if answer.error_code != 0 {
            continue;
        }
        let data = arm.fetch(&fetch_request(&name, 0, answer.base_offset));
        let stored = data.records.unwrap_or_default();
        // From the magic on: base offset and leader epoch are the broker's.
        arm.see(
            format!("{label} untouched"),
            stored.get(16..) == Some(&sent[16..]),
        );
    }
    let zstd = compressed(&plain, 4);
    let response = arm.call(&produce_request(&name, 0, zstd), 6);
    arm.see(
        "zstd in version 6",
        produced(&response.responses[0].partition_responses[0]),
    );
}

pub(crate) fn topic_sets_the_codec(arm: &mut Arm) {
    let name = arm.topic_with("t", 1, &[("compression.type", "gzip")]);
    arm.see_produce("plain", &name, batch(&["one", "two"]));
    let data = arm.fetch(&fetch_request(&name, 0, 0));
    let records = data.records.unwrap_or_default();
    arm.see("codec", records[22] & 7);
}

pub(crate) fn bad_codec(arm: &mut Arm) {
    let name = arm.topic("t");
    for codec in [5, 6, 7] {
        let bad = with_attributes(&batch(&["a"]), codec);
        arm.see_produce(&format!("codec {codec}"), &name, bad);
    }
    let lying = with_attributes(&batch(&["a"]), 1);
    arm.see_produce("gzip that is none", &name, lying);
}

pub(crate) fn damaged_batches(arm: &mut Arm) {
    let name = arm.topic("t");
    let good = batch(&["value"]);
    let flipped = |at: usize| {
        let mut bytes = good.to_vec();
        bytes[at] ^= 1;
        Bytes::from(bytes)
    };
    arm.see_produce("a flipped bit", &name, flipped(70));
    arm.see_produce("a flipped checksum", &name, flipped(17));
    arm.see_produce("half a batch", &name, good.slice(..good.len() - 3));
    arm.see_produce("half a header", &name, good.slice(..20));
    arm.see_produce("no bytes", &name, Bytes::new());
    let null = PartitionProduceData::default().with_records(None);
    arm.see_request("null", 9, &name, vec![null]);
    for magic in [0, 1, 3, -1] {
        let mut bytes = good.to_vec();
        bytes[16] = magic_byte(magic);
        arm.see_produce(&format!("magic {magic}"), &name, bytes.into());
    }
    let trailing = Bytes::from([&good[..], b"abc"].concat());
    arm.see_produce("bytes after the batch", &name, trailing);
    let longer = {
        let mut bytes = good.to_vec();
        bytes[8..12].copy_from_slice(&i32::MAX.to_be_bytes());
        Bytes::from(bytes)
    };
    arm.see_produce("a length of 2 GiB", &name, longer);
    let negative = {
        let mut bytes = good.to_vec();
        bytes[8..12].copy_from_slice(&(-1i32).to_be_bytes());
        Bytes::from(bytes)
    };
    arm.see_produce("a negative length", &name, negative);
    arm.see_produce("the next good one", &name, good);
}

fn magic_byte(magic: i8) -> u8 {
    magic.to_be_bytes()[0]
}

pub(crate) fn batches_that_contradict_themselves(arm: &mut Arm) {
    let name = arm.topic("t");
    let two = batch(&["a", "b"]);
    let count = |count: i32| altered(&two, RECORD_COUNT_AT, &count.to_be_bytes());
    let delta = |delta: i32| altered(&two, LAST_OFFSET_DELTA_AT, &delta.to_be_bytes());
    for records in [1, 3, 0, -1] {
        arm.see_produce(&format!("{records} records of 2"), &name, count(records));
    }
    for last in [0, 2, -1] {
        arm.see_produce(&format!("last offset delta {last} of 1"), &name, delta(last));
    }
    let both = |n: i32| altered(&delta(n - 1), RECORD_COUNT_AT, &n.to_be_bytes());
    arm.see_produce("one record too many inside", &name, both(1));
    arm.see_produce("one record too few inside", &name, both(3));
    arm.see_produce("no record", &name, builder().build());
    arm.see_produce("control", &name, with_attributes(&two, 0x20));
    arm.see_produce("control of a transaction", &name, with_attributes(&two, 0x30));
    let moved = altered(&two, 0, &77i64.to_be_bytes());
    arm.see_produce("base offset 77", &name, moved);
    arm.see_produce(
        "of a transaction without a producer",
        &name,
        with_attributes(&two, 0x10),
    );
    arm.see_ends("ends", &name);
}

pub(crate) fn several_batches(arm: &mut Arm) {
    let name = arm.topic("t");
    let two = Bytes::from([batch(&["a"]), batch(&["b"])].concat());
    arm.see_produce("two batches", &name, two);
    let twice = vec![
        PartitionProduceData::default().with_records(Some(batch(&["a"]))),
        PartitionProduceData::default().with_records(Some(batch(&["b"]))),
    ];
    arm.see_request("a partition twice", 9, &name, twice);
    arm.see_ends("ends", &name);
}

pub(crate) fn one_bad_partition_does_not_keep_the_others(arm: &mut Arm) {
    let name = arm.topic_with("t", 2, &[]);
    let good = |index| {
        PartitionProduceData::default()
            .with_index(index)
            .with_records(Some(batch(&["a"])))
    };
    let bad = good(1).with_records(Some(with_attributes(&batch(&["a"]), 0x20)));
    arm.see_request("good, bad, unknown", 9, &name, vec![good(0), bad, good(7)]);
}

pub(crate) fn too_large(arm: &mut Arm) {
    let name = arm.topic_with("t", 1, &[("max.message.bytes", "200")]);
    let sized = |size: usize| {
        let empty = batch(&[""]).len();
        // A value of more than 63 bytes takes two bytes more for lengths.
        batch(&["x".repeat(size - empty - 2).as_str()])
    };
    assert_eq!((sized(200).len(), sized(201).len()), (200, 201));
    arm.see_produce("200 of 200 bytes", &name, sized(200));
    arm.see_produce("201 of 200 bytes", &name, sized(201));
    let default = arm.topic("default");
    let most = 1_048_588;
    let empty = batch(&[""]).len();
    let room = |extra: usize| batch(&["x".repeat(most - empty - 4 + extra).as_str()]);
    assert!(room(0).len() <= most + 4, "{}", room(0).len());
    let over = most + 1 - room(0).len();
    arm.see_produce("the default limit", &default, room(over - 1));
    arm.see_produce("a byte more", &default, room(over));
    let squeezed = compressed(&batch(&["small"]), 1);
    arm.see_produce("compressed and small", &name, squeezed);
}

pub(crate) fn unknown_places(arm: &mut Arm) {
    let name = arm.topic("t");
    let nowhere = arm.name("nowhere");
    arm.see_produce("unknown topic", &nowhere, batch(&["a"]));
    for index in [1, -1, i32::MAX] {
        let data = PartitionProduceData::default()
            .with_index(index)
            .with_records(Some(batch(&["a"])));
        arm.see_request(&format!("partition {index}"), 9, &name, vec![data]);
    }
    arm.see_produce("no name", "", batch(&["a"]));
    arm.see_produce("a bad name", "a/b", batch(&["a"]));
}

pub(crate) fn by_topic_id(arm: &mut Arm) {
    let name = arm.topic("t");
    let id = arm.topic_id(&name);
    for (what, id) in [
        ("known", id),
        ("unknown", Uuid::from_u128(77)),
        ("nil", Uuid::nil()),
    ] {
        let data = PartitionProduceData::default().with_records(Some(batch(&["a"])));
        let wanted = TopicProduceData::default()
            .with_topic_id(id)
            .with_partition_data(vec![data]);
        let request = ProduceRequest::default()
            .with_acks(-1)
            .with_timeout_ms(1_000)
            .with_topic_data(vec![wanted]);
        let response = arm.call(&request, 13);
        let answer = &response.responses[0];
        let seen = format!(
            "{} same id={}",
            produced(&answer.partition_responses[0]),
            answer.topic_id == id
        );
        arm.see(what, seen);
    }
}

pub(crate) fn compacted_topics_want_keys(arm: &mut Arm) {
    let name = arm.topic_with("t", 1, &[("cleanup.policy", "compact")]);
    arm.see_produce("no key", &name, batch(&["a", "b"]));
    let mixed = builder()
        .record(Some(b"k"), Some(b"a"))
        .record(None, Some(b"b"))
        .build();
    arm.see_produce("one of two", &name, mixed);
    let keyed = builder().record(Some(b"k"), None).build();
    arm.see_produce("a tombstone", &name, keyed);
    let empty = builder().record(Some(b""), Some(b"v")).build();
    arm.see_produce("an empty key", &name, empty);
}

pub(crate) fn timestamps_of_the_client(arm: &mut Arm) {
    let name = arm.topic("t");
    let now = now_ms();
    let day = 24 * 3_600_000;
    for (what, timestamp) in [
        ("zero", 0),
        ("none", -1),
        ("negative", -2),
        ("a year ago", now - 365 * day),
        ("in half an hour", now + 1_800_000),
        ("in two days", now + 2 * day),
        ("the last one", i64::MAX),
    ] {
        arm.see_produce(what, &name, timestamped(timestamp, &["a"]));
    }
    let wrong = altered(&timestamped(5, &["a"]), MAX_TIMESTAMP_AT, &9i64.to_be_bytes());
    arm.see_produce("a maximum that no record has", &name, wrong);
    let answer = arm.list_offset(&name, 0, MAX_TIMESTAMP);
    arm.see("offset of the maximum", answer.offset);
}

pub(crate) fn timestamps_within_limits(arm: &mut Arm) {
    let limits = [
        ("message.timestamp.before.max.ms", "60000"),
        ("message.timestamp.after.max.ms", "60000"),
    ];
    let name = arm.topic_with("t", 1, &limits);
    let now = now_ms();
    for (what, timestamp) in [
        ("now", now),
        ("ten minutes ago", now - 600_000),
        ("in ten minutes", now + 600_000),
        ("none", -1),
    ] {
        arm.see_produce(what, &name, timestamped(timestamp, &["a", "b"]));
    }
}

pub(crate) fn timestamps_of_the_log(arm: &mut Arm) {
    let name = arm.topic_with("t", 1, &[("message.timestamp.type", "LogAppendTime")]);
    let before = now_ms();
    let answer = arm.produce(&name, timestamped(5, &["a"]));
    arm.see("answer", produced(&answer));
    arm.see("time", answer.log_append_time_ms >= before);
    let data = arm.fetch(&fetch_request(&name, 0, 0));
    let records = data.records.unwrap_or_default();
    let header = highwater_wire::batch::check(&records).expect("a good batch");
    arm.see(
        "in the batch",
        header.max_timestamp() == answer.log_append_time_ms,
    );
    arm.see("base timestamp kept", header.base_timestamp() == 5);
    arm.see("attributes", records[22]);
    let first = arm.list_offset(&name, 0, before);
    arm.see("offset by time", first.offset);
    let first = arm.list_offset(&name, 0, 6);
    arm.see("by the time of the client", first.offset);
}

pub(crate) fn old_versions(arm: &mut Arm) {
    let name = arm.topic("t");
    for version in 3..=12 {
        let data = PartitionProduceData::default().with_records(Some(batch(&["a"])));
        arm.see_request(&format!("version {version}"), version, &name, vec![data]);
    }
    let latest = arm.list_offset(&name, 0, LATEST);
    arm.see("latest", listed(&latest));
    let earliest = arm.list_offset(&name, 0, EARLIEST);
    arm.see("earliest", listed(&earliest));
}

pub(crate) fn a_new_topic_by_producing(arm: &mut Arm) {
    // Produce never makes a topic; asking for its metadata does.
    let name = arm.name("made");
    arm.see_produce("before", &name, batch(&["a"]));
    let wanted = kafka_protocol::messages::metadata_request::MetadataRequestTopic::default()
        .with_name(Some(topic(&name)));
    let request = kafka_protocol::messages::MetadataRequest::default()
        .with_topics(Some(vec![wanted]))
        .with_allow_auto_topic_creation(true);
    poll("the topic", || {
        let answer = arm.call(&request, 12);
        (answer.topics[0].error_code == 0).then_some(())
    });
    arm.await_partitions(&name, 1);
    arm.see_produce("after", &name, batch(&["a"]));
}

impl Arm {
    /// Produces to several partitions at once and takes down every answer.
    fn see_request(&mut self, what: &str, version: i16, name: &str, data: Vec<PartitionProduceData>) {
        let wanted = TopicProduceData::default()
            .with_name(topic(name))
            .with_partition_data(data);
        let request = ProduceRequest::default()
            .with_acks(-1)
            .with_timeout_ms(1_000)
            .with_topic_data(vec![wanted]);
        let Ok(response) = self.try_call(&request, version) else {
            return self.see(what, "closed");
        };
        let answers = response.responses.iter().flat_map(|one| &one.partition_responses);
        // In no order that means anything.
        let mut answers: Vec<_> = answers.collect();
        answers.sort_by_key(|one| one.index);
        let answers: Vec<String> = answers
            .iter()
            .map(|one| format!("[{}] {}", one.index, produced(one)))
            .collect();
        self.see(what, answers.join("; "));
    }
}

pub(crate) fn a_waiting_fetch_is_woken(arm: &mut Arm) {
    let name = arm.topic("t");
    let mut other = arm.connect();
    let waiting = fetch_request(&name, 0, 0).with_max_wait_ms(15_000);
    let begin = std::time::Instant::now();
    let sent = other.send(&waiting, 12).expect("sent");
    arm.fill(&name, batch(&["a"]));
    let answer = other.receive::<FetchRequest>(12, sent).expect("answered");
    let data = answer.responses[0].partitions[0].clone();
    let seen = arm.fetched(&data);
    arm.see("answer", seen);
    arm.see("in time", begin.elapsed().as_secs() < 10);
    arm.see("error", error(answer.error_code));
}
