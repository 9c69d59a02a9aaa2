//! The REST interface of Kafka Connect: register, look, delete. Blocking, on loopback, without TLS.
//!
//! Invariant: every question has a limit in time, every answer one in size.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::Agent;

use super::CdcError;
use crate::error::TargetError;
use crate::patience::{GLANCE, wait_until};

/// A worker that is rebalancing holds a question back until it is done.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// A trace has some ten thousand characters.
const ANSWER_BYTES: u64 = 1 << 20;
/// How long a worker may answer that it is busy with a change (HTTP 409) before that is an error.
const BUSY_LIMIT: Duration = Duration::from_secs(30);
const BUSY_PAUSE: Duration = Duration::from_millis(100);
/// Of a trace that is quoted.
const TRACE_LINES: usize = 3;
const LINE_CHARS: usize = 400;

/// Asks one worker.
#[derive(Debug, Clone)]
pub struct ConnectRest {
    address: SocketAddrV4,
    agent: Agent,
}

/// State of a connector or of a task of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ConnectorState {
    /// At work.
    Running,
    /// Halted by somebody.
    Paused,
    /// Ended by somebody.
    Stopped,
    /// Given up after an error.
    Failed,
    /// Not given to any worker yet.
    Unassigned,
    /// About to be started again.
    Restarting,
    /// One that this version of Highwater does not know.
    #[serde(other)]
    Other,
}

/// How a connector is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorStatus {
    /// The connector itself.
    pub state: ConnectorState,
    /// Why it failed, if it did.
    pub trace: Option<String>,
    /// Its tasks; none before it has made them.
    pub tasks: Vec<TaskStatus>,
}

/// How a task of a connector is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TaskStatus {
    /// Its number, from 0.
    pub id: u32,
    /// Its state.
    pub state: ConnectorState,
    /// Why it failed, if it did.
    #[serde(default)]
    pub trace: Option<String>,
}

/// How far a connector is in one of its sources.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ConnectorOffset {
    /// The source, as the connector names it.
    pub partition: Value,
    /// The position in it, as the connector writes it; Debezium's for PostgreSQL has `lsn`.
    pub offset: Value,
}

impl ConnectorStatus {
    /// True if it and every task of it works, of which there is one at least.
    #[must_use]
    pub fn is_running(&self) -> bool {
        let running = |state: &ConnectorState| *state == ConnectorState::Running;
        running(&self.state) && !self.tasks.is_empty() && self.tasks.iter().all(|task| running(&task.state))
    }

    /// Why it, or one of its tasks, has failed: the first lines of the trace, with the causes.
    #[must_use]
    pub fn failure(&self) -> Option<Vec<String>> {
        let own = (&self.state, &self.trace);
        let mut all = std::iter::once(own).chain(self.tasks.iter().map(|task| (&task.state, &task.trace)));
        let (_, trace) = all.find(|(state, _)| **state == ConnectorState::Failed)?;
        Some(first_lines(trace.as_deref().unwrap_or("it does not say why")))
    }
}

impl ConnectRest {
    /// Asks the worker that listens there.
    #[must_use]
    pub fn at(address: SocketAddrV4) -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(CONNECT_LIMIT))
            .timeout_global(Some(ANSWER_LIMIT))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Self {
            address,
            agent: config.into(),
        }
    }

    /// The address for people and other programs: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The names of all connectors.
    ///
    /// # Errors
    /// [`CdcError::ConnectUnreachable`], [`CdcError::ConnectRefused`].
    pub fn connectors(&self) -> Result<Vec<String>, CdcError> {
        let action = "list connectors";
        let (status, body) = self.ask(action, &Question::Get, "connectors")?;
        match status {
            200 => self.parsed(action, &body),
            _ => Err(self.refused(action, status, &body)),
        }
    }

    /// Makes a new connector.
    ///
    /// # Errors
    /// [`CdcError::ConnectorExists`], [`CdcError::ConnectRefused`] with what is wrong with its settings,
    /// [`CdcError::BadConnectorName`], [`CdcError::ConnectUnreachable`].
    pub fn register(&self, name: &str, config: &BTreeMap<String, String>) -> Result<(), CdcError> {
        checked(name)?;
        let action = format!("register connector `{name}`");
        let body = json!({"name": name, "config": config}).to_string();
        let (status, body) = self.ask_patiently(&action, &Question::Post(body), "connectors")?;
        match status {
            200..=299 => Ok(()),
            409 if body.contains("already exists") => Err(CdcError::ConnectorExists {
                address: self.address.to_string(),
                connector: name.to_owned(),
            }),
            _ => Err(self.refused(&action, status, &body)),
        }
    }

    /// How a connector is.
    ///
    /// # Errors
    /// [`CdcError::NoSuchConnector`], also right after it was made; [`CdcError::ConnectUnreachable`],
    /// [`CdcError::ConnectRefused`], [`CdcError::BadConnectorName`].
    pub fn status(&self, name: &str) -> Result<ConnectorStatus, CdcError> {
        let action = format!("tell the state of connector `{name}`");
        let body = self.of_connector(name, &action, &Question::Get, "/status")?;
        #[derive(Deserialize)]
        struct Own {
            state: ConnectorState,
            #[serde(default)]
            trace: Option<String>,
        }
        #[derive(Deserialize)]
        struct Answer {
            connector: Own,
            tasks: Vec<TaskStatus>,
        }
        let answer: Answer = self.parsed(&action, &body)?;
        Ok(ConnectorStatus {
            state: answer.connector.state,
            trace: answer.connector.trace,
            tasks: answer.tasks,
        })
    }

    /// Waits until a connector and its tasks work, at most for `limit`.
    ///
    /// # Errors
    /// [`TargetError::Cdc`]: [`CdcError::ConnectorFailed`], [`CdcError::ConnectorNotRunning`];
    /// [`TargetError::Interrupted`].
    pub fn await_running(
        &self,
        name: &str,
        limit: Duration,
        interrupted: &AtomicBool,
    ) -> Result<(), TargetError> {
        let mut last = "nothing was heard".to_owned();
        let waiting_for = format!("connector {name}");
        let running = wait_until(&waiting_for, GLANCE, limit, interrupted, || {
            match self.status(name) {
                Ok(status) if status.is_running() => Ok(Some(())),
                Ok(status) => match status.failure() {
                    Some(trace) => Err(CdcError::ConnectorFailed {
                        connector: name.to_owned(),
                        trace,
                    }
                    .into()),
                    None => {
                        let tasks = status.tasks.len();
                        last = format!("it is {:?} with {tasks} tasks", status.state);
                        Ok(None)
                    }
                },
                Err(error @ CdcError::BadConnectorName { .. }) => Err(error.into()),
                Err(error) => {
                    last = error.to_string();
                    Ok(None)
                }
            }
        })?;
        let late = || CdcError::ConnectorNotRunning {
            connector: name.to_owned(),
            limit,
            last,
        };
        Ok(running.ok_or_else(late)?)
    }

    /// How far a connector is, by the offsets that it has flushed (KIP-875). None before the first flush.
    ///
    /// # Errors
    /// As [`ConnectRest::status`].
    pub fn offsets(&self, name: &str) -> Result<Vec<ConnectorOffset>, CdcError> {
        let action = format!("tell the offsets of connector `{name}`");
        let body = self.of_connector(name, &action, &Question::Get, "/offsets")?;
        #[derive(Deserialize)]
        struct Answer {
            offsets: Vec<ConnectorOffset>,
        }
        let answer: Answer = self.parsed(&action, &body)?;
        Ok(answer.offsets)
    }

    /// Starts a connector and those of its tasks that have failed again.
    ///
    /// # Errors
    /// As [`ConnectRest::status`].
    pub fn restart(&self, name: &str) -> Result<(), CdcError> {
        let action = format!("restart connector `{name}`");
        let what = "/restart?includeTasks=true&onlyFailed=true";
        self.of_connector(name, &action, &Question::Post(String::new()), what)
            .map(drop)
    }

    /// Removes a connector; one that is not there is no error.
    ///
    /// # Errors
    /// [`CdcError::ConnectUnreachable`], [`CdcError::ConnectRefused`], [`CdcError::BadConnectorName`].
    pub fn delete(&self, name: &str) -> Result<(), CdcError> {
        let action = format!("delete connector `{name}`");
        match self.of_connector(name, &action, &Question::Delete, "") {
            Err(CdcError::NoSuchConnector { .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    fn of_connector(
        &self,
        name: &str,
        action: &str,
        question: &Question,
        what: &str,
    ) -> Result<String, CdcError> {
        checked(name)?;
        let (status, body) = self.ask_patiently(action, question, &format!("connectors/{name}{what}"))?;
        match status {
            200..=299 => Ok(body),
            404 => Err(CdcError::NoSuchConnector {
                address: self.address.to_string(),
                connector: name.to_owned(),
            }),
            _ => Err(self.refused(action, status, &body)),
        }
    }

    /// Asks again while the worker is busy with a change, which it says with 409 and without a reason that stays.
    fn ask_patiently(
        &self,
        action: &str,
        question: &Question,
        path: &str,
    ) -> Result<(u16, String), CdcError> {
        let end = Instant::now() + BUSY_LIMIT;
        loop {
            let (status, body) = self.ask(action, question, path)?;
            let busy = status == 409 && !body.contains("already exists");
            if !busy || Instant::now() >= end {
                return Ok((status, body));
            }
            std::thread::sleep(BUSY_PAUSE);
        }
    }

    fn ask(&self, action: &str, question: &Question, path: &str) -> Result<(u16, String), CdcError> {
        let url = format!("http://{}/{path}", self.address);
        let answer = match question {
            Question::Get => self.agent.get(&url).call(),
            Question::Delete => self.agent.delete(&url).call(),
            Question::Post(body) => self
                .agent
                .post(&url)
                .header("content-type", "application/json")
                .send(body.as_str()),
        };
        let read = answer.and_then(|mut answer| {
            let body = answer
                .body_mut()
                .with_config()
                .limit(ANSWER_BYTES)
                .read_to_string()?;
            Ok((answer.status().as_u16(), body))
        });
        read.map_err(|error| self.unreachable(action, error.to_string()))
    }

    fn parsed<T: for<'a> Deserialize<'a>>(&self, action: &str, body: &str) -> Result<T, CdcError> {
        serde_json::from_str(body)
            .map_err(|error| self.unreachable(action, format!("its answer is not understood: {error}")))
    }

    fn unreachable(&self, action: &str, cause: String) -> CdcError {
        CdcError::ConnectUnreachable {
            address: self.address.to_string(),
            action: action.to_owned(),
            cause,
        }
    }

    fn refused(&self, action: &str, status: u16, body: &str) -> CdcError {
        let said: Option<Value> = serde_json::from_str(body).ok();
        let said = said.as_ref().and_then(|said| said.get("message")?.as_str());
        CdcError::ConnectRefused {
            address: self.address.to_string(),
            action: action.to_owned(),
            status,
            message: first_lines(said.unwrap_or(body)).join("; "),
        }
    }
}

enum Question {
    Get,
    Post(String),
    Delete,
}

fn checked(name: &str) -> Result<(), CdcError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match !name.is_empty() && name.chars().all(plain) {
        true => Ok(()),
        false => Err(CdcError::BadConnectorName {
            given: name.to_owned(),
        }),
    }
}

/// The first line and the first causes; without the places in the code, which help nobody here.
fn first_lines(trace: &str) -> Vec<String> {
    let told = trace.lines().filter(|line| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with("at ") && !line.starts_with("... ")
    });
    let printable = |line: &str| {
        line.trim()
            .chars()
            .filter(|c| !c.is_control())
            .take(LINE_CHARS)
            .collect()
    };
    told.take(TRACE_LINES).map(printable).collect()
}

#[cfg(test)]
mod tests;
