//! The brokers of a target that Highwater runs: one, or three that need each other.
//!
//! ```text
//! launch all ─▶ wait until each answers and names all ─▶ kill · stop · pause … one of them, or all
//! ```
//! Invariant: nodes that need each other for getting ready are started together and waited for together.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::child::{Ended, Proof};
use crate::error::TargetError;
use crate::kafka::{KafkaNode, KafkaOptions, Site, broker_name};
use crate::keeper::Keeper;
use crate::node::{Launched, Node, PORT_ATTEMPTS, Started};
use crate::observer::Observer;
use crate::rising::{Riser, Rising, await_all};

/// As many as keep a majority when one is lost.
pub(crate) const THREE: usize = 3;

/// What a node needs for flushing its logs when it is asked to end; what it waits for beyond that does not come.
pub(crate) const WITHOUT_MAJORITY_LIMIT: Duration = Duration::from_secs(5);

/// Which brokers something is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// The one of this name: `broker-1` to `broker-3`. A target with one broker has `broker-1`.
    Named(&'a str),
    /// Every one.
    All,
}

/// Brokers that run as processes of Highwater.
pub(crate) struct Cluster {
    nodes: Vec<Node>,
}

impl Cluster {
    /// A cluster of one that runs already.
    pub(crate) fn alone(node: Node) -> Self {
        Self { nodes: vec![node] }
    }

    /// Starts three nodes of Apache Kafka; returns when each answers and names all three.
    pub(crate) fn three(
        site: &Site<'_>,
        dir: &std::path::Path,
        wishes: &KafkaOptions,
        observer: &Observer,
        interrupted: &Arc<AtomicBool>,
    ) -> Result<Self, TargetError> {
        for _ in 1..PORT_ATTEMPTS {
            let plans = KafkaNode::several(site, dir, &[None; THREE], wishes)?;
            let look = plans.first().cloned();
            match Self::up(plans, observer, interrupted) {
                // All are gone again, so whoever is on their ports now is somebody else.
                Err(TargetError::EndedAtStart { .. }) if look.is_some_and(|node| node.ports_taken()) => {}
                other => return other,
            }
        }
        Self::up(
            KafkaNode::several(site, dir, &[None; THREE], wishes)?,
            observer,
            interrupted,
        )
    }

    fn up(
        plans: Vec<KafkaNode>,
        observer: &Observer,
        interrupted: &Arc<AtomicBool>,
    ) -> Result<Self, TargetError> {
        let mut nodes = Vec::new();
        for plan in plans {
            let keeper = Keeper::start().map_err(|source| TargetError::Process {
                action: "start",
                process: "the keeper thread".to_owned(),
                source,
            })?;
            let (observer, interrupted) = (Arc::clone(observer), Arc::clone(interrupted));
            nodes.push(Node::new(Box::new(plan), keeper, observer, interrupted));
        }
        let all = nodes.len();
        bring_up(&mut nodes.iter_mut().collect::<Vec<_>>(), all)?;
        Ok(Self { nodes })
    }

    pub(crate) fn first(&mut self) -> Option<&mut Node> {
        self.nodes.first_mut()
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The names that [`Which::Named`] takes.
    pub(crate) fn names(&self) -> Vec<String> {
        (0..self.nodes.len()).map(broker_name).collect()
    }

    pub(crate) fn choose(&mut self, which: Which<'_>, target: &str) -> Result<Brokers<'_>, TargetError> {
        let all = self.nodes.len();
        let Which::Named(name) = which else {
            return Ok(Brokers {
                nodes: self.nodes.iter_mut().collect(),
                of: all,
            });
        };
        let unknown = TargetError::UnknownBroker {
            given: name.to_owned(),
            target: target.to_owned(),
            possible: self.names(),
        };
        let node = (0..all).find(|index| broker_name(*index) == name);
        let node = node.and_then(|index| self.nodes.get_mut(index));
        Ok(Brokers {
            nodes: vec![node.ok_or(unknown)?],
            of: all,
        })
    }

    /// The stories of those that ended on their own.
    pub(crate) fn died(&mut self) -> Option<String> {
        let stories: Vec<String> = self.nodes.iter_mut().filter_map(Node::died).collect();
        (!stories.is_empty()).then(|| stories.join("\n"))
    }
}

/// How many of a cluster have ended, and since when they are too many for the rest to agree on anything.
#[derive(Debug, Default)]
struct Majority {
    ended: Mutex<Vec<Instant>>,
}

impl Majority {
    fn one_ended(&self) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.push(Instant::now());
    }

    fn is_long_gone(&self, of: usize) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        // With three it is gone with the second.
        ended
            .get(of / 2)
            .is_some_and(|since| since.elapsed() > WITHOUT_MAJORITY_LIMIT)
    }
}

/// Brokers of a target to do something to; each gives a proof of what was done to it.
pub struct Brokers<'a> {
    nodes: Vec<&'a mut Node>,
    of: usize,
}

impl std::fmt::Debug for Brokers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.nodes.iter().map(|node| node.plan().name()).collect();
        f.debug_tuple("Brokers").field(&names).finish()
    }
}

impl Brokers<'_> {
    /// Kills them with SIGKILL, one right after the other, and waits for their ends.
    ///
    /// # Errors
    /// [`TargetError::Died`], [`TargetError::WrongState`]; then those before it are killed already.
    pub fn kill(&mut self) -> Result<Vec<Ended>, TargetError> {
        self.nodes.iter_mut().map(|node| node.kill()).collect()
    }

    /// Asks them to end with SIGTERM, all at the same time, and waits; after `limit` those that have not are
    /// killed, and the proof says so. So is, after five seconds, one whose cluster has lost its majority: it asks
    /// the controllers for leave to end and is not heard any more.
    ///
    /// # Errors
    /// As [`Brokers::kill`]; [`TargetError::Interrupted`], then they have been killed.
    pub fn stop(&mut self, limit: Duration) -> Result<Vec<Ended>, TargetError> {
        let (of, lost) = (self.of, Majority::default());
        let ended: Vec<Result<Ended, TargetError>> = std::thread::scope(|scope| {
            let lost = &lost;
            let stop = |node: &mut Node| {
                let ended = node.stop_unless(limit, &|| lost.is_long_gone(of));
                lost.one_ended();
                ended
            };
            let each = self.nodes.iter_mut().map(|node| scope.spawn(move || stop(node)));
            let each: Vec<_> = each.collect();
            each.into_iter()
                .map(|one| {
                    one.join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        });
        ended.into_iter().collect()
    }

    /// Halts them with SIGSTOP; returns when every one of their threads is seen halted.
    ///
    /// # Errors
    /// As [`Brokers::kill`]; [`TargetError::NotProven`].
    pub fn pause(&mut self) -> Result<Vec<Proof>, TargetError> {
        self.nodes.iter_mut().map(|node| node.pause()).collect()
    }

    /// Continues paused ones with SIGCONT, also when interrupted.
    ///
    /// # Errors
    /// As [`Brokers::pause`].
    pub fn resume(&mut self) -> Result<Vec<Proof>, TargetError> {
        self.nodes.iter_mut().map(|node| node.resume()).collect()
    }

    /// Starts them again on the same data and the same ports, together; returns when each answers its protocol
    /// and names itself among the brokers of the cluster. That takes a majority of controllers: one of three
    /// that are all down does not get ready alone.
    ///
    /// # Errors
    /// [`TargetError::PortTaken`], [`TargetError::EndedAtStart`], [`TargetError::NotReady`],
    /// [`TargetError::Interrupted`].
    pub fn start_again(&mut self) -> Result<Vec<Started>, TargetError> {
        for node in &mut self.nodes {
            node.may_start_again()?;
        }
        // Those that others wait for come up together; a single one must not wait for others that are down.
        let awaited = if self.nodes.len() == self.of { self.of } else { 1 };
        bring_up(&mut self.nodes, awaited)
    }
}

fn bring_up(nodes: &mut [&mut Node], brokers: usize) -> Result<Vec<Started>, TargetError> {
    let mut launched: Vec<Launched> = Vec::new();
    for node in nodes.iter_mut() {
        launched.push(node.launch()?);
    }
    let mut risers = Vec::new();
    for (node, one) in nodes.iter().zip(&mut launched) {
        risers.push(Riser {
            plan: node.plan(),
            process: &mut one.process,
            rising: Rising::begin(node.plan(), brokers)?,
        });
    }
    let interrupted = nodes.first().map(|node| node.interrupted()).unwrap_or_default();
    let ready = await_all(&mut risers, &interrupted)?;
    drop(risers);
    let all = nodes.iter_mut().zip(launched).zip(ready);
    Ok(all
        .map(|((node, launched), at)| node.is_up(launched, at))
        .collect())
}
