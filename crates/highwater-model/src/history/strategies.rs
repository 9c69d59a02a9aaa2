//! Any event that the types allow.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use crate::history::*;

/// Few texts, so that they repeat, and now and then one that is new, long or not ASCII.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec!["", "orders", "payments", "etl-1"]).prop_map(str::to_owned),
        2 => "\\PC{0,12}",
        1 => "[a-zä]{250,300}",
    ]
}

/// Small numbers mostly, as in real events.
fn long() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -1..300_i64, 1 => any::<i64>()]
}

fn unsigned() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..300_u64, 1 => any::<u64>()]
}

fn partition() -> impl Strategy<Value = (String, i32)> {
    (text(), any::<i32>())
}

fn record() -> impl Strategy<Value = RecordFacts> {
    let header = (text(), of(text())).prop_map(|(key, value)| HeaderFact { key, value });
    (
        prop_oneof![0..4_i32, any::<i32>()],
        of(any::<u64>()),
        of(any::<u64>()),
        prop_oneof![Just(1024_u32), any::<u32>()],
        prop_oneof![5 => Just(Vec::new()), 1 => vec(header, 0..3)],
    )
        .prop_map(|(offset_delta, key, value, value_bytes, headers)| RecordFacts {
            offset_delta,
            key: key.map(ContentHash),
            value: value.map(ContentHash),
            value_bytes,
            headers,
        })
}

/// Records as clients send them, or any.
fn records() -> impl Strategy<Value = Vec<RecordFacts>> {
    let plain = (any::<u64>(), 0..400_i32, of(any::<u64>())).prop_map(|(seed, count, key)| {
        let record = |offset_delta: i32| RecordFacts {
            offset_delta,
            key: key.map(ContentHash),
            value: Some(ContentHash(seed ^ u64::from(offset_delta.unsigned_abs()))),
            value_bytes: 1024,
            headers: Vec::new(),
        };
        (0..count).map(record).collect()
    });
    prop_oneof![plain, vec(record(), 0..6)]
}

fn batch() -> impl Strategy<Value = BatchFacts> {
    let marker = prop::sample::select(vec![MarkerFact::Commit, MarkerFact::Abort, MarkerFact::Other]);
    let codec = prop::sample::select(vec![
        CodecName::None,
        CodecName::Gzip,
        CodecName::Snappy,
        CodecName::Lz4,
        CodecName::Zstd,
        CodecName::Unknown,
    ]);
    (
        (
            long(),
            any::<i32>(),
            any::<i32>(),
            long(),
            any::<i16>(),
            any::<i32>(),
        ),
        (
            any::<bool>(),
            of(marker),
            codec,
            any::<i64>(),
            any::<u32>(),
            records(),
        ),
    )
        .prop_map(|(first, second)| BatchFacts {
            base_offset: first.0,
            last_offset_delta: first.1,
            leader_epoch: first.2,
            producer_id: first.3,
            producer_epoch: first.4,
            base_sequence: first.5,
            transactional: second.0,
            marker: second.1,
            codec: second.2,
            max_timestamp_ms: second.3,
            bytes: second.4,
            records: second.5,
        })
}

fn group() -> impl Strategy<Value = GroupFacts> {
    (text(), text(), of(text()), any::<i32>()).prop_map(|(group_id, member_id, instance_id, generation)| {
        GroupFacts {
            group_id,
            member_id,
            instance_id,
            generation,
        }
    })
}

fn transaction() -> impl Strategy<Value = TransactionFacts> {
    (text(), long(), any::<i16>()).prop_map(|(transactional_id, producer_id, producer_epoch)| {
        TransactionFacts {
            transactional_id,
            producer_id,
            producer_epoch,
        }
    })
}

fn isolation() -> impl Strategy<Value = Isolation> {
    prop::sample::select(vec![Isolation::ReadUncommitted, Isolation::ReadCommitted])
}

fn committed() -> impl Strategy<Value = CommittedOffset> {
    (text(), any::<i32>(), long()).prop_map(|(topic, partition, offset)| CommittedOffset {
        topic,
        partition,
        offset,
    })
}

fn member() -> impl Strategy<Value = MemberFact> {
    (text(), vec(partition(), 0..3)).prop_map(|(member_id, partitions)| MemberFact {
        member_id,
        partitions,
    })
}

fn produce() -> impl Strategy<Value = ProduceFacts> {
    let produced = (text(), any::<i32>(), vec(batch(), 0..3)).prop_map(|(topic, partition, batches)| {
        ProducedPartition {
            topic,
            partition,
            batches,
        }
    });
    (of(text()), any::<i16>(), any::<i32>(), vec(produced, 0..3)).prop_map(
        |(transactional_id, acks, timeout_ms, partitions)| ProduceFacts {
            transactional_id,
            acks,
            timeout_ms,
            partitions,
        },
    )
}

fn fetch() -> impl Strategy<Value = FetchFacts> {
    let position =
        (text(), any::<i32>(), long(), any::<i32>()).prop_map(|(topic, partition, offset, leader_epoch)| {
            FetchPosition {
                topic,
                partition,
                offset,
                leader_epoch,
            }
        });
    (
        any::<i32>(),
        isolation(),
        of(group()),
        any::<i32>(),
        any::<i32>(),
        vec(position, 0..60),
        vec(partition(), 0..3),
    )
        .prop_map(
            |(replica_id, isolation, share_group, session_id, session_epoch, positions, forgotten)| {
                FetchFacts {
                    replica_id,
                    isolation,
                    share_group,
                    session_id,
                    session_epoch,
                    positions,
                    forgotten,
                }
            },
        )
}

fn request() -> impl Strategy<Value = RequestFacts> {
    prop_oneof![
        produce().prop_map(RequestFacts::Produce),
        fetch().prop_map(RequestFacts::Fetch),
        (
            group(),
            any::<i32>(),
            any::<i32>(),
            vec(text(), 0..3),
            vec(text(), 0..3)
        )
            .prop_map(
                |(group, session_timeout_ms, rebalance_timeout_ms, topics, assignors)| {
                    RequestFacts::JoinGroup {
                        group,
                        session_timeout_ms,
                        rebalance_timeout_ms,
                        topics,
                        assignors,
                    }
                }
            ),
        (group(), vec(member(), 0..3))
            .prop_map(|(group, assignments)| RequestFacts::SyncGroup { group, assignments }),
        group().prop_map(RequestFacts::Heartbeat),
        (text(), vec(text(), 0..3))
            .prop_map(|(group_id, members)| RequestFacts::LeaveGroup { group_id, members }),
        (group(), of(vec(text(), 0..3)), of(vec(partition(), 0..3))).prop_map(|(group, topics, owned)| {
            RequestFacts::ConsumerGroupHeartbeat { group, topics, owned }
        }),
        (group(), of(transaction()), vec(committed(), 0..3)).prop_map(|(group, transaction, offsets)| {
            RequestFacts::OffsetCommit(CommitFacts {
                group,
                transaction,
                offsets,
            })
        }),
        (vec(text(), 0..3), any::<bool>()).prop_map(|(groups, require_stable)| RequestFacts::OffsetFetch {
            groups,
            require_stable
        }),
        (of(text()), any::<i32>(), long(), any::<i16>()).prop_map(
            |(transactional_id, transaction_timeout_ms, producer_id, producer_epoch)| {
                RequestFacts::InitProducerId(InitProducerFacts {
                    transactional_id,
                    transaction_timeout_ms,
                    producer_id,
                    producer_epoch,
                })
            }
        ),
        vec((transaction(), vec(partition(), 0..3)), 0..3)
            .prop_map(|transactions| RequestFacts::AddPartitionsToTxn(AddPartitionsFacts { transactions })),
        (transaction(), text()).prop_map(|(transaction, group_id)| RequestFacts::AddOffsetsToTxn {
            transaction,
            group_id
        }),
        (transaction(), any::<bool>())
            .prop_map(|(transaction, commit)| RequestFacts::EndTxn(EndTxnFacts { transaction, commit })),
        (any::<i8>(), vec(text(), 0..3))
            .prop_map(|(key_type, keys)| RequestFacts::FindCoordinator { key_type, keys }),
        (isolation(), vec((text(), any::<i32>(), long()), 0..3)).prop_map(|(isolation, partitions)| {
            RequestFacts::ListOffsets {
                isolation,
                partitions,
            }
        }),
        Just(RequestFacts::Other),
    ]
}

fn fetched() -> impl Strategy<Value = FetchedPartition> {
    let aborted = (long(), long()).prop_map(|(producer_id, first_offset)| AbortedFact {
        producer_id,
        first_offset,
    });
    (
        (text(), any::<i32>(), any::<i16>(), long(), long(), long()),
        vec(aborted, 0..3),
        vec(batch(), 0..3),
        vec((long(), long(), any::<i16>()), 0..3),
    )
        .prop_map(|(first, aborted, batches, acquired)| FetchedPartition {
            topic: first.0,
            partition: first.1,
            error: first.2,
            high_watermark: first.3,
            last_stable_offset: first.4,
            log_start_offset: first.5,
            aborted,
            batches,
            acquired,
        })
}

fn response() -> impl Strategy<Value = ResponseFacts> {
    let result =
        (text(), any::<i32>(), any::<i16>(), long()).prop_map(|(topic, partition, error, offset)| {
            PartitionResult {
                topic,
                partition,
                error,
                offset,
            }
        });
    prop_oneof![
        (any::<i16>(), vec(result, 0..4))
            .prop_map(|(error, results)| ResponseFacts::Partitions { error, results }),
        (any::<i16>(), any::<i32>(), vec(fetched(), 0..3)).prop_map(|(error, session_id, partitions)| {
            ResponseFacts::Fetched {
                error,
                session_id,
                partitions,
            }
        }),
        (
            any::<i16>(),
            any::<i32>(),
            of(text()),
            text(),
            text(),
            vec(text(), 0..3)
        )
            .prop_map(|(error, generation, assignor, leader, member_id, members)| {
                ResponseFacts::Joined(JoinedFacts {
                    error,
                    generation,
                    assignor,
                    leader,
                    member_id,
                    members,
                })
            }),
        (
            any::<i16>(),
            of(text()),
            of(any::<i32>()),
            of(vec(partition(), 0..3))
        )
            .prop_map(
                |(error, member_id, member_epoch, partitions)| ResponseFacts::Assigned {
                    error,
                    member_id,
                    member_epoch,
                    partitions,
                }
            ),
        (any::<i16>(), vec((text(), vec(committed(), 0..3)), 0..3))
            .prop_map(|(error, groups)| ResponseFacts::CommittedOffsets { error, groups }),
        (any::<i16>(), long(), any::<i16>()).prop_map(|(error, producer_id, producer_epoch)| {
            ResponseFacts::Producer {
                error,
                producer_id,
                producer_epoch,
            }
        }),
        any::<i16>().prop_map(|error| ResponseFacts::Error { error }),
        Just(ResponseFacts::Other),
    ]
}

fn connection() -> impl Strategy<Value = ConnectionId> {
    any::<u32>().prop_map(ConnectionId)
}

fn exchange() -> impl Strategy<Value = ExchangeId> {
    unsigned().prop_map(ExchangeId)
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        text().prop_map(|evidence| Trouble::Bypass { evidence }),
        (exchange(), any::<i16>(), any::<i16>(), any::<bool>(), text()).prop_map(
            |(exchange, api_key, api_version, wanted_by_rule, reason)| Trouble::Undecoded {
                exchange,
                api_key,
                api_version,
                wanted_by_rule,
                reason,
            }
        ),
        (exchange(), unsigned()).prop_map(|(exchange, bytes)| Trouble::Unrecorded { exchange, bytes }),
        (connection(), text()).prop_map(|(connection, reason)| Trouble::Opaque { connection, reason }),
    ]
}

fn address() -> impl Strategy<Value = NodeAddress> {
    (text(), any::<u16>()).prop_map(|(host, port)| NodeAddress { host, port })
}

fn rare() -> impl Strategy<Value = HistoryBody> {
    use prop::sample::select;
    let side = select(vec![Side::Client, Side::Broker, Side::Proxy]);
    let fault = select(vec![FaultChange::Armed, FaultChange::Fired, FaultChange::Lifted]);
    let process = select(vec![
        ProcessChange::Started,
        ProcessChange::Stopped,
        ProcessChange::Killed,
        ProcessChange::Paused,
        ProcessChange::Resumed,
        ProcessChange::Exited,
    ]);
    prop_oneof![
        (text(), text(), text(), text(), vec(text(), 0..3)).prop_map(
            |(highwater_version, started_at, target, seed, rules)| HistoryBody::Began {
                highwater_version,
                started_at,
                target,
                seed,
                rules,
            }
        ),
        (of(any::<i32>()), address(), address()).prop_map(|(node, upstream, listener)| HistoryBody::Broker {
            node,
            upstream,
            listener
        }),
        (connection(), of(any::<i32>()), text(), any::<bool>()).prop_map(|(connection, node, from, tls)| {
            HistoryBody::Connected {
                connection,
                node,
                from,
                tls,
            }
        }),
        (connection(), of(text()), of(text()), of(text()), of(text())).prop_map(
            |(connection, client_id, software_name, software_version, principal)| HistoryBody::Identified {
                connection,
                client_id,
                software_name,
                software_version,
                principal,
            }
        ),
        (connection(), side, text()).prop_map(|(connection, by, reason)| HistoryBody::Disconnected {
            connection,
            by,
            reason
        }),
        (exchange(), any::<bool>()).prop_map(|(exchange, client_gone)| HistoryBody::Forwarded {
            exchange,
            client_gone
        }),
        (exchange(), any::<bool>())
            .prop_map(|(exchange, forwarded)| HistoryBody::Unanswered { exchange, forwarded }),
        (
            any::<u16>(),
            fault,
            of(exchange()),
            of(connection()),
            unsigned(),
            unsigned()
        )
            .prop_map(
                |(rule, change, exchange, connection, matched, fired)| HistoryBody::Fault {
                    rule,
                    change,
                    exchange,
                    connection,
                    matched,
                    fired,
                }
            ),
        (text(), of(any::<u32>()), process, text()).prop_map(|(name, pid, change, detail)| {
            HistoryBody::Process {
                name,
                pid,
                change,
                detail,
            }
        }),
        trouble().prop_map(HistoryBody::Trouble),
        (unsigned(), unsigned(), unsigned()).prop_map(|(requests, responses, waited_ns)| {
            HistoryBody::Ended {
                requests,
                responses,
                waited_ns,
            }
        }),
    ]
}

fn body() -> impl Strategy<Value = HistoryBody> {
    use prop::sample::select;
    let request_fate = select(vec![
        RequestFate::Forwarded,
        RequestFate::Duplicated,
        RequestFate::Held,
        RequestFate::Rejected,
        RequestFate::Swallowed,
    ]);
    let response_fate = select(vec![
        ResponseFate::Delivered,
        ResponseFate::Discarded,
        ResponseFate::Altered,
        ResponseFate::Made,
        ResponseFate::Surplus,
        ResponseFate::ClientGone,
    ]);
    prop_oneof![
        3 => (
            connection(), exchange(), any::<i16>(), any::<i16>(), any::<u32>(), request_fate, of(any::<u16>()),
            request(),
        )
            .prop_map(|(connection, exchange, api_key, api_version, bytes, fate, rule, facts)| HistoryBody::Request {
                connection, exchange, api_key, api_version, bytes, fate, rule, facts,
            }),
        3 => (exchange(), any::<u32>(), response_fate, of(any::<u16>()), response()).prop_map(
            |(exchange, bytes, fate, rule, facts)| HistoryBody::Response { exchange, bytes, fate, rule, facts }
        ),
        2 => rare(),
    ]
}

/// Events in a row; sequence numbers without gaps mostly, moments that only go on.
pub(super) fn events() -> impl Strategy<Value = Vec<HistoryEvent>> {
    let gap = prop_oneof![9 => Just(0_u64), 1 => any::<u64>()];
    vec((gap, 0..10_000_000_u64, body()), 1..12).prop_map(|drafts| {
        let (mut sequence, mut at_ns) = (0_u64, 0);
        let mut events = Vec::new();
        for (gap, step, body) in drafts {
            sequence = sequence.wrapping_add(gap);
            at_ns += step;
            events.push(HistoryEvent {
                sequence,
                at_ns,
                body,
            });
            sequence = sequence.wrapping_add(1);
        }
        events
    })
}
