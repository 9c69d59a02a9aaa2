//! Producer ids without transactions, and which of them a broker knows.

use std::collections::BTreeSet;

use bytes::Bytes;
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::{DescribeProducersRequest, InitProducerIdRequest};

use super::log::{builder, fill};
use super::{Client, only, topic_name};
use crate::error::{HazardError, refused};

const INIT: i16 = 4;
const DESCRIBE_PRODUCERS: i16 = 0;

/// A batch of one record of an idempotent producer (id and epoch).
pub(crate) fn sequenced(producer: (i64, i16), sequence: i32, value: &str) -> Bytes {
    fill(
        builder().producer(producer.0, producer.1, sequence),
        &[value.to_owned()],
    )
}

impl Client {
    /// A producer id and epoch without a transactional id.
    pub(crate) fn idempotent(&mut self) -> Result<(i64, i16), HazardError> {
        const WHAT: &str = "InitProducerId";
        let request = InitProducerIdRequest::default()
            .with_transactional_id(None)
            .with_transaction_timeout_ms(60_000);
        let answer = self.settled(WHAT, &request, INIT, |answer| answer.error_code)?;
        refused(WHAT, answer.error_code)?;
        Ok((answer.producer_id.0, answer.producer_epoch))
    }

    /// The producer ids that a partition remembers.
    pub(crate) fn known_producers(
        &mut self,
        topic: &str,
        partition: i32,
    ) -> Result<BTreeSet<i64>, HazardError> {
        const WHAT: &str = "DescribeProducers";
        let wanted = TopicRequest::default()
            .with_name(topic_name(topic))
            .with_partition_indexes(vec![partition]);
        let request = DescribeProducersRequest::default().with_topics(vec![wanted]);
        let answer = self.call(WHAT, &request, DESCRIBE_PRODUCERS)?;
        let answer = only(WHAT, only(WHAT, answer.topics)?.partitions)?;
        refused(WHAT, answer.error_code)?;
        let ids = answer.active_producers.into_iter();
        Ok(ids.map(|one| one.producer_id.0).collect())
    }
}
