//! Exactly once: the outputs of a batch and the offsets behind it are one transaction.
//!
//! What makes it hold:
//!
//! - a transactional.id that is the same at every start, so that a new start ends what the last one left open;
//! - the real member and generation with the offsets, so that a member that was thrown out is refused (KIP-447);
//! - a reader that waits for open transactions on its offsets (`read_committed`);
//! - going back to the committed offsets after an abort;
//! - a commit that did not answer in time is neither done nor undone: it is asked again, and if that is hopeless a new
//!   producer settles it before anything else is read.

use std::error::Error;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::Producer as _;

use crate::arguments::Arguments;
use crate::batch::Batch;
use crate::defect::Defect;
use crate::reading::Reader;
use crate::saying;
use crate::stopping::Stopping;
use crate::tampering::Tampering;
use crate::writing::{Output, Writer};

/// After this time without a sign of life the coordinator aborts. Short, because readers of the output wait for it.
const TRANSACTION_TIMEOUT_MS: &str = "10000";
/// How long one call may take. It is made again as long as that may help.
const CALL: Duration = Duration::from_secs(2);
/// After this time a producer is given up, and a new one settles what it left.
const HOPELESS: Duration = Duration::from_secs(60);
/// Offsets are sent within the transaction's time, or not at all.
const OFFSETS: Duration = Duration::from_secs(12);
const PAUSE: Duration = Duration::from_millis(500);
/// The defect: what is not answered by then is taken for an abort.
const IMPATIENT: Duration = Duration::from_millis(500);

/// How a transaction ended that did not commit.
enum Undone {
    /// It was aborted; the producer is as good as before.
    Aborted(KafkaError),
    /// The producer can't go on: fenced, or without an answer for too long. Whether it committed is not known.
    Lost(KafkaError),
    /// The defect: whether it committed is not known, and that is ignored.
    TakenForAborted(KafkaError),
    /// A signal came.
    Stopped,
}

/// Copies until a signal comes.
pub(crate) fn run(arguments: &Arguments, stopping: &Stopping) -> Result<u64, Box<dyn Error>> {
    let reader = Reader::open(arguments, stopping)?;
    let copy = Copy {
        arguments,
        stopping,
        reader: &reader,
        nobody: nobody(arguments)?,
        id: transactional_id(arguments),
    };
    let mut tampering = Tampering::new(arguments);
    let mut writer = None;
    let mut copied = 0;
    while !stopping.now() {
        // Before anything is read: it ends what the last one left open.
        let Some(ready) = &writer else {
            writer = copy.writer()?;
            continue;
        };
        let batch = reader.batch();
        if batch.records.is_empty() {
            continue;
        }
        let outputs = tampering.outputs(&batch);
        stopping.pause(arguments.work());
        match copy.transaction(ready, &batch, &outputs) {
            Ok(()) => copied += batch.records.len() as u64,
            Err(Undone::Stopped) => break,
            Err(Undone::Aborted(error)) => {
                saying::line(format_args!("aborted {} records: {error}", batch.records.len()));
                copy.again();
            }
            Err(Undone::Lost(error)) => {
                saying::line(format_args!("needs a new producer: {error}"));
                writer = None;
                copy.again();
            }
            Err(Undone::TakenForAborted(error)) => {
                saying::line(format_args!("takes it for aborted: {error}"));
                writer = None;
                reader.go_to(batch.start(&arguments.input)?)?;
            }
        }
    }
    Ok(copied)
}

fn transactional_id(arguments: &Arguments) -> String {
    let Arguments { group, instance, .. } = arguments;
    if arguments.has(Defect::RandomTransactionalId) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        return format!("{group}-{instance}-{:x}", since.as_nanos());
    }
    format!("{group}-{instance}")
}

/// The defects: a consumer that never joins, whose metadata names no member and no generation.
fn nobody(arguments: &Arguments) -> KafkaResult<Option<BaseConsumer>> {
    let unfenced =
        arguments.has(Defect::OffsetsWithoutGroupMetadata) || arguments.has(Defect::RandomTransactionalId);
    if !unfenced {
        return Ok(None);
    }
    let mut config = arguments.client(None);
    config.set("group.id", &arguments.group);
    config.create().map(Some)
}

struct Copy<'a> {
    arguments: &'a Arguments,
    stopping: &'a Stopping,
    reader: &'a Reader<'a>,
    nobody: Option<BaseConsumer>,
    id: String,
}

impl<'a> Copy<'a> {
    /// A producer whose predecessors are fenced and whose open transactions are ended. None: not yet.
    fn writer(&self) -> KafkaResult<Option<Writer<'a>>> {
        let mut special = vec![
            ("transactional.id", self.id.as_str()),
            ("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS),
        ];
        if self.arguments.has(Defect::AbortAfterCommitTimeout) {
            // The library must not ask again before the program loses its patience.
            special.push(("retry.backoff.ms", "900"));
        }
        let writer = Writer::open(self.arguments, self.stopping, &special)?;
        let end = Instant::now() + HOPELESS;
        while !self.stopping.now() {
            match writer.producer.init_transactions(CALL) {
                Ok(()) => return Ok(Some(writer)),
                Err(error) if retriable(&error) && Instant::now() < end => {}
                Err(error) => {
                    saying::line(format_args!("no transactions yet: {error}"));
                    self.stopping.pause(PAUSE);
                    break;
                }
            }
        }
        Ok(None)
    }

    fn transaction(&self, writer: &Writer<'_>, batch: &Batch, outputs: &[Output]) -> Result<(), Undone> {
        let offsets = batch.next(&self.arguments.input).map_err(Undone::Lost)?;
        writer.producer.begin_transaction().map_err(Undone::Lost)?;
        match writer.send(outputs) {
            Ok(true) => {}
            Ok(false) => return Err(Undone::Stopped),
            Err(error) => return Err(self.abort(writer, error)),
        }
        if self.arguments.has(Defect::OffsetsOutsideTransaction) {
            self.commit(writer)?;
            if let Err(error) = self.reader.commit(&offsets) {
                saying::line(format_args!("offsets not committed: {error}"));
            }
            return Ok(());
        }
        self.send_offsets(writer, &offsets)?;
        self.commit(writer)
    }

    fn send_offsets(&self, writer: &Writer<'_>, offsets: &TopicPartitionList) -> Result<(), Undone> {
        let member = self.reader.member();
        let nobody: Option<ConsumerGroupMetadata> =
            self.nobody.as_ref().and_then(BaseConsumer::group_metadata);
        // Without a member nothing is assigned, and there would be no batch.
        let Some(member) = nobody.as_ref().or(member.as_deref()) else {
            return Err(Undone::Stopped);
        };
        let end = Instant::now() + OFFSETS;
        loop {
            match writer.producer.send_offsets_to_transaction(offsets, member, CALL) {
                Ok(()) => return Ok(()),
                Err(_) if self.stopping.now() => return Err(Undone::Stopped),
                Err(error) if retriable(&error) && Instant::now() < end => {}
                Err(error) => return Err(self.abort(writer, error)),
            }
        }
    }

    fn commit(&self, writer: &Writer<'_>) -> Result<(), Undone> {
        if self.arguments.has(Defect::AbortAfterCommitTimeout) {
            return self.commit_impatiently(writer);
        }
        let end = Instant::now() + HOPELESS;
        loop {
            match writer.producer.commit_transaction(CALL) {
                Ok(()) => return Ok(()),
                Err(_) if self.stopping.now() => return Err(Undone::Stopped),
                // Also after a timeout: the same call again asks how it went.
                Err(error) if retriable(&error) && Instant::now() < end => {}
                Err(error) if must_abort(&error) => return Err(self.abort(writer, error)),
                Err(error) => return Err(Undone::Lost(error)),
            }
        }
    }

    /// The defect. What is still to be delivered has its time; only the answer to EndTxn is not waited for.
    fn commit_impatiently(&self, writer: &Writer<'_>) -> Result<(), Undone> {
        writer.delivered().map_err(|error| self.abort(writer, error))?;
        match writer.producer.commit_transaction(IMPATIENT) {
            Ok(()) => Ok(()),
            Err(error) if must_abort(&error) => Err(self.abort(writer, error)),
            Err(error) => Err(Undone::TakenForAborted(error)),
        }
    }

    fn abort(&self, writer: &Writer<'_>, reason: KafkaError) -> Undone {
        if fatal(&reason) {
            return Undone::Lost(reason);
        }
        let end = Instant::now() + HOPELESS;
        loop {
            match writer.producer.abort_transaction(CALL) {
                Ok(()) => return Undone::Aborted(reason),
                Err(_) if self.stopping.now() => return Undone::Stopped,
                Err(error) if retriable(&error) && Instant::now() < end => {}
                Err(error) => return Undone::Lost(error),
            }
        }
    }

    /// The records of an aborted transaction are read again.
    fn again(&self) {
        if !self.arguments.has(Defect::NoRewindAfterAbort) {
            self.reader.go_back();
        }
    }
}

fn retriable(error: &KafkaError) -> bool {
    match error {
        KafkaError::Transaction(error) => error.is_retriable(),
        // Records are still on their way.
        KafkaError::Flush(_) => true,
        _ => false,
    }
}

fn must_abort(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(error) if error.txn_requires_abort())
}

fn fatal(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(error) if error.is_fatal())
}
