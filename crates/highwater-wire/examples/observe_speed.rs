//! What a look into a Produce request costs for each record: `cargo run --release --example observe_speed`.
//!
//! Prints nanoseconds per record, medians of rounds, for batches of 1 MB.

use std::time::Instant;

use bytes::Bytes;
use highwater_wire::batch::Codec;
use highwater_wire::frame::{LENGTH_BYTES, RequestHeader, encode_request};
use highwater_wire::observe::{self, Depth};
use highwater_wire::{BatchBuilder, records};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

const ROUNDS: usize = 51;
const BATCH_BYTES: usize = 1 << 20;

fn main() {
    for value_bytes in [100, 1024, 5120] {
        for codec in [Codec::None, Codec::Lz4, Codec::Zstd] {
            let (frame, count) = frame(value_bytes, codec);
            let cost = |depth: Depth<'_>| {
                let mut rounds: Vec<f64> = (0..ROUNDS)
                    .map(|_| {
                        let mut body = frame.clone();
                        let header = RequestHeader::decode(&mut body).expect("a header");
                        let started = Instant::now();
                        let facts = observe::request(&header, body, &NoNames, depth).expect("facts");
                        let took = started.elapsed();
                        drop(facts);
                        took.as_secs_f64() * 1e9 / count as f64
                    })
                    .collect();
                rounds.sort_by(f64::total_cmp);
                rounds[ROUNDS / 2]
            };
            let batches = cost(Depth::Batches);
            let records = cost(Depth::Records { headers: &[] });
            println!(
                "{value_bytes:>5} B {codec:?}: {records:.1} ns/record with records, {batches:.2} without, {count} records"
            );
        }
    }
}

/// Nothing is known by its id.
struct NoNames;

impl observe::TopicNames for NoNames {
    fn name(&self, _: uuid::Uuid) -> Option<String> {
        None
    }
}

/// A Produce request with one batch, and how many records are in it.
fn frame(value_bytes: usize, codec: Codec) -> (Bytes, usize) {
    let count = BATCH_BYTES / (value_bytes + 20);
    let mut batch = BatchBuilder::new();
    let mut state = 7u64;
    for _ in 0..count {
        let value: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            b'a' + (state >> 60) as u8
        })
        .take(value_bytes)
        .collect();
        batch = batch.record(Some(&value[..8]), Some(&value));
    }
    let batch = records::with_codec(&batch.build(), codec).expect("a batch");
    let request = ProduceRequest::default().with_acks(-1).with_topic_data(vec![
        TopicProduceData::default()
            .with_name(TopicName(StrBytes::from_static_str("orders")))
            .with_partition_data(vec![PartitionProduceData::default().with_records(Some(batch))]),
    ]);
    let mut frame = encode_request(&request, 9, 1, "speed").expect("encodes").freeze();
    (frame.split_off(LENGTH_BYTES), count)
}
