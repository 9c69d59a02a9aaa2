//! The writing side: a producer that counts what could not be delivered.

use std::sync::Mutex;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};

use crate::arguments::{Arguments, Placement};
use crate::defect::Defect;
use crate::saying;
use crate::stopping::Stopping;

/// A full queue is tried again after this time.
const FULL: Duration = Duration::from_millis(10);
const FLUSH: Duration = Duration::from_millis(500);
/// How long a record may be on its way. It must end before the transaction times out, and better before the session
/// does: then what can't be written is aborted by who still has the partitions.
const DELIVERY_TIMEOUT_MS: &str = "4000";

/// What is to be written for a record, or for none.
pub(crate) struct Output {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Option<OwnedHeaders>,
    pub(crate) timestamp_ms: Option<i64>,
    /// The partition of the input.
    pub(crate) partition: i32,
}

/// Records that were not delivered since somebody asked.
#[derive(Default)]
pub(crate) struct Reports(Mutex<(u64, Option<KafkaError>)>);

impl ClientContext for Reports {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, message: &str) {
        if matches!(level, rdkafka::config::RDKafkaLogLevel::Debug) {
            saying::line(format_args!("producer {facility} {message}"));
        }
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            let mut seen = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            seen.0 += 1;
            seen.1.get_or_insert_with(|| error.clone());
        }
    }
}

/// A writer to the output.
pub(crate) struct Writer<'a> {
    pub(crate) producer: ThreadedProducer<Reports>,
    arguments: &'a Arguments,
    stopping: &'a Stopping,
}

impl<'a> Writer<'a> {
    /// A producer with these settings on top of what all have.
    pub(crate) fn open(
        arguments: &'a Arguments,
        stopping: &'a Stopping,
        special: &[(&str, &str)],
    ) -> KafkaResult<Self> {
        let direct = arguments.direct.as_deref();
        let bypassing = direct.filter(|_| arguments.has(Defect::BypassesProxy));
        let mut config: ClientConfig = arguments.client(bypassing);
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", DELIVERY_TIMEOUT_MS)
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "5");
        for (name, value) in special {
            config.set(*name, *value);
        }
        let config = arguments.finish(config);
        Ok(Self {
            producer: config.create_with_context(Reports::default())?,
            arguments,
            stopping,
        })
    }

    /// Hands records over in their order. False if a signal came before all were taken.
    pub(crate) fn send(&self, outputs: &[Output]) -> KafkaResult<bool> {
        for output in outputs {
            loop {
                match self.producer.send(self.record(output)) {
                    Ok(()) => break,
                    Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                        if self.stopping.now() {
                            return Ok(false);
                        }
                        std::thread::sleep(FULL);
                    }
                    Err((error, _)) => return Err(error),
                }
            }
        }
        Ok(true)
    }

    fn record<'b>(&'b self, output: &'b Output) -> BaseRecord<'b, [u8], [u8]> {
        let mut record = BaseRecord::to(&self.arguments.output);
        record.key = output.key.as_deref();
        record.payload = output.value.as_deref();
        record.headers.clone_from(&output.headers);
        record.timestamp = output.timestamp_ms;
        // Two partitions for one key need a say in where it goes.
        if self.arguments.placement == Placement::Same || self.arguments.has(Defect::MovesKeys) {
            record.partition = Some(output.partition);
        }
        record
    }

    /// Waits until there is a report for every record: delivered, or given up after the delivery timeout.
    pub(crate) fn delivered(&self) -> KafkaResult<()> {
        while let Err(error) = self.producer.flush(FLUSH) {
            if error != KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut) {
                return Err(error);
            }
        }
        let reports = self.producer.context();
        let (count, first) = std::mem::take(
            &mut *reports
                .0
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        );
        match first {
            None => Ok(()),
            Some(error) => {
                saying::line(format_args!("{count} records not delivered"));
                Err(error)
            }
        }
    }
}
