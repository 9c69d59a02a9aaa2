//! What a record costs on disk: the promise is 64 bytes on average with records of 1 KiB.

use super::Encoder;
use crate::history::*;

const RECORD_BYTES: u32 = 1024;

/// A producer and its consumer: batches of a size, each in a request of its own.
struct Traffic {
    encoder: Encoder,
    out: Vec<u8>,
    sequence: u64,
    at_ns: u64,
    exchange: u64,
    offset: i64,
}

impl Traffic {
    fn new() -> Self {
        Self {
            encoder: Encoder::new(),
            out: Encoder::header().to_vec(),
            sequence: 0,
            at_ns: 0,
            exchange: 0,
            offset: 0,
        }
    }

    fn event(&mut self, body: HistoryBody) {
        let event = HistoryEvent {
            sequence: self.sequence,
            at_ns: self.at_ns,
            body,
        };
        self.encoder.encode(&event, &mut self.out);
        self.sequence += 1;
        // Moments without a pattern, up to 2 ms apart.
        self.at_ns += self.sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 43;
    }

    fn request(&mut self, connection: u32, api_key: i16, bytes: u32, facts: RequestFacts) {
        self.exchange += 1;
        self.event(HistoryBody::Request {
            connection: ConnectionId(connection),
            exchange: ExchangeId(self.exchange),
            api_key,
            api_version: 13,
            bytes,
            fate: RequestFate::Forwarded,
            rule: None,
            facts,
        });
    }

    fn response(&mut self, bytes: u32, facts: ResponseFacts) {
        self.event(HistoryBody::Response {
            exchange: ExchangeId(self.exchange),
            bytes,
            fate: ResponseFate::Delivered,
            rule: None,
            facts,
        });
    }

    fn batch(&self, records: i32, base_offset: i64, leader_epoch: i32) -> BatchFacts {
        let offset = self.offset;
        let hash = |salt: u64, at: i32| {
            ContentHash((offset as u64 + at as u64 + salt).wrapping_mul(0x2545_f491_4f6c_dd1d))
        };
        BatchFacts {
            base_offset,
            last_offset_delta: records - 1,
            leader_epoch,
            producer_id: 4711,
            producer_epoch: 3,
            base_sequence: offset as i32,
            transactional: false,
            marker: None,
            codec: CodecName::None,
            max_timestamp_ms: 1_700_000_000_000 + (self.at_ns / 1_000_000) as i64,
            bytes: 61 + records as u32 * (RECORD_BYTES + 20),
            records: (0..records)
                .map(|at| RecordFacts {
                    offset_delta: at,
                    key: Some(hash(0, at)),
                    value: Some(hash(99, at)),
                    value_bytes: RECORD_BYTES,
                    headers: Vec::new(),
                })
                .collect(),
        }
    }

    fn produce(&mut self, records: i32) {
        let facts = RequestFacts::Produce(ProduceFacts {
            transactional_id: None,
            acks: -1,
            timeout_ms: 30_000,
            partitions: vec![ProducedPartition {
                topic: "orders".into(),
                partition: 2,
                batches: vec![self.batch(records, 0, -1)],
            }],
        });
        self.request(1, 0, 61 + records as u32 * (RECORD_BYTES + 20) + 60, facts);
        let result = PartitionResult {
            topic: "orders".into(),
            partition: 2,
            error: 0,
            offset: self.offset,
        };
        self.response(
            70,
            ResponseFacts::Partitions {
                error: 0,
                results: vec![result],
            },
        );
    }

    fn fetch(&mut self, records: i32) {
        let position = FetchPosition {
            topic: "orders".into(),
            partition: 2,
            offset: self.offset,
            leader_epoch: 0,
        };
        let facts = RequestFacts::Fetch(FetchFacts {
            replica_id: -1,
            isolation: Isolation::ReadCommitted,
            share_group: None,
            session_id: 1_234_567,
            session_epoch: self.offset as i32,
            positions: vec![position],
            forgotten: Vec::new(),
        });
        self.request(2, 1, 90, facts);
        let end = self.offset + i64::from(records);
        let fetched = FetchedPartition {
            topic: "orders".into(),
            partition: 2,
            error: 0,
            high_watermark: end,
            last_stable_offset: end,
            log_start_offset: 0,
            aborted: Vec::new(),
            batches: vec![self.batch(records, self.offset, 0)],
            acquired: Vec::new(),
        };
        let facts = ResponseFacts::Fetched {
            error: 0,
            session_id: 1_234_567,
            partitions: vec![fetched],
        };
        self.response(120 + records as u32 * (RECORD_BYTES + 20), facts);
        self.offset = end;
    }
}

/// Bytes on disk for each record that was produced and read.
fn bytes_per_record(batch: i32, batches: i32) -> f64 {
    let mut traffic = Traffic::new();
    for _ in 0..batches {
        traffic.produce(batch);
        traffic.fetch(batch);
    }
    let bytes = traffic.out.len() as f64 / f64::from(batch * batches);
    eprintln!("batches of {batch}: {bytes:.1} bytes on disk per record that was produced and read");
    bytes
}

#[test]
fn a_record_costs_little_on_disk() {
    // Batches of a producer that has more to send than it can (900 KiB), of one that lingers a little, of one
    // that sends each record alone.
    for (batch, most) in [(900, 33.0), (16, 40.0), (1, 100.0)] {
        let bytes = bytes_per_record(batch, 2_000 / batch.min(100));
        assert!(bytes <= most, "{bytes:.1} bytes per record in batches of {batch}");
    }
}
