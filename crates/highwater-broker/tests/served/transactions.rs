use highwater_wire::Connection;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use kafka_protocol::messages::{
    DescribeTransactionsRequest, InitProducerIdRequest, ListTransactionsRequest, OffsetFetchRequest,
    ProducerId, WriteTxnMarkersRequest,
};

use crate::client::*;
use crate::running::{Running, start};
use crate::transactional::*;

const BOTH: [Protocol; 2] = [Protocol::Old, Protocol::Two];

fn with_topic(dir: &std::path::Path) -> (Running, Connection) {
    let broker = start(dir);
    let mut connection = broker.connect();
    assert_eq!(create_topic(&mut connection, "t", 2), 0);
    (broker, connection)
}

#[test]
fn committed_readers_see_committed_transactions_only() {
    for protocol in BOTH {
        let dir = tempfile::tempdir().expect("dir");
        let (broker, mut connection) = with_topic(dir.path());
        let mut producer = Producer::init(&mut connection, "id", protocol);
        producer.write(&mut connection, "t", 0, "aborted");
        producer.write(&mut connection, "t", 1, "aborted too");
        let open = fetch_committed(&mut connection, "t", 0, 0);
        assert_eq!(
            (open.high_watermark, open.last_stable_offset),
            (1, 0),
            "{protocol:?}"
        );
        assert_eq!(open.records.unwrap_or_default().len(), 0);
        assert_eq!(producer.end(&mut connection, false), None);
        producer.write(&mut connection, "t", 0, "committed");
        assert_eq!(producer.end(&mut connection, true), None);
        produce(&mut connection, "t", 0, batch(&["plain"]));
        let seen = committed_values(&mut connection, "t", 0);
        assert_eq!(seen, ["committed", "plain"], "{protocol:?}");
        assert_eq!(committed_values(&mut connection, "t", 1), [""; 0]);
        let all = fetch(&mut connection, "t", 0, 0);
        assert_eq!(
            (batches(&all).len(), all.aborted_transactions),
            (5, None),
            "with the markers"
        );
        drop(broker);
        // The same after a restart, from the log alone.
        let broker = start(dir.path());
        let seen = committed_values(&mut broker.connect(), "t", 0);
        assert_eq!(seen, ["committed", "plain"], "{protocol:?}");
    }
}

#[test]
fn version_two_raises_the_epoch_with_every_end_and_the_old_protocol_does_not() {
    let dir = tempfile::tempdir().expect("dir");
    let (_broker, mut connection) = with_topic(dir.path());
    for (protocol, raises) in [(Protocol::Old, 0), (Protocol::Two, 1)] {
        let mut producer = Producer::init(&mut connection, &format!("{protocol:?}"), protocol);
        let (id, epoch) = (producer.id, producer.epoch);
        for round in 1..4 {
            producer.write(&mut connection, "t", 0, "v");
            assert_eq!(producer.end(&mut connection, round % 2 == 0), None);
            assert_eq!((producer.id, producer.epoch), (id, epoch + raises * round));
        }
    }
}

#[test]
fn a_new_instance_fences_the_old_one_and_aborts_its_transaction() {
    for protocol in BOTH {
        let dir = tempfile::tempdir().expect("dir");
        let (_broker, mut connection) = with_topic(dir.path());
        let mut old = Producer::init(&mut connection, "id", protocol);
        old.write(&mut connection, "t", 0, "of the old one");
        let mut new = Producer::init(&mut connection, "id", protocol);
        assert_eq!((new.id, new.epoch), (old.id, old.epoch + 2), "{protocol:?}");
        let refused = old.send(&mut connection, "t", 0, "late");
        assert_eq!(refused, Err(ResponseError::InvalidProducerEpoch), "{protocol:?}");
        assert_eq!(
            old.end(&mut connection, true),
            Some(ResponseError::ProducerFenced)
        );
        assert_eq!(
            old.add(&mut connection, "t", 1),
            Some(ResponseError::ProducerFenced)
        );
        new.write(&mut connection, "t", 0, "of the new one");
        assert_eq!(new.end(&mut connection, true), None);
        assert_eq!(committed_values(&mut connection, "t", 0), ["of the new one"]);
    }
}

#[test]
fn who_is_not_in_a_transaction_does_not_get_in() {
    let dir = tempfile::tempdir().expect("dir");
    let (_broker, mut connection) = with_topic(dir.path());
    let mut producer = Producer::init(&mut connection, "id", Protocol::Old);
    let sent = producer.send(&mut connection, "t", 0, "v");
    assert_eq!(sent, Err(ResponseError::TransactionAbortable), "version 11");
    let records = in_transaction(producer.id, producer.epoch, 0, "v");
    let request = produce_request("t", 0, records).with_transactional_id(Some(transactional_id("id")));
    let response = connection.call(&request, 9).expect("Produce");
    let code = response.responses[0].partition_responses[0].error_code;
    assert_eq!(error(code), Some(ResponseError::InvalidTxnState), "version 9");
    assert_eq!(
        producer.end(&mut connection, true),
        Some(ResponseError::InvalidTxnState)
    );
    assert_eq!(
        producer.add(&mut connection, "nowhere", 0),
        Some(ResponseError::UnknownTopicOrPartition)
    );
    let mut stranger = producer.clone();
    stranger.id += 1_000;
    assert_eq!(
        stranger.add(&mut connection, "t", 0),
        Some(ResponseError::InvalidProducerIdMapping)
    );
    assert_eq!(
        read_values(&mut connection, "t", 0),
        [""; 0],
        "nothing of it got in"
    );
}

#[test]
fn a_repeated_end_is_answered_as_the_first_and_another_one_is_not() {
    let dir = tempfile::tempdir().expect("dir");
    let (_broker, mut connection) = with_topic(dir.path());
    let mut producer = Producer::init(&mut connection, "old", Protocol::Old);
    producer.write(&mut connection, "t", 0, "v");
    assert_eq!(producer.end(&mut connection, true), None);
    assert_eq!(producer.end(&mut connection, true), None, "a retry");
    assert_eq!(
        producer.end(&mut connection, false),
        Some(ResponseError::InvalidTxnState)
    );
    let mut producer = Producer::init(&mut connection, "two", Protocol::Two);
    producer.write(&mut connection, "t", 0, "v");
    let mut retry = producer.clone();
    assert_eq!(producer.end(&mut connection, true), None);
    let mut other = retry.clone();
    assert_eq!(retry.end(&mut connection, true), None, "a retry");
    assert_eq!((retry.id, retry.epoch), (producer.id, producer.epoch));
    assert_eq!(
        other.end(&mut connection, false),
        Some(ResponseError::InvalidTxnState)
    );
    assert_eq!(
        producer.end(&mut connection, true),
        Some(ResponseError::InvalidTxnState),
        "nothing begun"
    );
    assert_eq!(
        producer.end(&mut connection, false),
        None,
        "aborting nothing is allowed"
    );
}

#[test]
fn settings_and_identities_of_init_are_checked() {
    let dir = tempfile::tempdir().expect("dir");
    let (_broker, mut connection) = with_topic(dir.path());
    let mut call = |request: &InitProducerIdRequest, version: i16| {
        let response = connection.call(request, version).expect("InitProducerId");
        (
            error(response.error_code),
            response.producer_id.0,
            response.producer_epoch,
        )
    };
    let too_long = init_request("id").with_transaction_timeout_ms(900_001);
    assert_eq!(
        call(&too_long, 4).0,
        Some(ResponseError::InvalidTransactionTimeout)
    );
    assert_eq!(call(&init_request(""), 4).0, Some(ResponseError::InvalidRequest));
    let half = init_request("id").with_producer_id(ProducerId(5));
    assert_eq!(call(&half, 4).0, Some(ResponseError::InvalidRequest));
    let (_, id, epoch) = call(&init_request("id"), 4);
    let known = |id: i64, epoch: i16| {
        init_request("id")
            .with_producer_id(ProducerId(id))
            .with_producer_epoch(epoch)
    };
    assert_eq!(call(&known(id, epoch), 4), (None, id, epoch + 1), "KIP-360");
    assert_eq!(
        call(&known(id, epoch), 4),
        (None, id, epoch + 1),
        "the same request again"
    );
    assert_eq!(
        call(&init_request("id"), 4),
        (None, id, epoch + 2),
        "somebody else"
    );
    assert_eq!(call(&known(id, epoch), 4).0, Some(ResponseError::ProducerFenced));
    assert_eq!(
        call(&known(id, epoch), 3).0,
        Some(ResponseError::InvalidProducerEpoch),
        "as old clients know it"
    );
    assert_eq!(call(&known(id + 7, 0), 4).0, Some(ResponseError::ProducerFenced));
}

fn fetch_offset(connection: &mut Connection, require_stable: bool) -> (Option<ResponseError>, i64) {
    let wanted = OffsetFetchRequestTopics::default()
        .with_name(topic("t"))
        .with_partition_indexes(vec![0]);
    let wanted = OffsetFetchRequestGroup::default()
        .with_group_id(group("g"))
        .with_topics(Some(vec![wanted]));
    let request = OffsetFetchRequest::default()
        .with_groups(vec![wanted])
        .with_require_stable(require_stable);
    let response = connection.call(&request, 8).expect("OffsetFetch");
    let partition = &response.groups[0].topics[0].partitions[0];
    (error(partition.error_code), partition.committed_offset)
}

#[test]
fn offsets_count_when_their_transaction_is_committed() {
    for protocol in BOTH {
        let dir = tempfile::tempdir().expect("dir");
        let (broker, mut connection) = with_topic(dir.path());
        let mut producer = Producer::init(&mut connection, "id", protocol);
        if protocol == Protocol::Old {
            let early = producer.commit_offset(&mut connection, ("g", -1), "t", 5);
            assert_eq!(early, Some(ResponseError::InvalidTxnState), "not added yet");
            assert_eq!(producer.add_offsets(&mut connection, "g"), None);
        }
        assert_eq!(producer.commit_offset(&mut connection, ("g", -1), "t", 5), None);
        assert_eq!(fetch_offset(&mut connection, false), (None, -1));
        let unstable = Some(ResponseError::UnstableOffsetCommit);
        assert_eq!(fetch_offset(&mut connection, true), (unstable, -1));
        let stale = producer.commit_offset(&mut connection, ("g", 4), "t", 5);
        assert_eq!(stale, Some(ResponseError::IllegalGeneration));
        // Pending ones survive a restart, and so does the transaction.
        drop((connection, broker));
        let broker = start(dir.path());
        let mut connection = broker.connect();
        assert_eq!(
            fetch_offset(&mut connection, true),
            (unstable, -1),
            "{protocol:?}"
        );
        assert_eq!(producer.end(&mut connection, true), None, "{protocol:?}");
        assert_eq!(fetch_offset(&mut connection, true), (None, 5), "{protocol:?}");
        if protocol == Protocol::Old {
            assert_eq!(producer.add_offsets(&mut connection, "g"), None);
        }
        assert_eq!(producer.commit_offset(&mut connection, ("g", -1), "t", 9), None);
        assert_eq!(producer.end(&mut connection, false), None);
        assert_eq!(fetch_offset(&mut connection, true), (None, 5), "{protocol:?}");
    }
}

#[test]
fn a_transaction_that_takes_too_long_is_aborted() {
    for protocol in BOTH {
        let dir = tempfile::tempdir().expect("dir");
        let (_broker, mut connection) = with_topic(dir.path());
        let short = init_request("id").with_transaction_timeout_ms(100);
        let response = connection.call(&short, 4).expect("InitProducerId");
        let mut producer = Producer::init(&mut connection, "id", protocol);
        let short = short
            .with_producer_id(response.producer_id)
            .with_producer_epoch(producer.epoch);
        let response = connection.call(&short, 4).expect("InitProducerId");
        producer.epoch = response.producer_epoch;
        producer.write(&mut connection, "t", 0, "slow");
        // A committed reader waits for the marker.
        let request = fetch_request("t", 0, 0)
            .with_isolation_level(1)
            .with_max_wait_ms(10_000);
        let response = connection.call(&request, 12).expect("Fetch");
        let data = &response.responses[0].partitions[0];
        assert_eq!(data.last_stable_offset, 2, "{protocol:?}");
        assert_eq!(committed_values(&mut connection, "t", 0), [""; 0]);
        let late = producer.send(&mut connection, "t", 0, "late");
        assert_eq!(late, Err(ResponseError::InvalidProducerEpoch), "{protocol:?}");
        let expected = match protocol {
            Protocol::Old => Some(ResponseError::ProducerFenced),
            Protocol::Two => Some(ResponseError::InvalidTxnState),
        };
        assert_eq!(producer.end(&mut connection, true), expected, "{protocol:?}");
    }
}

#[test]
fn administrators_see_transactions() {
    let dir = tempfile::tempdir().expect("dir");
    let (_broker, mut connection) = with_topic(dir.path());
    let mut producer = Producer::init(&mut connection, "id", Protocol::Two);
    producer.write(&mut connection, "t", 1, "v");
    let request = DescribeTransactionsRequest::default()
        .with_transactional_ids(vec![transactional_id("id"), transactional_id("nobody")]);
    let response = connection.call(&request, 0).expect("DescribeTransactions");
    let described = &response.transaction_states[0];
    assert_eq!(described.transaction_state.as_str(), "Ongoing");
    assert_eq!(described.topics[0].partitions, [1]);
    assert_eq!(described.producer_id.0, producer.id);
    let code = response.transaction_states[1].error_code;
    assert_eq!(error(code), Some(ResponseError::TransactionalIdNotFound));
    let request =
        ListTransactionsRequest::default().with_state_filters(vec![text("Ongoing"), text("Nonsense")]);
    let response = connection.call(&request, 1).expect("ListTransactions");
    assert_eq!(response.unknown_state_filters, [text("Nonsense")]);
    assert_eq!(
        response.transaction_states[0].transactional_id,
        transactional_id("id")
    );
    assert_eq!(list_offset(&mut connection, "t", -1), (0, 0));
    assert_eq!(producer.end(&mut connection, true), None);
}

#[test]
fn a_marker_of_an_administrator_does_not_keep_later_transactions_open() {
    for protocol in BOTH {
        let dir = tempfile::tempdir().expect("dir");
        let (_broker, mut connection) = with_topic(dir.path());
        let mut producer = Producer::init(&mut connection, "id", protocol);
        producer.write(&mut connection, "t", 0, "ended by hand");
        let place = WritableTxnMarkerTopic::default()
            .with_name(topic("t"))
            .with_partition_indexes(vec![0]);
        let marker = WritableTxnMarker::default()
            .with_producer_id(ProducerId(producer.id))
            .with_producer_epoch(producer.epoch)
            .with_coordinator_epoch(1_000)
            .with_topics(vec![place]);
        let request = WriteTxnMarkersRequest::default().with_markers(vec![marker]);
        let answer = connection.call(&request, 1).expect("WriteTxnMarkers");
        assert_eq!(answer.markers[0].topics[0].partitions[0].error_code, 0);
        assert_eq!(producer.end(&mut connection, true), None);
        producer.write(&mut connection, "t", 0, "committed");
        assert_eq!(producer.end(&mut connection, true), None);
        let seen = committed_values(&mut connection, "t", 0);
        assert_eq!(seen, ["committed"], "{protocol:?}");
    }
}
