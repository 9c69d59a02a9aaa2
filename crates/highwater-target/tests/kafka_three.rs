//! Three nodes of Apache Kafka really started, one of them lost and started again. Without Java, or without Maven
//! and a filled cache, these tests are skipped and say so; with `HIGHWATER_REQUIRE_KAFKA=1` they fail instead.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use highwater_target::{
    Advertise, CLIENT, CONTROLLER, ExtraListener, FindingState, INTERNAL, KafkaOptions, Target, TargetError,
    TargetOptions, TargetSpec, Which, examine,
};
use highwater_wire::{BatchBuilder, Connection};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    CreateTopicsRequest, MetadataRequest, MetadataResponse, ProduceRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

const PROBE: &str = env!("CARGO_BIN_EXE_highwater-target-probe");
/// For things of a cluster on a busy machine; the session of a lost broker is nine seconds of it.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(20);
const ALL: i16 = -1;

fn can_run_kafka(test: &str) -> bool {
    let findings = examine();
    let present = |name: &str| {
        let mut named = findings.iter().filter(|one| one.name == name);
        named.any(|one| one.state == FindingState::Present)
    };
    let can = present("Java") && (present("Apache Kafka") || present("Maven"));
    if !can {
        assert!(
            std::env::var_os("HIGHWATER_REQUIRE_KAFKA").is_none(),
            "{test}: Java or Maven is missing"
        );
        eprintln!("skipped: {test}: Java or Maven is missing");
    }
    can
}

fn options(dir: &Path) -> TargetOptions {
    TargetOptions {
        dir: dir.join("target"),
        highwater: PathBuf::from(PROBE),
        bugs: Vec::new(),
        kafka_home: None,
        observer: Arc::new(|event| eprintln!("{event:?}")),
        interrupted: Arc::new(AtomicBool::new(false)),
    }
}

fn exists(pid: u32) -> bool {
    let stat = procfs::process::Process::new(pid as i32).and_then(|process| process.stat());
    stat.is_ok_and(|stat| stat.state != 'Z')
}

fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(LOOK);
    }
}

fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

fn connect(address: SocketAddrV4) -> Connection {
    Connection::open(address.into(), PATIENCE).expect("connected")
}

fn metadata(address: SocketAddrV4, topic: &str) -> Option<MetadataResponse> {
    let wanted = MetadataRequestTopic::default().with_name(Some(name(topic)));
    let request = MetadataRequest::default()
        .with_topics(Some(vec![wanted]))
        .with_allow_auto_topic_creation(false);
    let mut connection = Connection::open(address.into(), PATIENCE).ok()?;
    connection.call(&request, 12).ok()
}

/// Makes a topic as the broker likes it, and waits until somebody leads its partition.
fn create(address: SocketAddrV4, topic: &str) {
    let wanted = CreatableTopic::default()
        .with_name(name(topic))
        .with_num_partitions(1)
        .with_replication_factor(-1);
    let request = CreateTopicsRequest::default()
        .with_timeout_ms(30_000)
        .with_topics(vec![wanted]);
    let answer = connect(address).call(&request, 7).expect("answered");
    assert_eq!(answer.topics[0].error_code, 0, "{topic}");
    until("a leader", || leader(address, topic));
}

fn leader(address: SocketAddrV4, topic: &str) -> Option<i32> {
    let answer = metadata(address, topic)?;
    let partition = answer.topics.first()?.partitions.first()?;
    Some(partition.leader_id.0).filter(|leader| partition.error_code == 0 && *leader > 0)
}

fn produce(address: SocketAddrV4, topic: &str, value: &str) -> Option<i64> {
    let records: Bytes = BatchBuilder::new().record(None, Some(value.as_bytes())).build();
    let partition = PartitionProduceData::default().with_records(Some(records));
    let data = TopicProduceData::default()
        .with_name(name(topic))
        .with_partition_data(vec![partition]);
    let request = ProduceRequest::default()
        .with_acks(ALL)
        .with_timeout_ms(30_000)
        .with_topic_data(vec![data]);
    let mut connection = Connection::open(address.into(), PATIENCE).ok()?;
    let answer = connection.call(&request, 9).ok()?;
    let answer = answer.responses.first()?.partition_responses.first()?;
    (answer.error_code == 0).then_some(answer.base_offset)
}

#[test]
fn three_nodes_lose_one_go_on_and_take_it_back() {
    if !can_run_kafka("three_nodes_lose_one_go_on_and_take_it_back") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut target = Target::start(&TargetSpec::KafkaThree, options(dir.path())).unwrap();
    assert_eq!(target.bootstrap().split(',').count(), 3);
    assert!(target.description().ends_with(", three nodes"));
    assert_eq!(target.broker_names(), ["broker-1", "broker-2", "broker-3"]);
    let clients: Vec<SocketAddrV4> = (0..3)
        .map(|index| target.listener(index, CLIENT).unwrap())
        .collect();
    let pids: Vec<u32> = target.processes().iter().map(|process| process.pid).collect();
    assert_eq!(pids.len(), 3);
    for address in &clients {
        assert_eq!(
            metadata(*address, "nothing").unwrap().brokers.len(),
            3,
            "{address}"
        );
    }
    let unknown = target.brokers(Which::Named("broker-4")).unwrap_err();
    assert!(matches!(unknown, TargetError::UnknownBroker { .. }));
    assert!(unknown.remedy().unwrap().contains("`broker-3`"));

    create(clients[0], "copied");
    let first = leader(clients[0], "copied").unwrap();
    let partition = metadata(clients[0], "copied").unwrap().topics[0].partitions[0].clone();
    assert_eq!(partition.replica_nodes.len(), 3);
    let at = |id: i32| clients[usize::try_from(id - 1).unwrap()];
    // Others can know the leader a moment before it does itself; it refuses until then.
    let offset = until("the leader to take a record", || {
        produce(at(first), "copied", "before")
    });
    assert_eq!(offset, 0);

    let lost = format!("broker-{first}");
    let killed = target.brokers(Which::Named(&lost)).unwrap().kill().unwrap();
    assert_eq!(killed[0].signal, Some(9));
    assert_eq!(target.processes().len(), 2);
    assert!(target.died().is_none(), "it was asked to");
    let other = at(first % 3 + 1);
    let offset = until("an acknowledgement by two of three", || {
        let next = leader(other, "copied").filter(|next| *next != first)?;
        produce(at(next), "copied", "without one")
    });
    assert_eq!(offset, 1);

    let started = target
        .brokers(Which::Named(&lost))
        .unwrap()
        .start_again()
        .unwrap();
    assert!(started[0].ready_at > started[0].spawned_at);
    until("three in-sync replicas", || {
        let answer = metadata(at(first), "copied")?;
        (answer.topics[0].partitions[0].isr_nodes.len() == 3).then_some(())
    });

    let mut other = target.brokers(Which::Named("broker-2")).unwrap();
    assert!(other.pause().unwrap()[0].proof.contains("broker-2 process"));
    other.resume().unwrap();
    let killed = target.brokers(Which::All).unwrap().kill().unwrap();
    assert_eq!(killed.len(), 3);
    assert!(target.processes().is_empty() && pids.iter().all(|pid| !exists(*pid)));
    target.brokers(Which::All).unwrap().start_again().unwrap();
    let next = until("a leader", || leader(clients[0], "copied"));
    assert_eq!(
        until("an acknowledgement", || produce(at(next), "copied", "after all")),
        2
    );

    let pids: Vec<u32> = target.processes().iter().map(|process| process.pid).collect();
    let stopped = target.brokers(Which::All).unwrap().stop(PATIENCE).unwrap();
    for one in &stopped {
        eprintln!("{}", one.proof);
    }
    assert!(target.processes().is_empty() && pids.iter().all(|pid| !exists(*pid)));
    drop(target);
}

#[test]
fn three_nodes_end_when_highwater_is_killed_with_sigkill() {
    if !can_run_kafka("three_nodes_end_when_highwater_is_killed_with_sigkill") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut holder = Command::new(PROBE)
        .arg("hold-kafka-3")
        .arg(dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let brokers: Vec<u32> = line.trim().split(',').map(|pid| pid.parse().unwrap()).collect();
    assert!(
        brokers.len() == 3 && brokers.iter().all(|pid| exists(*pid)),
        "{line}"
    );
    holder.kill().unwrap();
    holder.wait().unwrap();
    until("the ends of the brokers", || {
        brokers.iter().all(|pid| !exists(*pid)).then_some(())
    });
}

/// Passes bytes between whoever connects and one address, as a proxy of brokers does.
struct Pass {
    at: SocketAddr,
    passed: Arc<Mutex<u64>>,
}

impl Pass {
    fn to(upstream: SocketAddrV4) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let at = listener.local_addr().expect("its address");
        let passed = Arc::new(Mutex::new(0));
        let count = Arc::clone(&passed);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // Nobody is there yet while the brokers start.
                let Ok(broker) = TcpStream::connect(upstream) else {
                    continue;
                };
                for (from, to) in [
                    (client.try_clone(), broker.try_clone()),
                    (broker.try_clone(), client.try_clone()),
                ] {
                    let (Ok(mut from), Ok(mut to)) = (from, to) else {
                        continue;
                    };
                    let count = Arc::clone(&count);
                    std::thread::spawn(move || {
                        let bytes = std::io::copy(&mut from, &mut to).unwrap_or(0);
                        let _ = to.shutdown(std::net::Shutdown::Both);
                        *count.lock().expect("a count") += bytes;
                    });
                }
                *count.lock().expect("a count") += 1;
            }
        });
        Self { at, passed }
    }
}

#[test]
fn brokers_and_controllers_talk_through_the_addresses_that_they_are_given() {
    if !can_run_kafka("brokers_and_controllers_talk_through_the_addresses_that_they_are_given") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let passes: Arc<Mutex<BTreeMap<(i32, String), Pass>>> = Arc::default();
    let kept = Arc::clone(&passes);
    let advertise: Advertise = Arc::new(move |listener| {
        if listener.listener == "EXTRA" {
            return None;
        }
        let pass = Pass::to(listener.address);
        let told = (pass.at.ip().to_string(), pass.at.port());
        let key = (listener.node, listener.listener.to_owned());
        kept.lock().unwrap().insert(key, pass);
        Some(told)
    });
    let wishes = KafkaOptions {
        properties: vec![("num.partitions".to_owned(), "7".to_owned())],
        listeners: vec![ExtraListener {
            name: "EXTRA".to_owned(),
            protocol: "PLAINTEXT".to_owned(),
        }],
        advertise: Some(advertise),
        ..KafkaOptions::default()
    };
    let target = Target::start_with(&TargetSpec::KafkaThree, options(dir.path()), &wishes).unwrap();
    let real = target.listener(1, CLIENT).unwrap();
    create(real, "through");
    let told = metadata(real, "through").unwrap();
    let passes = passes.lock().unwrap();
    for broker in &told.brokers {
        let pass = &passes[&(broker.node_id.0, CLIENT.to_owned())];
        assert_eq!(i32::from(pass.at.port()), broker.port);
    }
    let extra = target.listener(1, "EXTRA").unwrap();
    for broker in &metadata(extra, "through").unwrap().brokers {
        let index = usize::try_from(broker.node_id.0 - 1).unwrap();
        let own = target.listener(index, "EXTRA").unwrap();
        assert_eq!(i32::from(own.port()), broker.port, "it tells of its own kind");
    }
    let leads = leader(real, "through").unwrap();
    let at = target
        .listener(usize::try_from(leads - 1).unwrap(), CLIENT)
        .unwrap();
    assert_eq!(produce(at, "through", "copied by the others"), Some(0));
    let used = |listener: &str| {
        let each = passes.iter().filter(|((_, name), _)| name == listener);
        each.map(|(_, pass)| *pass.passed.lock().unwrap())
            .collect::<Vec<u64>>()
    };
    let leader_internal = &passes[&(leads, INTERNAL.to_owned())];
    assert!(
        *leader_internal.passed.lock().unwrap() > 0,
        "followers copy through it"
    );
    assert!(
        used(CONTROLLER).iter().any(|passed| *passed > 0),
        "{:?}",
        used(CONTROLLER)
    );
}
