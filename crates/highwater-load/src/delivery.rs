//! Where the client reports to: deliveries into the ledger, everything else into the log of client events.
//!
//! Invariant: everything here runs on the polling thread of its producer and does not block.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::OnceLock;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;
use serde::Deserialize;

use crate::client_event::{ClientEventKind, EventLog};
use crate::outcome;
use crate::progress::Progress;
use crate::throttle::{BrokerStatistics, Throttles};
use crate::traffic::TrafficCounters;

pub(crate) struct Delivery {
    pub(crate) client: String,
    pub(crate) progress: Arc<Progress>,
    pub(crate) events: Arc<EventLog>,
    pub(crate) traffic: TrafficCounters,
    pub(crate) throttles: Throttles,
    /// Why the client can't go on.
    pub(crate) fatal: Arc<OnceLock<String>>,
}

/// The parts of the library's statistics that are used.
#[derive(Deserialize)]
struct Statistics {
    txmsg_bytes: u64,
    tx_bytes: u64,
    #[serde(default)]
    brokers: BTreeMap<String, BrokerStatistics>,
}

impl Delivery {
    fn report(&self, kind: ClientEventKind, text: &str) {
        self.events.report(kind, format!("{}: {text}", self.client));
    }
}

impl ProducerContext for Delivery {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, sequence: usize) {
        let sequence = sequence as u64;
        match result {
            Ok(message) => {
                self.progress
                    .acknowledge(sequence, message.partition(), message.offset());
            }
            Err((error, _)) => {
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
                self.progress.give_up(sequence, outcome::of_delivery_error(code));
                self.report(ClientEventKind::Delivery, &code.to_string());
            }
        }
    }
}

impl ClientContext for Delivery {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        tracing::debug!(target: "librdkafka", client = self.client, ?level, facility, text);
        self.report(kind_of_log(facility), text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::Fatal) => {
                self.fatal
                    .get_or_init(|| format!("{}: the client can't go on: {reason}", self.client));
                self.report(ClientEventKind::Fatal, reason);
            }
            Some(
                RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::Resolve
                | RDKafkaErrorCode::OperationTimedOut,
            ) => self.report(ClientEventKind::Connection, reason),
            _ => self.report(ClientEventKind::Warning, reason),
        }
    }

    fn stats_raw(&self, statistics: &[u8]) {
        if let Ok(read) = serde_json::from_slice::<Statistics>(statistics) {
            self.traffic.set(read.txmsg_bytes, read.tx_bytes);
            self.throttles
                .take_in(self.progress.clock.now_ns(), &read.brokers);
        }
    }
}

/// The library's name for the place that a log line comes from tells what it is about.
pub(crate) fn kind_of_log(facility: &str) -> ClientEventKind {
    match facility {
        "FAIL" | "CONNECT" | "ERROR" => ClientEventKind::Connection,
        "FATAL" => ClientEventKind::Fatal,
        _ => ClientEventKind::Warning,
    }
}
