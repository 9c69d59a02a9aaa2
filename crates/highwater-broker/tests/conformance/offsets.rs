//! ListOffsets, DeleteRecords, OffsetForLeaderEpoch.

use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{BrokerId, DeleteRecordsRequest, OffsetForLeaderEpochRequest};

use crate::arm::{Arm, error};
use crate::ask::{EARLIEST, LATEST, MAX_TIMESTAMP, list_request, listed};
use crate::batches::{batch, now_ms, sequenced, timestamped};
use crate::client::{fetch_request, topic};

pub(crate) fn by_time(arm: &mut Arm) {
    let name = arm.topic("t");
    for (what, timestamp) in [
        ("earliest", EARLIEST),
        ("latest", LATEST),
        ("max", MAX_TIMESTAMP),
        ("now", 5),
    ] {
        let seen = listed(&arm.list_offset(&name, 0, timestamp));
        arm.see(format!("empty, {what}"), seen);
    }
    let begin = now_ms() - 100_000;
    for after in [100, 200, 500, 300] {
        arm.fill(&name, timestamped(begin + after, &["a", "b"]));
    }
    for after in [0, 100, 101, 200, 250, 300, 301, 400, 500, 501] {
        let mut answer = arm.list_offset(&name, 0, begin + after);
        if answer.timestamp >= 0 {
            answer.timestamp -= begin;
        }
        arm.see(format!("at {after}"), listed(&answer));
    }
    let mut answer = arm.list_offset(&name, 0, MAX_TIMESTAMP);
    answer.timestamp -= begin;
    arm.see("max", listed(&answer));
    for timestamp in [EARLIEST, LATEST, -4, -7, i64::MIN] {
        let answer = arm.list_offset(&name, 0, timestamp);
        arm.see(format!("special {timestamp}"), listed(&answer));
    }
}

pub(crate) fn refused(arm: &mut Arm) {
    let name = arm.topic("t");
    let nowhere = arm.name("nowhere");
    for (what, name, partition) in [
        ("unknown topic", &nowhere, 0),
        ("unknown partition", &name, 3),
        ("negative partition", &name, -1),
    ] {
        let seen = listed(&arm.list_offset(name, partition, LATEST));
        arm.see(what, seen);
    }
    for epoch in [0, 9] {
        let mut request = list_request(&name, 0, LATEST, 0);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        let answer = arm.call(&request, 7);
        arm.see(
            format!("current epoch {epoch}"),
            listed(&answer.topics[0].partitions[0]),
        );
    }
    let mut twice = list_request(&name, 0, LATEST, 0);
    let again = twice.topics[0].partitions[0].clone();
    twice.topics[0].partitions.push(again);
    let answer = arm.call(&twice, 7);
    let mut codes: Vec<String> = answer.topics[0].partitions.iter().map(listed).collect();
    codes.sort();
    arm.see("a partition twice", format!("{codes:?}"));
}

pub(crate) fn old_versions(arm: &mut Arm) {
    let name = arm.topic("t");
    arm.fill(&name, batch(&["a", "b"]));
    for version in 1..=7 {
        let answer = arm.call(&list_request(&name, 0, LATEST, 0), version);
        arm.see(
            format!("version {version}"),
            listed(&answer.topics[0].partitions[0]),
        );
    }
}

fn delete_request(name: &str, partition: i32, offset: i64) -> DeleteRecordsRequest {
    let partition = DeleteRecordsPartition::default()
        .with_partition_index(partition)
        .with_offset(offset);
    let wanted = DeleteRecordsTopic::default()
        .with_name(topic(name))
        .with_partitions(vec![partition]);
    DeleteRecordsRequest::default()
        .with_timeout_ms(5_000)
        .with_topics(vec![wanted])
}

impl Arm {
    fn see_delete(&mut self, what: &str, name: &str, partition: i32, offset: i64) {
        let answer = self.call(&delete_request(name, partition, offset), 2);
        let one = &answer.topics[0].partitions[0];
        self.see(
            what,
            format!("{} low={}", error(one.error_code), one.low_watermark),
        );
    }
}

pub(crate) fn records_deleted(arm: &mut Arm) {
    let name = arm.topic("t");
    let producer = arm.idempotent();
    arm.fill(&name, sequenced(producer, 0, &["a", "b", "c"]));
    arm.fill(&name, sequenced(producer, 3, &["d"]));
    arm.see_delete("before 2", &name, 0, 2);
    arm.see_fetch("at 1", &fetch_request(&name, 0, 1));
    arm.see_fetch("at 2", &fetch_request(&name, 0, 2));
    let earliest = listed(&arm.list_offset(&name, 0, EARLIEST));
    arm.see("earliest", earliest);
    arm.see_delete("before 1", &name, 0, 1);
    arm.see_delete("beyond the end", &name, 0, 9);
    arm.see_delete("offset -2", &name, 0, -2);
    arm.see_delete("all", &name, 0, -1);
    arm.see_fetch("at the end", &fetch_request(&name, 0, 4));
    arm.see_produce("the producer goes on", &name, sequenced(producer, 4, &["e"]));
    arm.see_produce("a retry of what is gone", &name, sequenced(producer, 3, &["d"]));
    arm.see_delete("unknown partition", &name, 7, 0);
    let nowhere = arm.name("nowhere");
    arm.see_delete("unknown topic", &nowhere, 0, 0);
    let compacted = arm.topic_with("compacted", 1, &[("cleanup.policy", "compact")]);
    arm.see_delete("compacted", &compacted, 0, 0);
    let both = arm.topic_with("both", 1, &[("cleanup.policy", "compact,delete")]);
    arm.see_delete("compacted and deleted", &both, 0, 0);
}

pub(crate) fn ends_of_epochs(arm: &mut Arm) {
    let name = arm.topic("t");
    arm.fill(&name, batch(&["a", "b"]));
    let nowhere = arm.name("nowhere");
    for (what, name, partition, current, epoch) in [
        ("this epoch", &name, 0, -1, 0),
        ("an epoch to come", &name, 0, -1, 5),
        ("no epoch", &name, 0, -1, -1),
        ("current epoch to come", &name, 0, 4, 0),
        ("current epoch", &name, 0, 0, 0),
        ("unknown partition", &name, 8, -1, 0),
        ("unknown topic", &nowhere, 0, -1, 0),
    ] {
        let partition = OffsetForLeaderPartition::default()
            .with_partition(partition)
            .with_current_leader_epoch(current)
            .with_leader_epoch(epoch);
        let wanted = OffsetForLeaderTopic::default()
            .with_topic(topic(name))
            .with_partitions(vec![partition]);
        let request = OffsetForLeaderEpochRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_topics(vec![wanted]);
        let answer = arm.call(&request, 4);
        let one = &answer.topics[0].partitions[0];
        arm.see(
            what,
            format!(
                "{} epoch={} end={}",
                error(one.error_code),
                one.leader_epoch,
                one.end_offset
            ),
        );
    }
}
