//! One side of the comparison, and the transcript of what a client sees there.
//!
//! ```text
//! body ─▶ Arm: kafka ─▶ transcript ═ expected/BODY.txt          recorded with HIGHWATER_RECORD=1
//!     └─▶ Arm: dev   ─▶ transcript ═ expected/BODY.txt, after the differences on purpose
//! ```
//! Invariant: the files hold what Apache Kafka answered, and nothing else; the arm `dev` never writes one.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use highwater_broker::BrokerConfig;
use highwater_wire::{Connection, WireError};
use kafka_protocol::error::ResponseError;
use kafka_protocol::protocol::Request;

use crate::apache;
use crate::differences::{DIFFERENCES, Difference};
use crate::running::{PATIENCE, start_with};

const EXPECTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/expected");

/// Between two looks at something that is to become true.
const LOOK: Duration = Duration::from_millis(10);

/// One broker and the one test that runs against it now.
pub(crate) struct Arm {
    address: SocketAddr,
    body: &'static str,
    connection: Connection,
    transcript: Vec<(String, String)>,
    producers: Vec<i64>,
}

/// Runs a body against a dev broker of its own.
pub(crate) fn dev(body: &'static str, run: fn(&mut Arm)) {
    let transcript = dev_transcript(body, run);
    let mut expected = recorded(body);
    for difference in DIFFERENCES.iter().filter(|one| one.body == body) {
        apply(difference, &mut expected);
    }
    compare(body, &expected, &transcript);
}

/// What a client of a dev broker of its own sees.
pub(crate) fn dev_transcript(body: &'static str, run: fn(&mut Arm)) -> Vec<String> {
    let dir = tempfile::tempdir().expect("dir");
    let config = BrokerConfig::new(([127, 0, 0, 1], 0).into(), dir.path());
    let broker = start_with(config).expect("the broker starts");
    Arm::run(broker.address, body, run)
}

/// Runs a body against Apache Kafka.
pub(crate) fn kafka(body: &'static str, run: fn(&mut Arm)) {
    let Some(address) = apache::address(body) else {
        return;
    };
    let transcript = Arm::run(address, body, run);
    if std::env::var_os("HIGHWATER_RECORD").is_some() {
        std::fs::write(file(body), transcript.join("\n") + "\n").expect("recorded");
    }
    compare(body, &recorded(body), &transcript);
}

fn file(body: &str) -> PathBuf {
    PathBuf::from(EXPECTED).join(format!("{}.txt", body.replace("::", "-")))
}

/// What Kafka was seen to answer.
pub(crate) fn recorded(body: &str) -> Vec<String> {
    let path = file(body);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; HIGHWATER_RECORD=1 records it", path.display()));
    text.lines().map(str::to_owned).collect()
}

fn apply(difference: &Difference, expected: &mut [String]) {
    let Difference {
        body,
        what,
        kafka,
        ours,
        ..
    } = difference;
    let line = format!("{what}: {kafka}");
    let found = expected.iter_mut().find(|one| **one == line);
    let found = found.unwrap_or_else(|| panic!("{body}: Kafka does not answer \"{line}\""));
    *found = format!("{what}: {ours}");
}

fn compare(body: &str, expected: &[String], seen: &[String]) {
    let mut wrong = Vec::new();
    for at in 0..expected.len().max(seen.len()) {
        let (left, right) = (expected.get(at), seen.get(at));
        if left != right {
            let show = |line: Option<&String>| line.map_or("nothing", String::as_str).to_owned();
            wrong.push(format!("  expected {}\n  seen     {}", show(left), show(right)));
        }
    }
    assert!(wrong.is_empty(), "{body}:\n{}", wrong.join("\n"));
}

impl Arm {
    fn run(address: SocketAddr, body: &'static str, run: fn(&mut Self)) -> Vec<String> {
        let mut arm = Self {
            address,
            body,
            connection: Connection::open(address, PATIENCE).expect("connect"),
            transcript: Vec::new(),
            producers: Vec::new(),
        };
        run(&mut arm);
        let lines = arm.transcript.into_iter();
        lines.map(|(what, seen)| format!("{what}: {seen}")).collect()
    }

    /// Takes down what the client saw. `what` names the line in the table of differences.
    pub(crate) fn see(&mut self, what: impl Display, seen: impl Display) {
        let what = what.to_string();
        assert!(
            self.transcript.iter().all(|(known, _)| *known != what),
            "{what} is there already"
        );
        self.transcript.push((what, seen.to_string()));
    }

    /// A name that no other test uses.
    pub(crate) fn name(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.body.replace("::", "-"))
    }

    /// A producer id, as the first, second … that the test has met.
    pub(crate) fn producer(&mut self, id: i64) -> String {
        if id < 0 {
            return id.to_string();
        }
        let known = self.producers.iter().position(|one| *one == id);
        let at = known.unwrap_or_else(|| {
            self.producers.push(id);
            self.producers.len() - 1
        });
        format!("p{at}")
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.address, PATIENCE).expect("connect")
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// One request on the connection of the test, and its answer.
    pub(crate) fn call<R: Request>(&mut self, request: &R, version: i16) -> R::Response {
        self.try_call(request, version)
            .unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)))
    }

    /// The same where no answer is one, too; the next request gets a new connection then.
    pub(crate) fn try_call<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, WireError> {
        let answer = self.connection.call(request, version);
        if answer.is_err() {
            self.connection = self.connect();
        }
        answer
    }
}

/// The name of an error code; `None` for none.
pub(crate) fn error(code: i16) -> String {
    ResponseError::try_from_code(code).map_or_else(|| "None".to_owned(), |error| format!("{error:?}"))
}

/// Asks again until there is an answer.
pub(crate) fn poll<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        thread::sleep(LOOK);
    }
}

/// Asks again while a coordinator is not there yet or a transaction has not ended yet, as every client does.
pub(crate) fn settled<T>(mut ask: impl FnMut() -> T, code: impl Fn(&T) -> i16) -> T {
    poll("an answer of the coordinator", || {
        let answer = ask();
        let passing = [
            ResponseError::CoordinatorLoadInProgress,
            ResponseError::CoordinatorNotAvailable,
            ResponseError::NotCoordinator,
            ResponseError::ConcurrentTransactions,
        ];
        let seen = ResponseError::try_from_code(code(&answer));
        (!seen.is_some_and(|seen| passing.contains(&seen))).then_some(answer)
    })
}
