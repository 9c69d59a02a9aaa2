//! What to offer, and where.
//!
//! Invariant: an offer that passes its check can be started.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use highwater_measure::Schedule;
use highwater_model::RunId;

use crate::keys::{KEY_BYTES, Keys};
use crate::ledger::MAX_RECORDS;
use crate::settings::ClientSettings;
use crate::value::Values;
use crate::{Clock, LoadError};

/// Most producers in one load: each takes three threads and a client with its own.
pub const MAX_PRODUCERS: usize = 256;

/// One producer of a load.
#[derive(Debug, Clone)]
pub struct ProducerSpec {
    /// Index in the run, from 0: what records carry.
    pub index: u32,
    /// When records are due, of all producers together.
    pub schedule: Schedule,
    /// Number of producers that share the schedule; this one takes the part with its index.
    pub of: u32,
    /// Most records of this producer; `None` for as many as the schedule has.
    pub records_limit: Option<u64>,
    /// Which keys records get.
    pub keys: Keys,
    /// What records carry.
    pub values: Values,
    /// How many times smaller a compressor makes the values; 1 for not at all.
    pub compressibility: f64,
    /// How the client behaves.
    pub client: ClientSettings,
    /// Where keys, values and Poisson arrivals come from.
    pub seed: u64,
}

/// What to offer, and where.
#[derive(Debug)]
pub struct Offer {
    /// Address of a broker, `host:port`, or several with commas.
    pub bootstrap: String,
    /// Topic to write to; it has to be there.
    pub topic: String,
    /// The run that records belong to.
    pub run: RunId,
    /// The clock of the run.
    pub clock: Clock,
    /// Who offers.
    pub producers: Vec<ProducerSpec>,
    /// Set from outside, nothing more becomes due.
    pub stop: Arc<AtomicBool>,
}

impl Offer {
    /// Refuses figures that can't be offered.
    pub(crate) fn check(&self) -> Result<(), LoadError> {
        if self.producers.is_empty() || self.producers.len() > MAX_PRODUCERS {
            let detail = format!(
                "{} producers, not within 1 to {MAX_PRODUCERS}",
                self.producers.len()
            );
            return Err(LoadError::Producer { producer: 0, detail });
        }
        for spec in &self.producers {
            spec.check().map_err(|detail| LoadError::Producer {
                producer: spec.index,
                detail,
            })?;
        }
        Ok(())
    }
}

impl ProducerSpec {
    fn check(&self) -> Result<(), String> {
        if self.of == 0 {
            return Err("it has no share of the schedule".to_owned());
        }
        self.keys.check()?;
        self.values.check(self.compressibility)?;
        if self.client.queue_records == 0 {
            return Err("its client's queue has no room".to_owned());
        }
        let records = self.schedule.records().unwrap_or(0).div_ceil(u64::from(self.of));
        let records = records.min(self.records_limit.unwrap_or(u64::MAX));
        if records > MAX_RECORDS {
            return Err(format!(
                "{records} records, more than {MAX_RECORDS}; use more producers"
            ));
        }
        Ok(())
    }

    /// Records that fit into the client's queue by number and size.
    pub(crate) fn room(&self) -> u64 {
        let key_bytes = if self.keys == Keys::None { 0 } else { KEY_BYTES };
        let by_size = self.client.queue_bytes / (self.values.bytes() + key_bytes) as u64;
        u64::from(self.client.queue_records).min(by_size).max(1)
    }
}
