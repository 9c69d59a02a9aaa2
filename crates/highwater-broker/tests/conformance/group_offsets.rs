//! Committed offsets: by members, by strangers, fetched and deleted.

use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::{
    DeleteGroupsRequest, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest,
};

use crate::arm::{Arm, error, settled};
use crate::ask::{GROUP, nullable};
use crate::client::{group, text, topic};
use crate::groups::{Member, member};

impl Arm {
    /// Makes the topic whose offsets are committed.
    pub(crate) fn input(&mut self) -> String {
        self.topic_with("input", 2, &[])
    }

    /// OffsetCommit for partition 0 of a topic.
    pub(crate) fn commit(&mut self, group_id: &str, from: (i32, &str), name: &str, offset: i64) -> String {
        let partition = OffsetCommitRequestPartition::default()
            .with_partition_index(0)
            .with_committed_offset(offset)
            .with_committed_leader_epoch(0)
            .with_committed_metadata(Some(text("note")));
        self.commit_as(group_id, from, name, partition)
    }

    fn commit_as(
        &mut self,
        group_id: &str,
        from: (i32, &str),
        name: &str,
        partition: OffsetCommitRequestPartition,
    ) -> String {
        let wanted = OffsetCommitRequestTopic::default()
            .with_name(topic(name))
            .with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(group(group_id))
            .with_generation_id_or_member_epoch(from.0)
            .with_member_id(text(from.1))
            .with_topics(vec![wanted]);
        let answer = settled(
            || self.call(&request, 8),
            |answer| answer.topics[0].partitions[0].error_code,
        );
        error(answer.topics[0].partitions[0].error_code)
    }

    /// OffsetFetch of partition 0 of the input.
    pub(crate) fn see_offset(&mut self, what: &str, group_id: &str, stable: bool) {
        let wanted = OffsetFetchRequestTopics::default()
            .with_name(topic(&self.name("input")))
            .with_partition_indexes(vec![0]);
        self.see_offsets(what, group_id, stable, Some(vec![wanted]));
    }

    fn see_offsets(
        &mut self,
        what: &str,
        group_id: &str,
        stable: bool,
        topics: Option<Vec<OffsetFetchRequestTopics>>,
    ) {
        let wanted = OffsetFetchRequestGroup::default()
            .with_group_id(group(group_id))
            .with_topics(topics);
        let request = OffsetFetchRequest::default()
            .with_require_stable(stable)
            .with_groups(vec![wanted]);
        let answer = settled(|| self.call(&request, 8), |answer| answer.groups[0].error_code);
        let answer = &answer.groups[0];
        let mut seen = vec![error(answer.error_code)];
        for one in &answer.topics {
            for partition in &one.partitions {
                seen.push(format!(
                    "[{}] {} offset={} epoch={} metadata={}",
                    partition.partition_index,
                    error(partition.error_code),
                    partition.committed_offset,
                    partition.committed_leader_epoch,
                    nullable(partition.metadata.as_ref()),
                ));
            }
        }
        seen[1..].sort();
        self.see(what, seen.join(" "));
    }
}

pub(crate) fn committed_without_members(arm: &mut Arm) {
    let group_id = arm.coordinated(GROUP, "g");
    let name = arm.input();
    arm.see_offset("before", &group_id, false);
    arm.see_offsets("all before", &group_id, false, None);
    for (what, from, offset) in [
        ("stranger", (-1, ""), 7),
        ("stranger again, lower", (-1, ""), 3),
        ("stranger with a generation", (0, ""), 9),
        ("unknown member", (1, "nobody"), 9),
        ("unknown member without a generation", (-1, "nobody"), 9),
        ("a negative offset", (-1, ""), -1),
        ("the largest offset", (-1, ""), i64::MAX),
        ("the last one", (-1, ""), 4),
    ] {
        let seen = arm.commit(&group_id, from, &name, offset);
        arm.see(what, seen);
    }
    let nowhere = arm.name("nowhere");
    let seen = arm.commit(&group_id, (-1, ""), &nowhere, 1);
    arm.see("unknown topic", seen);
    let unknown = OffsetCommitRequestPartition::default().with_partition_index(9);
    let seen = arm.commit_as(&group_id, (-1, ""), &name, unknown);
    arm.see("unknown partition", seen);
    let long = text(&"x".repeat(4_097));
    let long = OffsetCommitRequestPartition::default().with_committed_metadata(Some(long));
    let seen = arm.commit_as(&group_id, (-1, ""), &name, long);
    arm.see("too much metadata", seen);
    let bare = OffsetCommitRequestPartition::default()
        .with_partition_index(1)
        .with_committed_offset(11)
        .with_committed_metadata(None);
    let seen = arm.commit_as(&group_id, (-1, ""), &name, bare);
    arm.see("no metadata", seen);
    let seen = arm.commit("", (-1, ""), &name, 1);
    arm.see("no group", seen);
    arm.see_offset("one", &group_id, false);
    arm.see_offsets("all", &group_id, false, None);
    arm.see_offsets("none", &group_id, false, Some(vec![]));
    let odd = OffsetFetchRequestTopics::default()
        .with_name(topic(&name))
        .with_partition_indexes(vec![0, 9]);
    arm.see_offsets("known and unknown", &group_id, false, Some(vec![odd]));
}

pub(crate) fn committed_by_members(arm: &mut Arm) {
    let group_id = arm.coordinated(GROUP, "g");
    let name = arm.input();
    let one = arm.joined_alone(&group_id);
    for (what, generation, id) in [
        ("member", one.generation, one.id.clone()),
        ("next generation", one.generation + 1, one.id.clone()),
        ("generation before", one.generation - 1, one.id.clone()),
        ("unknown member", one.generation, "nobody".to_owned()),
        ("member without a generation", -1, one.id.clone()),
        ("stranger", -1, String::new()),
    ] {
        let seen = arm.commit(&group_id, (generation, &id), &name, 5);
        arm.see(what, seen);
    }
    arm.see_offset("committed", &group_id, false);
}

pub(crate) fn deleted(arm: &mut Arm) {
    let group_id = arm.coordinated(GROUP, "g");
    let name = arm.input();
    let nobody = arm.coordinated(GROUP, "nobody");
    arm.see_delete_offset("of an unknown group", &nobody, &name, 0);
    arm.commit(&group_id, (-1, ""), &name, 7);
    arm.see_delete_offset("nothing committed", &group_id, &name, 1);
    arm.see_delete_offset("unknown partition", &group_id, &name, 9);
    let nowhere = arm.name("nowhere");
    arm.see_delete_offset("unknown topic", &group_id, &nowhere, 0);
    arm.see_delete_offset("committed", &group_id, &name, 0);
    arm.see_offset("after it", &group_id, false);
    let one = arm.joined_alone(&group_id);
    arm.commit(&group_id, (one.generation, &one.id), &name, 8);
    arm.see_delete_offset("with members that read something else", &group_id, &name, 0);
    arm.see_delete_group("with members", &group_id);
    arm.see_leave("leave", &group_id, &one);
    arm.see_delete_group("empty", &group_id);
    arm.see_delete_group("again", &group_id);
    arm.commit("", (-1, ""), &name, 9);
    arm.see_delete_group("no name", "");
    arm.see_offset("of the deleted group", &group_id, false);
}

pub(crate) fn old_versions(arm: &mut Arm) {
    let group_id = arm.coordinated(GROUP, "g");
    let name = arm.input();
    for version in 2..=9 {
        let partition = OffsetCommitRequestPartition::default().with_committed_offset(i64::from(version));
        let wanted = OffsetCommitRequestTopic::default()
            .with_name(topic(&name))
            .with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(group(&group_id))
            .with_topics(vec![wanted]);
        let answer = arm.call(&request, version);
        let code = answer.topics[0].partitions[0].error_code;
        arm.see(format!("commit version {version}"), error(code));
    }
    for version in 1..=7 {
        let wanted = kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic::default()
            .with_name(topic(&name))
            .with_partition_indexes(vec![0, 1, 9]);
        let request = OffsetFetchRequest::default()
            .with_group_id(group(&group_id))
            .with_topics(Some(vec![wanted]));
        let answer = arm.call(&request, version);
        let mut seen: Vec<String> = answer.topics[0]
            .partitions
            .iter()
            .map(|one| {
                let metadata = nullable(one.metadata.as_ref());
                format!(
                    "[{}] {} {} {metadata}",
                    one.partition_index,
                    error(one.error_code),
                    one.committed_offset
                )
            })
            .collect();
        seen.sort();
        arm.see(
            format!("fetch version {version}"),
            format!("{} {seen:?}", error(answer.error_code)),
        );
    }
    let all = OffsetFetchRequest::default()
        .with_group_id(group(&group_id))
        .with_topics(None);
    let answer = arm.call(&all, 7);
    arm.see(
        "all in version 7",
        format!("{} {}", error(answer.error_code), answer.topics.len()),
    );
}

impl Arm {
    fn see_delete_offset(&mut self, what: &str, group_id: &str, name: &str, partition: i32) {
        let partition = OffsetDeleteRequestPartition::default().with_partition_index(partition);
        let wanted = OffsetDeleteRequestTopic::default()
            .with_name(topic(name))
            .with_partitions(vec![partition]);
        let request = OffsetDeleteRequest::default()
            .with_group_id(group(group_id))
            .with_topics(vec![wanted]);
        let answer = self.call(&request, 0);
        let partitions = answer.topics.iter().flat_map(|one| &one.partitions);
        let codes: Vec<String> = partitions.map(|one| error(one.error_code)).collect();
        self.see(what, format!("{} {codes:?}", error(answer.error_code)));
    }

    pub(crate) fn see_delete_group(&mut self, what: &str, group_id: &str) {
        let request = DeleteGroupsRequest::default().with_groups_names(vec![group(group_id)]);
        let answer = self.call(&request, 2);
        self.see(
            format!("delete group: {what}"),
            error(answer.results[0].error_code),
        );
    }

    /// A group of one member that has its work.
    pub(crate) fn joined_alone(&mut self, group_id: &str) -> Member {
        let joined = self.join_whole(&member(group_id));
        assert_eq!(joined.error, "None");
        let synced = self.sync(&joined, &[&joined.id.clone()]);
        assert_eq!(synced, format!("None work of {}", joined.id));
        joined
    }
}
