//! The whole crate against the broker that librdkafka brings along for tests: real sockets, no broker process.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use highwater_load::read_back::{self, Observation};
use highwater_load::{
    ClientSettings, Clock, Keys, Load, LoadError, Offer, ProducerSpec, Receivers, Row, Values, admin,
};
use highwater_measure::{Schedule, Shape};
use highwater_model::{Outcome, RunId};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

const TOPIC: &str = "load-test";
const RUN: RunId = RunId(0xBEEF);
/// Far longer than anything here takes; only a failure waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

type Broker = MockCluster<'static, DefaultProducerContext>;

fn broker() -> Broker {
    let broker = MockCluster::new(1).unwrap();
    broker.create_topic(TOPIC, 3, 1).unwrap();
    broker
}

fn spec(index: u32, of: u32, shape: Shape, duration: Duration) -> ProducerSpec {
    ProducerSpec {
        index,
        schedule: Schedule::new(shape, duration).unwrap(),
        of,
        records_limit: None,
        keys: Keys::Uniform { keys: 10 },
        values: Values::ChangeEvents { bytes: 700 },
        compressibility: 2.0,
        client: ClientSettings::default(),
        seed: 5,
    }
}

fn start(broker: &Broker, clock: Clock, producers: Vec<ProducerSpec>, start_at_ns: u64) -> Load {
    let offer = Offer {
        bootstrap: broker.bootstrap_servers(),
        topic: TOPIC.to_owned(),
        run: RUN,
        clock,
        producers,
        stop: Arc::new(AtomicBool::new(false)),
    };
    let mut load = Load::prepare(&offer).unwrap();
    load.start(&offer, start_at_ns).unwrap();
    load
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "never came: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn drain(load: &mut Load, limit: Duration) -> highwater_load::Drained {
    load.drain(limit, &AtomicBool::new(false))
}

fn rows(load: &Load) -> Vec<Row> {
    load.ledgers()
        .iter()
        .flat_map(|ledger| ledger.rows().collect::<Vec<_>>())
        .collect()
}

#[test]
fn every_record_is_acknowledged_received_and_found_once() {
    let broker = broker();
    let clock = Clock::start();
    let shape = Shape::Constant { per_s: 1_000.0 };
    let specs = (0..2)
        .map(|index| spec(index, 2, shape.clone(), Duration::from_millis(500)))
        .collect();
    let mut load = start(&broker, clock, specs, 0);
    let mut receivers = Receivers::start(
        &broker.bootstrap_servers(),
        TOPIC,
        RUN,
        clock,
        load.ledgers(),
        2,
        "load-test-group",
        Arc::new(AtomicBool::new(false)),
    )
    .unwrap();
    wait_until("the end of the schedule", || load.offering_done());
    assert!(load.take_interval().count > 0);
    assert!(drain(&mut load, PATIENCE).complete);
    wait_until("the last delivery to a consumer", || {
        receivers.counts().received == 500
    });
    assert!(receivers.assigned());
    receivers.stop();
    assert_eq!(receivers.counts().corrupt + receivers.counts().foreign, 0);
    assert_eq!(receivers.counts().negative_latencies, 0);

    let counts = load.counts();
    assert_eq!(
        (counts.due, counts.handed_over, counts.acknowledged),
        (500, 500, 500)
    );
    assert_eq!((counts.failed, counts.unknown, counts.in_flight), (0, 0, 0));
    assert_eq!(counts.oldest_pending_ns, 0);
    for row in rows(&load) {
        assert_eq!(row.outcome, Outcome::Acknowledged);
        assert!(row.handed_ns <= row.acknowledged_ns && row.intended_ns <= row.received_ns.unwrap());
    }

    let bootstrap = broker.bootstrap_servers();
    let ends = read_back::ends(&bootstrap, TOPIC, PATIENCE).unwrap();
    assert_eq!(ends.len(), 3);
    assert_eq!(
        ends.iter()
            .map(|end| end.high_watermark - end.log_start)
            .sum::<i64>(),
        500
    );
    let ledgers = load.ledgers();
    let mut observe = |partition, offset, observation| {
        let Observation::Record(id) = observation else {
            panic!("{observation:?} at {partition}/{offset}");
        };
        let ledger = &ledgers[id.producer as usize];
        let found = ledger.mark_found(id.sequence, partition, offset).unwrap();
        assert_eq!((found.times_before, found.first), (0, None));
        let row = ledger.get(id.sequence).unwrap();
        assert_eq!((row.partition, row.offset), (Some(partition), Some(offset)));
    };
    let never = AtomicBool::new(false);
    let mut told = Vec::new();
    let mut progress = |read, expected| told.push((read, expected));
    let done = read_back::read(&bootstrap, TOPIC, RUN, &ends, &never, &mut progress, &mut observe).unwrap();
    assert_eq!((done.read, done.bytes), (500, 500 * (700 + 12)));
    assert_eq!((told.first(), told.last()), (Some(&(0, 500)), Some(&(500, 500))));
    assert!(rows(&load).iter().all(|row| row.times_found == 1));
}

#[test]
fn an_outage_does_not_shift_the_schedule() {
    let broker = broker();
    let clock = Clock::start();
    let mut slow = spec(0, 1, Shape::Constant { per_s: 200.0 }, Duration::from_millis(600));
    slow.client.queue_records = 10;
    let mut load = start(&broker, clock, vec![slow], 0);
    wait_until("the first acknowledgement", || load.counts().acknowledged > 0);
    broker.broker_down(1).unwrap();
    wait_until("the end of the schedule", || load.offering_done());
    let during = load.counts();
    assert_eq!(during.due, 120, "all become due although the client has no room");
    assert!(during.handed_over < 120 && during.in_flight <= 10, "{during:?}");
    assert!(during.oldest_pending_ns > 0);
    broker.broker_up(1).unwrap();
    assert!(drain(&mut load, PATIENCE).complete);
    for row in rows(&load) {
        assert_eq!(row.intended_ns, row.sequence * 5_000_000);
        assert_eq!(row.outcome, Outcome::Acknowledged);
    }
    assert!(
        !load.client_events().is_empty(),
        "the lost connection is reported"
    );
}

#[test]
fn what_is_given_up_is_unknown_if_the_client_had_it_and_failed_if_not() {
    let broker = broker();
    broker.broker_down(1).unwrap();
    let mut stuck = spec(
        0,
        1,
        Shape::Constant { per_s: 1_000.0 },
        Duration::from_millis(50),
    );
    stuck.client.queue_records = 7;
    let mut load = start(&broker, Clock::start(), vec![stuck], 0);
    wait_until("the end of the schedule", || load.offering_done());
    let drained = drain(&mut load, Duration::from_millis(50));
    assert_eq!((drained.complete, drained.given_up), (false, 50));
    let counts = load.counts();
    assert_eq!((counts.unknown, counts.failed, counts.acknowledged), (7, 43, 0));
    for row in rows(&load) {
        let expected = if row.handed_ns.is_some() {
            Outcome::Unknown
        } else {
            Outcome::Failed
        };
        assert_eq!(row.outcome, expected);
    }
}

#[test]
fn records_that_the_client_refuses_have_failed() {
    let broker = broker();
    let mut large = spec(0, 1, Shape::Constant { per_s: 100.0 }, Duration::from_millis(50));
    large.values = Values::Fixed { bytes: 5_000 };
    large.client.extra = BTreeMap::from([("message.max.bytes".to_owned(), "2000".to_owned())]);
    let mut load = start(&broker, Clock::start(), vec![large], 0);
    wait_until("the end of the schedule", || load.offering_done());
    assert!(drain(&mut load, PATIENCE).complete);
    assert_eq!((load.counts().failed, load.counts().handed_over), (5, 0));
    assert!(load.client_events()[0].text.contains("refused"));
}

#[test]
fn a_saturating_load_ends_with_its_limit_and_is_due_when_handed_over() {
    let broker = broker();
    let mut fast = spec(0, 1, Shape::Saturate, PATIENCE);
    fast.records_limit = Some(20_000);
    fast.values = Values::Fixed { bytes: 100 };
    fast.client.queue_records = 1_000;
    let mut load = start(&broker, Clock::start(), vec![fast], 0);
    wait_until("the last record", || load.offering_done());
    assert!(drain(&mut load, PATIENCE).complete);
    assert_eq!(load.counts().acknowledged, 20_000);
    assert!(
        rows(&load)
            .iter()
            .all(|row| row.handed_ns == Some(row.intended_ns))
    );
}

#[test]
fn stopping_from_outside_ends_offering_early() {
    let broker = broker();
    let long = spec(0, 1, Shape::Constant { per_s: 500.0 }, Duration::from_secs(1_000));
    let mut load = start(&broker, Clock::start(), vec![long], 0);
    wait_until("the first acknowledgement", || load.counts().acknowledged > 0);
    assert!(!load.offering_done());
    load.stop_offering();
    wait_until("the end of offering", || load.offering_done());
    assert!(drain(&mut load, PATIENCE).complete);
    let counts = load.counts();
    assert_eq!(counts.due, counts.acknowledged);
}

#[test]
fn figures_that_cannot_be_offered_are_refused_before_anything_starts() {
    let broker = broker();
    let shape = Shape::Constant { per_s: 1.0 };
    let good = spec(0, 1, shape, Duration::from_secs(1));
    type Spoil = fn(&mut ProducerSpec);
    let setting: Spoil = |spec| spec.client.extra = BTreeMap::from([("no.such".to_owned(), "1".to_owned())]);
    let cases: [(Spoil, &str); 5] = [
        (|spec| spec.values = Values::Fixed { bytes: 3 }, "3 bytes"),
        (|spec| spec.keys = Keys::Uniform { keys: 0 }, "number of keys"),
        (|spec| spec.client.queue_records = 0, "no room"),
        (|spec| spec.of = 0, "no share"),
        (setting, "no.such"),
    ];
    for (spoil, word) in cases {
        let mut bad = good.clone();
        spoil(&mut bad);
        let offer = Offer {
            bootstrap: broker.bootstrap_servers(),
            topic: TOPIC.to_owned(),
            run: RUN,
            clock: Clock::start(),
            producers: vec![bad],
            stop: Arc::new(AtomicBool::new(false)),
        };
        let error = Load::prepare(&offer).err().unwrap();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn an_interrupted_read_back_says_how_far_it_came() {
    let broker = broker();
    let bootstrap = broker.bootstrap_servers();
    assert_eq!(admin::reach(&bootstrap, PATIENCE).unwrap(), 1);
    assert_eq!(admin::partitions(&bootstrap, TOPIC, PATIENCE).unwrap(), [0, 1, 2]);
    let short = spec(0, 1, Shape::Constant { per_s: 100.0 }, Duration::from_millis(50));
    let mut load = start(&broker, Clock::start(), vec![short], 0);
    wait_until("the end of the schedule", || load.offering_done());
    assert!(drain(&mut load, PATIENCE).complete);
    let ends = read_back::ends(&bootstrap, TOPIC, PATIENCE).unwrap();
    let interrupted = AtomicBool::new(true);
    let mut observe = |_, _, observation| panic!("{observation:?} after the interruption");
    let error = read_back::read(
        &bootstrap,
        TOPIC,
        RUN,
        &ends,
        &interrupted,
        &mut |_, _| {},
        &mut observe,
    );
    assert!(
        matches!(error, Err(LoadError::Interrupted { read: 0 })),
        "{error:?}"
    );
}
