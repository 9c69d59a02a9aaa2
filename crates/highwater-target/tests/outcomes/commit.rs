//! OffsetCommit and TxnOffsetCommit, each to a group that has committed nothing before.

use std::net::SocketAddr;

use highwater_check::outcome::Api;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    GroupId, OffsetCommitRequest, OffsetFetchRequest, ProducerId, TransactionalId, TxnOffsetCommitRequest,
};

use crate::cluster::{Cluster, name, text, until};
use crate::seen::Seen;

const GROUP: i8 = 0;

fn commit(at: SocketAddr, group: &str, topic: &str, generation: i32, metadata: &str) -> i16 {
    let partition = OffsetCommitRequestPartition::default()
        .with_committed_offset(7)
        .with_committed_metadata(Some(text(metadata)));
    let topic = OffsetCommitRequestTopic::default()
        .with_name(name(topic))
        .with_partitions(vec![partition]);
    let member = if generation < 0 { "" } else { "somebody" };
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(text(group)))
        .with_generation_id_or_member_epoch(generation)
        .with_member_id(text(member))
        .with_topics(vec![topic]);
    Cluster::call(at, &request, 8).topics[0].partitions[0].error_code
}

/// Whether a group has committed anything.
fn committed(at: SocketAddr, group: &str, topic: &str) -> bool {
    let topic = OffsetFetchRequestTopic::default()
        .with_name(name(topic))
        .with_partition_indexes(vec![0]);
    let request = OffsetFetchRequest::default()
        .with_group_id(GroupId(text(group)))
        .with_topics(Some(vec![topic]));
    until("an answer of the coordinator", || {
        let answer = Cluster::call(at, &request, 7);
        (answer.error_code == 0).then(|| answer.topics[0].partitions[0].committed_offset >= 0)
    })
}

pub(crate) fn refused(cluster: &Cluster, seen: &mut Seen) {
    cluster.create("committed", &[]);
    let long = "m".repeat(5_000);
    for (group, expected, topic, generation, metadata) in [
        ("generation", 22, "committed", 5, ""),
        ("metadata", 12, "committed", -1, long.as_str()),
        ("unknown-topic", 3, "uncommitted", -1, ""),
    ] {
        let at = cluster.of(cluster.coordinator(GROUP, group));
        let error = until("a coordinator that has read its log", || {
            let error = commit(at, group, topic, generation, metadata);
            (error != 14 && error != 16).then_some(error)
        });
        let applied = committed(at, group, topic);
        seen.error(Api::OffsetCommit, expected, error, applied);
    }
    let coordinator = cluster.coordinator(GROUP, "elsewhere");
    let (at, elsewhere) = (cluster.of(coordinator), cluster.not(coordinator));
    let error = commit(elsewhere, "elsewhere", "committed", -1, "");
    seen.error(
        Api::OffsetCommit,
        16,
        error,
        committed(at, "elsewhere", "committed"),
    );

    let partition = TxnOffsetCommitRequestPartition::default().with_committed_offset(7);
    let topic = TxnOffsetCommitRequestTopic::default()
        .with_name(name("committed"))
        .with_partitions(vec![partition]);
    let request = TxnOffsetCommitRequest::default()
        .with_transactional_id(TransactionalId(text("elsewhere")))
        .with_group_id(GroupId(text("elsewhere")))
        .with_producer_id(ProducerId(4_242))
        .with_generation_id(-1)
        .with_topics(vec![topic]);
    let error = Cluster::call(elsewhere, &request, 3).topics[0].partitions[0].error_code;
    seen.error(
        Api::TxnOffsetCommit,
        16,
        error,
        committed(at, "elsewhere", "committed"),
    );
    let error = commit(at, "elsewhere", "committed", -1, "");
    assert_eq!((error, committed(at, "elsewhere", "committed")), (0, true));
}
