//! What can go wrong with a target, which exit code it means, and what a person can do about it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use highwater_model::ExitCode;

use crate::cdc::CdcError;
use crate::doctor::Finding;
use crate::log_tail::LogTail;
use crate::program::{INSTALL_JAVA, INSTALL_MAVEN, JAVA_AT_LEAST};

/// An error of this crate. The message says what and where, [`TargetError::remedy`] what to do.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// No such target.
    #[error("unknown target `{given}`")]
    UnknownTarget {
        /// As written.
        given: String,
        /// The nearest possible spelling, if one is near.
        suggestion: Option<String>,
    },
    /// Not the address of a cluster.
    #[error("`{given}` is no target: {reason}")]
    BadBootstrap {
        /// As written.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Bug switches were asked for where there are none.
    #[error("bug switches ({bugs}) exist only on the dev broker, the target is {target}")]
    NoBugsHere {
        /// The switches, separated by commas.
        bugs: String,
        /// The target in words.
        target: String,
    },
    /// `--kafka-home` names no usable distribution.
    #[error("{dir} is no Apache Kafka distribution: {reason}")]
    KafkaHome {
        /// The directory.
        dir: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// A directory whose name can't be given to Java.
    #[error("the path {path} contains `:`, which separates entries of a Java class path")]
    UnusablePath {
        /// The path.
        path: PathBuf,
    },
    /// Java is not installed.
    #[error("no `java` on the PATH or in JAVA_HOME; Apache Kafka needs Java {JAVA_AT_LEAST} or newer")]
    JavaMissing,
    /// Java is too old, or does not say its version.
    #[error("{path} is Java {found}; Apache Kafka needs Java {JAVA_AT_LEAST} or newer")]
    JavaTooOld {
        /// The program that was found.
        path: PathBuf,
        /// Its version in words.
        found: String,
    },
    /// Maven is not installed.
    #[error("no `mvn` on the PATH; it is needed once to fetch {what}")]
    MavenMissing {
        /// What was to be fetched.
        what: String,
    },
    /// The installation failed; nothing of it is left behind.
    #[error("{what} could not be fetched: {reason}{log}")]
    Install {
        /// What was to be installed.
        what: String,
        /// What went wrong.
        reason: String,
        /// What the installer said.
        log: LogTail,
    },
    /// A file or directory can't be used.
    #[error("can't {action} {path}")]
    File {
        /// What was to be done: `create`, `write`.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program could not be started.
    #[error("can't start {what} ({program})")]
    Spawn {
        /// The process in the run.
        what: String,
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused an operation on a process.
    #[error("can't {action} {process}")]
    Process {
        /// What was to be done: `pause`.
        action: &'static str,
        /// The process in the run.
        process: String,
        /// What the system said.
        source: io::Error,
    },
    /// The process ended before it was ready.
    #[error("{process} ended before it was ready: {how}{log}")]
    EndedAtStart {
        /// The process in the run.
        process: String,
        /// Exit status or signal.
        how: String,
        /// The last lines of its log.
        log: LogTail,
    },
    /// The process runs and does not answer.
    #[error("{process} does not answer after {} s: {last}{log}", limit.as_secs())]
    NotReady {
        /// The process in the run.
        process: String,
        /// How long it was waited for.
        limit: Duration,
        /// What the last attempt met.
        last: String,
        /// The last lines of its log.
        log: LogTail,
    },
    /// The process ended although nobody asked it to.
    #[error("{process} ended on its own: {how}{log}")]
    Died {
        /// The process in the run.
        process: String,
        /// Exit status or signal.
        how: String,
        /// The last lines of its log.
        log: LogTail,
    },
    /// Nothing answers at the address of an existing cluster.
    #[error("no Kafka broker can be reached at {address}: {cause}")]
    Unreachable {
        /// As given.
        address: String,
        /// What was met.
        cause: String,
    },
    /// An existing cluster does not speak what is needed.
    #[error("the cluster at {address} can't be used: {missing}")]
    TooOld {
        /// As given.
        address: String,
        /// The request and the version.
        missing: String,
    },
    /// Somebody else listens on a port that is needed.
    #[error("port {port} on 127.0.0.1 is taken by another program")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// No port could be had at all.
    #[error("no free port on 127.0.0.1")]
    NoFreePort {
        /// What the system said.
        source: io::Error,
    },
    /// The target is not Highwater's to kill, stop or pause.
    #[error("{target} was not started by Highwater, so it is neither killed, stopped nor paused")]
    CannotFault {
        /// The target in words.
        target: String,
    },
    /// The target has no broker of this name.
    #[error("{target} has no broker `{given}`")]
    UnknownBroker {
        /// As written.
        given: String,
        /// The target in words.
        target: String,
        /// Those that it has.
        possible: Vec<String>,
    },
    /// A listener is asked for that can't be added.
    #[error("the listener `{given}` can't be added: {reason}")]
    BadListener {
        /// As written.
        given: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The operation needs a process in another state.
    #[error("{process} can't be {action}: it {state}")]
    WrongState {
        /// The process in the run.
        process: String,
        /// Past participle of what was to be done: `paused`.
        action: &'static str,
        /// What it is instead: `is not running`.
        state: &'static str,
    },
    /// A signal was sent and its effect was not seen.
    #[error("{process} did not become {expected} within {} s: {seen}", limit.as_secs())]
    NotProven {
        /// The process in the run.
        process: String,
        /// The state expected.
        expected: &'static str,
        /// How long it was waited for.
        limit: Duration,
        /// What was seen instead.
        seen: String,
    },
    /// The machine has not what is needed; each with what mends it.
    #[error(
        "this machine lacks what the run needs, so nothing was started:{}",
        told(lacking)
    )]
    HostLacks {
        /// What is missing or not usable.
        lacking: Vec<Finding>,
    },
    /// PostgreSQL, Kafka Connect or a connector.
    #[error(transparent)]
    Cdc(#[from] CdcError),
    /// The parent that was to be followed into death is gone already.
    #[error("the parent process {parent} is gone")]
    ParentGone {
        /// Its pid.
        parent: u32,
    },
    /// The run was interrupted while something was waited for.
    #[error("interrupted while waiting for {waiting_for}")]
    Interrupted {
        /// What was waited for.
        waiting_for: String,
    },
}

impl TargetError {
    /// The exit code that this error means.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::UnknownTarget { .. }
            | Self::BadBootstrap { .. }
            | Self::NoBugsHere { .. }
            | Self::KafkaHome { .. }
            | Self::UnusablePath { .. }
            | Self::UnknownBroker { .. }
            | Self::BadListener { .. }
            | Self::CannotFault { .. } => ExitCode::Usage,
            Self::Interrupted { .. } => ExitCode::Inconclusive,
            Self::Cdc(error) => error.exit_code(),
            Self::JavaMissing
            | Self::JavaTooOld { .. }
            | Self::MavenMissing { .. }
            | Self::Install { .. }
            | Self::File { .. }
            | Self::Spawn { .. }
            | Self::Process { .. }
            | Self::EndedAtStart { .. }
            | Self::NotReady { .. }
            | Self::Died { .. }
            | Self::Unreachable { .. }
            | Self::TooOld { .. }
            | Self::HostLacks { .. }
            | Self::PortTaken { .. }
            | Self::NoFreePort { .. }
            | Self::WrongState { .. }
            | Self::NotProven { .. }
            | Self::ParentGone { .. } => ExitCode::Infrastructure,
        }
    }

    /// What a person can do about it; none where the message says all there is to say.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        let remedy = match self {
            Self::UnknownTarget { suggestion, .. } => {
                let possible = "possible are `dev`, `kafka`, `kafka:3` and `bootstrap:HOST:PORT`";
                return Some(match suggestion {
                    Some(suggestion) => format!("did you mean `{suggestion}`? {possible}"),
                    None => possible.to_owned(),
                });
            }
            Self::Cdc(error) => return error.remedy(),
            Self::UnknownBroker { possible, .. } => {
                return Some(format!("possible are `{}`", possible.join("`, `")));
            }
            Self::BadListener { .. } => "name it with capital letters and digits, e.g. `SECURE`",
            Self::BadBootstrap { .. } => {
                "write it as `bootstrap:HOST:PORT`, several servers separated by commas"
            }
            Self::NoBugsHere { .. } => "use `--target dev`, or take the bug switches out",
            Self::KafkaHome { .. } => {
                "name the directory that holds `libs/`, or leave `--kafka-home` out and it is fetched"
            }
            Self::UnusablePath { .. } => "use a directory without `:` in its name",
            Self::JavaMissing | Self::JavaTooOld { .. } => {
                return Some(format!("install it: `{INSTALL_JAVA}`"));
            }
            Self::MavenMissing { what } if !what.starts_with("Apache Kafka") => {
                return Some(format!("install it: `{INSTALL_MAVEN}`"));
            }
            Self::MavenMissing { .. } => {
                return Some(format!(
                    "install it: `{INSTALL_MAVEN}`; or name an installed distribution with `--kafka-home DIR`"
                ));
            }
            Self::Install { what, .. } if !what.starts_with("Apache Kafka") => {
                "check the network (a proxy belongs in ~/.m2/settings.xml) and run it again"
            }
            Self::Install { .. } => {
                "check the network (a proxy belongs in ~/.m2/settings.xml) and run it again; or name an installed distribution with `--kafka-home DIR`"
            }
            Self::File { .. } => "check the permissions and the space on the disk, or name another directory",
            Self::Unreachable { .. } => {
                "check host and port and that the broker runs; a listener with TLS or logins needs `--kafka-config FILE` (`run`, `knee` and `ab` take it); `--target dev` and `--target kafka` start their own"
            }
            Self::TooOld { .. } => {
                "upgrade the brokers, or name another cluster; `--target kafka` starts Apache Kafka 4.3.1"
            }
            Self::PortTaken { port } => {
                return Some(format!(
                    "end that program (`ss -ltnp 'sport = :{port}'` shows which it is) or choose another port"
                ));
            }
            Self::NoFreePort { .. } => "end programs that hold many connections, and run it again",
            Self::CannotFault { .. } => {
                "use `--target dev` or `--target kafka` for scenarios that break the broker"
            }
            Self::HostLacks { .. } => "mend it and run it again; `highwater doctor` shows what is there",
            Self::EndedAtStart { log, .. } | Self::NotReady { log, .. } | Self::Died { log, .. }
                if log.out_of_memory().is_some() =>
            {
                "its JVM had too little memory: give it more heap (`broker.heap` of the scenario), or free some"
            }
            Self::NotReady { .. } => "the machine may be too busy: `highwater doctor` shows memory and load",
            Self::Spawn { .. }
            | Self::Process { .. }
            | Self::EndedAtStart { .. }
            | Self::Died { .. }
            | Self::WrongState { .. }
            | Self::NotProven { .. }
            | Self::ParentGone { .. }
            | Self::Interrupted { .. } => return None,
        };
        Some(remedy.to_owned())
    }

    /// For `map_err` on file operations.
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}

fn told(lacking: &[Finding]) -> String {
    lacking.iter().fold(String::new(), |text, finding| {
        let remedy = finding.remedy.as_ref().map(|remedy| format!("; {remedy}"));
        format!(
            "{text}\n    {}: {}{}",
            finding.name,
            finding.found,
            remedy.unwrap_or_default()
        )
    })
}
