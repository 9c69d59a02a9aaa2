//! Damaged requests and answers, read and altered as the fault proxy does it.
//!
//! ```text
//! seed, number ─▶ a request, or what the broker answered to it ─▶ damage ─▶ facts, addresses, answers made and altered
//! ```
//! Invariant: the same seed offers the same inputs. Every input ends in facts or an error; what can be read with its
//! records can be read without them, and addresses that were rewritten can be read again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use bytes::{BufMut, Bytes, BytesMut};
use highwater_model::history::RequestFacts;
use highwater_wire::frame::{self, LENGTH_BYTES, RequestHeader};
use highwater_wire::observe::{self, Depth};
use highwater_wire::{addresses, answer};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{ApiKey, FetchRequest, FetchResponse, TopicName};
use kafka_protocol::protocol::{Message, StrBytes};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use super::corpus::Corpus;
use super::error::FuzzError;
use super::subject::Subject;
use super::{LOOK_EVERY, MOST_RESIDENT_BYTES, damage, memory};

/// Bytes that are nothing at all, at most.
const MOST_RANDOM_BYTES: usize = 256;
/// Newer than any version that is known, by far.
const MOST_VERSION: i16 = 24;
/// A little above the numbers of all APIs.
const MOST_API: i16 = 100;
/// NOT_LEADER_OR_FOLLOWER, for answers that are made or altered.
const AN_ERROR: i16 = 6;

/// What became of the inputs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Looks {
    pub(crate) understood: u64,
    pub(crate) refused: u64,
}

/// An answer and what it answers.
#[derive(Debug, Clone)]
struct Answer {
    api_key: i16,
    api_version: i16,
    frame: Bytes,
}

/// One input.
#[derive(Debug)]
enum Input {
    Request(Bytes),
    Answer(Answer),
}

/// No topic is known by its id.
struct NoNames;

impl observe::TopicNames for NoNames {
    fn name(&self, _: Uuid) -> Option<String> {
        None
    }
}

/// Offers inputs of a seed; each is derived from its number alone.
pub(crate) fn offer(seed: u64, inputs: u64, out: &Path) -> Result<Looks, FuzzError> {
    let kept = memory::Kept::open(out, seed)?;
    let subject = Subject::start()?;
    let corpus = Corpus::of(&subject)?;
    let answers = answers(&subject, &corpus);
    let mut looks = Looks::default();
    for number in 0..inputs {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(number);
        let input = Input::make(&mut random, &corpus, &answers);
        kept.keep(number, &input.bytes())?;
        match catch_unwind(AssertUnwindSafe(|| input.look())) {
            Ok(true) => looks.understood += 1,
            Ok(false) => looks.refused += 1,
            Err(_) => return Err(kept.found(number, "a panic")),
        }
        if number % LOOK_EVERY == 0
            && memory::peak_resident_bytes().is_some_and(|held| held > MOST_RESIDENT_BYTES)
        {
            return Err(kept.found(
                number,
                "memory above the bound, in this input or one of the thousand before",
            ));
        }
    }
    kept.done();
    Ok(looks)
}

/// What the broker says at once to every request of the corpus.
fn answers(subject: &Subject, corpus: &Corpus) -> Vec<Answer> {
    let mut answers = Vec::new();
    for request in corpus.frames() {
        let Ok(header) = RequestHeader::decode(&mut request.clone()) else {
            continue;
        };
        if let Some(frame) = subject.answer(request.clone()) {
            answers.push(Answer {
                api_key: header.api_key,
                api_version: header.api_version,
                frame,
            });
        }
    }
    answers
}

impl Input {
    fn make(random: &mut ChaCha8Rng, corpus: &Corpus, answers: &[Answer]) -> Self {
        match random.random_range(0..10) {
            0..=2 => {
                let whole = corpus.frame(random);
                Self::Request(damage::frame(random, whole, corpus))
            }
            3 | 4 => {
                let whole = corpus.batch(random);
                let batch = damage::batch(random, whole);
                Self::Request(corpus.produce(random, batch))
            }
            5..=7 => {
                let mut answer = answers[random.random_range(0..answers.len())].clone();
                answer.frame = damage::frame(random, &answer.frame, corpus);
                Self::Answer(answer)
            }
            8 => {
                let whole = corpus.batch(random);
                let batch = damage::batch(random, whole);
                Self::Answer(fetched(random, batch))
            }
            _ => {
                let mut frame = vec![0; random.random_range(0..MOST_RANDOM_BYTES)];
                random.fill(&mut frame[..]);
                Self::Answer(Answer {
                    api_key: random.random_range(-1..MOST_API),
                    api_version: random.random_range(-1..MOST_VERSION),
                    frame: frame.into(),
                })
            }
        }
    }

    fn bytes(&self) -> Bytes {
        match self {
            Self::Request(frame) => frame.clone(),
            Self::Answer(answer) => {
                let mut bytes = BytesMut::new();
                bytes.put_i16(answer.api_key);
                bytes.put_i16(answer.api_version);
                bytes.extend_from_slice(&answer.frame);
                bytes.freeze()
            }
        }
    }

    /// Whether it made sense.
    fn look(&self) -> bool {
        match self {
            Self::Request(frame) => look_at_request(frame),
            Self::Answer(answer) => look_at_answer(answer),
        }
    }
}

/// The answer to a fetch, with this batch.
fn fetched(random: &mut ChaCha8Rng, batch: Bytes) -> Answer {
    let versions = FetchRequest::VERSIONS;
    let api_version = random.random_range(versions.min..=versions.max);
    let response = FetchResponse::default().with_responses(vec![
        FetchableTopicResponse::default()
            .with_topic(TopicName(StrBytes::from_static_str("fuzz-plain")))
            .with_partitions(vec![PartitionData::default().with_records(Some(batch))]),
    ]);
    let frame = frame::encode_response(&response, api_version, 7)
        .map_or_else(|_| Bytes::new(), |frame| frame.freeze().slice(LENGTH_BYTES..));
    Answer {
        api_key: ApiKey::Fetch as i16,
        api_version,
        frame,
    }
}

fn look_at_request(frame: &Bytes) -> bool {
    let mut body = frame.clone();
    let Ok(header) = RequestHeader::decode(&mut body) else {
        return false;
    };
    let keep = ["trace-id".to_owned()];
    let records = Depth::Records { headers: &keep };
    let deep = observe::request(&header, body.clone(), &NoNames, records);
    let shallow = observe::request(&header, body.clone(), &NoNames, Depth::Batches);
    assert!(deep.is_err() || shallow.is_ok(), "only readable with its records");
    // What these say does not matter here, only that they end.
    drop(observe::client_software(&header, body.clone()));
    drop(observe::sasl_mechanism(&header, body.clone()));
    drop(observe::principal(&header, body.clone(), "PLAIN"));
    drop(observe::principal(&header, body.clone(), "SCRAM-SHA-512"));
    drop(answer::error(&header, body.clone(), AN_ERROR));
    if let (Ok(RequestFacts::Produce(facts)), Some(acks)) = (&deep, observe::acks(header.api_version, &body))
    {
        assert_eq!(facts.acks, acks, "two ways to read acks");
    }
    deep.is_ok()
}

fn look_at_answer(answer: &Answer) -> bool {
    let (key, version, frame) = (answer.api_key, answer.api_version, &answer.frame);
    let all = &|_: &str, _: i32| true;
    let look = |depth| {
        let asked = RequestFacts::Other;
        observe::response(key, version, frame.clone(), &asked, &NoNames, depth)
    };
    let deep = look(Depth::Records { headers: &[] });
    let shallow = look(Depth::Batches);
    assert!(deep.is_err() || shallow.is_ok(), "only readable with its records");
    drop(observe::topic_names(version, frame.clone()));
    drop(answer::with_error(key, version, frame.clone(), AN_ERROR, all));
    drop(answer::with_offset_delta(key, version, frame.clone(), 1, all));
    let to = addresses::Endpoint {
        node: 1,
        host: "127.0.0.1".to_owned(),
        port: 1,
    };
    drop(answer::with_coordinators(version, frame.clone(), &mut |_, _| {
        Some(to.clone())
    }));
    let rewritten = addresses::rewrite(key, version, frame.clone(), &mut |_| (to.host.clone(), to.port));
    if let Ok(Some(rewritten)) = rewritten {
        let again = addresses::endpoints(key, version, rewritten);
        assert!(again.is_ok(), "rewritten, and not to be read: {again:?}");
    }
    drop(addresses::endpoints(key, version, frame.clone()));
    deep.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_starts_from_is_understood() {
        let subject = Subject::start().unwrap();
        let corpus = Corpus::of(&subject).unwrap();
        let answers = answers(&subject, &corpus);
        assert!(answers.len() > 100, "{} answers", answers.len());
        // The broker keeps batches whose records are not what their codec says, and a fetch brings them back.
        for answer in answers.iter().filter(|answer| !look_at_answer(answer)) {
            let what = (answer.api_key, answer.api_version);
            assert_eq!(what.0, ApiKey::Fetch as i16, "API and version: {what:?}");
        }
        let unreadable: Vec<_> = corpus
            .frames()
            .iter()
            .filter(|request| !look_at_request(request))
            .collect();
        // Some batches to start from have records that are not what their codec says.
        for request in &unreadable {
            let header = RequestHeader::decode(&mut (*request).clone()).unwrap();
            let what = (header.api_key, header.api_version);
            assert_eq!(what.0, ApiKey::Produce as i16, "API and version: {what:?}");
        }
    }

    #[test]
    fn a_share_of_the_long_run_ends_without_a_finding() {
        let directory = tempfile::tempdir().unwrap();
        let looks =
            offer(1, 20_000, &directory.path().join("fuzz")).unwrap_or_else(|error| panic!("{error}"));
        assert!(looks.understood > 4_000, "{looks:?}");
        assert!(looks.refused > 4_000, "{looks:?}");
    }
}
