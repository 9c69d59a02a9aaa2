//! Networks that are slow: `latency`, `bandwidth`, `slice`, `slow-close`.
//!
//! What is measured here is measured at the client. Machines are busy at times, which only ever adds: so no moment may
//! be too early, and the best of several must not be late.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use highwater_proxy::{Direction, RuleSpec};
use rdkafka::consumer::Consumer as _;

use crate::arm::{Arm, PATIENCE, until};
use crate::behind::{Behind, History, With, standing};
use crate::clients::{consumer, idempotent, producer_at, read_until, send, send_and_wait, send_each};

/// What a good day adds.
const SLACK: Duration = Duration::from_millis(100);

/// For every connection of the idempotent producers here, and of readers.
fn shaped(fault: &str, direction: Direction) -> RuleSpec {
    let mut rule = standing(fault, "*").with(|settings| settings.direction = Some(direction));
    rule.scope.client_id = None;
    rule
}

fn every_answer_is_late(arm: &Arm) {
    let topic = "latency";
    arm.topic(topic, 1);
    let (delay, jitter) = (Duration::from_millis(150), Duration::from_millis(50));
    for (direction, least) in [(Direction::ToClient, delay), (Direction::Both, delay * 2)] {
        let late = shaped("latency", direction).with(|settings| {
            settings.delay = Some(delay);
            settings.jitter = Some(jitter);
        });
        let behind = Behind::new(arm, vec![late]);
        let client = idempotent(&behind, &[]);
        send_and_wait(&client, topic, "first").expect("stored");
        let times: Vec<Duration> = (0..6)
            .map(|_| {
                let asked = Instant::now();
                send_and_wait(&client, topic, "x").expect("stored");
                asked.elapsed()
            })
            .collect();
        assert!(
            times.iter().all(|time| *time >= least),
            "{direction:?}: {times:?}"
        );
        let most = least.mul_f64(1.0 + 50.0 / 150.0) + SLACK;
        assert!(times.iter().any(|time| *time < most), "{direction:?}: {times:?}");
        let history = behind.stop();
        assert_eq!(history.produces(topic).len(), 7, "nothing was sent again");
        assert!(history.counts().1 >= 1);
    }
    assert_eq!(arm.log(topic).len(), 14);
}

/// Requests do not wait for each other: many are under way at once.
fn latency_does_not_limit_how_much_is_under_way(arm: &Arm) {
    let topic = "latency-pipeline";
    arm.topic(topic, 1);
    let late = shaped("latency", Direction::ToBroker)
        .with(|settings| settings.delay = Some(Duration::from_millis(300)));
    let behind = Behind::new(arm, vec![late]);
    let client = idempotent(&behind, &[("batch.num.messages", "1")]);
    send_and_wait(&client, topic, "first").expect("stored");
    let asked = Instant::now();
    for _ in 0..5 {
        send(&client, topic, 0, "x");
    }
    until("all are answered", || {
        rdkafka::producer::Producer::context(&client).delivered().len() == 6
    });
    let took = asked.elapsed();
    assert_eq!(behind.stop().produces(topic).len(), 6, "each was a request");
    assert!(
        took >= Duration::from_millis(300) && took < Duration::from_millis(900),
        "{took:?}"
    );
}

const RATE: u64 = 400_000;
const PIECES: usize = 12;
const PIECE: usize = 100_000;

#[track_caller]
fn assert_rate(bytes: usize, took: Duration) {
    let rate = bytes as f64 / took.as_secs_f64();
    let off = (rate / RATE as f64 - 1.0).abs();
    assert!(
        off < 0.15,
        "{bytes} bytes in {took:?}: {rate:.0} bytes/s, not {RATE}"
    );
}

fn a_narrow_way_to_the_broker(arm: &Arm) {
    let topic = "bandwidth-to-broker";
    arm.topic(topic, 1);
    let narrow = shaped("bandwidth", Direction::ToBroker);
    let behind = Behind::new(
        arm,
        vec![narrow.with(|settings| settings.bytes_per_second = Some(RATE))],
    );
    let client = idempotent(&behind, &[]);
    send_and_wait(&client, topic, "first").expect("stored");
    let value = "v".repeat(PIECE);
    let began = Instant::now();
    for _ in 0..PIECES {
        send(&client, topic, 0, &value);
    }
    until("all are answered", || {
        rdkafka::producer::Producer::context(&client).delivered().len() == PIECES + 1
    });
    assert_rate(PIECES * PIECE, began.elapsed());
    let log = arm.log(topic);
    assert!(log.len() == PIECES + 1 && log[1..].iter().all(|one| *one == value));
    behind.stop();
}

fn a_narrow_way_to_the_client(arm: &Arm) {
    let topic = "bandwidth-to-client";
    arm.topic(topic, 1);
    let direct = producer_at(&arm.address().to_string(), "direct", &[]);
    let value = "v".repeat(PIECE);
    for _ in 0..PIECES {
        send_and_wait(&direct, topic, &value).expect("stored");
    }
    let narrow = shaped("bandwidth", Direction::ToClient);
    let behind = Behind::new(
        arm,
        vec![narrow.with(|settings| settings.bytes_per_second = Some(RATE))],
    );
    // A record in each answer, and the next is asked for while one is read.
    let reader = consumer(&behind, topic, &[("fetch.message.max.bytes", "1000")]);
    reader.subscribe(&[topic]).expect("subscribed");
    let mut times = Vec::new();
    read_until(&reader, "every record", |read| {
        if read.len() > times.len() {
            times.push(Instant::now());
        }
        assert!(read.iter().all(|one| *one == value));
        read.len() == PIECES
    });
    assert_rate((PIECES - 1) * PIECE, times[PIECES - 1] - times[0]);
    drop(reader);
    behind.stop();
}

/// Frames arrive torn, and everything that is in them arrives.
fn frames_in_slices(arm: &Arm) {
    let topic = "slice";
    arm.topic(topic, 1);
    let torn = shaped("slice", Direction::Both).with(|settings| settings.size = Some(7));
    let behind = Behind::new(arm, vec![torn]);
    let client = idempotent(&behind, &[]);
    let values: Vec<String> = (1..60)
        .map(|length| format!("{length}-").repeat(length))
        .collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    assert!(send_each(&client, topic, &values).iter().all(Result::is_ok));
    assert_eq!(arm.log(topic), values);
    let reader = consumer(&behind, topic, &[]);
    reader.subscribe(&[topic]).expect("subscribed");
    let read = read_until(&reader, "every record", |read| read.len() >= values.len());
    assert_eq!(read, values);
    drop(reader);
    behind.stop();
}

/// `ApiVersions` 0 with correlation id 1 and no client id.
const API_VERSIONS: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];

/// No client tells in what pieces its answers came; a socket does.
fn slices_are_what_they_are_said_to_be(arm: &Arm) {
    let torn = shaped("slice", Direction::ToClient).with(|settings| {
        settings.size = Some(7);
        settings.delay = Some(Duration::from_millis(20));
    });
    let behind = Behind::new(arm, vec![torn]);
    let mut socket = TcpStream::connect(behind.bootstrap()).expect("connected");
    socket.set_read_timeout(Some(PATIENCE)).expect("a limit");
    socket.write_all(&API_VERSIONS).expect("sent");
    let mut room = [0; 4_096];
    let mut sizes = Vec::new();
    let mut answer = Vec::new();
    let whole = |answer: &[u8]| {
        let length = answer
            .first_chunk::<4>()
            .map(|length| u32::from_be_bytes(*length) as usize);
        length.is_some_and(|length| answer.len() >= length + 4)
    };
    while !whole(&answer) {
        let read = socket.read(&mut room).expect("read");
        assert!(read > 0, "closed after {answer:?}");
        sizes.push(read);
        answer.extend_from_slice(&room[..read]);
    }
    // A reader that was kept from running finds several pieces at once.
    assert!(sizes.iter().rev().skip(1).all(|size| size % 7 == 0), "{sizes:?}");
    assert!(sizes.contains(&7) && sizes.len() > 3, "{sizes:?}");
    drop(socket);
    behind.stop();
}

/// The broker learns late that its client is gone.
fn the_end_is_told_late(arm: &Arm) {
    let topic = "slow-close";
    arm.topic(topic, 1);
    let delay = Duration::from_secs(1);
    let mut late = standing("slow-close", "idempotent").with(|settings| settings.delay = Some(delay));
    late.scope.client_id = None;
    let behind = Behind::new(arm, vec![late]);
    let client = idempotent(&behind, &[]);
    assert_eq!(send_each(&client, topic, &["a", "b"]), [Ok(0), Ok(1)]);
    let closed = behind.clock();
    drop(client);
    let used = behind.so_far().produces(topic)[0].connection;
    let end = |history: &History| {
        let mut ended = history.disconnections().into_iter();
        ended.find_map(|(connection, at, _)| (connection == used).then_some(at))
    };
    behind.until("the connection has ended", |history| end(history).is_some());
    assert_eq!(arm.log(topic), ["a", "b"]);
    let ended = end(&behind.stop()).expect("it has ended");
    assert!(ended >= closed + delay, "{closed:?}: {ended:?}");
}

on_both!(
    every_answer_is_late,
    latency_does_not_limit_how_much_is_under_way,
    a_narrow_way_to_the_broker,
    a_narrow_way_to_the_client,
    frames_in_slices,
    slices_are_what_they_are_said_to_be,
    the_end_is_told_late,
);
