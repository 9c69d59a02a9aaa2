//! Fetch: answered as soon as enough is there, or the client's patience is at its end.
//!
//! Fetch sessions (KIP-227) are declined with session id 0, which every client takes as "send me the
//! whole list each time". Committed readers get nothing from the last stable
//! offset on, and are told which transactions below it were aborted.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use highwater_wire::batch::BatchHeader;
use highwater_wire::frame;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{AbortedTransaction, FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{FetchRequest, FetchResponse, ProducerId};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::errors::{ApiError, log_storage_error};
use super::{Call, Refusal, Reply, leader_hints};
use crate::memory::Room;
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

pub(super) async fn answer(call: &Call<'_>, request: FetchRequest) -> Result<Reply, Refusal> {
    let (response, room) = handle(call, request).await;
    let frame = frame::encode_response(&response, call.version, call.correlation_id)?;
    Ok(match room {
        Some(room) => Reply::Records(frame, room),
        None => Reply::Frame(frame),
    })
}

async fn handle(call: &Call<'_>, mut request: FetchRequest) -> (FetchResponse, Option<Room>) {
    // Only what goes on with a session needs one.
    if request.session_epoch > 0 {
        let unknown = ResponseError::FetchSessionIdNotFound.code();
        return (FetchResponse::default().with_error_code(unknown), None);
    }
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)).min(MAX_WAIT);
    let deadline = (!wait.is_zero()).then(|| Instant::now() + wait);
    let topics: Vec<WantedTopic> = std::mem::take(&mut request.topics)
        .into_iter()
        .map(|topic| look_up(call, topic))
        .collect();
    let looks = wait_for_data(call, &request, &topics, deadline).await;
    let (topics, room) = read_within_memory(call, &request, &topics, looks, deadline).await;
    let mut response = FetchResponse::default().with_responses(topics);
    leader_hints::in_fetch(call, &mut response);
    (response, room)
}

/// Reads as much as there is room for in memory, at least the first batch. When there is no room even
/// for that, waits for it until the deadline, and then answers without records.
async fn read_within_memory(
    call: &Call<'_>,
    request: &FetchRequest,
    topics: &[WantedTopic],
    mut looks: Vec<Look>,
    deadline: Option<Instant>,
) -> (Vec<FetchableTopicResponse>, Option<Room>) {
    let isolation = isolation_of(request.isolation_level);
    let most = usize::try_from(request.max_bytes)
        .unwrap_or(0)
        .min(MAX_ANSWER_BYTES);
    let memory = &call.cluster.answers;
    let wanted = available(topics, &looks).min(most as u64);
    if looks.iter().all(|look| !matches!(look, Ok((_, Some(_))))) {
        return (read_all(topics, looks, None, isolation).0, None);
    }
    let mut room = memory.share(usize::try_from(wanted).unwrap_or(most));
    loop {
        let mut missing = 1;
        if let Some(mut room) = room.take() {
            let budget = most.min(room.bytes());
            let (answer, bytes) = read_all(topics, looks, Some(budget), isolation);
            if room.fit(bytes) {
                return (answer, Some(room));
            }
            // One batch that is longer than what was left.
            missing = bytes;
        }
        room = match deadline {
            Some(deadline) => room_until(call, missing, deadline).await,
            None => None,
        };
        looks = look(call, topics, isolation);
        if room.is_none() {
            return (read_all(topics, looks, None, isolation).0, None);
        }
    }
}

/// Waits for room; `None` if there is none in time, or the broker stops.
async fn room_until(call: &Call<'_>, bytes: usize, deadline: Instant) -> Option<Room> {
    let mut stopping = call.stopping.clone();
    tokio::select! {
        room = call.cluster.answers.take(bytes) => room,
        () = tokio::time::sleep_until(deadline) => None,
        _ = stopping.wait_for(|stop| *stop) => None,
    }
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

async fn wait_for_data(
    call: &Call<'_>,
    request: &FetchRequest,
    topics: &[WantedTopic],
    deadline: Option<Instant>,
) -> Vec<Look> {
    let isolation = isolation_of(request.isolation_level);
    let looks = look(call, topics, isolation);
    let Some(deadline) = deadline.filter(|_| !is_enough(topics, &looks, request.min_bytes)) else {
        return looks;
    };
    // Registered before the next look, so that an append between look and sleep rings the bell.
    let bell = Arc::new(Notify::new());
    let _registrations: Vec<Registration> = topics
        .iter()
        .flat_map(|topic| &topic.partitions)
        .filter_map(|wanted| wanted.partition.as_ref().ok())
        .map(|partition| partition.waiters.register(&bell))
        .collect();
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
    looks.iter().any(Result::is_err) || available(topics, looks) >= u64::try_from(min_bytes).unwrap_or(0)
}

/// How many bytes of records the request could get at most.
fn available(topics: &[WantedTopic], looks: &[Look]) -> u64 {
    let wanted = topics.iter().flat_map(|topic| &topic.partitions);
    let bytes = wanted.zip(looks).map(|(wanted, look)| match look {
        Ok((_, Some(readable))) => {
            let limit = u64::try_from(wanted.asked.partition_max_bytes).unwrap_or(0);
            readable.available().min(limit.max(1))
        }
        _ => 0,
    });
    bytes.sum()
}

/// The answers of all partitions, and the bytes of records in them: within the budget, or one batch. No
/// records at all without a budget.
fn read_all(
    topics: &[WantedTopic],
    looks: Vec<Look>,
    budget: Option<usize>,
    isolation: Isolation,
) -> (Vec<FetchableTopicResponse>, usize) {
    let mut looks = looks.into_iter();
    let mut first_whole = budget.is_some();
    let budget = budget.unwrap_or(0);
    let mut total = 0;
    let answers = topics
        .iter()
        .map(|topic| {
            let partitions = topic
                .partitions
                .iter()
                .zip(looks.by_ref())
                .map(|(wanted, look)| {
                    let limit = usize::try_from(wanted.asked.partition_max_bytes).unwrap_or(0);
                    let (mut data, bytes) =
                        read_one(wanted, look, limit.min(budget.saturating_sub(total)), first_whole);
                    if isolation == Isolation::Committed && data.error_code == 0 {
                        data.aborted_transactions = aborted(wanted, &data);
                    }
                    total += bytes;
                    first_whole = first_whole && bytes == 0;
                    data
                })
                .collect();
            FetchableTopicResponse::default()
                .with_topic(topic.asked.topic.clone())
                .with_topic_id(topic.asked.topic_id)
                .with_partitions(partitions)
        })
        .collect();
    (answers, total)
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
