//! The same message, encoded in every version that the codec has, gives the same facts.

use bytes::Bytes;
use highwater_model::history::{
    AbortedFact, AddPartitionsFacts, CommitFacts, CommittedOffset, EndTxnFacts, FetchFacts, FetchPosition,
    FetchedPartition, GroupFacts, Isolation, JoinedFacts, MemberFact, PartitionResult, RequestFacts,
    ResponseFacts, TransactionFacts,
};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic, ReplicaState};
use kafka_protocol::messages::fetch_response::{AbortedTransaction, FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::*;
use kafka_protocol::messages::{
    add_partitions_to_txn_request as add_request, add_partitions_to_txn_response as add_response,
};
use kafka_protocol::protocol::{Encodable, Message, Request, StrBytes};
use uuid::Uuid;

use super::super::{Depth, acks, client_software, request, response, topic_names};
use super::{ORDERS, names, written_as};
use crate::frame::{LENGTH_BYTES, RequestHeader, encode_request, encode_response};

const DEPTH: Depth<'_> = Depth::Batches;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn versions<M: Message>() -> std::ops::RangeInclusive<i16> {
    M::VERSIONS.min..=M::VERSIONS.max
}

/// A request as it comes: its header and its body.
fn sent<R: Request>(message: &R, version: i16) -> (RequestHeader, Bytes) {
    let mut frame = encode_request(message, version, 1, "test")
        .expect("encodes")
        .freeze()
        .split_off(LENGTH_BYTES);
    let header = RequestHeader::decode(&mut frame).expect("a header");
    (header, frame)
}

fn asks<R: Request>(message: &R, version: i16) -> RequestFacts {
    let (header, body) = sent(message, version);
    request(&header, body, &names(), DEPTH).expect("facts")
}

fn answered<R: Request>(message: &R::Response, version: i16) -> Bytes
where
    R::Response: Encodable,
{
    encode_response(message, version, 1)
        .expect("encodes")
        .freeze()
        .split_off(LENGTH_BYTES)
}

fn says<R: Request>(message: &R::Response, version: i16, asked: &RequestFacts) -> ResponseFacts
where
    R::Response: Encodable,
{
    let frame = answered::<R>(message, version);
    response(R::KEY, version, frame, asked, &names(), DEPTH).expect("facts")
}

/// By name up to a version, by id from there on.
fn name_or_id(by_id: bool) -> (TopicName, Uuid) {
    if by_id {
        (TopicName::default(), ORDERS)
    } else {
        (TopicName(text("orders")), Uuid::nil())
    }
}

fn result(partition: i32, error: i16, offset: i64) -> PartitionResult {
    PartitionResult {
        topic: "orders".to_owned(),
        partition,
        error,
        offset,
    }
}

fn transaction() -> TransactionFacts {
    TransactionFacts {
        transactional_id: "tx".to_owned(),
        producer_id: 9,
        producer_epoch: 4,
    }
}

#[test]
fn produce() {
    use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
    use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
    for version in versions::<ProduceRequest>() {
        let (name, id) = name_or_id(version >= 13);
        let partition = PartitionProduceData::default()
            .with_index(3)
            .with_records(Some(written_as("records-lz4", 2)));
        let message = ProduceRequest::default()
            .with_transactional_id(Some(TransactionalId(text("tx"))))
            .with_acks(-1)
            .with_timeout_ms(30_000)
            .with_topic_data(vec![
                TopicProduceData::default()
                    .with_name(name.clone())
                    .with_topic_id(id)
                    .with_partition_data(vec![partition]),
            ]);
        let RequestFacts::Produce(facts) = asks(&message, version) else {
            panic!("version {version}");
        };
        assert_eq!(facts.transactional_id.as_deref(), Some("tx"), "version {version}");
        assert_eq!((facts.acks, facts.timeout_ms), (-1, 30_000), "version {version}");
        assert_eq!(facts.partitions.len(), 1, "version {version}");
        assert_eq!(facts.partitions[0].topic, "orders", "version {version}");
        assert_eq!(facts.partitions[0].partition, 3, "version {version}");
        assert_eq!(
            facts.partitions[0].batches[0].base_sequence, 12,
            "version {version}"
        );
        let (_, body) = sent(&message, version);
        assert_eq!(acks(version, &body[..8]), Some(-1), "version {version}");

        let message = ProduceResponse::default().with_responses(vec![
            TopicProduceResponse::default()
                .with_name(name)
                .with_topic_id(id)
                .with_partition_responses(vec![
                    PartitionProduceResponse::default()
                        .with_index(3)
                        .with_base_offset(77),
                    PartitionProduceResponse::default()
                        .with_index(4)
                        .with_error_code(6)
                        .with_base_offset(-1),
                ]),
        ]);
        let expected = ResponseFacts::Partitions {
            error: 0,
            results: vec![result(3, 0, 77), result(4, 6, -1)],
        };
        let said = says::<ProduceRequest>(&message, version, &RequestFacts::Other);
        assert_eq!(said, expected, "version {version}");
    }
}

#[test]
fn an_unknown_id_stands_for_the_name() {
    let message = FetchRequest::default().with_topics(vec![
        FetchTopic::default()
            .with_topic_id(Uuid::from_u128(0xabc))
            .with_partitions(vec![FetchPartition::default()]),
    ]);
    let RequestFacts::Fetch(facts) = asks(&message, 13) else {
        panic!("a fetch");
    };
    assert_eq!(facts.positions[0].topic, "00000000-0000-0000-0000-000000000abc");
}

#[test]
fn fetch() {
    for version in versions::<FetchRequest>() {
        let (name, id) = name_or_id(version >= 13);
        let mut message = FetchRequest::default()
            .with_isolation_level(1)
            .with_max_bytes(1)
            .with_topics(vec![
                FetchTopic::default()
                    .with_topic(name.clone())
                    .with_topic_id(id)
                    .with_partitions(vec![
                        FetchPartition::default()
                            .with_partition(3)
                            .with_fetch_offset(42)
                            .with_current_leader_epoch(if version >= 9 { 2 } else { -1 }),
                    ]),
            ]);
        if version >= 15 {
            message.replica_state = ReplicaState::default().with_replica_id(BrokerId(2));
        } else {
            message.replica_id = BrokerId(2);
        }
        if version >= 7 {
            message.session_id = 11;
            message.session_epoch = 5;
            message.forgotten_topics_data = vec![
                ForgottenTopic::default()
                    .with_topic(name.clone())
                    .with_topic_id(id)
                    .with_partitions(vec![8]),
            ];
        }
        let expected = RequestFacts::Fetch(FetchFacts {
            replica_id: 2,
            isolation: Isolation::ReadCommitted,
            share_group: None,
            session_id: if version >= 7 { 11 } else { 0 },
            session_epoch: if version >= 7 { 5 } else { -1 },
            positions: vec![FetchPosition {
                topic: "orders".to_owned(),
                partition: 3,
                offset: 42,
                leader_epoch: if version >= 9 { 2 } else { -1 },
            }],
            forgotten: if version >= 7 {
                vec![("orders".to_owned(), 8)]
            } else {
                Vec::new()
            },
        });
        assert_eq!(asks(&message, version), expected, "version {version}");

        let message = FetchResponse::default()
            .with_error_code(0)
            .with_session_id(if version >= 7 { 11 } else { 0 })
            .with_responses(vec![
                FetchableTopicResponse::default()
                    .with_topic(name)
                    .with_topic_id(id)
                    .with_partitions(vec![
                        PartitionData::default()
                            .with_partition_index(3)
                            .with_high_watermark(100)
                            .with_last_stable_offset(90)
                            .with_log_start_offset(if version >= 5 { 10 } else { -1 })
                            .with_aborted_transactions(Some(vec![
                                AbortedTransaction::default()
                                    .with_producer_id(ProducerId(9))
                                    .with_first_offset(50),
                            ])),
                    ]),
            ]);
        let expected = ResponseFacts::Fetched {
            error: 0,
            session_id: if version >= 7 { 11 } else { 0 },
            partitions: vec![FetchedPartition {
                topic: "orders".to_owned(),
                partition: 3,
                error: 0,
                high_watermark: 100,
                last_stable_offset: 90,
                log_start_offset: if version >= 5 { 10 } else { -1 },
                aborted: vec![AbortedFact {
                    producer_id: 9,
                    first_offset: 50,
                }],
                batches: Vec::new(),
                acquired: Vec::new(),
            }],
        };
        let said = says::<FetchRequest>(&message, version, &RequestFacts::Other);
        assert_eq!(said, expected, "version {version}");
    }
}

#[test]
fn transactional_commits() {
    use kafka_protocol::messages::txn_offset_commit_request::{
        TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
    };
    for version in versions::<TxnOffsetCommitRequest>() {
        let mut message = TxnOffsetCommitRequest::default()
            .with_transactional_id(TransactionalId(text("tx")))
            .with_group_id(GroupId(text("g")))
            .with_producer_id(ProducerId(9))
            .with_producer_epoch(4)
            .with_topics(vec![
                TxnOffsetCommitRequestTopic::default()
                    .with_name(TopicName(text("orders")))
                    .with_partitions(vec![
                        TxnOffsetCommitRequestPartition::default()
                            .with_partition_index(3)
                            .with_committed_offset(42),
                    ]),
            ]);
        if version >= 3 {
            message.generation_id = 7;
            message.member_id = text("m");
        }
        let expected = RequestFacts::OffsetCommit(CommitFacts {
            group: GroupFacts {
                group_id: "g".to_owned(),
                member_id: if version >= 3 { "m" } else { "" }.to_owned(),
                instance_id: None,
                generation: if version >= 3 { 7 } else { -1 },
            },
            transaction: Some(transaction()),
            offsets: vec![CommittedOffset {
                topic: "orders".to_owned(),
                partition: 3,
                offset: 42,
            }],
        });
        assert_eq!(asks(&message, version), expected, "version {version}");
    }
}

#[test]
fn transactions() {
    let topics = || {
        vec![
            add_request::AddPartitionsToTxnTopic::default()
                .with_name(TopicName(text("orders")))
                .with_partitions(vec![3, 4]),
        ]
    };
    let results = || {
        vec![
            add_response::AddPartitionsToTxnTopicResult::default()
                .with_name(TopicName(text("orders")))
                .with_results_by_partition(vec![
                    add_response::AddPartitionsToTxnPartitionResult::default()
                        .with_partition_index(3)
                        .with_partition_error_code(51),
                ]),
        ]
    };
    for version in versions::<AddPartitionsToTxnRequest>() {
        let several = version >= 4;
        let asked = if several {
            AddPartitionsToTxnRequest::default().with_transactions(vec![
                add_request::AddPartitionsToTxnTransaction::default()
                    .with_transactional_id(TransactionalId(text("tx")))
                    .with_producer_id(ProducerId(9))
                    .with_producer_epoch(4)
                    .with_topics(topics()),
            ])
        } else {
            AddPartitionsToTxnRequest::default()
                .with_v3_and_below_transactional_id(TransactionalId(text("tx")))
                .with_v3_and_below_producer_id(ProducerId(9))
                .with_v3_and_below_producer_epoch(4)
                .with_v3_and_below_topics(topics())
        };
        let expected = RequestFacts::AddPartitionsToTxn(AddPartitionsFacts {
            transactions: vec![(
                transaction(),
                vec![("orders".to_owned(), 3), ("orders".to_owned(), 4)],
            )],
        });
        assert_eq!(asks(&asked, version), expected, "version {version}");

        let message = if several {
            AddPartitionsToTxnResponse::default().with_results_by_transaction(vec![
                add_response::AddPartitionsToTxnResult::default().with_topic_results(results()),
            ])
        } else {
            AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(results())
        };
        let expected = ResponseFacts::Partitions {
            error: 0,
            results: vec![result(3, 51, -1)],
        };
        let said = says::<AddPartitionsToTxnRequest>(&message, version, &RequestFacts::Other);
        assert_eq!(said, expected, "version {version}");
    }
    for version in versions::<AddOffsetsToTxnRequest>() {
        let message = AddOffsetsToTxnRequest::default()
            .with_transactional_id(TransactionalId(text("tx")))
            .with_producer_id(ProducerId(9))
            .with_producer_epoch(4)
            .with_group_id(GroupId(text("g")));
        let expected = RequestFacts::AddOffsetsToTxn {
            transaction: transaction(),
            group_id: "g".to_owned(),
        };
        assert_eq!(asks(&message, version), expected, "version {version}");
        let message = AddOffsetsToTxnResponse::default().with_error_code(16);
        let said = says::<AddOffsetsToTxnRequest>(&message, version, &RequestFacts::Other);
        assert_eq!(said, ResponseFacts::Error { error: 16 }, "version {version}");
    }
    for version in versions::<EndTxnRequest>() {
        let message = EndTxnRequest::default()
            .with_transactional_id(TransactionalId(text("tx")))
            .with_producer_id(ProducerId(9))
            .with_producer_epoch(4)
            .with_committed(true);
        let expected = RequestFacts::EndTxn(EndTxnFacts {
            transaction: transaction(),
            commit: true,
        });
        assert_eq!(asks(&message, version), expected, "version {version}");
        let mut message = EndTxnResponse::default().with_error_code(0);
        let expected = if version >= 5 {
            message = message.with_producer_id(ProducerId(9)).with_producer_epoch(5);
            ResponseFacts::Producer {
                error: 0,
                producer_id: 9,
                producer_epoch: 5,
            }
        } else {
            ResponseFacts::Error { error: 0 }
        };
        let said = says::<EndTxnRequest>(&message, version, &RequestFacts::Other);
        assert_eq!(said, expected, "version {version}");
    }
}

#[test]
fn groups() {
    use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
    use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
    use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
    const SUBSCRIPTION: &[u8] = b"\x00\x03\x00\x00\x00\x01\x00\x06orders\xff\xff\xff\xff";
    const ASSIGNMENT: &[u8] =
        b"\x00\x03\x00\x00\x00\x01\x00\x06orders\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04\xff\xff\xff\xff";
    let assigned = || vec![("orders".to_owned(), 3), ("orders".to_owned(), 4)];
    let group = |generation| GroupFacts {
        group_id: "g".to_owned(),
        member_id: "m".to_owned(),
        instance_id: None,
        generation,
    };
    for version in versions::<JoinGroupRequest>() {
        let message = JoinGroupRequest::default()
            .with_group_id(GroupId(text("g")))
            .with_member_id(text("m"))
            .with_session_timeout_ms(45_000)
            .with_rebalance_timeout_ms(if version >= 1 { 300_000 } else { -1 })
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![
                JoinGroupRequestProtocol::default()
                    .with_name(text("range"))
                    .with_metadata(Bytes::from_static(SUBSCRIPTION)),
                JoinGroupRequestProtocol::default().with_name(text("own")),
            ]);
        let expected = RequestFacts::JoinGroup {
            group: group(-1),
            session_timeout_ms: 45_000,
            rebalance_timeout_ms: if version >= 1 { 300_000 } else { -1 },
            topics: vec!["orders".to_owned()],
            assignors: vec!["range".to_owned(), "own".to_owned()],
        };
        assert_eq!(asks(&message, version), expected, "version {version}");
        let message = JoinGroupResponse::default()
            .with_generation_id(7)
            .with_protocol_name(Some(text("range")))
            .with_leader(text("m"))
            .with_member_id(text("m"))
            .with_members(vec![JoinGroupResponseMember::default().with_member_id(text("m"))]);
        let expected = ResponseFacts::Joined(JoinedFacts {
            error: 0,
            generation: 7,
            assignor: Some("range".to_owned()),
            leader: "m".to_owned(),
            member_id: "m".to_owned(),
            members: vec!["m".to_owned()],
        });
        let said = says::<JoinGroupRequest>(&message, version, &RequestFacts::Other);
        assert_eq!(said, expected, "version {version}");
    }
    for version in versions::<SyncGroupRequest>() {
        let message = SyncGroupRequest::default()
            .with_group_id(GroupId(text("g")))
            .with_member_id(text("m"))
            .with_generation_id(7)
            .with_assignments(vec![
                SyncGroupRequestAssignment::default()
                    .with_member_id(text("m"))
                    .with_assignment(Bytes::from_static(ASSIGNMENT)),
                SyncGroupRequestAssignment::default()
                    .with_member_id(text("other"))
                    .with_assignment(Bytes::from_static(b"something else")),
            ]);
        let expected = RequestFacts::SyncGroup {
            group: group(7),
            assignments: vec![
                MemberFact {
                    member_id: "m".to_owned(),
                    partitions: assigned(),
                },
                MemberFact {
                    member_id: "other".to_owned(),
                    partitions: Vec::new(),
                },
            ],
        };
        assert_eq!(asks(&message, version), expected, "version {version}");
        for (error, partitions) in [(0, Some(assigned())), (27, None)] {
            let message = SyncGroupResponse::default()
                .with_error_code(error)
                .with_assignment(if error == 0 {
                    Bytes::from_static(ASSIGNMENT)
                } else {
                    Bytes::new()
                });
            let expected = ResponseFacts::Assigned {
                error,
                member_id: None,
                member_epoch: None,
                partitions,
            };
            let said = says::<SyncGroupRequest>(&message, version, &RequestFacts::Other);
            assert_eq!(said, expected, "version {version}, error {error}");
        }
    }
    for version in versions::<HeartbeatRequest>() {
        let message = HeartbeatRequest::default()
            .with_group_id(GroupId(text("g")))
            .with_member_id(text("m"))
            .with_generation_id(7);
        let expected = RequestFacts::Heartbeat(group(7));
        assert_eq!(asks(&message, version), expected, "version {version}");
        let message = HeartbeatResponse::default().with_error_code(27);
        let said = says::<HeartbeatRequest>(&message, version, &RequestFacts::Other);
        assert_eq!(said, ResponseFacts::Error { error: 27 }, "version {version}");
    }
}

#[test]
fn other_client_protocols_are_not_read() {
    use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
    for (protocol, expected) in [("consumer", 1), ("connect", 0)] {
        let message = JoinGroupRequest::default()
            .with_protocol_type(text(protocol))
            .with_protocols(vec![
                JoinGroupRequestProtocol::default()
                    .with_metadata(Bytes::from_static(b"\x00\x00\x00\x00\x00\x01\x00\x01a")),
            ]);
        let RequestFacts::JoinGroup { topics, .. } = asks(&message, 5) else {
            panic!("{protocol}");
        };
        assert_eq!(topics.len(), expected, "{protocol}");
    }
}

#[test]
fn leaving() {
    use kafka_protocol::messages::leave_group_request::MemberIdentity;
    use kafka_protocol::messages::leave_group_response::MemberResponse;
    for version in versions::<LeaveGroupRequest>() {
        let several = version >= 3;
        let mut message = LeaveGroupRequest::default().with_group_id(GroupId(text("g")));
        if several {
            message.members = vec![MemberIdentity::default().with_member_id(text("m"))];
        } else {
            message.member_id = text("m");
        }
        let expected = RequestFacts::LeaveGroup {
            group_id: "g".to_owned(),
            members: vec!["m".to_owned()],
        };
        assert_eq!(asks(&message, version), expected, "version {version}");
        let message = if several {
            LeaveGroupResponse::default().with_members(vec![MemberResponse::default().with_error_code(25)])
        } else {
            LeaveGroupResponse::default().with_error_code(25)
        };
        let said = says::<LeaveGroupRequest>(&message, version, &RequestFacts::Other);
        assert_eq!(said, ResponseFacts::Error { error: 25 }, "version {version}");
    }
}

#[test]
fn coordinators() {
    use kafka_protocol::messages::find_coordinator_response::Coordinator;
    for version in versions::<FindCoordinatorRequest>() {
        let mut message = FindCoordinatorRequest::default().with_key_type(i8::from(version >= 1));
        if version >= 4 {
            message.coordinator_keys = vec![text("tx")];
        } else {
            message.key = text("tx");
        }
        let expected = RequestFacts::FindCoordinator {
            key_type: i8::from(version >= 1),
            keys: vec!["tx".to_owned()],
        };
        assert_eq!(asks(&message, version), expected, "version {version}");
        let message = if version >= 4 {
            FindCoordinatorResponse::default()
                .with_coordinators(vec![Coordinator::default().with_error_code(15)])
        } else {
            FindCoordinatorResponse::default().with_error_code(15)
        };
        let said = says::<FindCoordinatorRequest>(&message, version, &RequestFacts::Other);
        assert_eq!(said, ResponseFacts::Error { error: 15 }, "version {version}");
    }
}

#[test]
fn committed_offsets_of_one_group() {
    use kafka_protocol::messages::offset_fetch_response::{
        OffsetFetchResponsePartition, OffsetFetchResponseTopic,
    };
    for version in 1..8 {
        let asked = asks(
            &OffsetFetchRequest::default()
                .with_group_id(GroupId(text("g")))
                .with_require_stable(version >= 7),
            version,
        );
        let expected = RequestFacts::OffsetFetch {
            groups: vec!["g".to_owned()],
            require_stable: version >= 7,
        };
        assert_eq!(asked, expected, "version {version}");
        let message = OffsetFetchResponse::default().with_topics(vec![
            OffsetFetchResponseTopic::default()
                .with_name(TopicName(text("orders")))
                .with_partitions(vec![
                    OffsetFetchResponsePartition::default()
                        .with_partition_index(3)
                        .with_committed_offset(42),
                ]),
        ]);
        let expected = ResponseFacts::CommittedOffsets {
            error: 0,
            groups: vec![(
                "g".to_owned(),
                vec![CommittedOffset {
                    topic: "orders".to_owned(),
                    partition: 3,
                    offset: 42,
                }],
            )],
        };
        let said = says::<OffsetFetchRequest>(&message, version, &asked);
        assert_eq!(said, expected, "version {version}");
    }
}

#[test]
fn heartbeats_of_assigned_groups() {
    use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
    use kafka_protocol::messages::consumer_group_heartbeat_response as heartbeat_response;
    for version in versions::<ConsumerGroupHeartbeatRequest>() {
        let message = ConsumerGroupHeartbeatRequest::default()
            .with_group_id(GroupId(text("g")))
            .with_member_id(text("m"))
            .with_member_epoch(7)
            .with_subscribed_topic_names(Some(vec![TopicName(text("orders"))]))
            .with_topic_partitions(Some(vec![
                TopicPartitions::default()
                    .with_topic_id(ORDERS)
                    .with_partitions(vec![3]),
            ]));
        let expected = RequestFacts::ConsumerGroupHeartbeat {
            group: GroupFacts {
                group_id: "g".to_owned(),
                member_id: "m".to_owned(),
                instance_id: None,
                generation: 7,
            },
            topics: Some(vec!["orders".to_owned()]),
            owned: Some(vec![("orders".to_owned(), 3)]),
        };
        assert_eq!(asks(&message, version), expected, "version {version}");
        let message = ConsumerGroupHeartbeatResponse::default()
            .with_member_epoch(8)
            .with_assignment(Some(
                heartbeat_response::Assignment::default().with_topic_partitions(vec![
                    heartbeat_response::TopicPartitions::default()
                        .with_topic_id(ORDERS)
                        .with_partitions(vec![3]),
                ]),
            ));
        let expected = ResponseFacts::Assigned {
            error: 0,
            member_id: None,
            member_epoch: Some(8),
            partitions: Some(vec![("orders".to_owned(), 3)]),
        };
        let said = says::<ConsumerGroupHeartbeatRequest>(&message, version, &RequestFacts::Other);
        assert_eq!(said, expected, "version {version}");
    }
}

#[test]
fn names_of_topics() {
    use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
    for version in versions::<MetadataRequest>() {
        let mut topic = MetadataResponseTopic::default().with_name(Some(TopicName(text("orders"))));
        if version >= 10 {
            topic.topic_id = ORDERS;
        }
        let message = MetadataResponse::default().with_topics(vec![topic]);
        let found = topic_names(version, answered::<MetadataRequest>(&message, version)).expect("names");
        let expected = if version >= 10 {
            vec![(ORDERS, "orders".to_owned())]
        } else {
            Vec::new()
        };
        assert_eq!(found, expected, "version {version}");
    }
}

#[test]
fn software_of_clients() {
    for version in versions::<ApiVersionsRequest>() {
        let mut message = ApiVersionsRequest::default();
        if version >= 3 {
            message.client_software_name = text("librdkafka");
            message.client_software_version = text("2.12.1");
        }
        let (header, body) = sent(&message, version);
        let expected = (version >= 3).then(|| ("librdkafka".to_owned(), "2.12.1".to_owned()));
        assert_eq!(client_software(&header, body), expected, "version {version}");
    }
}
