//! `highwater run` against Apache Kafka with TLS and SCRAM, by a file of client properties.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod support;

use std::fs;
use std::net::SocketAddrV4;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use highwater_target::{ExtraListener, KafkaOptions, Target, TargetOptions, TargetSpec};
use highwater_wire::Connection;
use kafka_protocol::messages::AlterUserScramCredentialsRequest;
use kafka_protocol::messages::alter_user_scram_credentials_request::ScramCredentialUpsertion;
use kafka_protocol::protocol::StrBytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use support::{Ran, run};
use tempfile::TempDir;

const ALICE: &str = "alice-7f3a-secret";
const BOB: &str = "bob-91cc-secret";
const CAROL: &str = "carol-2e80-secret";
/// Carol may do nothing.
const AUTHORIZER: [(&str, &str); 2] = [
    (
        "authorizer.class.name",
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    ),
    ("super.users", "User:ANONYMOUS;User:alice;User:bob"),
];
const SCRAM_SHA_512: i8 = 2;
const ITERATIONS: u32 = 4096;

struct Kafka {
    target: Target,
    secure: SocketAddrV4,
    dir: TempDir,
}

/// One node with a listener that wants TLS and a login: alice with PLAIN, bob and carol with
/// SCRAM-SHA-512.
fn kafka() -> Kafka {
    let dir = TempDir::new().unwrap();
    let store = certificates(dir.path()).display().to_string();
    let plain =
        format!("org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=\"{ALICE}\";");
    let scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    let properties = [
        ("ssl.keystore.type", "PEM"),
        ("ssl.keystore.location", &store),
        ("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-512"),
        ("plain.sasl.jaas.config", &plain),
        ("scram-sha-512.sasl.jaas.config", scram),
    ]
    .map(|(name, value)| (format!("listener.name.secure.{name}"), value.to_owned()))
    .into_iter()
    .chain(AUTHORIZER.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let door: Arc<Mutex<Option<SocketAddrV4>>> = Arc::default();
    let seen = Arc::clone(&door);
    let wishes = KafkaOptions {
        properties: properties.collect(),
        listeners: vec![ExtraListener {
            name: "SECURE".to_owned(),
            protocol: "SASL_SSL".to_owned(),
        }],
        advertise: Some(Arc::new(move |at| {
            if at.listener == "SECURE" {
                *seen.lock().unwrap() = Some(at.address);
            }
            None
        })),
        ..KafkaOptions::default()
    };
    let options = TargetOptions {
        dir: dir.path().join("target"),
        highwater: PathBuf::from(env!("CARGO_BIN_EXE_highwater")),
        bugs: Vec::new(),
        kafka_home: None,
        observer: Arc::new(|_| ()),
        interrupted: Arc::new(AtomicBool::new(false)),
    };
    let target = Target::start_with(&TargetSpec::Kafka, options, &wishes).unwrap();
    for (name, password) in [("bob", BOB), ("carol", CAROL)] {
        add_user(&target, name, password);
    }
    let secure = door.lock().unwrap().unwrap();
    Kafka { target, secure, dir }
}

/// `ca.pem` of an authority, `other.pem` of a stranger, and the key store of the broker.
fn certificates(dir: &Path) -> PathBuf {
    let authority = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let (own, stranger) = (authority("own"), authority("stranger"));
    fs::write(dir.join("ca.pem"), own.pem()).unwrap();
    fs::write(dir.join("other.pem"), stranger.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    // An own name: with that of its authority it would be taken for self-signed.
    params.distinguished_name.push(DnType::CommonName, "broker");
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, &own).unwrap();
    let store = dir.join("keystore.pem");
    fs::write(&store, key.serialize_pem() + &certificate.pem()).unwrap();
    store
}

/// By the listener that wants no login.
fn add_user(target: &Target, name: &'static str, password: &str) {
    let salt = b"salt of somebody";
    let mut salted = [0; 64];
    let iterations = NonZeroU32::new(ITERATIONS).unwrap();
    ring::pbkdf2::derive(
        ring::pbkdf2::PBKDF2_HMAC_SHA512,
        iterations,
        salt,
        password.as_bytes(),
        &mut salted,
    );
    let user = ScramCredentialUpsertion::default()
        .with_name(StrBytes::from_static_str(name))
        .with_mechanism(SCRAM_SHA_512)
        .with_iterations(ITERATIONS as i32)
        .with_salt(Bytes::from_static(salt))
        .with_salted_password(Bytes::copy_from_slice(&salted));
    let request = AlterUserScramCredentialsRequest::default().with_upsertions(vec![user]);
    let address = target.bootstrap().parse().unwrap();
    let mut connection = Connection::open(address, Duration::from_secs(10)).unwrap();
    let answer = connection.call(&request, 0).unwrap();
    assert_eq!(answer.results[0].error_code, 0, "{answer:?}");
}

const THROUGHPUT: &[&str] = &["throughput"];
/// Members are processes of their own, that log in too.
const GROUPS: &[&str] = &[
    "kafka-delivery",
    "--scenario",
    "multiple-consumer-groups",
    "--set",
    "groups.stopped.stopped={ after = \"1s\", down = \"1s\" }",
];

/// Kafka Connect is a client of the cluster too.
const CONNECTOR: &[&str] = &[
    "connector-offset-recovery",
    "--scenario",
    "connector-offset-recovery/worker",
    "--set",
    "fault.enabled=false",
    "--set",
    "fault.after=2s",
    "--set",
    "fault.down=1s",
    "--set",
    "connector.rows=50",
    "--set",
    "drain.limit=60s",
];

/// The load goes through the fault proxy, which speaks TLS with the broker.
const RULES: &str = "name = \"mine\"\nsummary = \"mine\"\n\
    [[rules]]\nfault = \"drop-ack\"\napi = \"Produce\"\nprobability = 0.05\nfrom = \"1s\"\n";

/// A short run as somebody, with what is trusted.
fn run_as(what: &[&str], kafka: &Kafka, mechanism: &str, user: &str, password: &str, authority: &str) -> Ran {
    let module = match mechanism {
        "PLAIN" => "plain.PlainLoginModule",
        _ => "scram.ScramLoginModule",
    };
    let config = kafka.dir.path().join(format!("{user}.properties"));
    let text = format!(
        "security.protocol=SASL_SSL\n\
         ssl.truststore.type=PEM\n\
         ssl.truststore.location={}\n\
         sasl.mechanism={mechanism}\n\
         sasl.jaas.config=org.apache.kafka.common.security.{module} required \\\n  \
         username=\"{user}\" \\\n  password=\"{password}\";\n\
         acks=all\n",
        kafka.dir.path().join(authority).display()
    );
    fs::write(&config, text).unwrap();
    let target = format!("bootstrap:{}", kafka.secure);
    let config = config.display().to_string();
    let short = [
        "--target",
        &target,
        "--kafka-config",
        &config,
        "--set",
        "load.rate=200/s",
        "--set",
        "load.duration=4s",
        "--set",
        "warm_up.limit=1s",
    ];
    run(&[what, &short].concat())
}

/// Whether a word stands in anything that the run said or wrote.
fn is_told(ran: &Ran, word: &str) -> bool {
    let mut waiting = vec![ran.directory.path().to_owned()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let bytes = fs::read(&path).unwrap();
            if bytes.windows(word.len()).any(|part| part == word.as_bytes()) {
                return true;
            }
        }
    }
    ran.stdout.contains(word) || ran.stderr.contains(word)
}

/// Topics and groups of runs that are still there, by the listener that wants no login.
fn left_behind(kafka: &Kafka) -> (Vec<String>, Vec<String>) {
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka.target.bootstrap())
        .create()
        .unwrap();
    let limit = Duration::from_secs(10);
    let metadata = client.fetch_metadata(None, limit).unwrap();
    let topics = metadata.topics().iter().map(|topic| topic.name().to_owned());
    let groups = client.fetch_group_list(None, limit).unwrap();
    let groups = groups.groups().iter().map(|group| group.name().to_owned());
    let own = |name: &String| name.starts_with("highwater-");
    (topics.filter(own).collect(), groups.filter(own).collect())
}

#[test]
fn a_run_goes_over_tls_with_a_login() {
    let kafka = kafka();
    let through_proxy = kafka.dir.path().join("mine.toml");
    fs::write(&through_proxy, RULES).unwrap();
    let through_proxy = through_proxy.display().to_string();
    for (what, mechanism, user, password) in [
        (GROUPS, "SCRAM-SHA-512", "bob", BOB),
        (&[through_proxy.as_str()], "PLAIN", "alice", ALICE),
    ] {
        let ran = run_as(what, &kafka, mechanism, user, password, "ca.pem");
        assert!(ran.records("delivered") >= 600, "{}", ran.story());
        assert_eq!(ran.records("lost"), 0, "{}", ran.story());
        assert!(
            ran.stderr.contains("left to the scenario: acks"),
            "{}",
            ran.story()
        );
        assert!(
            ran.report["command"].to_string().contains("--kafka-config"),
            "{}",
            ran.report["command"]
        );
        assert!(!is_told(&ran, password), "{}", ran.story());
        let cluster = &ran.scenario()["cluster"];
        assert_eq!(cluster["brokers"].as_array().map(Vec::len), Some(1), "{cluster}");
        assert!(cluster["brokers"][0]["asked"].as_u64() > Some(2), "{cluster}");
        assert_eq!(cluster["brokers"][0]["unanswered"], 0, "{cluster}");
        if what != GROUPS {
            let rule = &ran.scenario()["rules"][0];
            assert!(rule["fired"].as_u64() > Some(0), "{rule}\n{}", ran.story());
        }
        if what == GROUPS {
            let groups = ran.scenario()["groups"].as_array().unwrap();
            assert_eq!(groups.len(), 3, "{}", ran.story());
            for group in groups {
                assert_eq!(group["received"], group["expected"], "{}", ran.story());
            }
        }
    }
    assert_eq!(left_behind(&kafka), (Vec::new(), Vec::new()));
    for (name, user, password, authority, reason) in [
        (
            "a wrong password",
            "bob",
            "wrong-pass-0b1d",
            "ca.pem",
            ["uthentication", "the password"],
        ),
        (
            "an authority that is not trusted",
            "bob",
            BOB,
            "other.pem",
            ["certificate", "the truststore in"],
        ),
        (
            "a file that is not there",
            "bob",
            BOB,
            "none.pem",
            ["none.pem, which can't be read", "bob.properties"],
        ),
        (
            "one who may do nothing",
            "carol",
            CAROL,
            "ca.pem",
            ["refused with TopicAuthorizationFailed", "kafka-acls.sh"],
        ),
    ] {
        let ran = run_as(THROUGHPUT, &kafka, "SCRAM-SHA-512", user, password, authority);
        let text = ran.story();
        assert!(ran.code == 4 || ran.code == 2, "{name}: {text}");
        for reason in reason {
            assert!(text.contains(reason), "{name}: no `{reason}` in {text}");
        }
        assert!(!is_told(&ran, password), "{name}: {text}");
    }
    assert_eq!(left_behind(&kafka), (Vec::new(), Vec::new()));
}

#[test]
fn a_connector_logs_in_too_and_nothing_of_it_stays() {
    let kafka = kafka();
    let ran = run_as(CONNECTOR, &kafka, "SCRAM-SHA-512", "bob", BOB, "ca.pem");
    assert!(ran.records("delivered") > 200, "{}", ran.story());
    assert_eq!(ran.records("lost"), 0, "{}", ran.story());
    assert!(!is_told(&ran, BOB), "{}", ran.story());
    assert_eq!(left_behind(&kafka), (Vec::new(), Vec::new()));
}
