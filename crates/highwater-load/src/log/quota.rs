use kafka_protocol::messages::AlterClientQuotasRequest;
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};

use super::LogError;
use super::cluster::{Cluster, text};

/// Spoken by Kafka 2.6 to 4.x.
const VERSION: i16 = 1;
const API: &str = "AlterClientQuotas";
/// Bytes per second of Produce requests that each broker lets each client id send (KIP-13, KIP-546).
const KEY: &str = "producer_byte_rate";

/// A quota on what producers may send: the default for every client id of a cluster, removed when this is dropped.
///
/// Whoever sets it owns the cluster: a default that was there before would be replaced, and gone afterwards.
#[derive(Debug)]
pub struct ProducerQuota {
    /// None once it is removed.
    bootstrap: Option<String>,
}

impl ProducerQuota {
    /// Has each broker hold every client id to so many bytes per second of Produce requests.
    ///
    /// # Errors
    /// No broker answers, or it refuses.
    pub fn set(bootstrap: &str, bytes_per_s: u64) -> Result<Self, LogError> {
        alter(bootstrap, Some(bytes_per_s))?;
        Ok(Self {
            bootstrap: Some(bootstrap.to_owned()),
        })
    }

    /// Removes it.
    ///
    /// # Errors
    /// No broker answers, or it refuses; it is still there then.
    pub fn remove(mut self) -> Result<(), LogError> {
        self.bootstrap
            .take()
            .map_or(Ok(()), |bootstrap| alter(&bootstrap, None))
    }
}

impl Drop for ProducerQuota {
    fn drop(&mut self) {
        let left = self.bootstrap.take();
        if let Some(Err(error)) = left.map(|bootstrap| alter(&bootstrap, None)) {
            tracing::warn!(%error, "the quota of producers could not be removed");
        }
    }
}

fn alter(bootstrap: &str, bytes_per_s: Option<u64>) -> Result<(), LogError> {
    let everybody = EntityData::default()
        .with_entity_type(text("client-id"))
        .with_entity_name(None);
    let change = OpData::default()
        .with_key(text(KEY))
        .with_value(bytes_per_s.unwrap_or(0) as f64)
        .with_remove(bytes_per_s.is_none());
    let entry = EntryData::default()
        .with_entity(vec![everybody])
        .with_ops(vec![change]);
    let request = AlterClientQuotasRequest::default().with_entries(vec![entry]);
    let mut cluster = Cluster::open(bootstrap)?;
    let node = cluster.nodes().first().copied().unwrap_or(-1);
    let answer = cluster.call(API, node, &request, VERSION)?;
    let refused = answer.entries.iter().find(|entry| entry.error_code != 0);
    refused.map_or(Ok(()), |entry| {
        Err(LogError::Refused {
            api: API,
            subject: "the quota of producers".to_owned(),
            code: entry.error_code,
        })
    })
}
