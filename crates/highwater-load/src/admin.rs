//! Topics: made, removed and looked at. Groups: removed.
//!
//! Invariant: nothing is made or removed that the caller did not name.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::{MetadataBroker, MetadataPartition, MetadataTopic};

use crate::{LoadError, settings};

/// How long making or removing a topic may take.
const TOPIC_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a first answer is waited for before it is looked whether there was a refusal.
const ADMISSION_LOOK: Duration = Duration::from_millis(500);
/// How often it is looked whether a new topic can be written to.
const LEADER_LOOK: Duration = Duration::from_millis(10);

/// Between two tries to remove a group.
const GROUP_LOOK: Duration = Duration::from_millis(200);

/// A context that keeps the library's chatter out of the output: errors are returned.
pub(crate) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        tracing::debug!(target: "librdkafka", ?level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ConsumerContext for Quiet {}

/// A context that keeps why a client was not let in.
#[derive(Default)]
struct Listening(Mutex<Option<String>>);

impl Listening {
    fn refusal(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Listening {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        Quiet.log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if let KafkaError::Global(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL) = error {
            let mut refusal = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            refusal.get_or_insert_with(|| reason.to_owned());
        }
        Quiet.error(error, reason);
    }
}

impl ConsumerContext for Listening {}

/// Makes a topic with one replica for each partition, and waits until every partition has a leader. `configs`
/// are topic settings by name.
///
/// # Errors
/// [`LoadError::TopicExists`]; a refusal by the broker; no broker in time.
pub fn create_topic(
    bootstrap: &str,
    name: &str,
    partitions: u32,
    replication: u32,
    configs: &[(&str, &str)],
) -> Result<(), LoadError> {
    let client = administrator(bootstrap)?;
    let mut topic = NewTopic::new(
        name,
        partitions.cast_signed(),
        TopicReplication::Fixed(replication.cast_signed()),
    );
    for (key, value) in configs {
        topic = topic.set(key, value);
    }
    let options = AdminOptions::new().request_timeout(Some(TOPIC_TIMEOUT));
    let results = block_on(client.create_topics([&topic], &options));
    part_with(client);
    let results = results.map_err(|source| failed("creation", name, source))?;
    for result in results {
        match result {
            Ok(_) => {}
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {
                return Err(LoadError::TopicExists {
                    topic: name.to_owned(),
                    bootstrap: bootstrap.to_owned(),
                });
            }
            Err((_, code)) => return Err(refused("creation", name, code)),
        }
    }
    wait_for_leaders(bootstrap, name, partitions as usize)
}

/// Removes a topic. That there is none is not an error.
///
/// # Errors
/// A refusal by the broker; no broker in time.
pub fn delete_topic(bootstrap: &str, name: &str) -> Result<(), LoadError> {
    let client = administrator(bootstrap)?;
    let options = AdminOptions::new().request_timeout(Some(TOPIC_TIMEOUT));
    let results = block_on(client.delete_topics(&[name], &options));
    part_with(client);
    let results = results.map_err(|source| failed("removal", name, source))?;
    for result in results {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
            Err((_, code)) => return Err(refused("removal", name, code)),
        }
    }
    Ok(())
}

/// Removes consumer groups with what they committed. That there is none of a name is not an error. A group whose members
/// have not left yet is tried again until `limit` is over.
///
/// # Errors
/// [`LoadError::GroupRefused`] with the first that stayed; no broker in time.
pub fn delete_groups(bootstrap: &str, groups: &[String], limit: Duration) -> Result<(), LoadError> {
    let client = administrator(bootstrap)?;
    let options = AdminOptions::new().request_timeout(Some(TOPIC_TIMEOUT));
    let begin = Instant::now();
    let mut left: Vec<&str> = groups.iter().map(String::as_str).collect();
    let mut outcome = Ok(());
    while !left.is_empty() {
        let results = match block_on(client.delete_groups(&left, &options)) {
            Ok(results) => results,
            Err(source) => {
                outcome = Err(failed("removal of a group", &left.join(", "), source));
                break;
            }
        };
        let stayed: Vec<(String, RDKafkaErrorCode)> = results
            .into_iter()
            .filter_map(Result::err)
            .filter(|(_, code)| *code != RDKafkaErrorCode::GroupIdNotFound)
            .collect();
        let over = begin.elapsed() >= limit;
        if let Some((group, code)) = stayed.iter().find(|(_, code)| over || !passes(*code)) {
            outcome = Err(LoadError::GroupRefused {
                group: group.clone(),
                code: *code,
            });
            break;
        }
        left.retain(|group| stayed.iter().any(|(name, _)| name == group));
        if !left.is_empty() {
            thread::sleep(GROUP_LOOK);
        }
    }
    part_with(client);
    outcome
}

/// Whether a group may be removed later: its members leave, or its coordinator is not there yet.
fn passes(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::NonEmptyGroup
            | RDKafkaErrorCode::CoordinatorNotAvailable
            | RDKafkaErrorCode::CoordinatorLoadInProgress
            | RDKafkaErrorCode::NotCoordinator
    )
}

/// Asks whether a broker answers; returns the number of brokers.
///
/// # Errors
/// [`LoadError::Unreachable`].
pub fn reach(bootstrap: &str, timeout: Duration) -> Result<usize, LoadError> {
    let metadata = asker(bootstrap)?
        .fetch_metadata(None, timeout)
        .map_err(|error| unreachable(bootstrap, timeout, &error))?;
    Ok(metadata.brokers().len())
}

/// Names of the topics that are there and may be seen, in their order; without the cluster's own.
///
/// # Errors
/// [`LoadError::Unreachable`].
pub fn topics(bootstrap: &str, timeout: Duration) -> Result<Vec<String>, LoadError> {
    let metadata = asker(bootstrap)?
        .fetch_metadata(None, timeout)
        .map_err(|error| unreachable(bootstrap, timeout, &error))?;
    let names = metadata.topics().iter().map(|topic| topic.name().to_owned());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with("__")).collect();
    names.sort_unstable();
    Ok(names)
}

/// The brokers of a cluster: id and address.
///
/// # Errors
/// [`LoadError::Unreachable`].
pub fn brokers(bootstrap: &str, timeout: Duration) -> Result<Vec<(i32, String)>, LoadError> {
    let metadata = asker(bootstrap)?
        .fetch_metadata(None, timeout)
        .map_err(|error| unreachable(bootstrap, timeout, &error))?;
    let address = |broker: &MetadataBroker| (broker.id(), format!("{}:{}", broker.host(), broker.port()));
    Ok(metadata.brokers().iter().map(address).collect())
}

/// Where a partition is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Partition.
    pub partition: i32,
    /// The broker that leads it; -1 for none.
    pub leader: i32,
    /// Brokers that have a copy.
    pub replicas: Vec<i32>,
    /// Those that are in sync.
    pub isr: Vec<i32>,
}

/// Where the partitions of a topic are, ascending.
///
/// # Errors
/// [`LoadError::Unreachable`].
pub fn placements(bootstrap: &str, topic: &str, timeout: Duration) -> Result<Vec<Placement>, LoadError> {
    let metadata = asker(bootstrap)?
        .fetch_metadata(Some(topic), timeout)
        .map_err(|error| unreachable(bootstrap, timeout, &error))?;
    let found = metadata.topics().iter().filter(|found| found.name() == topic);
    let mut placed: Vec<Placement> = found
        .flat_map(MetadataTopic::partitions)
        .map(|partition| Placement {
            partition: partition.id(),
            leader: partition.leader(),
            replicas: partition.replicas().to_vec(),
            isr: partition.isr().to_vec(),
        })
        .collect();
    placed.sort_unstable_by_key(|one| one.partition);
    Ok(placed)
}

/// Asks whether the brokers let this client in; returns their number. A refusal is told at once and with its reason,
/// which [`reach`] would wait for in vain.
///
/// # Errors
/// [`LoadError::NotAdmitted`], [`LoadError::Unreachable`]; settings that the library refuses.
pub fn admitted(bootstrap: &str, timeout: Duration) -> Result<usize, LoadError> {
    let client: BaseConsumer<Listening> = settings::asker(bootstrap, "highwater-admin", "read_uncommitted")
        .create_with_context(Listening::default())
        .map_err(LoadError::of_client)?;
    let start = Instant::now();
    loop {
        let error = match client.fetch_metadata(None, ADMISSION_LOOK) {
            Ok(metadata) => return Ok(metadata.brokers().len()),
            Err(error) => error,
        };
        // Errors are handed out by the poll.
        let _ = client.poll(LEADER_LOOK);
        if let Some(detail) = client.context().refusal() {
            return Err(LoadError::NotAdmitted {
                bootstrap: bootstrap.to_owned(),
                detail,
            });
        }
        if start.elapsed() >= timeout {
            return Err(unreachable(bootstrap, timeout, &error));
        }
    }
}

/// The partitions of a topic, ascending.
///
/// # Errors
/// [`LoadError::TopicMissing`]; no broker in time.
pub fn partitions(bootstrap: &str, topic: &str, timeout: Duration) -> Result<Vec<i32>, LoadError> {
    partitions_of(&asker(bootstrap)?, bootstrap, topic, timeout)
}

pub(crate) fn partitions_of(
    client: &BaseConsumer<Quiet>,
    bootstrap: &str,
    topic: &str,
    timeout: Duration,
) -> Result<Vec<i32>, LoadError> {
    let metadata = client
        .fetch_metadata(Some(topic), timeout)
        .map_err(|error| unreachable(bootstrap, timeout, &error))?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let mut partitions: Vec<i32> = found
        .into_iter()
        .flat_map(|found| found.partitions().iter().map(MetadataPartition::id))
        .collect();
    partitions.sort_unstable();
    if partitions.is_empty() {
        return Err(LoadError::TopicMissing {
            topic: topic.to_owned(),
            bootstrap: bootstrap.to_owned(),
        });
    }
    Ok(partitions)
}

fn wait_for_leaders(bootstrap: &str, topic: &str, partitions: usize) -> Result<(), LoadError> {
    let client = asker(bootstrap)?;
    let start = Instant::now();
    let mut ready = 0;
    while start.elapsed() < TOPIC_TIMEOUT {
        if let Ok(metadata) = client.fetch_metadata(Some(topic), TOPIC_TIMEOUT) {
            let found = metadata.topics().iter().find(|found| found.name() == topic);
            ready = found.map_or(0, |found| {
                let has_leader = found
                    .partitions()
                    .iter()
                    .filter(|partition| partition.leader() >= 0);
                has_leader.count()
            });
        }
        if ready >= partitions {
            return Ok(());
        }
        thread::sleep(LEADER_LOOK);
    }
    Err(LoadError::NotReady {
        topic: topic.to_owned(),
        ready,
        partitions,
        timeout: TOPIC_TIMEOUT,
    })
}

fn administrator(bootstrap: &str) -> Result<AdminClient<DefaultClientContext>, LoadError> {
    settings::admin(bootstrap, "highwater-admin")
        .set_log_level(RDKafkaLogLevel::Emerg)
        .create()
        .map_err(LoadError::of_client)
}

/// Closes a client without waiting for it: it takes the library up to 100 ms to notice, and a run that starts
/// need not stand by.
fn part_with(client: AdminClient<DefaultClientContext>) {
    thread::spawn(move || drop(client));
}

/// A client that only asks.
fn asker(bootstrap: &str) -> Result<BaseConsumer<Quiet>, LoadError> {
    settings::asker(bootstrap, "highwater-admin", "read_uncommitted")
        .create_with_context(Quiet)
        .map_err(LoadError::of_client)
}

fn failed(action: &'static str, topic: &str, source: KafkaError) -> LoadError {
    LoadError::Topic {
        action,
        topic: topic.to_owned(),
        source,
    }
}

fn refused(action: &'static str, topic: &str, code: RDKafkaErrorCode) -> LoadError {
    LoadError::TopicRefused {
        action,
        topic: topic.to_owned(),
        code,
    }
}

pub(crate) fn unreachable(bootstrap: &str, timeout: Duration, error: &KafkaError) -> LoadError {
    LoadError::Unreachable {
        bootstrap: bootstrap.to_owned(),
        timeout,
        detail: error.to_string(),
    }
}

/// Runs a future on this thread; the client library wakes it from its own.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_where_nobody_listens_is_named() {
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let bootstrap = format!("127.0.0.1:{port}");
        let error = reach(&bootstrap, Duration::from_millis(200)).unwrap_err();
        assert!(matches!(error, LoadError::Unreachable { .. }), "{error}");
        assert!(error.to_string().contains(&bootstrap), "{error}");
    }
}
