//! Reading a partition as a consumer does: from its start to its end, aborted transactions left out on request.

use std::collections::BTreeSet;

use highwater_wire::batch::{Batches, Step};
use kafka_protocol::records::RecordBatchDecoder;

use crate::client::{Client, error};
use crate::worker::{Stop, wrong};

/// A record with data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) offset: i64,
    pub(crate) key: Option<String>,
    pub(crate) value: Option<String>,
}

/// A partition as it stands.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) start: i64,
    pub(crate) high_watermark: i64,
    pub(crate) last_stable_offset: i64,
    pub(crate) records: Vec<Found>,
}

/// Everything in it; with `committed_only` what a consumer with `read_committed` hands to its user.
pub(crate) fn all(
    client: &mut Client,
    topic: &str,
    partition: i32,
    committed_only: bool,
) -> Result<Contents, Stop> {
    let mut contents = Contents {
        start: client.start_offset(topic, partition)?,
        ..Contents::default()
    };
    let mut next = contents.start;
    loop {
        let data = client.fetch(topic, partition, next, committed_only)?;
        if let Some(error) = error(data.error_code) {
            return wrong(format!("{topic}-{partition} can't be read at {next}: {error:?}"));
        }
        contents.high_watermark = data.high_watermark;
        contents.last_stable_offset = data.last_stable_offset;
        let mut aborted: Vec<(i64, i64)> = data
            .aborted_transactions
            .unwrap_or_default()
            .iter()
            .map(|range| (range.first_offset, range.producer_id.0))
            .collect();
        aborted.sort_unstable();
        let records = data.records.unwrap_or_default();
        if records.is_empty() {
            return Ok(contents);
        }
        next = collect(&mut contents, &records, next, committed_only, &mut aborted)?;
    }
}

/// Adds the records of a fetch, and gives the offset behind them.
fn collect(
    contents: &mut Contents,
    records: &[u8],
    from: i64,
    committed_only: bool,
    aborted: &mut Vec<(i64, i64)>,
) -> Result<i64, Stop> {
    let mut next = from;
    // As KafkaConsumer does it: a producer is in this set from its first aborted offset to its next marker.
    let mut aborting: BTreeSet<i64> = BTreeSet::new();
    for step in Batches::new(records) {
        let (header, batch) = match step {
            Step::Complete(header, batch) => (header, batch),
            Step::Torn(_) if next > from => break,
            other => return wrong(format!("a fetch at {from} brought {other:?}")),
        };
        while let Some(at) = aborted
            .iter()
            .position(|(first, _)| *first <= header.last_offset())
        {
            aborting.insert(aborted.remove(at).1);
        }
        next = header.last_offset() + 1;
        if header.is_control() {
            aborting.remove(&header.producer_id());
            continue;
        }
        if committed_only && header.is_transactional() && aborting.contains(&header.producer_id()) {
            continue;
        }
        let decoded = RecordBatchDecoder::decode(&mut bytes::Bytes::copy_from_slice(batch));
        let Ok(set) = decoded else {
            return wrong(format!("the batch at {} can't be decoded", header.base_offset()));
        };
        let text = |bytes: bytes::Bytes| String::from_utf8_lossy(&bytes).into_owned();
        for record in set.records.into_iter().filter(|record| record.offset >= from) {
            if contents
                .records
                .last()
                .is_some_and(|last| last.offset >= record.offset)
            {
                return wrong(format!("offset {} comes after a larger one", record.offset));
            }
            contents.records.push(Found {
                offset: record.offset,
                key: record.key.map(text),
                value: record.value.map(text),
            });
        }
    }
    Ok(next)
}
