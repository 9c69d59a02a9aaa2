use super::{Library, Remedy};

#[cfg(test)]
impl Library {
    pub(super) const ALL: [Self; 9] = [
        Self::Java,
        Self::Librdkafka,
        Self::KafkaPython,
        Self::Aiokafka,
        Self::FranzGo,
        Self::Sarama,
        Self::KafkaJs,
        Self::KafkaGo,
        Self::Unknown,
    ];
}

#[cfg(test)]
impl Remedy {
    pub(super) const ALL: [Self; 18] = [
        Self::AcksAll,
        Self::Idempotence,
        Self::InFlight,
        Self::ReadCommitted,
        Self::GroupMetadata,
        Self::NewTransactions,
        Self::CommitAfterOutput,
        Self::AutoCommit,
        Self::FixedTransactionalId,
        Self::SessionTimeout,
        Self::PollInterval,
        Self::SamePartitioner,
        Self::StableOffsets,
        Self::Subscribe,
        Self::TransactionTimeoutMax,
        Self::TransactionTimeout,
        Self::ResetEarliest,
        Self::Rewind,
    ];
}

impl Remedy {
    /// What to set, in the words of the library.
    pub(in crate::lint) fn setting(self, library: Library) -> &'static str {
        self.own_words(library).unwrap_or_else(|| self.kafka_terms())
    }

    /// In the terms of Kafka's own documentation; the Java client uses them as they are.
    fn kafka_terms(self) -> &'static str {
        match self {
            Self::AcksAll => "acks=all",
            Self::Idempotence => "enable.idempotence=true",
            Self::InFlight => "enable.idempotence=true, or max.in.flight.requests.per.connection=1",
            Self::ReadCommitted => "isolation.level=read_committed",
            Self::GroupMetadata => {
                "producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata()), of a consumer that subscribed"
            }
            Self::NewTransactions => {
                "a client with transactions version 2 (Java 4.0 or newer), and on the cluster: kafka-features.sh upgrade \
                 --feature transaction.version=2"
            }
            Self::CommitAfterOutput => {
                "enable.auto.commit=false, and commit after flush(); or send the offsets in the producer's transaction"
            }
            Self::AutoCommit => "enable.auto.commit=false, and commit what has been processed",
            Self::FixedTransactionalId => {
                "transactional.id: the same at every start of the same instance, e.g. from its ordinal"
            }
            Self::SessionTimeout => {
                "session.timeout.ms: at least twice the longest pause, with heartbeat.interval.ms a third of it"
            }
            Self::PollInterval => "max.poll.interval.ms: longer, or max.poll.records: fewer",
            Self::SamePartitioner => "the same partitioner for all writers of the topic",
            Self::StableOffsets => "isolation.level=read_committed, which also asks for stable offsets",
            Self::Subscribe => {
                "subscribe() with a group.id instead of assign(), if the group is meant to share the work"
            }
            Self::TransactionTimeoutMax => {
                "transaction.timeout.ms: at most the broker's transaction.max.timeout.ms"
            }
            Self::TransactionTimeout => {
                "transaction.timeout.ms: longer than the longest outage to be survived, or shorter transactions"
            }
            Self::ResetEarliest => "auto.offset.reset=earliest, or none to be told",
            Self::Rewind => "after abortTransaction(): seek() every partition back to its committed offset",
        }
    }

    fn own_words(self, library: Library) -> Option<&'static str> {
        match library {
            Library::Java | Library::Unknown => None,
            Library::Librdkafka => self.librdkafka(),
            Library::KafkaPython => self.kafka_python(),
            Library::Aiokafka => self.aiokafka(),
            Library::FranzGo => self.franz_go(),
            Library::Sarama => self.sarama(),
            Library::KafkaJs => self.kafka_js(),
            Library::KafkaGo => self.kafka_go(),
        }
    }

    fn librdkafka(self) -> Option<&'static str> {
        Some(match self {
            Self::GroupMetadata => {
                "send_offsets_to_transaction(offsets, consumer_group_metadata()), of a consumer that subscribed"
            }
            Self::AutoCommit => {
                "enable.auto.offset.store=false with store_offsets() after processing, or enable.auto.commit=false"
            }
            Self::SamePartitioner => {
                "partitioner=murmur2_random, which is what Java producers do; the default here is consistent_random (CRC-32)"
            }
            Self::PollInterval => "max.poll.interval.ms: longer, or less work between two calls of poll",
            Self::Rewind => "after abort_transaction(): seek() every partition back to its committed offset",
            Self::NewTransactions => {
                "a client with transactions version 2 (KIP-890); librdkafka 2.12 speaks version 1, so keep transactions \
                 short of transaction.timeout.ms"
            }
            _ => return None,
        })
    }

    fn kafka_python(self) -> Option<&'static str> {
        Some(match self {
            Self::AcksAll => "acks='all'",
            Self::Idempotence => "enable_idempotence=True (kafka-python 2.1 or newer)",
            Self::InFlight => "enable_idempotence=True, or max_in_flight_requests_per_connection=1",
            Self::ReadCommitted | Self::StableOffsets => "isolation_level='read_committed'",
            Self::CommitAfterOutput => {
                "enable_auto_commit=False, and consumer.commit() after producer.flush()"
            }
            Self::AutoCommit => "enable_auto_commit=False, and consumer.commit() after processing",
            Self::FixedTransactionalId => "transactional_id: the same at every start of the same instance",
            Self::SessionTimeout => "session_timeout_ms: at least twice the longest pause",
            Self::PollInterval => "max_poll_interval_ms: longer, or max_poll_records: fewer",
            Self::TransactionTimeoutMax => {
                "transaction_timeout_ms: at most the broker's transaction.max.timeout.ms"
            }
            Self::TransactionTimeout => "transaction_timeout_ms: longer, or shorter transactions",
            Self::ResetEarliest => "auto_offset_reset='earliest', or 'none' to be told",
            Self::Rewind => "after abort_transaction(): seek() every partition back to its committed offset",
            Self::GroupMetadata => {
                "send_offsets_to_transaction() with the consumer's group metadata, not only the group id; or one \
                 transactional_id for each input partition"
            }
            _ => return None,
        })
    }

    fn aiokafka(self) -> Option<&'static str> {
        Some(match self {
            Self::Idempotence | Self::InFlight => "enable_idempotence=True",
            Self::CommitAfterOutput => {
                "enable_auto_commit=False, and await consumer.commit() after await producer.send_and_wait()"
            }
            Self::AutoCommit => "enable_auto_commit=False, and await consumer.commit() after processing",
            Self::GroupMetadata => {
                "one transactional_id for each input partition: aiokafka sends no group metadata in a transaction"
            }
            other => return other.kafka_python(),
        })
    }

    fn franz_go(self) -> Option<&'static str> {
        Some(match self {
            Self::AcksAll => "kgo.RequiredAcks(kgo.AllISRAcks()), the default",
            Self::Idempotence | Self::InFlight => "without kgo.DisableIdempotentWrite(), the default",
            Self::ReadCommitted => "kgo.FetchIsolationLevel(kgo.ReadCommitted())",
            Self::StableOffsets => "kgo.RequireStableFetchOffsets()",
            Self::GroupMetadata => "kgo.NewGroupTransactSession instead of offsets sent by hand",
            Self::CommitAfterOutput => {
                "kgo.DisableAutoCommit() and CommitRecords after Flush, or kgo.AutoCommitMarks()"
            }
            Self::AutoCommit => {
                "kgo.AutoCommitMarks() with MarkCommitRecords after processing, or kgo.DisableAutoCommit()"
            }
            Self::FixedTransactionalId => "kgo.TransactionalID: the same at every start of the same instance",
            Self::SessionTimeout => "kgo.SessionTimeout: at least twice the longest pause",
            Self::SamePartitioner => {
                "kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), which is what Java producers do"
            }
            Self::TransactionTimeoutMax => {
                "kgo.TransactionTimeout: at most the broker's transaction.max.timeout.ms"
            }
            Self::TransactionTimeout => "kgo.TransactionTimeout: longer, or shorter transactions",
            Self::ResetEarliest => "kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())",
            Self::Subscribe => "kgo.ConsumerGroup with kgo.ConsumeTopics",
            _ => return None,
        })
    }

    fn sarama(self) -> Option<&'static str> {
        Some(match self {
            Self::AcksAll => "Producer.RequiredAcks = sarama.WaitForAll",
            Self::Idempotence => "Producer.Idempotent = true, with Net.MaxOpenRequests = 1",
            Self::InFlight => "Producer.Idempotent = true, with Net.MaxOpenRequests = 1; or the latter alone",
            Self::ReadCommitted | Self::StableOffsets => "Consumer.IsolationLevel = sarama.ReadCommitted",
            Self::CommitAfterOutput => {
                "MarkMessage only after the output's Success, with Producer.Return.Successes = true"
            }
            Self::AutoCommit => {
                "MarkMessage only after processing, or Consumer.Offsets.AutoCommit.Enable = false"
            }
            Self::FixedTransactionalId => {
                "Producer.Transaction.ID: the same at every start of the same instance"
            }
            Self::SessionTimeout => "Consumer.Group.Session.Timeout: at least twice the longest pause",
            Self::SamePartitioner => {
                "Producer.Partitioner: one that hashes as the other writers do; the default is FNV-1a, Java's is murmur2"
            }
            Self::TransactionTimeoutMax => {
                "Producer.Transaction.Timeout: at most the broker's transaction.max.timeout.ms"
            }
            Self::TransactionTimeout => "Producer.Transaction.Timeout: longer, or shorter transactions",
            Self::ResetEarliest => "Consumer.Offsets.Initial = sarama.OffsetOldest",
            Self::GroupMetadata => "one Producer.Transaction.ID for each input partition",
            _ => return None,
        })
    }

    fn kafka_js(self) -> Option<&'static str> {
        Some(match self {
            Self::AcksAll => "acks: -1 in producer.send(), the default",
            Self::Idempotence => "kafka.producer({ idempotent: true })",
            Self::InFlight => "kafka.producer({ idempotent: true, maxInFlightRequests: 1 })",
            Self::ReadCommitted | Self::StableOffsets => {
                "kafka.consumer({ readUncommitted: false }), the default"
            }
            Self::CommitAfterOutput | Self::AutoCommit => {
                "await the output inside eachMessage; or autoCommit: false and commitOffsets() after it"
            }
            Self::FixedTransactionalId => "transactionalId: the same at every start of the same instance",
            Self::SessionTimeout => "sessionTimeout: at least twice the longest pause",
            Self::SamePartitioner => "createPartitioner: Partitioners.DefaultPartitioner for every writer",
            Self::TransactionTimeoutMax => {
                "transactionTimeout: at most the broker's transaction.max.timeout.ms"
            }
            Self::TransactionTimeout => "transactionTimeout: longer, or shorter transactions",
            Self::ResetEarliest => "consumer.subscribe({ fromBeginning: true })",
            Self::GroupMetadata => {
                "one transactionalId for each input partition: KafkaJS sends no generation"
            }
            _ => return None,
        })
    }

    fn kafka_go(self) -> Option<&'static str> {
        Some(match self {
            Self::AcksAll => "Writer.RequiredAcks = kafka.RequireAll",
            Self::Idempotence | Self::InFlight => {
                "another library: segmentio/kafka-go has no idempotent producer; duplicates must be harmless downstream"
            }
            Self::ReadCommitted => "ReaderConfig.IsolationLevel = kafka.ReadCommitted",
            Self::CommitAfterOutput => {
                "FetchMessage, and CommitMessages after WriteMessages; not ReadMessage"
            }
            Self::AutoCommit => "ReaderConfig.CommitInterval = 0, and CommitMessages after processing",
            Self::SessionTimeout => "ReaderConfig.SessionTimeout: at least twice the longest pause",
            Self::SamePartitioner => {
                "Writer.Balancer = kafka.Murmur2Balancer{}, which is what Java producers do"
            }
            Self::ResetEarliest => "ReaderConfig.StartOffset = kafka.FirstOffset",
            _ => return None,
        })
    }
}
