use bytes::Bytes;
use highwater_model::history::{
    AbortedFact, BatchFacts, CodecName, ContentHash, FetchedPartition, MarkerFact, RecordFacts,
};
use highwater_wire::batch::{self, BatchError, BatchHeader, Codec};
use highwater_wire::control::{Marker, MarkerKind};
use highwater_wire::records::Records;
use kafka_protocol::messages::fetch_response::PartitionData;
use xxhash_rust::xxh3::xxh3_64;

/// What one fetch brought of a partition.
#[derive(Debug)]
pub struct Fetched {
    /// The offset it was fetched from; batches may begin in front of it.
    pub from: i64,
    /// What it says, with the records.
    pub facts: FetchedPartition,
    /// The batches of the facts, one for one.
    pub batches: Vec<ReadBatch>,
}

/// A batch as it was read.
#[derive(Debug)]
pub struct ReadBatch {
    /// Whether its checksum agrees with its bytes, and its records could be read.
    pub intact: bool,
    /// Its records with keys, values and headers; none of a control batch, or if they can't be read.
    pub records: Option<Records>,
}

impl Fetched {
    pub(super) fn of(topic: &str, from: i64, data: PartitionData) -> Self {
        let aborted = data.aborted_transactions.unwrap_or_default();
        let mut facts = FetchedPartition {
            topic: topic.to_owned(),
            partition: data.partition_index,
            error: data.error_code,
            high_watermark: data.high_watermark,
            last_stable_offset: data.last_stable_offset,
            log_start_offset: data.log_start_offset,
            aborted: aborted
                .into_iter()
                .map(|aborted| AbortedFact {
                    producer_id: aborted.producer_id.0,
                    first_offset: aborted.first_offset,
                })
                .collect(),
            batches: Vec::new(),
            acquired: Vec::new(),
        };
        let mut batches = Vec::new();
        let mut rest = data.records.unwrap_or_default();
        while let Some((header, bytes)) = cut(&mut rest) {
            let (batch, read) = read(&header, &bytes);
            facts.batches.push(batch);
            batches.push(read);
        }
        Self { from, facts, batches }
    }

    /// Whether the batch with this base offset is intact; true for one that is not there.
    #[must_use]
    pub fn intact(&self, base_offset: i64) -> bool {
        self.facts
            .batches
            .iter()
            .zip(&self.batches)
            .all(|(facts, read)| facts.base_offset != base_offset || read.intact)
    }

    /// The offset behind the last batch; none if there is no batch.
    #[must_use]
    pub fn next(&self) -> Option<i64> {
        let last = self.facts.batches.last()?;
        Some(last.base_offset + i64::from(last.last_offset_delta) + 1)
    }
}

/// Takes a whole batch off the front; the last one of an answer may be cut.
fn cut(rest: &mut Bytes) -> Option<(BatchHeader, Bytes)> {
    let header = BatchHeader::parse(rest).ok()?;
    (header.length() <= rest.len()).then(|| {
        let bytes = rest.split_to(header.length());
        (header, bytes)
    })
}

fn read(header: &BatchHeader, bytes: &Bytes) -> (BatchFacts, ReadBatch) {
    let mut intact = !matches!(batch::check(bytes), Err(BatchError::Crc { .. }));
    let mut facts = Vec::new();
    let mut records = None;
    if !header.is_control() {
        match Records::of(bytes) {
            Ok(found) => {
                for record in found.iter() {
                    let Ok(record) = record else {
                        intact = false;
                        break;
                    };
                    facts.push(RecordFacts {
                        offset_delta: i32::try_from(record.offset - header.base_offset()).unwrap_or(i32::MAX),
                        key: record.key.map(hash),
                        value: record.value.map(hash),
                        value_bytes: record
                            .value
                            .map_or(0, |value| u32::try_from(value.len()).unwrap_or(u32::MAX)),
                        headers: Vec::new(),
                    });
                }
                records = Some(found);
            }
            Err(_) => intact = false,
        }
    }
    let batch = BatchFacts {
        base_offset: header.base_offset(),
        last_offset_delta: i32::try_from(header.offset_count() - 1).unwrap_or(i32::MAX),
        leader_epoch: header.leader_epoch(),
        producer_id: header.producer_id(),
        producer_epoch: header.producer_epoch(),
        base_sequence: header.base_sequence(),
        transactional: header.is_transactional(),
        marker: header
            .is_control()
            .then(|| match Marker::decode(bytes).map(|marker| marker.kind) {
                Ok(MarkerKind::Commit) => MarkerFact::Commit,
                Ok(MarkerKind::Abort) => MarkerFact::Abort,
                Err(_) => MarkerFact::Other,
            }),
        codec: codec(header.codec()),
        max_timestamp_ms: header.max_timestamp(),
        bytes: u32::try_from(header.length()).unwrap_or(u32::MAX),
        records: facts,
    };
    (batch, ReadBatch { intact, records })
}

fn hash(bytes: &[u8]) -> ContentHash {
    ContentHash(xxh3_64(bytes))
}

fn codec(codec: Codec) -> CodecName {
    match codec {
        Codec::None => CodecName::None,
        Codec::Gzip => CodecName::Gzip,
        Codec::Snappy => CodecName::Snappy,
        Codec::Lz4 => CodecName::Lz4,
        Codec::Zstd => CodecName::Zstd,
        Codec::Unknown(_) => CodecName::Unknown,
    }
}
