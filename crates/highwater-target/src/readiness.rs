//! Is a broker there? Asked in its own protocol, never guessed from time.
//!
//! Ready means: ApiVersions is answered and Metadata names at least one broker that may lead partitions.
//! The questions are asked on a thread of their own, because a connection or an answer may hang, while the
//! caller keeps looking at the interrupt flag and at the process. A late answer is thrown away.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use highwater_wire::{Connection, WireError};
use kafka_protocol::messages::{ApiVersionsRequest, MetadataRequest};

use crate::versions;

/// A cold JVM takes some hundred milliseconds for its first answer; much shorter would give up on it again
/// and again.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// Every version of ApiVersions is answered by every broker in the form of version 0 at least.
const API_VERSIONS_VERSION: i16 = 0;
/// Has the cluster id and can say that no topic is to be created; spoken by Kafka 2.1 to 4.x.
const METADATA_VERSION: i16 = 7;

/// What a broker says of its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) cluster_id: Option<String>,
    pub(crate) brokers: usize,
    /// The ids of those brokers.
    pub(crate) node_ids: Vec<i32>,
    /// What it has to speak and does not, so that nothing more was asked.
    pub(crate) too_old: Option<String>,
    /// When it was received.
    pub(crate) at: Instant,
}

/// What an answer has to say before it is the one that is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Awaited {
    /// Only this cluster is meant; anybody else who answers is not ready but a stranger.
    pub(crate) cluster_id: Option<String>,
    /// This node has to be one of those that may lead partitions.
    pub(crate) node_id: Option<i32>,
    /// So many have to be there; one at least.
    pub(crate) brokers: usize,
}

/// Asks one broker once.
pub(crate) fn ask(address: SocketAddr) -> Result<Answer, String> {
    let mut connection = Connection::open(address, ANSWER_LIMIT).map_err(|error| told(&error))?;
    let versions = connection
        .call(&ApiVersionsRequest::default(), API_VERSIONS_VERSION)
        .map_err(|error| told(&error))?;
    if versions.error_code != 0 {
        return Err(format!(
            "ApiVersions was answered with error {}",
            versions.error_code
        ));
    }
    if let Some(missing) = versions::missing(&versions.api_keys) {
        return Ok(Answer {
            cluster_id: None,
            brokers: 0,
            node_ids: Vec::new(),
            too_old: Some(missing),
            at: Instant::now(),
        });
    }
    let no_topics = MetadataRequest::default()
        .with_topics(Some(Vec::new()))
        .with_allow_auto_topic_creation(false);
    let metadata = connection
        .call(&no_topics, METADATA_VERSION)
        .map_err(|error| told(&error))?;
    Ok(Answer {
        cluster_id: metadata.cluster_id.map(|id| id.to_string()),
        brokers: metadata.brokers.len(),
        node_ids: metadata.brokers.iter().map(|broker| broker.node_id.0).collect(),
        too_old: None,
        at: Instant::now(),
    })
}

/// An error of the wire with its cause, in one line.
fn told(error: &WireError) -> String {
    match error {
        WireError::Connect { source, .. } | WireError::Io { source, .. } => format!("{error}: {source}"),
        _ => error.to_string(),
    }
}

/// Asks a broker again and again until it gives the answer that is waited for, or the prober is dropped.
#[derive(Debug)]
pub(crate) struct Prober {
    answers: Receiver<Answer>,
    last: Arc<Mutex<String>>,
    over: Arc<AtomicBool>,
}

impl Prober {
    pub(crate) fn start(address: SocketAddr, every: Duration, awaited: Awaited) -> std::io::Result<Self> {
        Self::asking(every, move || {
            ask(address).and_then(|answer| accept(answer, &awaited))
        })
    }

    /// The same for something that is no broker: `question` gives when it was answered, or why not.
    pub(crate) fn of(
        every: Duration,
        question: impl Fn() -> Result<Instant, String> + Send + 'static,
    ) -> std::io::Result<Self> {
        Self::asking(every, move || {
            question().map(|at| Answer {
                cluster_id: None,
                brokers: 0,
                node_ids: Vec::new(),
                too_old: None,
                at,
            })
        })
    }

    fn asking(
        every: Duration,
        question: impl Fn() -> Result<Answer, String> + Send + 'static,
    ) -> std::io::Result<Self> {
        let (found, answers) = mpsc::sync_channel(1);
        let over = Arc::new(AtomicBool::new(false));
        let last = Arc::new(Mutex::new("nothing was heard".to_owned()));
        let (enough, latest) = (Arc::clone(&over), Arc::clone(&last));
        std::thread::Builder::new()
            .name("prober".to_owned())
            .spawn(move || {
                while !enough.load(Ordering::Relaxed) {
                    match question() {
                        Ok(answer) => {
                            // Nobody listens any more if the wait was given up.
                            let _ = found.send(answer);
                            return;
                        }
                        Err(reason) => *latest.lock().unwrap_or_else(PoisonError::into_inner) = reason,
                    }
                    std::thread::sleep(every);
                }
            })?;
        Ok(Self { answers, last, over })
    }

    /// The answer, once it is there.
    pub(crate) fn answer(&self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }

    /// Why the last attempt was not the answer.
    pub(crate) fn last(&self) -> String {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn accept(answer: Answer, awaited: &Awaited) -> Result<Answer, String> {
    if let Some(missing) = answer.too_old {
        return Err(missing);
    }
    if awaited.cluster_id.is_some() && answer.cluster_id != awaited.cluster_id {
        let who = answer.cluster_id.as_deref().unwrap_or("without an id");
        return Err(format!("another cluster answers there ({who})"));
    }
    if answer.brokers == 0 {
        return Err("it answers and names no broker as ready".to_owned());
    }
    if answer.brokers < awaited.brokers {
        let (there, all) = (answer.brokers, awaited.brokers);
        return Err(format!("it answers and names {there} of {all} brokers as ready"));
    }
    match awaited.node_id {
        Some(id) if !answer.node_ids.contains(&id) => Err(format!(
            "it answers and does not name itself (node {id}) as ready"
        )),
        _ => Ok(answer),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn only_the_cluster_that_is_meant_and_has_a_broker_is_ready() {
        let answer = |id: Option<&str>, node_ids: &[i32]| Answer {
            cluster_id: id.map(str::to_owned),
            brokers: node_ids.len(),
            node_ids: node_ids.to_vec(),
            too_old: None,
            at: Instant::now(),
        };
        let of = |cluster_id: Option<&str>, node_id, brokers| Awaited {
            cluster_id: cluster_id.map(str::to_owned),
            node_id,
            brokers,
        };
        for (name, given, awaited, ready) in [
            ("anybody", answer(Some("a"), &[1]), of(None, None, 1), true),
            (
                "the one",
                answer(Some("a"), &[1]),
                of(Some("a"), Some(1), 1),
                true,
            ),
            (
                "a stranger",
                answer(Some("b"), &[1]),
                of(Some("a"), None, 1),
                false,
            ),
            (
                "a nameless one",
                answer(None, &[1]),
                of(Some("a"), None, 1),
                false,
            ),
            ("fenced", answer(Some("a"), &[]), of(Some("a"), None, 0), false),
            (
                "two of three",
                answer(Some("a"), &[1, 2]),
                of(Some("a"), Some(1), 3),
                false,
            ),
            (
                "three",
                answer(Some("a"), &[3, 1, 2]),
                of(Some("a"), Some(2), 3),
                true,
            ),
            (
                "only others",
                answer(Some("a"), &[1, 2]),
                of(Some("a"), Some(3), 1),
                false,
            ),
        ] {
            assert_eq!(accept(given, &awaited).is_ok(), ready, "{name}");
        }
    }

    #[test]
    fn silence_and_nonsense_are_errors_with_their_cause() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            use std::io::{Read, Write};
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 64]).unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        });
        let nonsense = ask(address).unwrap_err();
        server.join().unwrap();
        assert!(nonsense.contains("frame"), "{nonsense}");
        let refused = ask(address).unwrap_err();
        assert!(refused.contains("refused"), "{refused}");
    }
}
