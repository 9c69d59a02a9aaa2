//! Any bytes give facts or an error: never a panic, never more memory than the bytes are worth.

use bytes::Bytes;
use highwater_model::history::RequestFacts;
use proptest::prelude::*;

use super::super::batches::{self, End};
use super::super::{Depth, acks, client_software, principal, request, response, sasl_mechanism, topic_names};
use super::{names, with_header, written, written_as};
use crate::error::WireError;
use crate::frame::RequestHeader;

const RECORDS: Depth<'_> = Depth::Records { headers: &[] };

/// Every look at these bytes, as every API and version they could be.
fn look(api_key: i16, api_version: i16, bytes: &Bytes) {
    let header = RequestHeader {
        api_key,
        api_version,
        correlation_id: 1,
        client_id: None,
    };
    let asked = request(&header, bytes.clone(), &names(), RECORDS).unwrap_or(RequestFacts::Other);
    let _ = response(api_key, api_version, bytes.clone(), &asked, &names(), RECORDS);
    let _ = topic_names(api_version, bytes.clone());
    let _ = client_software(&header, bytes.clone());
    let _ = sasl_mechanism(&header, bytes.clone());
    let _ = principal(&header, bytes.clone(), "PLAIN");
    let _ = principal(&header, bytes.clone(), "SCRAM-SHA-256");
    let _ = acks(api_version, bytes);
}

proptest! {
    #[test]
    fn random_bytes(
        api_key in -1i16..100,
        api_version in -1i16..20,
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        look(api_key, api_version, &bytes.into());
    }

    #[test]
    fn damaged_messages(
        which: prop::sample::Index,
        api_key in 0i16..93,
        at: prop::sample::Index,
        value: u8,
        cut: prop::sample::Index,
    ) {
        let all = written();
        let message = &all[which.index(all.len())];
        let mut bytes = message.bytes.to_vec();
        let at = at.index(bytes.len());
        bytes[at] = value;
        bytes.truncate(cut.index(bytes.len() + 1));
        look(api_key, message.version, &bytes.clone().into());
        look(api_key, message.version, &with_header(&bytes));
        for end in [End::Whole, End::MayBeCut] {
            let _ = batches::read(&bytes.clone().into(), end, RECORDS);
        }
    }
}

#[test]
fn a_batch_that_claims_two_thousand_million_records_is_refused() {
    let mut bytes = written_as("records-none", 2).to_vec();
    bytes[23..27].copy_from_slice(&(i32::MAX - 1).to_be_bytes());
    bytes[57..61].copy_from_slice(&i32::MAX.to_be_bytes());
    let error = batches::read(&bytes.into(), End::Whole, RECORDS).expect_err("too few records");
    assert!(matches!(error, WireError::Records(_)), "{error:?}");
}

#[test]
fn a_topic_with_an_endless_name_is_refused() {
    use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
    use kafka_protocol::messages::{ListOffsetsRequest, TopicName};
    use kafka_protocol::protocol::StrBytes;
    for (length, accepted) in [(249, true), (250, false)] {
        let message = ListOffsetsRequest::default().with_topics(vec![
            ListOffsetsTopic::default()
                .with_name(TopicName(StrBytes::from_string("n".repeat(length))))
                .with_partitions(vec![ListOffsetsPartition::default()]),
        ]);
        let mut frame = crate::frame::encode_request(&message, 5, 1, "")
            .expect("encodes")
            .freeze()
            .split_off(crate::frame::LENGTH_BYTES);
        let header = RequestHeader::decode(&mut frame).expect("a header");
        let found = request(&header, frame, &names(), RECORDS);
        assert_eq!(found.is_ok(), accepted, "{length} bytes");
    }
}

#[test]
fn what_is_not_needed_is_not_touched() {
    let header = RequestHeader {
        api_key: 20,
        api_version: 4,
        correlation_id: 1,
        client_id: None,
    };
    let bytes = Bytes::from_static(b"\xff\xff");
    let found = request(&header, bytes, &names(), RECORDS).expect("no error");
    assert_eq!(found, RequestFacts::Other);
}
