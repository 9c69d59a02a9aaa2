//! The writing side: a producer whose acknowledgements come back to the loop.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, PurgeConfig, ThreadedProducer};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::wake::Wake;
use crate::transaction::Failure;

/// A full queue is tried again after this time.
const FULL: Duration = Duration::from_millis(2);

/// A record on its way out.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) topic: String,
    pub(super) partition: Option<i32>,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Option<OwnedHeaders>,
}

/// How a record ended, and whose it is.
pub(super) type Report = (usize, Result<(), KafkaError>);

/// What the client's callbacks have noted.
pub(super) struct Reports {
    reports: Mutex<Vec<Report>>,
    wake: Wake,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        super::said(level, "producer", facility, message);
    }

    fn stats_raw(&self, _: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "producer");
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, whose: usize) {
        let report = (
            whose,
            result.as_ref().map(|_| ()).map_err(|(error, _)| error.clone()),
        );
        let first = {
            let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
            reports.push(report);
            reports.len() == 1
        };
        if first {
            self.wake.now();
        }
    }
}

pub(super) struct Writer {
    producer: ThreadedProducer<Reports>,
    unsent: VecDeque<(usize, Piece)>,
}

impl Writer {
    pub(super) fn open(settings: &BTreeMap<String, String>, wake: &Wake) -> KafkaResult<Self> {
        let mut config = ClientConfig::new();
        for (key, value) in settings {
            config.set(key, value);
        }
        Ok(Self {
            producer: config.create_with_context(Reports {
                reports: Mutex::default(),
                wake: wake.clone(),
            })?,
            unsent: VecDeque::new(),
        })
    }

    /// Hands a record over now or, when the client's queue is full, in a later turn; there is a report for it in any
    /// case.
    pub(super) fn send(&mut self, whose: usize, piece: Piece) {
        self.unsent.push_back((whose, piece));
        self.go_on();
    }

    /// Hands over what a full queue kept back. True when nothing is kept back any more.
    pub(super) fn go_on(&mut self) -> bool {
        while let Some((whose, piece)) = self.unsent.pop_front() {
            match self.hand_over(whose, &piece) {
                Ok(()) => {}
                Err(KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) => {
                    self.unsent.push_front((whose, piece));
                    return false;
                }
                Err(error) => self
                    .producer
                    .context()
                    .reports
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push((whose, Err(error))),
            }
        }
        true
    }

    /// Hands a record over, and waits for room that long.
    pub(super) fn send_now(&self, whose: usize, piece: &Piece, limit: Duration) -> KafkaResult<()> {
        let end = Instant::now() + limit;
        loop {
            match self.hand_over(whose, piece) {
                Err(KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) if Instant::now() < end => {
                    std::thread::sleep(FULL);
                }
                ended => return ended,
            }
        }
    }

    /// Sends a record in a batch of its own, if what is on its way ends in time: brokers refuse batches, not records.
    /// An error: it was not taken.
    pub(super) fn send_alone(&self, whose: usize, piece: &Piece, limit: Duration) -> KafkaResult<()> {
        self.settle(limit);
        self.hand_over(whose, piece)?;
        self.settle(limit);
        Ok(())
    }

    fn hand_over(&self, whose: usize, piece: &Piece) -> KafkaResult<()> {
        let mut record: BaseRecord<'_, [u8], [u8], usize> = BaseRecord::with_opaque_to(&piece.topic, whose);
        record.partition = piece.partition;
        record.key = piece.key.as_deref();
        record.payload = piece.value.as_deref();
        record.headers.clone_from(&piece.headers);
        self.producer.send(record).map_err(|(error, _)| error)
    }

    /// Reports since the last call.
    pub(super) fn reports(&self) -> Vec<Report> {
        let reports = &self.producer.context().reports;
        std::mem::take(&mut *reports.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn initialise(&self, limit: Duration) -> KafkaResult<()> {
        self.producer.init_transactions(limit)
    }

    pub(super) fn begin(&self) -> KafkaResult<()> {
        self.producer.begin_transaction()
    }

    pub(super) fn flush(&self, limit: Duration) -> KafkaResult<()> {
        self.producer.flush(limit)
    }

    pub(super) fn send_offsets(
        &self,
        offsets: &TopicPartitionList,
        member: &ConsumerGroupMetadata,
        limit: Duration,
    ) -> KafkaResult<()> {
        self.producer.send_offsets_to_transaction(offsets, member, limit)
    }

    pub(super) fn commit(&self, limit: Duration) -> KafkaResult<()> {
        self.producer.commit_transaction(limit)
    }

    pub(super) fn abort(&self, limit: Duration) -> KafkaResult<()> {
        self.producer.abort_transaction(limit)
    }

    /// Throws away what is on its way, and gives what was not handed over yet to another one.
    pub(super) fn end(mut self, other: &mut Self) -> Vec<Report> {
        other.unsent.append(&mut self.unsent);
        self.producer.purge(PurgeConfig::default().queue().inflight());
        self.settle(Duration::from_secs(1));
        self.reports()
    }

    /// Everything on its way is reported, delivered or not, at most after this time.
    pub(super) fn settle(&self, limit: Duration) {
        if let Err(error) = self.producer.flush(limit) {
            tracing::warn!(%error, "records are still on their way");
        }
    }
}

/// What an error of a transaction means for its window. `overdue` says that the broker may have ended the
/// transaction by its timeout: then the epoch moved on without another instance.
pub(super) fn failure(error: &KafkaError, overdue: bool) -> Failure {
    let KafkaError::Transaction(told) = error else {
        // Records are still on their way, or the queue is full.
        let passing = matches!(
            error,
            KafkaError::Flush(_) | KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)
        );
        return if passing {
            Failure::Retriable
        } else {
            Failure::Abortable
        };
    };
    let fenced = matches!(
        told.code(),
        RDKafkaErrorCode::Fenced | RDKafkaErrorCode::ProducerFenced | RDKafkaErrorCode::InvalidProducerEpoch
    );
    match () {
        () if fenced && !overdue => Failure::Fenced,
        () if told.is_fatal() || fenced => Failure::Fatal,
        () if told.txn_requires_abort() => Failure::Abortable,
        () if told.is_retriable() => Failure::Retriable,
        () => Failure::Fatal,
    }
}

/// Whether a record that was not delivered never will be.
pub(super) fn is_poison(error: &KafkaError) -> bool {
    matches!(
        error,
        KafkaError::MessageProduction(
            RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::InvalidMessage
                | RDKafkaErrorCode::InvalidMessageSize
                | RDKafkaErrorCode::InvalidRecord
        )
    )
}

/// Whether the group does not know the member that offsets were sent for.
pub(super) fn is_outdated(error: &KafkaError) -> bool {
    let KafkaError::Transaction(told) = error else {
        return false;
    };
    matches!(
        told.code(),
        RDKafkaErrorCode::IllegalGeneration
            | RDKafkaErrorCode::UnknownMemberId
            | RDKafkaErrorCode::RebalanceInProgress
            | RDKafkaErrorCode::FencedInstanceId
    )
}
