//! Fetch: answered as soon as enough is there, or the client's patience is at its end.
//!
//! Fetch sessions (KIP-227) are declined with session id 0, which every client takes as "send me the
//! whole list each time". Committed readers get nothing from the last stable
//! offset on, and are told which transactions below it were aborted.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use highwater_wire::batch::BatchHeader;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{AbortedTransaction, FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{FetchRequest, FetchResponse, ProducerId};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::errors::{ApiError, log_storage_error};
use super::{Call, leader_hints};
use crate::partition::{Bounds, Isolation, Partition, Readable};
use crate::producers::Aborted;
use crate::topics::Topic;
use crate::waiters::Registration;

/// First version that names topics by id only.
const TOPIC_ID_VERSION: i16 = 13;

/// Longest wait granted; clients ask for half a second.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// Most record bytes in one answer, unless a single batch is larger: it is held in memory.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// One partition of the request, looked up once.
struct Wanted {
    asked: FetchPartition,
    partition: Result<Arc<Partition>, ApiError>,
}

struct WantedTopic {
    asked: FetchTopic,
    partitions: Vec<Wanted>,
}

/// What a look at the log gave for one partition.
type Look = Result<(Bounds, Option<Readable>), ApiError>;

pub(super) async fn handle(call: &Call<'_>, mut request: FetchRequest) -> FetchResponse {
    // Only what goes on with a session needs one.
    if request.session_epoch > 0 {
        return FetchResponse::default().with_error_code(ResponseError::FetchSessionIdNotFound.code());
    }
    let topics: Vec<WantedTopic> = std::mem::take(&mut request.topics)
        .into_iter()
        .map(|topic| look_up(call, topic))
        .collect();
    let looks = wait_for_data(call, &request, &topics).await;
    let budget = usize::try_from(request.max_bytes)
        .unwrap_or(0)
        .min(MAX_ANSWER_BYTES);
    let isolation = isolation_of(request.isolation_level);
    let mut response = FetchResponse::default().with_responses(read_all(topics, looks, budget, isolation));
    leader_hints::in_fetch(call, &mut response);
    response
}

fn look_up(call: &Call<'_>, mut asked: FetchTopic) -> WantedTopic {
    let (topic, unknown) = if call.version >= TOPIC_ID_VERSION {
        let unknown = ApiError::new(ResponseError::UnknownTopicId, "no topic with this id");
        (call.cluster.topics.get_by_id(asked.topic_id), unknown)
    } else {
        let topic = call.cluster.topics.get(&asked.topic);
        (topic, ApiError::unknown_partition())
    };
    let partitions = std::mem::take(&mut asked.partitions)
        .into_iter()
        .map(|asked| Wanted {
            partition: find(topic.as_deref(), &asked, &unknown),
            asked,
        })
        .collect();
    WantedTopic { asked, partitions }
}

fn find(
    topic: Option<&Topic>,
    asked: &FetchPartition,
    unknown: &ApiError,
) -> Result<Arc<Partition>, ApiError> {
    let topic = topic.ok_or_else(|| unknown.clone())?;
    let partition = topic
        .partition(asked.partition)
        .ok_or_else(ApiError::unknown_partition)?;
    Ok(Arc::clone(partition))
}

/// The isolation level of the protocol: 1 is read_committed.
pub(super) fn isolation_of(level: i8) -> Isolation {
    match level {
        1 => Isolation::Committed,
        _ => Isolation::Uncommitted,
    }
}

async fn wait_for_data(call: &Call<'_>, request: &FetchRequest, topics: &[WantedTopic]) -> Vec<Look> {
    let isolation = isolation_of(request.isolation_level);
    let looks = look(call, topics, isolation);
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)).min(MAX_WAIT);
    if wait.is_zero() || is_enough(topics, &looks, request.min_bytes) {
        return looks;
    }
    // Registered before the next look, so that an append between look and sleep rings the bell.
    let bell = Arc::new(Notify::new());
    let _registrations: Vec<Registration> = topics
        .iter()
        .flat_map(|topic| &topic.partitions)
        .filter_map(|wanted| wanted.partition.as_ref().ok())
        .map(|partition| partition.waiters.register(&bell))
        .collect();
    let deadline = Instant::now() + wait;
    let mut stopping = call.stopping.clone();
    loop {
        let looks = look(call, topics, isolation);
        if is_enough(topics, &looks, request.min_bytes) {
            return looks;
        }
        tokio::select! {
            () = bell.notified() => {}
            () = tokio::time::sleep_until(deadline) => return look(call, topics, isolation),
            _ = stopping.wait_for(|stop| *stop) => return looks,
        }
    }
}

fn look(call: &Call<'_>, topics: &[WantedTopic], isolation: Isolation) -> Vec<Look> {
    topics
        .iter()
        .flat_map(|topic| &topic.partitions)
        .map(|wanted| {
            let partition = wanted.partition.as_ref().map_err(ApiError::clone)?;
            call.leads_in(partition, wanted.asked.current_leader_epoch)?;
            check_last_epoch(partition, wanted.asked.last_fetched_epoch)?;
            Ok(partition.plan_read(wanted.asked.fetch_offset, isolation)?)
        })
        .collect()
}

/// A reader that has a record of an epoch that never was here has read another history (KIP-595).
fn check_last_epoch(partition: &Partition, last_fetched: i32) -> Result<(), ApiError> {
    if last_fetched < 0 || partition.epoch_end(last_fetched).is_some() {
        return Ok(());
    }
    Err(ApiError::new(
        ResponseError::OffsetOutOfRange,
        format!("leader epoch {last_fetched} is not here yet"),
    ))
}

/// An error is worth telling at once. Bytes are counted from the index entry before the offset, so a
/// large minimum may be thought to be reached one index interval too early; the usual one is 1 byte.
fn is_enough(topics: &[WantedTopic], looks: &[Look], min_bytes: i32) -> bool {
    let wanted = topics.iter().flat_map(|topic| &topic.partitions);
    let mut bytes = 0;
    for (wanted, look) in wanted.zip(looks) {
        match look {
            Err(_) => return true,
            Ok((_, None)) => {}
            Ok((_, Some(readable))) => {
                let limit = u64::try_from(wanted.asked.partition_max_bytes).unwrap_or(0);
                bytes += readable.available().min(limit.max(1));
            }
        }
    }
    bytes >= u64::try_from(min_bytes).unwrap_or(0)
}

fn read_all(
    topics: Vec<WantedTopic>,
    looks: Vec<Look>,
    mut budget: usize,
    isolation: Isolation,
) -> Vec<FetchableTopicResponse> {
    let mut looks = looks.into_iter();
    let mut nothing_yet = true;
    topics
        .into_iter()
        .map(|topic| {
            let partitions = topic
                .partitions
                .iter()
                .zip(looks.by_ref())
                .map(|(wanted, look)| {
                    let limit = usize::try_from(wanted.asked.partition_max_bytes).unwrap_or(0);
                    let (mut data, bytes) = read_one(wanted, look, limit.min(budget), nothing_yet);
                    if isolation == Isolation::Committed && data.error_code == 0 {
                        data.aborted_transactions = aborted(wanted, &data);
                    }
                    budget = budget.saturating_sub(bytes);
                    nothing_yet = nothing_yet && bytes == 0;
                    data
                })
                .collect();
            FetchableTopicResponse::default()
                .with_topic(topic.asked.topic)
                .with_topic_id(topic.asked.topic_id)
                .with_partitions(partitions)
        })
        .collect()
}

/// The aborted transactions that reach into what is answered.
fn aborted(wanted: &Wanted, data: &PartitionData) -> Option<Vec<AbortedTransaction>> {
    let partition = wanted.partition.as_ref().ok()?;
    let records = data.records.as_deref().unwrap_or_default();
    let end = end_of(records);
    let entries = partition
        .aborted_in(wanted.asked.fetch_offset, end)
        .unwrap_or_else(|error| {
            log_storage_error(&error);
            Vec::new()
        });
    let told = |entry: Aborted| {
        AbortedTransaction::default()
            .with_producer_id(ProducerId(entry.producer_id))
            .with_first_offset(entry.first_offset)
    };
    Some(entries.into_iter().map(told).collect())
}

/// The offset behind the last batch.
fn end_of(records: &[u8]) -> i64 {
    let (mut at, mut end) = (0, 0);
    while let Ok(header) = BatchHeader::parse(records.get(at..).unwrap_or_default()) {
        at += header.length();
        end = header.last_offset() + 1;
    }
    end
}

/// What a bug switch leaves of an answer: everything if there is none.
fn show(wanted: &Wanted, records: Bytes) -> Result<Bytes, ApiError> {
    let partition = wanted.partition.as_ref().map_err(ApiError::clone)?;
    Ok(partition.show(wanted.asked.fetch_offset, records)?)
}

fn read_one(wanted: &Wanted, look: Look, limit: usize, first_whole: bool) -> (PartitionData, usize) {
    let result = look.and_then(|(bounds, readable)| match readable {
        None => Ok((bounds, Bytes::new())),
        Some(_) if limit == 0 && !first_whole => Ok((bounds, Bytes::new())),
        Some(readable) => readable
            .read(limit, first_whole)
            .map(|records| (bounds, records))
            .map_err(|error| crate::partition::ReadError::Storage(error).into())
            .and_then(|(bounds, records)| Ok((bounds, show(wanted, records)?))),
    });
    let data = PartitionData::default().with_partition_index(wanted.asked.partition);
    match result {
        Ok((bounds, records)) => {
            let bytes = records.len();
            let data = data
                .with_high_watermark(bounds.high_watermark)
                .with_last_stable_offset(bounds.last_stable_offset)
                .with_log_start_offset(bounds.start_offset)
                .with_aborted_transactions(None)
                .with_records(Some(records));
            (data, bytes)
        }
        Err(error) => {
            // As in Kafka: an empty list where there is no partition.
            let aborted = wanted.partition.is_err().then(Vec::new);
            let data = data
                .with_error_code(error.code())
                .with_high_watermark(-1)
                .with_aborted_transactions(aborted);
            (data, 0)
        }
    }
}
