//! The proxy between a client of raw frames and the dev broker: what rules do to single requests, and what the
//! history says of it.
#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is a failed test")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use highwater_broker::{Broker, BrokerConfig};
use highwater_model::history::{HistoryBody, HistoryEvent, NodeAddress, RequestFate, ResponseFate};
use highwater_proxy::{Parameters, Proxy, ProxyOptions, RuleSpec, Scope, Trigger};
use highwater_wire::{BatchBuilder, Connection};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{MetadataRequest, ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use tempfile::TempDir;
use tokio::sync::oneshot;

const PATIENCE: Duration = Duration::from_secs(10);

struct Setup {
    broker: SocketAddr,
    proxy: Option<Proxy>,
    events: Arc<Mutex<Vec<HistoryEvent>>>,
    stop: Option<oneshot::Sender<()>>,
    _data: TempDir,
}

impl Setup {
    async fn new(rules: Vec<RuleSpec>) -> Self {
        let data = TempDir::new().unwrap();
        let config = BrokerConfig::new("127.0.0.1:0".parse().unwrap(), data.path());
        let broker = Broker::bind(config).await.unwrap();
        let address = broker.address();
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(broker.serve(async {
            let _ = stopped.await;
        }));
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&events);
        let upstream = NodeAddress {
            host: address.ip().to_string(),
            port: address.port(),
        };
        let options = ProxyOptions {
            rules,
            observer: Some(Box::new(move |event| seen.lock().unwrap().push(event.clone()))),
            ..ProxyOptions::new(vec![upstream])
        };
        Self {
            broker: address,
            proxy: Some(Proxy::start(options).await.unwrap()),
            events,
            stop: Some(stop),
            _data: data,
        }
    }

    /// The address that a client of the proxy is given for the only broker.
    async fn leader(&self) -> SocketAddr {
        let bootstrap = self
            .proxy
            .as_ref()
            .unwrap()
            .bootstrap()
            .to_string()
            .parse()
            .unwrap();
        blocking(move || {
            let mut connection = Connection::open(bootstrap, PATIENCE).unwrap();
            let topic = MetadataRequestTopic::default().with_name(Some(TopicName(text("orders"))));
            let request = MetadataRequest::default().with_topics(Some(vec![topic]));
            let answer = connection.call(&request, 9).unwrap();
            let broker = answer.brokers.first().unwrap();
            format!("{}:{}", broker.host, broker.port).parse().unwrap()
        })
        .await
    }

    /// Waits until so many Produce requests have arrived.
    async fn until_produced(&self, requests: u64) {
        let proxy = self.proxy.as_ref().unwrap();
        let arrived = async {
            while proxy.snapshot().requests.get(&0).copied().unwrap_or(0) < requests {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, arrived).await.unwrap();
    }

    /// Stops everything and gives the history.
    async fn history(mut self) -> Vec<HistoryEvent> {
        self.proxy.take().unwrap().stop().await;
        self.stop.take().unwrap().send(()).unwrap();
        std::mem::take(&mut *self.events.lock().unwrap())
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn produce(value: &str) -> ProduceRequest {
    let batch = BatchBuilder::new()
        .record(Some(b"key"), Some(value.as_bytes()))
        .build();
    let partition = PartitionProduceData::default()
        .with_index(0)
        .with_records(Some(batch));
    let topic = TopicProduceData::default()
        .with_name(TopicName(text("orders")))
        .with_partition_data(vec![partition]);
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(5_000)
        .with_topic_data(vec![topic])
}

/// Error and base offset, or none if the connection broke.
async fn send(connection: &Arc<Mutex<Connection>>, value: &'static str) -> Option<(i16, i64)> {
    let connection = Arc::clone(connection);
    blocking(move || {
        let answer = connection.lock().unwrap().call(&produce(value), 9).ok()?;
        let partition = answer.responses.first()?.partition_responses.first()?.clone();
        Some((partition.error_code, partition.base_offset))
    })
    .await
}

async fn open(address: SocketAddr) -> Arc<Mutex<Connection>> {
    blocking(move || Arc::new(Mutex::new(Connection::open(address, PATIENCE).unwrap()))).await
}

fn rule(fault: &str, nth: u64, parameters: Parameters) -> RuleSpec {
    RuleSpec {
        name: fault.to_owned(),
        fault: fault.to_owned(),
        scope: Scope {
            apis: vec!["Produce".to_owned()],
            topic: Some("orders".to_owned()),
            ..Scope::default()
        },
        trigger: Trigger {
            nth: Some(nth),
            ..Trigger::default()
        },
        parameters,
    }
}

fn fates(events: &[HistoryEvent]) -> (Vec<RequestFate>, Vec<ResponseFate>) {
    let produces: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.body {
            HistoryBody::Request {
                api_key: 0,
                exchange,
                fate,
                ..
            } => Some((*exchange, *fate)),
            _ => None,
        })
        .collect();
    let answers = events
        .iter()
        .filter_map(|event| match &event.body {
            HistoryBody::Response { exchange, fate, .. } => {
                produces.iter().any(|(of, _)| of == exchange).then_some(*fate)
            }
            _ => None,
        })
        .collect();
    (produces.into_iter().map(|(_, fate)| fate).collect(), answers)
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_lead_through_the_proxy() {
    let setup = Setup::new(Vec::new()).await;
    let leader = setup.leader().await;
    assert_ne!(leader, setup.broker);
    let connection = open(leader).await;
    assert_eq!(send(&connection, "a").await, Some((0, 0)));
    assert_eq!(send(&connection, "b").await, Some((0, 1)));
    let snapshot = setup.proxy.as_ref().unwrap().snapshot();
    assert_eq!(snapshot.requests.get(&0), Some(&2));
    let (requests, answers) = fates(&setup.history().await);
    assert_eq!(requests, [RequestFate::Forwarded; 2]);
    assert_eq!(answers, [ResponseFate::Delivered; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reject_answers_and_does_not_forward() {
    let parameters = Parameters {
        error: Some("NOT_ENOUGH_REPLICAS".to_owned()),
        ..Parameters::default()
    };
    let setup = Setup::new(vec![rule("reject", 2, parameters)]).await;
    let connection = open(setup.leader().await).await;
    assert_eq!(send(&connection, "a").await, Some((0, 0)));
    assert_eq!(send(&connection, "b").await, Some((19, -1)));
    assert_eq!(send(&connection, "c").await, Some((0, 1)));
    let (requests, answers) = fates(&setup.history().await);
    assert_eq!(
        requests,
        [
            RequestFate::Forwarded,
            RequestFate::Rejected,
            RequestFate::Forwarded
        ]
    );
    assert_eq!(
        answers,
        [
            ResponseFate::Delivered,
            ResponseFate::Made,
            ResponseFate::Delivered
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn drop_ack_forwards_and_tells_nobody() {
    let setup = Setup::new(vec![rule("drop-ack", 2, Parameters::default())]).await;
    let leader = setup.leader().await;
    let connection = open(leader).await;
    assert_eq!(send(&connection, "a").await, Some((0, 0)));
    assert_eq!(send(&connection, "b").await, None);
    // The record is in the log: the next one comes behind it.
    assert_eq!(send(&open(leader).await, "c").await, Some((0, 2)));
    let (_, answers) = fates(&setup.history().await);
    assert_eq!(
        answers,
        [
            ResponseFate::Delivered,
            ResponseFate::Discarded,
            ResponseFate::Delivered
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn dup_appends_twice_without_idempotence() {
    let setup = Setup::new(vec![rule("dup", 1, Parameters::default())]).await;
    let connection = open(setup.leader().await).await;
    assert_eq!(send(&connection, "a").await, Some((0, 0)));
    assert_eq!(send(&connection, "b").await, Some((0, 2)));
    let (requests, answers) = fates(&setup.history().await);
    assert_eq!(requests, [RequestFate::Duplicated, RequestFate::Forwarded]);
    assert_eq!(
        answers,
        [
            ResponseFate::Delivered,
            ResponseFate::Surplus,
            ResponseFate::Delivered
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_request_goes_on_after_its_client_hung_up() {
    let parameters = Parameters {
        release_after: Some(highwater_proxy::Watch {
            scope: Scope {
                apis: vec!["Produce".to_owned()],
                ..Scope::default()
            },
            nth: 1,
            answered: true,
        }),
        ..Parameters::default()
    };
    let setup = Setup::new(vec![rule("hold", 1, parameters)]).await;
    let leader = setup.leader().await;
    let held = open(leader).await;
    let held = blocking(move || {
        held.lock().unwrap().send(&produce("late"), 9).unwrap();
        held
    })
    .await;
    // Two connections have no order between them: the held request must have arrived first.
    setup.until_produced(1).await;
    drop(held);
    // Its client has hung up; the answer to the next request releases it.
    let connection = open(leader).await;
    assert_eq!(send(&connection, "first").await, Some((0, 0)));
    let mut offset = 0;
    for _ in 0..100 {
        offset = send(&connection, "x").await.unwrap().1;
        if offset >= 3 {
            break;
        }
    }
    let events = setup.history().await;
    let sent = events
        .iter()
        .filter(|event| matches!(&event.body, HistoryBody::Request { api_key: 0, .. }))
        .count();
    assert_eq!(offset + 1, sent as i64, "the held record is in the log as well");
    assert!(events.iter().any(|event| matches!(
        &event.body,
        HistoryBody::Forwarded {
            client_gone: true,
            ..
        }
    )));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_that_lasts_ends_new_connections_too() {
    for (also_new, name) in [(true, "new ones too"), (false, "only those that are there")] {
        let reset = RuleSpec {
            name: "cut".to_owned(),
            fault: "reset".to_owned(),
            trigger: Trigger {
                by_hand: true,
                also_new,
                ..Trigger::default()
            },
            ..RuleSpec::default()
        };
        let setup = Setup::new(vec![reset]).await;
        let leader = setup.leader().await;
        let before = open(leader).await;
        assert_eq!(send(&before, "a").await, Some((0, 0)), "{name}");
        let proxy = setup.proxy.as_ref().unwrap();
        assert!(proxy.arm(0));
        assert_eq!(send_until_broken(&before).await, None, "{name}");
        let struck = proxy.snapshot().rules[0].fired;
        let during = open(leader).await;
        assert_eq!(send(&during, "b").await.is_none(), also_new, "{name}");
        let counted = proxy.snapshot().rules[0].fired > struck;
        assert!(counted || !also_new, "{name}: what was ended is counted");
        assert!(proxy.lift(0));
        let after = open(leader).await;
        assert!(send(&after, "c").await.is_some(), "{name}");
        setup.history().await;
    }
}

/// A rule that is armed strikes within milliseconds.
async fn send_until_broken(connection: &Arc<Mutex<Connection>>) -> Option<(i16, i64)> {
    let broken = async { while send(connection, "x").await.is_some() {} };
    tokio::time::timeout(PATIENCE, broken).await.unwrap();
    None
}
