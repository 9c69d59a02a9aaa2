//! Writing to one partition: events, their legs, and the offsets of the legs that were taken, in one transaction.
//!
//! One transactional id for each partition, whoever has it: opening a writer fences the one before, and a process that
//! was only asleep learns of it when it tries to commit. So offsets need no proof of membership beside it.
//!
//! Invariant: a window is committed, or aborted, or nobody here knows; in the last case this writer is not used again.

use std::time::{Duration, Instant};

use rdkafka::consumer::{Consumer as _, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, NoCustomPartitioner, Producer, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};

use super::client::{Cluster, Consumer, PATIENCE, Quiet, TRANSACTION};

/// Room in the producer's queue is waited for in steps of this.
const FULL: Duration = Duration::from_millis(5);
/// How often reports of deliveries are looked for.
const REPORTS: Duration = Duration::from_micros(500);
/// A commit that was not answered is asked again for so long; then a new writer settles it.
const HOPELESS: Duration = Duration::from_secs(15);

/// A record to be written.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
}

/// How a transaction ended.
#[derive(Debug)]
pub(crate) enum Transacted {
    /// All of it is there.
    Committed,
    /// Nothing of it is there, for certain, and the writer goes on.
    Aborted(KafkaError),
    /// Nobody here knows; a new writer settles it.
    Unknown(KafkaError),
    /// Somebody else has the partition, or the coordinator gave this writer up. Nothing of it is there, unless a commit
    /// was under way.
    Fenced(KafkaError),
}

impl ProducerContext<NoCustomPartitioner> for Quiet {
    type DeliveryOpaque = ();

    /// A record that is not delivered makes the commit fail.
    fn delivery(&self, _: &rdkafka::message::DeliveryResult<'_>, (): ()) {}
}

/// The writer of one partition.
pub(crate) struct Writer {
    /// Polled by the thread that waits for its reports; one beside it would take them away.
    producer: BaseProducer<Quiet>,
    nobody: Consumer,
    group: ConsumerGroupMetadata,
    legs: String,
    partition: i32,
}

impl Writer {
    /// Opens a writer and fences the one before; what that one left open is aborted when this returns.
    pub(crate) fn open(cluster: &Cluster, partition: i32) -> KafkaResult<Self> {
        let mut config = cluster.client();
        config
            .set("transactional.id", cluster.transactional_id(partition))
            .set("transaction.timeout.ms", TRANSACTION.as_millis().to_string())
            .set("enable.idempotence", "true")
            .set("acks", "all")
            // A window is handed over at once; there is nothing to wait for.
            .set("linger.ms", "0")
            .set("message.timeout.ms", (TRANSACTION / 2).as_millis().to_string());
        let producer: BaseProducer<Quiet> = config.create_with_context(Quiet)?;
        producer.init_transactions(PATIENCE)?;
        let nobody = cluster.nobody()?;
        let group = nobody
            .group_metadata()
            .ok_or(KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownGroup))?;
        Ok(Self {
            producer,
            nobody,
            group,
            legs: cluster.legs(),
            partition,
        })
    }

    /// The offset of the first leg that was not taken. Asked after the fence, so no transaction can move it any more.
    pub(crate) fn taken(&self) -> KafkaResult<i64> {
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&self.legs, self.partition);
        let committed = self.nobody.committed_offsets(asked, PATIENCE)?;
        let found = committed.find_partition(&self.legs, self.partition);
        let Some(found) = found else { return Ok(0) };
        found.error()?;
        Ok(match found.offset() {
            Offset::Offset(offset) => offset,
            _ => 0,
        })
    }

    /// Writes all of this, and that legs below `taken` were taken, in one transaction.
    pub(crate) fn transaction(&self, records: &[Record], taken: Option<i64>) -> Transacted {
        if let Err(error) = self.producer.begin_transaction() {
            return self.failed(error);
        }
        if let Err(error) = self.fill(records, taken) {
            return self.failed(error);
        }
        let hopeless = Instant::now() + HOPELESS;
        // Before the commit is asked for, a failure is an abort; from then on only a clear answer counts.
        if let Err(error) = self.delivered() {
            return self.failed(error);
        }
        loop {
            match self.producer.commit_transaction(TRANSACTION) {
                Ok(()) => return Transacted::Committed,
                Err(error) => match kind(&error) {
                    Kind::Abort => return self.failed(error),
                    Kind::Again if Instant::now() < hopeless => std::thread::sleep(FULL),
                    Kind::Fatal => return Transacted::Fenced(error),
                    Kind::Again | Kind::Other => return Transacted::Unknown(error),
                },
            }
        }
    }

    fn fill(&self, records: &[Record], taken: Option<i64>) -> KafkaResult<()> {
        let deadline = Instant::now() + TRANSACTION;
        for record in records {
            let Record {
                topic,
                partition,
                key,
                value,
            } = record;
            let mut offered = BaseRecord::to(topic)
                .partition(*partition)
                .key(key)
                .payload(value);
            loop {
                match self.producer.send(offered) {
                    Ok(()) => break,
                    Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back))
                        if Instant::now() < deadline =>
                    {
                        offered = back;
                        // What was delivered makes room when its report is taken.
                        self.producer.poll(FULL);
                    }
                    Err((error, _)) => return Err(error),
                }
            }
        }
        if let Some(taken) = taken {
            let mut offsets = TopicPartitionList::new();
            offsets.add_partition_offset(&self.legs, self.partition, Offset::Offset(taken))?;
            loop {
                match self
                    .producer
                    .send_offsets_to_transaction(&offsets, &self.group, PATIENCE)
                {
                    Err(error) if matches!(kind(&error), Kind::Again) && Instant::now() < deadline => {
                        std::thread::sleep(FULL);
                    }
                    sent => return sent,
                }
            }
        }
        Ok(())
    }

    /// Waits until there is a report for every record. rdkafka's own `flush` looks only every 100 ms: its `poll` waits to
    /// the end of its time, whatever has come. After this, the one inside of `commit_transaction` has nothing to wait for.
    fn delivered(&self) -> KafkaResult<()> {
        let deadline = Instant::now() + TRANSACTION;
        while self.producer.in_flight_count() > 0 {
            if Instant::now() > deadline {
                return Err(KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut));
            }
            self.producer.poll(REPORTS);
        }
        Ok(())
    }

    /// The commit was not asked for, or was refused: nothing is there once this is aborted.
    fn failed(&self, error: KafkaError) -> Transacted {
        if matches!(kind(&error), Kind::Fatal) {
            return Transacted::Fenced(error);
        }
        let hopeless = Instant::now() + HOPELESS;
        loop {
            match self.producer.abort_transaction(PATIENCE) {
                Ok(()) => return Transacted::Aborted(error),
                Err(abort) => match kind(&abort) {
                    Kind::Again if Instant::now() < hopeless => std::thread::sleep(FULL),
                    Kind::Fatal => return Transacted::Fenced(abort),
                    _ => return Transacted::Unknown(abort),
                },
            }
        }
    }
}

enum Kind {
    Again,
    Abort,
    Fatal,
    Other,
}

fn kind(error: &KafkaError) -> Kind {
    match error {
        KafkaError::Transaction(error) if error.is_fatal() => Kind::Fatal,
        KafkaError::Transaction(error) if error.txn_requires_abort() => Kind::Abort,
        KafkaError::Transaction(error) if error.is_retriable() => Kind::Again,
        KafkaError::Flush(_) => Kind::Again,
        error if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) => Kind::Fatal,
        _ => Kind::Other,
    }
}
