//! Apache Kafka with TLS and logins, and kcat and Java as its clients. Without Java, Maven or kcat this is skipped and says so;
//! with `HIGHWATER_REQUIRE_KAFKA=1` it fails instead.

use std::io::Write;
use std::net::SocketAddrV4;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use highwater_model::history::{HistoryBody, HistoryEvent, NodeAddress, ResponseFate};
use highwater_proxy::{
    BrokerTls, ClientTls, Parameters, Proxy, ProxyError, ProxyOptions, RuleSpec, Scope, Tls, Trigger, Trust,
};
use highwater_target::{
    ExtraListener, FindingState, KAFKA_VERSION, KafkaOptions, Target, TargetOptions, TargetSpec, examine,
};
use kafka_protocol::messages::AlterUserScramCredentialsRequest;
use kafka_protocol::messages::alter_user_scram_credentials_request::ScramCredentialUpsertion;
use kafka_protocol::protocol::StrBytes;
use tempfile::TempDir;

use crate::certificates::Company;
use crate::client::plain;
use crate::setup::{blocking, ends, on};

const STARTER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../highwater-broker/tests/conformance/exec-with-parent"
);
const ALICE: &str = "alice-7f3a-secret";
const BOB: &str = "bob-91cc-secret";
const SCRAM_SHA_512: i8 = 2;
const ITERATIONS: u32 = 4096;

/// Everything that was logged in this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Kafka {
    target: Target,
    secure: NodeAddress,
    mutual: NodeAddress,
    company: Company,
    _dir: TempDir,
}

fn can_run(test: &str) -> bool {
    let findings = examine();
    let present = |name: &str| {
        let mut named = findings.iter().filter(|one| one.name == name);
        named.any(|one| one.state == FindingState::Present)
    };
    let kcat = Command::new("kcat").arg("-V").output().is_ok();
    let can = kcat && present("Java") && (present("Apache Kafka") || present("Maven"));
    if !can {
        let missing = format!("{test}: Java, Maven or kcat is missing");
        assert!(std::env::var_os("HIGHWATER_REQUIRE_KAFKA").is_none(), "{missing}");
        eprintln!("skipped: {missing}");
    }
    can
}

/// One node with `SECURE` (TLS and a login) and `MUTUAL` (TLS and a certificate of the client).
fn kafka() -> Kafka {
    let company = Company::new("company");
    let files = company.certificate("127.0.0.1");
    let joined = company.dir().join("keystore.pem");
    let pem = [&files.key, &files.chain].map(|path| std::fs::read_to_string(path).unwrap());
    std::fs::write(&joined, pem.concat()).unwrap();
    let key_store = |listener: &str| {
        [
            (
                format!("listener.name.{listener}.ssl.keystore.type"),
                "PEM".to_owned(),
            ),
            (
                format!("listener.name.{listener}.ssl.keystore.location"),
                joined.display().to_string(),
            ),
        ]
    };
    let plain =
        format!("org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=\"{ALICE}\";");
    let scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    let more = [
        (
            "listener.name.secure.sasl.enabled.mechanisms",
            "PLAIN,SCRAM-SHA-512",
        ),
        ("listener.name.secure.plain.sasl.jaas.config", plain.as_str()),
        ("listener.name.secure.scram-sha-512.sasl.jaas.config", scram),
        ("listener.name.mutual.ssl.client.auth", "required"),
        ("listener.name.mutual.ssl.truststore.type", "PEM"),
    ];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let authority = company.authority().display().to_string();
    let properties = key_store("secure")
        .into_iter()
        .chain(key_store("mutual"))
        .chain(more.map(owned))
        .chain([owned((
            "listener.name.mutual.ssl.truststore.location",
            &authority,
        ))])
        .collect();
    let listener = |name: &str, protocol: &str| ExtraListener {
        name: name.to_owned(),
        protocol: protocol.to_owned(),
    };
    let doors: Arc<Mutex<Vec<(String, SocketAddrV4)>>> = Arc::default();
    let seen = Arc::clone(&doors);
    let wishes = KafkaOptions {
        properties,
        listeners: vec![listener("SECURE", "SASL_SSL"), listener("MUTUAL", "SSL")],
        advertise: Some(Arc::new(move |at| {
            seen.lock().unwrap().push((at.listener.to_owned(), at.address));
            None
        })),
        ..KafkaOptions::default()
    };
    let dir = TempDir::new().unwrap();
    let options = TargetOptions {
        dir: dir.path().join("target"),
        highwater: PathBuf::from(STARTER),
        bugs: Vec::new(),
        kafka_home: None,
        observer: Arc::new(|_| ()),
        interrupted: Arc::new(AtomicBool::new(false)),
    };
    let target = Target::start_with(&TargetSpec::Kafka, options, &wishes).unwrap();
    let door = |name: &str| {
        let doors = doors.lock().unwrap();
        // Asked again if other ports had to be chosen: the last ones count.
        let (_, address) = doors.iter().rfind(|(door, _)| door == name).unwrap();
        NodeAddress {
            host: address.ip().to_string(),
            port: address.port(),
        }
    };
    add_bob(&target);
    Kafka {
        secure: door("SECURE"),
        mutual: door("MUTUAL"),
        target,
        company,
        _dir: dir,
    }
}

/// Makes a user of SCRAM, by the listener that wants no login.
fn add_bob(target: &Target) {
    let salt = b"salt of bob";
    let mut salted = [0; 64];
    ring::pbkdf2::derive(
        ring::pbkdf2::PBKDF2_HMAC_SHA512,
        NonZeroU32::new(ITERATIONS).unwrap(),
        salt,
        BOB.as_bytes(),
        &mut salted,
    );
    let bob = ScramCredentialUpsertion::default()
        .with_name(StrBytes::from_static_str("bob"))
        .with_mechanism(SCRAM_SHA_512)
        .with_iterations(ITERATIONS as i32)
        .with_salt(Bytes::from_static(salt))
        .with_salted_password(Bytes::copy_from_slice(&salted));
    let request = AlterUserScramCredentialsRequest::default().with_upsertions(vec![bob]);
    let answer = plain(target.bootstrap().parse().unwrap())
        .call(&request, 0)
        .unwrap();
    assert_eq!(answer.results[0].error_code, 0, "{answer:?}");
}

/// kcat with a login over TLS.
fn kcat(bootstrap: &str, authority: &Path, login: [&str; 3], arguments: &[&str], input: &str) -> Output {
    let [mechanism, user, password] = login;
    let mut child = Command::new("kcat")
        .args(["-b", bootstrap, "-X", "security.protocol=SASL_SSL"])
        .args(["-X", &format!("ssl.ca.location={}", authority.display())])
        .args(["-X", &format!("sasl.mechanisms={mechanism}")])
        .args(["-X", &format!("sasl.username={user}")])
        .args(["-X", &format!("sasl.password={password}")])
        .args(arguments)
        // Cargo puts the librdkafka of this workspace there, which has no TLS.
        .env_remove("LD_LIBRARY_PATH")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A client that refuses to connect may have ended before it read anything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// One of Kafka's own console tools, as bob. Debian's librdkafka 2.0.2 can't log in with SCRAM at Apache Kafka 4.3.1:
/// the broker calls its credentials invalid, and takes the same ones from Java.
fn console(class: &str, config: &Path, bootstrap: &str, arguments: &[&str], input: &str) -> Output {
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"),
        PathBuf::from,
    );
    let jars = cache
        .join("highwater")
        .join(format!("kafka-{KAFKA_VERSION}/libs/*"));
    let mut child = Command::new("java")
        .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"])
        .arg(jars)
        .args([class, "--bootstrap-server", bootstrap, "--topic", "orders"])
        .arg("--command-config")
        .arg(config)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Settings of bob for the console tools.
fn settings_of_bob(dir: &Path, authority: &Path) -> PathBuf {
    let login = "org.apache.kafka.common.security.scram.ScramLoginModule required";
    let path = dir.join("bob.properties");
    let text = format!(
        "security.protocol=SASL_SSL\nssl.truststore.type=PEM\nssl.truststore.location={}\n\
         sasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config={login} username=\"bob\" password=\"{BOB}\";\n",
        authority.display()
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy;
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).into_owned()
}

fn first_answer_is_lost() -> RuleSpec {
    RuleSpec {
        name: "lost".to_owned(),
        fault: "drop-ack".to_owned(),
        scope: Scope {
            apis: vec!["Produce".to_owned()],
            principal: Some("alice".to_owned()),
            ..Scope::default()
        },
        trigger: Trigger {
            nth: Some(1),
            ..Trigger::default()
        },
        parameters: Parameters::default(),
    }
}

fn principals(events: &[HistoryEvent]) -> Vec<String> {
    let mut users: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.body {
            HistoryBody::Identified { principal, .. } => principal.clone(),
            _ => None,
        })
        .collect();
    users.sort();
    users.dedup();
    users
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_pass_through_tls_on_both_sides() {
    if !can_run("logins_pass_through_tls_on_both_sides") {
        return;
    }
    let log = Log::default();
    let written = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || written.clone())
        .finish();
    // Nobody else in this process logs anywhere.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let kafka = Arc::new(blocking(kafka).await);
    mutual(&kafka).await;

    let dir = TempDir::new().unwrap();
    let (authority, history) = (dir.path().join("ca.pem"), dir.path().join("wire.history"));
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let proxy = Proxy::start(ProxyOptions {
        tls: ends(
            ClientTls::Made {
                authority: authority.clone(),
            },
            on(Trust::Authorities(kafka.company.authority())),
        ),
        rules: vec![first_answer_is_lost()],
        history: Some(history.clone()),
        observer: Some(Box::new(move |event| seen.lock().unwrap().push(event.clone()))),
        ..ProxyOptions::new(vec![kafka.secure.clone()])
    })
    .await
    .unwrap();
    assert_eq!(proxy.brokers(), [], "without a login nothing is learnt");
    let bootstrap = proxy.bootstrap().to_string();
    let stranger = kafka.company.authority();
    let bob = settings_of_bob(dir.path(), &authority);
    blocking(move || {
        let alice = ["PLAIN", "alice", ALICE];
        said(&kcat(
            &bootstrap,
            &authority,
            alice,
            &["-P", "-t", "orders", "-p", "0"],
            "a\n",
        ));
        let producer = "org.apache.kafka.tools.ConsoleProducer";
        said(&console(producer, &bob, &bootstrap, &[], "b\n"));
        let consumer = "org.apache.kafka.tools.consumer.ConsoleConsumer";
        let read = ["--from-beginning", "--max-messages", "3", "--timeout-ms", "60000"];
        // The answer to the first was lost, and the client sent it again.
        assert_eq!(said(&console(consumer, &bob, &bootstrap, &read, "")), "a\na\nb\n");
        let wrong = kcat(&bootstrap, &stranger, alice, &["-L", "-m", "5"], "");
        assert!(!wrong.status.success());
        let errors = String::from_utf8_lossy(&wrong.stderr);
        assert!(errors.contains("certificate verify failed"), "{errors}");
        let denied = kcat(
            &bootstrap,
            &authority,
            ["PLAIN", "alice", "guess"],
            &["-L", "-m", "5"],
            "",
        );
        assert!(!denied.status.success());
    })
    .await;
    assert_eq!(
        proxy.brokers(),
        [(1, kafka.secure.clone())],
        "learnt from what clients asked"
    );
    let summary = proxy.stop().await;
    assert!(summary.history_failure.is_none());
    assert_eq!(summary.snapshot.troubles, []);
    assert_eq!(summary.snapshot.rules[0].fired, 1);
    let events = std::mem::take(&mut *events.lock().unwrap());
    assert_eq!(principals(&events), ["alice", "bob"]);
    let lost = |event: &&HistoryEvent| {
        matches!(
            &event.body,
            HistoryBody::Response {
                fate: ResponseFate::Discarded,
                ..
            }
        )
    };
    assert_eq!(events.iter().filter(lost).count(), 1);

    let kept = std::fs::read(&history).unwrap();
    let logged = log.0.lock().unwrap().clone();
    assert!(contains(&kept, "alice"), "the history names who logged in");
    assert!(
        contains(&logged, "no TLS with the client"),
        "the log tells who was refused"
    );
    for secret in [ALICE, BOB, "guess"] {
        assert!(!contains(&kept, secret) && !contains(&logged, secret), "{secret}");
    }
    let kafka = Arc::into_inner(kafka).unwrap();
    blocking(move || drop(kafka.target)).await;
}

/// A broker that wants a certificate of its clients gets the proxy's.
async fn mutual(kafka: &Kafka) {
    let start = |certificate| {
        Proxy::start(ProxyOptions {
            tls: Tls::Ends {
                clients: ClientTls::Off,
                brokers: BrokerTls::On {
                    trust: Trust::Authorities(kafka.company.authority()),
                    certificate,
                },
            },
            ..ProxyOptions::new(vec![kafka.mutual.clone()])
        })
    };
    let proxy = start(Some(kafka.company.certificate("proxy.example")))
        .await
        .unwrap();
    assert_eq!(proxy.brokers(), [(1, kafka.mutual.clone())]);
    proxy.stop().await;
    match start(None).await.err() {
        Some(ProxyError::UpstreamTls { reason, help, .. }) => {
            assert!(reason.contains("wants a certificate"), "{reason}");
            assert!(help.contains("--upstream-cert"), "{help}");
        }
        other => panic!("{other:?}"),
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
