//! A cluster that somebody else runs: looked at, never started, stopped or configured.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::error::TargetError;
use crate::patience::{GLANCE, wait_until};
use crate::readiness::Answer;

/// Longest wait for an answer, name resolution included.
const REACH_LIMIT: Duration = Duration::from_secs(15);

/// Longest wait for a connection.
const KNOCK_LIMIT: Duration = Duration::from_secs(3);

/// How one broker is asked.
pub(crate) type Way = fn(SocketAddr) -> Result<Answer, String>;

/// Looks whether somebody listens; how many brokers there are is not known then.
pub(crate) fn knock(address: SocketAddr) -> Result<Answer, String> {
    TcpStream::connect_timeout(&address, KNOCK_LIMIT).map_err(|error| format!("{address}: {error}"))?;
    Ok(Answer {
        cluster_id: None,
        brokers: 0,
        node_ids: Vec::new(),
        too_old: None,
        at: Instant::now(),
    })
}

/// A cluster that answered.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) servers: String,
    pub(crate) brokers: usize,
}

impl Attached {
    /// Asks the servers one after the other until one answers.
    pub(crate) fn reach(servers: &str, way: Way, interrupted: &AtomicBool) -> Result<Self, TargetError> {
        let unreachable = |cause: String| TargetError::Unreachable {
            address: servers.to_owned(),
            cause,
        };
        let (found, answers) = mpsc::sync_channel(1);
        let asked = servers.to_owned();
        // Name resolution can't be given a time limit, so it happens on a thread that may be left behind.
        std::thread::Builder::new()
            .name("reach".to_owned())
            .spawn(move || found.send(first_answer(&asked, way)))
            .map_err(|source| unreachable(source.to_string()))?;
        let waiting_for = format!("an answer from {servers}");
        let answer = wait_until(&waiting_for, GLANCE / 10, REACH_LIMIT, interrupted, || {
            Ok(answers.try_recv().ok())
        })?;
        match answer {
            Some(Ok(Answer {
                too_old: Some(missing),
                ..
            })) => Err(TargetError::TooOld {
                address: servers.to_owned(),
                missing,
            }),
            Some(Ok(answer)) => Ok(Self {
                servers: servers.to_owned(),
                brokers: answer.brokers,
            }),
            Some(Err(cause)) => Err(unreachable(cause)),
            None => Err(unreachable(format!(
                "no answer within {} s",
                REACH_LIMIT.as_secs()
            ))),
        }
    }

    pub(crate) fn description(&self) -> String {
        let brokers = match self.brokers {
            0 => return format!("cluster at {}", self.servers),
            1 => "1 broker".to_owned(),
            more => format!("{more} brokers"),
        };
        format!("cluster at {} ({brokers})", self.servers)
    }
}

fn first_answer(servers: &str, way: Way) -> Result<Answer, String> {
    let mut causes = Vec::new();
    for server in servers.split(',') {
        match server.to_socket_addrs() {
            Err(error) => causes.push(format!("{server}: {error}")),
            Ok(addresses) => {
                for address in addresses {
                    match way(address) {
                        Ok(answer) => return Ok(answer),
                        Err(cause) => causes.push(cause),
                    }
                }
            }
        }
    }
    Err(causes.join("; "))
}
