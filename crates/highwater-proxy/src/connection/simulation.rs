//! A whole connection under a seeded schedule: clock, client, broker and rules are simulated, everything between
//! them is the real thing.
//!
//! ```text
//! client (sends at seeded moments) ─ pipe ─▶ Connection::run ─ pipe ─▶ broker (answers after seeded delays)
//! ```
//! The clock stands still unless everybody waits, so that hours pass in milliseconds and a seed shows the same
//! again. The oracle knows nothing of the connection's insides: it compares what was sent, what the broker got,
//! what the client got, and what the history says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use highwater_model::history::{ExchangeId, HistoryBody, HistoryEvent, RequestFate, ResponseFate};
use highwater_wire::BatchBuilder;
use highwater_wire::frame::{encode_request, encode_response};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{
    GroupId, HeartbeatRequest, HeartbeatResponse, ProduceRequest, ProduceResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};

use super::stream::{End, Socket};
use super::{Connection, Ending};
use crate::rule::{Direction, Parameters, RuleSpec, Scope, Then, Trigger};
use crate::shared::Shared;

const PRODUCE_VERSION: i16 = 9;
const HEARTBEAT_VERSION: i16 = 4;
/// Small, so that frames are torn and back-pressure happens.
const PIPE_BYTES: usize = 4 << 10;
/// Simulated time after which a run that does not end is stuck.
const STUCK: Duration = Duration::from_secs(3_600);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Sent {
    frame: Bytes,
    answered: bool,
}

/// A client's work: requests with their correlation ids from 1.
fn work(random: &mut ChaCha8Rng) -> Vec<Sent> {
    let count = random.random_range(1..40);
    (1..=count)
        .map(|id| {
            let silent = random.random_bool(0.1);
            let frame = if silent || random.random_bool(0.7) {
                produce(id, if silent { 0 } else { -1 }, random)
            } else {
                heartbeat(id)
            };
            Sent {
                frame,
                answered: !silent,
            }
        })
        .collect()
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn produce(id: i32, acks: i16, random: &mut ChaCha8Rng) -> Bytes {
    let value = vec![b'x'; random.random_range(0..9_000)];
    let batch = BatchBuilder::new().record(None, Some(&value)).build();
    let partition = PartitionProduceData::default()
        .with_index(random.random_range(0..3))
        .with_records(Some(batch));
    let topic = TopicProduceData::default()
        .with_name(TopicName(text("orders")))
        .with_partition_data(vec![partition]);
    let request = ProduceRequest::default()
        .with_acks(acks)
        .with_topic_data(vec![topic]);
    encode_request(&request, PRODUCE_VERSION, id, "simulated")
        .unwrap()
        .freeze()
}

fn heartbeat(id: i32) -> Bytes {
    let request = HeartbeatRequest::default()
        .with_group_id(GroupId(text("billing")))
        .with_member_id(text("member"));
    encode_request(&request, HEARTBEAT_VERSION, id, "simulated")
        .unwrap()
        .freeze()
}

/// Rules that end no connection and take no answer away.
fn harmless(random: &mut ChaCha8Rng) -> Vec<RuleSpec> {
    let span = |random: &mut ChaCha8Rng| Duration::from_millis(random.random_range(1..3_000));
    (0..random.random_range(0..5))
        .map(|number| {
            let (fault, parameters) = match random.random_range(0..9) {
                0 => (
                    "reject",
                    Parameters {
                        error: Some("NOT_ENOUGH_REPLICAS".to_owned()),
                        ..Parameters::default()
                    },
                ),
                1 => ("dup", Parameters::default()),
                2 | 3 => (
                    "hold",
                    Parameters {
                        delay: Some(span(random)),
                        ..Parameters::default()
                    },
                ),
                4 => (
                    "hold",
                    Parameters {
                        delay: Some(span(random)),
                        direction: Some(Direction::ToClient),
                        ..Parameters::default()
                    },
                ),
                5 => (
                    "latency",
                    Parameters {
                        delay: Some(span(random)),
                        jitter: Some(span(random)),
                        ..Parameters::default()
                    },
                ),
                6 => (
                    "slice",
                    Parameters {
                        size: Some(random.random_range(1..700)),
                        delay: Some(Duration::from_millis(1)),
                        ..Parameters::default()
                    },
                ),
                7 => (
                    "bandwidth",
                    Parameters {
                        bytes_per_second: Some(random.random_range(2_000..200_000)),
                        ..Parameters::default()
                    },
                ),
                _ => (
                    "black-hole",
                    Parameters {
                        lasting: Some(span(random)),
                        ..Parameters::default()
                    },
                ),
            };
            let frame_rule = matches!(fault, "reject" | "dup" | "hold");
            let trigger = match random.random_range(0..4) {
                0 => Trigger {
                    nth: Some(random.random_range(1..6)),
                    ..Trigger::default()
                },
                1 => Trigger {
                    every: Some(random.random_range(2..5)),
                    ..Trigger::default()
                },
                2 => Trigger {
                    probability: Some(0.3),
                    ..Trigger::default()
                },
                _ if frame_rule => Trigger {
                    times: Some(3),
                    ..Trigger::default()
                },
                _ => {
                    let from = span(random);
                    Trigger {
                        from: Some(from),
                        until: Some(from + span(random)),
                        ..Trigger::default()
                    }
                }
            };
            RuleSpec {
                name: format!("{fault} {number}"),
                fault: fault.to_owned(),
                scope: Scope {
                    apis: if frame_rule {
                        vec!["Produce".to_owned()]
                    } else {
                        Vec::new()
                    },
                    ..Scope::default()
                },
                trigger,
                parameters,
            }
        })
        .collect()
}

/// Reads frames until the end of the pipe.
async fn frames(mut pipe: ReadHalf<DuplexStream>, mut each: impl FnMut(Bytes)) {
    let mut buffer = BytesMut::new();
    while pipe.read_buf(&mut buffer).await.is_ok_and(|read| read > 0) {
        while let Some(prefix) = buffer.first_chunk::<4>() {
            let total = 4 + u32::from_be_bytes(*prefix) as usize;
            if buffer.len() < total {
                break;
            }
            each(buffer.split_to(total).freeze());
        }
    }
}

fn correlation_id(frame: &[u8], at: usize) -> i32 {
    i32::from_be_bytes(frame[at..at + 4].try_into().unwrap())
}

fn answer(request: &[u8]) -> Option<Bytes> {
    let id = correlation_id(request, 8);
    if request[5] == 12 {
        return Some(
            encode_response(&HeartbeatResponse::default(), HEARTBEAT_VERSION, id)
                .unwrap()
                .freeze(),
        );
    }
    let mut body = Bytes::copy_from_slice(&request[4..]);
    highwater_wire::frame::RequestHeader::decode(&mut body).unwrap();
    if highwater_wire::observe::acks(PRODUCE_VERSION, &body) == Some(0) {
        return None;
    }
    let partition = PartitionProduceResponse::default().with_base_offset(i64::from(id));
    let topic = TopicProduceResponse::default()
        .with_name(TopicName(text("orders")))
        .with_partition_responses(vec![partition]);
    let response = ProduceResponse::default().with_responses(vec![topic]);
    Some(encode_response(&response, PRODUCE_VERSION, id).unwrap().freeze())
}

/// Answers in order, each after its own delay.
async fn broker(pipe: DuplexStream, seed: u64) -> Vec<Bytes> {
    let (reader, mut writer): (_, WriteHalf<DuplexStream>) = tokio::io::split(pipe);
    let (queue, mut requests) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
    let answering = tokio::spawn(async move {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        while let Some(request) = requests.recv().await {
            tokio::time::sleep(Duration::from_millis(random.random_range(0..300))).await;
            if let Some(answer) = answer(&request)
                && writer.write_all(&answer).await.is_err()
            {
                break;
            }
        }
        let _ = writer.shutdown().await;
    });
    let mut got = Vec::new();
    frames(reader, |frame| {
        got.push(frame.clone());
        let _ = queue.send(frame);
    })
    .await;
    drop(queue);
    answering.await.unwrap();
    got
}

struct Outcome {
    sent: Vec<Sent>,
    broker: Vec<Bytes>,
    client: Vec<Bytes>,
    events: Vec<HistoryEvent>,
}

/// An end that is a pipe. Its socket is one that nobody uses.
async fn end(pipe: DuplexStream) -> End {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let unused = tokio::net::TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (reader, writer) = tokio::io::split(pipe);
    End {
        reader: Box::new(reader),
        writer: Box::new(writer),
        socket: Socket::of(&unused).unwrap(),
    }
}

async fn simulate(seed: u64, rules: impl Fn(&mut ChaCha8Rng) -> Vec<RuleSpec>) -> Outcome {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let rules = rules(&mut random);
    let sent = work(&mut random);
    let expected = sent.iter().filter(|sent| sent.answered).count();
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let observer = Box::new(move |event: &HistoryEvent| seen.lock().unwrap().push(event.clone()));
    let (shared, thread) = Shared::for_simulation(&rules, seed, observer);
    let keeping_time = tokio::spawn(Arc::clone(&shared).keep_time());
    let (client, client_end) = tokio::io::duplex(PIPE_BYTES);
    let (broker_end, broker_pipe) = tokio::io::duplex(PIPE_BYTES);
    let broker = tokio::spawn(broker(broker_pipe, seed));
    let connection = Connection::new(
        highwater_model::history::ConnectionId(1),
        Arc::clone(&shared),
        Some(0),
    );
    let ends = (end(client_end).await, end(broker_end).await);
    let passing = tokio::spawn(async move { connection.run(ends.0, ends.1).await });
    let (reader, mut writer) = tokio::io::split(client);
    let sending = sent.clone();
    let mut moments = ChaCha8Rng::seed_from_u64(seed ^ 1);
    let all_answered = Arc::new(tokio::sync::Notify::new());
    let done = Arc::clone(&all_answered);
    let client = tokio::spawn(async move {
        for request in sending {
            tokio::time::sleep(Duration::from_millis(moments.random_range(0..200))).await;
            if writer.write_all(&request.frame).await.is_err() {
                break;
            }
        }
        if expected > 0 {
            done.notified().await;
        }
        let _ = writer.shutdown().await;
    });
    let mut got = Vec::new();
    frames(reader, |frame| {
        got.push(frame);
        if got.len() == expected {
            all_answered.notify_one();
        }
    })
    .await;
    all_answered.notify_one();
    client.await.unwrap();
    let _ending: Ending = passing.await.unwrap();
    let broker = broker.await.unwrap();
    shared.stopping.cancel();
    keeping_time.await.unwrap();
    drop(shared);
    tokio::task::yield_now().await;
    thread.join().unwrap();
    let events = std::mem::take(&mut *events.lock().unwrap());
    Outcome {
        sent,
        broker,
        client: got,
        events,
    }
}

/// How often the broker must have got a request, by what the history says of it.
fn copies(fate: RequestFate) -> usize {
    match fate {
        RequestFate::Forwarded | RequestFate::Held => 1,
        RequestFate::Duplicated => 2,
        RequestFate::Rejected | RequestFate::Swallowed => 0,
    }
}

/// Fates of requests, in the order of the client: exchanges are numbered as requests begin.
fn fates(events: &[HistoryEvent]) -> BTreeMap<ExchangeId, RequestFate> {
    let fate = |event: &HistoryEvent| match &event.body {
        HistoryBody::Request { exchange, fate, .. } => Some((*exchange, *fate)),
        _ => None,
    };
    events.iter().filter_map(fate).collect()
}

fn check_requests(seed: u64, outcome: &Outcome) {
    let fates = fates(&outcome.events);
    assert_eq!(
        fates.len(),
        outcome.sent.len(),
        "seed {seed}: requests in the history"
    );
    for (sent, fate) in outcome.sent.iter().zip(fates.values()) {
        let got = outcome
            .broker
            .iter()
            .filter(|frame| **frame == sent.frame)
            .count();
        assert_eq!(got, copies(*fate), "seed {seed}: a request that was {fate:?}");
    }
    let wanted: usize = fates.values().map(|fate| copies(*fate)).sum();
    assert_eq!(
        outcome.broker.len(),
        wanted,
        "seed {seed}: nothing else reaches the broker"
    );
}

#[tokio::test(start_paused = true)]
async fn whatever_rules_do_each_answer_arrives_once_and_in_order() {
    let mut fired = BTreeMap::<String, usize>::new();
    for seed in 0..300 {
        let simulated = tokio::time::timeout(STUCK, simulate(seed, harmless)).await;
        let outcome = simulated.unwrap_or_else(|_| panic!("seed {seed}: stuck"));
        check_requests(seed, &outcome);
        let asked: Vec<i32> = outcome
            .sent
            .iter()
            .filter(|sent| sent.answered)
            .map(|sent| correlation_id(&sent.frame, 8))
            .collect();
        let got: Vec<i32> = outcome
            .client
            .iter()
            .map(|frame| correlation_id(frame, 4))
            .collect();
        assert_eq!(got, asked, "seed {seed}: answers in the client's order");
        for fate in fates(&outcome.events).values() {
            *fired.entry(format!("{fate:?}")).or_default() += 1;
        }
    }
    // The oracle judged something: every fate occurred.
    assert!(
        fired.len() >= 4 && fired.values().all(|times| *times > 20),
        "{fired:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_taken_away_is_never_delivered_and_nothing_after_it() {
    for seed in 0..200 {
        let rules = |random: &mut ChaCha8Rng| {
            vec![RuleSpec {
                name: "lost".to_owned(),
                fault: "drop-ack".to_owned(),
                scope: Scope {
                    apis: vec!["Produce".to_owned()],
                    ..Scope::default()
                },
                trigger: Trigger {
                    nth: Some(random.random_range(1..5)),
                    ..Trigger::default()
                },
                parameters: Parameters {
                    then: Some(Then::Close),
                    ..Parameters::default()
                },
            }]
        };
        let simulated = tokio::time::timeout(STUCK, simulate(seed, rules)).await;
        let outcome = simulated.unwrap_or_else(|_| panic!("seed {seed}: stuck"));
        let lost = outcome.events.iter().find_map(|event| match &event.body {
            HistoryBody::Response {
                exchange,
                fate: ResponseFate::Discarded,
                ..
            } => Some(exchange.0),
            _ => None,
        });
        let got: Vec<i32> = outcome
            .client
            .iter()
            .map(|frame| correlation_id(frame, 4))
            .collect();
        let asked: Vec<i32> = outcome
            .sent
            .iter()
            .filter(|sent| sent.answered)
            .map(|sent| correlation_id(&sent.frame, 8))
            .take_while(|id| lost.is_none_or(|lost| u64::from(id.unsigned_abs()) < lost))
            .collect();
        assert_eq!(got, asked, "seed {seed}: lost {lost:?}");
        if let Some(lost) = lost {
            let applied = outcome
                .broker
                .iter()
                .any(|frame| u64::from(correlation_id(frame, 8).unsigned_abs()) == lost);
            assert!(applied, "seed {seed}: the broker got what the client lost");
        }
    }
}
