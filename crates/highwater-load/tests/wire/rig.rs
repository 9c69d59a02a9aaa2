//! A dev broker, the proxy in front of it, and clients of librdkafka behind that.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use highwater_broker::{Broker, BrokerConfig, Bug};
use highwater_check::history::wire::{Ends, FromWire};
use highwater_check::history::{Analysis, Finding, Names, Options, Step};
use highwater_load::log;
use highwater_model::history::{HistoryEvent, Isolation, NodeAddress};
use highwater_proxy::{Proxy, ProxyOptions, RuleSpec};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Longer than anything here takes; only a failure waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
});

/// A broker under way.
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

pub(crate) struct Rig {
    config: BrokerConfig,
    broker: Option<Running>,
    proxy: Option<Proxy>,
    events: Arc<Mutex<Vec<HistoryEvent>>>,
    _data: TempDir,
}

/// What came of a history.
pub(crate) struct Checked {
    pub(crate) findings: Vec<Finding>,
    pub(crate) names: Names,
    pub(crate) steps: Vec<Step>,
}

impl Rig {
    pub(crate) fn start(bugs: &[Bug], rules: Vec<RuleSpec>, change: impl FnOnce(&mut BrokerConfig)) -> Self {
        let data = TempDir::new().unwrap();
        let mut config = BrokerConfig::new(([127, 0, 0, 1], 0).into(), data.path());
        config.bugs.extend(bugs);
        config.min_session_timeout = Duration::from_millis(100);
        change(&mut config);
        let (address, broker) = serve(&config);
        // A restart comes back where it was.
        config.listen = address;
        let events = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&events);
        let mut options = ProxyOptions::new(vec![NodeAddress {
            host: "127.0.0.1".to_owned(),
            port: address.port(),
        }]);
        options.rules = rules;
        options.observer = Some(Box::new(move |event| kept.lock().unwrap().push(event.clone())));
        let proxy = RUNTIME.block_on(Proxy::start(options)).unwrap();
        Self {
            config,
            broker: Some(broker),
            proxy: Some(proxy),
            events,
            _data: data,
        }
    }

    /// The broker, past the proxy.
    pub(crate) fn broker(&self) -> String {
        self.config.listen.to_string()
    }

    /// Where clients connect.
    pub(crate) fn bootstrap(&self) -> String {
        self.proxy.as_ref().unwrap().bootstrap().to_string()
    }

    pub(crate) fn restart(&mut self) {
        let running = self.broker.take().unwrap();
        let _ = running.stop.send(());
        RUNTIME.block_on(running.task).unwrap();
        self.broker = Some(serve(&self.config).1);
    }

    pub(crate) fn topic(&self, name: &str, partitions: i32, more: &[(&str, &str)]) {
        let admin: AdminClient<DefaultClientContext> =
            settings(&self.broker(), "topics", &[]).create().unwrap();
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        for (key, value) in more {
            topic = topic.set(key, value);
        }
        let made = RUNTIME.block_on(admin.create_topics([&topic], &AdminOptions::new()));
        made.unwrap().remove(0).unwrap();
    }

    pub(crate) fn producer(&self, client_id: &str, more: &[(&str, &str)]) -> BaseProducer {
        let producer: BaseProducer = settings(&self.bootstrap(), client_id, more).create().unwrap();
        if more.iter().any(|(key, _)| *key == "transactional.id") {
            producer.init_transactions(PATIENCE).unwrap();
        }
        producer
    }

    pub(crate) fn consumer(
        &self,
        client_id: &str,
        group: &str,
        topics: &[&str],
        more: &[(&str, &str)],
    ) -> BaseConsumer {
        let mut all = vec![
            ("group.id", group),
            ("enable.auto.commit", "false"),
            ("auto.offset.reset", "earliest"),
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "200"),
        ];
        all.extend_from_slice(more);
        let consumer: BaseConsumer = settings(&self.bootstrap(), client_id, &all).create().unwrap();
        if !topics.is_empty() {
            consumer.subscribe(topics).unwrap();
        }
        consumer
    }

    /// Ends the history, reads these topics back, and checks.
    pub(crate) fn check(mut self, topics: &[&str]) -> Checked {
        RUNTIME.block_on(self.proxy.take().unwrap().stop());
        let events = std::mem::take(&mut *self.events.lock().unwrap());
        let (steps, names) = translated(&events, &self.broker(), topics);
        let mut analysis = Analysis::new(Options::default());
        for step in &steps {
            analysis.step(step);
        }
        let mut findings = Vec::new();
        analysis.finish(&mut |finding| findings.push(finding));
        findings.sort();
        Checked {
            findings,
            names,
            steps,
        }
    }
}

impl Checked {
    /// Names of what was found, and how often.
    pub(crate) fn found(&self) -> BTreeMap<&'static str, usize> {
        let mut found = BTreeMap::new();
        for finding in &self.findings {
            *found.entry(finding.anomaly.name()).or_insert(0) += 1;
        }
        found
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(running) = self.broker.take() {
            let _ = running.stop.send(());
            let _ = RUNTIME.block_on(running.task);
        }
    }
}

fn serve(config: &BrokerConfig) -> (SocketAddr, Running) {
    let (stop, stopped) = oneshot::channel();
    let end = Instant::now() + PATIENCE;
    // Connections of the one before end a moment after it.
    let broker = loop {
        match RUNTIME.block_on(Broker::bind(config.clone())) {
            Ok(broker) => break broker,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
    };
    let address = broker.addresses()[0];
    let task = RUNTIME.spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        broker.serve(stopped).await.unwrap();
    });
    (address, Running { stop, task })
}

/// The steps of a history, and of the log after it.
fn translated(events: &[HistoryEvent], broker: &str, topics: &[&str]) -> (Vec<Step>, Names) {
    let mut steps = Vec::new();
    let mut wire = FromWire::new();
    for event in events {
        wire.event(event, &mut |step| steps.push(step));
    }
    let mut read_back = wire.finish(&mut |step| steps.push(step));
    for topic in topics {
        let mut reached = BTreeMap::new();
        for isolation in [Isolation::ReadUncommitted, Isolation::ReadCommitted] {
            let done = log::read(
                broker,
                topic,
                isolation,
                &AtomicBool::new(false),
                &mut |fetched| {
                    read_back.fetched(
                        &fetched.facts,
                        isolation,
                        fetched.from,
                        &|offset| fetched.intact(offset),
                        &mut |step| steps.push(step),
                    );
                },
            );
            for (partition, one) in done.unwrap() {
                reached.entry(partition).or_insert_with(Vec::new).push(one);
            }
        }
        for (partition, both) in reached {
            let ends = Ends {
                log_start: both[0].ends.log_start,
                high_watermark: both[0].ends.high_watermark,
                last_stable_offset: both[0].ends.last_stable_offset,
                compacted: both[0].compacted,
                whole: both.iter().all(|one| one.whole),
            };
            read_back.end(topic, partition, ends, &mut |step| steps.push(step));
        }
    }
    (steps, read_back.into_names())
}

fn settings(bootstrap: &str, client_id: &str, more: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("client.id", client_id)
        .set("linger.ms", "0")
        .set("reconnect.backoff.ms", "20")
        .set("reconnect.backoff.max.ms", "200")
        .set("retry.backoff.ms", "20")
        .set("retry.backoff.max.ms", "200")
        .set("topic.metadata.refresh.fast.interval.ms", "50")
        .set("enable.metrics.push", "false");
    for (key, value) in more {
        config.set(*key, *value);
    }
    config
}

/// Sends records and waits for their acknowledgements.
pub(crate) fn send<S: AsRef<str>>(
    producer: &BaseProducer,
    topic: &str,
    partition: i32,
    values: impl IntoIterator<Item = S>,
) {
    for value in values {
        let record: BaseRecord<'_, str, str> =
            BaseRecord::to(topic).partition(partition).payload(value.as_ref());
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
    }
}
