//! One arm of one hazard: names of its own, clients, a fault proxy, and the notes of what was done and seen.

use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant};

use highwater_model::history::HistoryEvent;
use highwater_model::{HazardCount, HazardNote, HazardRecord};
use highwater_proxy::RuleSpec;
use highwater_target::{Brokers, TargetSpec, Which};

use crate::arm::{Notes, Side};
use crate::client::{Client, LogRecord};
use crate::error::HazardError;
use crate::stage::{Behind, Stage, Verifying, Wire};

/// For everything that is waited for: busy machines take long at times.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

pub(crate) struct Scene<'a> {
    stage: &'a mut Stage,
    hazard: &'static str,
    side: Side,
    notes: Notes,
    wire: Wire,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(stage: &'a mut Stage, hazard: &'static str, side: Side) -> Self {
        Self {
            stage,
            hazard,
            side,
            notes: Notes::default(),
            wire: Wire::default(),
        }
    }

    pub(crate) fn finish(self) -> (Notes, Vec<HistoryEvent>) {
        let wire = std::mem::take(&mut *self.wire.lock().unwrap_or_else(PoisonError::into_inner));
        (self.notes, wire)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.side == Side::Open
    }

    /// Whether the fault happens; without it nothing may be found.
    pub(crate) fn armed(&self) -> bool {
        self.stage.options().armed
    }

    pub(crate) fn on_kafka(&self) -> bool {
        *self.stage.spec() != TargetSpec::Dev
    }

    /// One of two words, by the side.
    pub(crate) fn either<T>(&self, open: T, control: T) -> T {
        if self.is_open() { open } else { control }
    }

    /// A name that no other arm uses.
    pub(crate) fn name(&self, suffix: &str) -> String {
        format!("{}-{}-{suffix}", self.hazard, self.side.word())
    }

    /// `HOST:PORT` of the broker itself.
    pub(crate) fn bootstrap(&self) -> &str {
        self.stage.bootstrap()
    }

    /// A client that speaks to the broker itself: what it reads is what there is.
    pub(crate) fn direct(&self) -> Result<Client, HazardError> {
        Ok(Client::new(self.stage.address()?, "read-back"))
    }

    /// A fault proxy in front of the target. Without faults it only listens.
    pub(crate) fn behind(&self, rules: Vec<RuleSpec>) -> Result<Behind, HazardError> {
        self.behind_of(self.stage.bootstrap(), rules)
    }

    /// The same in front of another broker.
    pub(crate) fn behind_of(&self, upstream: &str, rules: Vec<RuleSpec>) -> Result<Behind, HazardError> {
        let rules = if self.armed() { rules } else { Vec::new() };
        let seed = self.stage.options().seed;
        Behind::start(self.stage.runtime().handle(), upstream, rules, seed, &self.wire)
    }

    /// A broker that asks the coordinator about transactional batches, or does not.
    pub(crate) fn verifying(&self, verifies: bool) -> Result<Verifying, HazardError> {
        self.stage.verifying(verifies)
    }

    /// Brokers to do something to.
    pub(crate) fn brokers(&mut self, which: Which<'_>) -> Result<Brokers<'_>, HazardError> {
        self.stage.brokers(which)
    }

    pub(crate) fn broker_names(&self) -> Vec<String> {
        self.stage.broker_names()
    }

    /// Makes a topic; gives its name.
    pub(crate) fn topic(&self, suffix: &str, partitions: i32) -> Result<String, HazardError> {
        let name = self.name(suffix);
        let mut client = self.direct()?;
        match *self.stage.spec() {
            // Only client libraries are used there, which find their leaders.
            TargetSpec::KafkaThree => client.make_topic(&name, partitions)?,
            _ => client.create_topic(&name, partitions)?,
        }
        Ok(name)
    }

    pub(crate) fn did(&mut self, what: impl Into<String>) {
        self.notes.notes.push(HazardNote::Did(what.into()));
    }

    pub(crate) fn saw(&mut self, what: impl Into<String>) {
        self.notes.notes.push(HazardNote::Saw(what.into()));
    }

    pub(crate) fn count(&mut self, what: &str, count: usize) {
        self.notes.counts.push(HazardCount {
            what: what.to_owned(),
            count: count as u64,
        });
    }

    /// Writes down a record of the log, with a remark.
    pub(crate) fn exhibit(&mut self, record: &LogRecord, remark: impl Into<String>) {
        self.notes.records.push(HazardRecord {
            topic: record.topic.clone(),
            partition: record.partition,
            offset: Some(record.offset),
            value: record.value.clone(),
            remark: remark.into(),
        });
    }

    /// Writes down a record that is not where it should be.
    pub(crate) fn missing(&mut self, topic: &str, partition: i32, value: &str, remark: impl Into<String>) {
        self.notes.records.push(HazardRecord {
            topic: topic.to_owned(),
            partition,
            offset: None,
            value: value.to_owned(),
            remark: remark.into(),
        });
    }

    pub(crate) fn go_on(&self) -> Result<(), HazardError> {
        self.stage.go_on()
    }

    /// Lets time pass, as a fault or an application does; ends at once when it is asked to.
    pub(crate) fn pass(&self, time: Duration) -> Result<(), HazardError> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.go_on()?;
            thread::sleep(LOOK.min(end.saturating_duration_since(Instant::now())));
        }
        Ok(())
    }

    /// Waits until something is so.
    pub(crate) fn until(
        &self,
        what: &str,
        mut so: impl FnMut() -> Result<bool, HazardError>,
    ) -> Result<(), HazardError> {
        if self.within(PATIENCE, &mut so)? {
            return Ok(());
        }
        Err(HazardError::Late {
            what: what.to_owned(),
            limit: PATIENCE,
        })
    }

    /// Whether something becomes so in time.
    pub(crate) fn within(
        &self,
        limit: Duration,
        mut so: impl FnMut() -> Result<bool, HazardError>,
    ) -> Result<bool, HazardError> {
        let end = Instant::now() + limit;
        loop {
            self.go_on()?;
            if so()? {
                return Ok(true);
            }
            if Instant::now() >= end {
                return Ok(false);
            }
            thread::sleep(LOOK);
        }
    }
}
