//! The state of a run, folded from its events: what the live view shows and what a stored run is made from.
//!
//! Invariant: the state depends on the events only, so a stored stream gives the same state as the live one.
//! Memory is bounded however long the run is.

use std::collections::BTreeMap;

use highwater_model::{
    Event, EventBody, Host, NoticeLevel, Phase, ProcessState, Repetition, Report, ResourceSample, RuleReport,
    ScenarioReport, Setting, Tick, TimelineBin,
};

use crate::timeline;

/// Points kept of one scenario: an hour at one tick each 100 ms would be 36,000; beyond this neighbours are
/// joined in pairs, which no chart can show anyway.
const POINTS_LIMIT: usize = 8_192;
/// Resource readings kept of one scenario: an hour of four processes.
const SAMPLES_LIMIT: usize = 4 * 3_600;
/// Notices kept: those shown beside an unfinished run.
const NOTICES_LIMIT: usize = 16;

/// The fold of a stream of events.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    /// What the run said about itself, once it has started.
    pub run: Option<RunView>,
    /// The scenario that runs now.
    pub scenario: Option<ScenarioView>,
    /// The scenarios that have finished, in order.
    pub finished: Vec<ScenarioReport>,
    /// The result, once the run has finished.
    pub report: Option<Box<Report>>,
    /// Moment of the latest event, or of the latest [`Replay::advance`].
    pub now_ns: u64,
    /// Warnings and errors, the latest last; at most 16 are kept.
    pub notices: Vec<(NoticeLevel, String)>,
}

/// What a run says about itself at its start.
#[derive(Debug, Clone, PartialEq)]
pub struct RunView {
    /// Version of Highwater.
    pub highwater_version: String,
    /// Name of the suite, scenario or file.
    pub name: String,
    /// Run id.
    pub run_id: String,
    /// Seed, hexadecimal.
    pub seed: String,
    /// The command that runs the same again.
    pub command: String,
    /// Wall-clock start, RFC 3339 in UTC.
    pub started_at: String,
    /// Names of the scenarios to run, in order.
    pub scenarios: Vec<String>,
    /// A shortened form.
    pub quick: bool,
    /// Where it runs.
    pub host: Host,
}

/// A scenario that runs.
#[derive(Debug, Clone)]
pub struct ScenarioView {
    /// Name, with the variant after a slash.
    pub name: String,
    /// Which repetition it is; none if it runs once.
    pub repetition: Option<Repetition>,
    /// One sentence: what it shows.
    pub summary: String,
    /// What it is pointed at, in words.
    pub target: String,
    /// Start within the run.
    pub started_ns: u64,
    /// How long it is expected to take.
    pub expected_ns: u64,
    /// The phases it plans to go through.
    pub planned: Vec<Phase>,
    /// The phases entered so far, with their start and the records due until then.
    pub entered: Vec<(Phase, u64, u64)>,
    /// Every setting with where it came from.
    pub configuration: BTreeMap<String, Setting>,
    /// Latest tick.
    pub tick: Option<Tick>,
    /// Progress over time, from the ticks; latencies are of the acknowledgements that *arrived* in a bin.
    pub bins: Vec<TimelineBin>,
    /// Age of the oldest pending record at the end of each bin.
    pub pending_ns: Vec<u64>,
    /// Largest response time seen, records still waiting included.
    pub slowest_ns: u64,
    /// Processes of the target, in order of appearance.
    pub processes: Vec<ProcessView>,
    /// Faults that took effect, in order.
    pub faults: Vec<FaultView>,
    /// Rules of the fault proxy.
    pub rules: Vec<RuleReport>,
    /// Records read and expected, once the read-back has begun.
    pub read_back: Option<(u64, u64)>,
    /// Resource readings.
    pub samples: Vec<ResourceSample>,
}

/// A process of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessView {
    /// Name in the run.
    pub process: String,
    /// Process id, while it has one.
    pub pid: Option<u32>,
    /// State.
    pub state: ProcessState,
    /// More, for people.
    pub detail: String,
    /// Moment at which it came into this state.
    pub since_ns: u64,
    /// The last state in which it did not serve, after it had been ready once.
    pub was_down: Option<ProcessState>,
    /// Has been ready once.
    pub was_ready: bool,
}

/// A fault that took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultView {
    /// Kind.
    pub kind: String,
    /// What proves it.
    pub proof: String,
    /// Records in flight at that moment.
    pub in_flight: u64,
    /// Moment at which it took effect.
    pub fired_at_ns: u64,
    /// How long it was in effect and what was seen, once lifted.
    pub lifted: Option<(u64, String)>,
    /// Moment at which it was lifted.
    pub lifted_at_ns: Option<u64>,
    /// From taking effect to the first acknowledgement after it was lifted.
    pub recovered_after_ns: Option<u64>,
}

impl Replay {
    /// Takes the next event in.
    pub fn apply(&mut self, event: &Event) {
        self.now_ns = self.now_ns.max(event.at_ns);
        match &event.body {
            EventBody::RunStarted {
                highwater_version,
                name,
                run_id,
                seed,
                command,
                started_at,
                scenarios,
                quick,
                host,
            } => {
                self.run = Some(RunView {
                    highwater_version: highwater_version.clone(),
                    name: name.clone(),
                    run_id: run_id.clone(),
                    seed: seed.clone(),
                    command: command.clone(),
                    started_at: started_at.clone(),
                    scenarios: scenarios.clone(),
                    quick: *quick,
                    host: host.clone(),
                });
            }
            EventBody::ScenarioStarted {
                name,
                repetition,
                summary,
                target,
                expected_ns,
                phases,
                configuration,
            } => {
                self.scenario = Some(ScenarioView {
                    name: name.clone(),
                    repetition: *repetition,
                    summary: summary.clone(),
                    target: target.clone(),
                    started_ns: event.at_ns,
                    expected_ns: *expected_ns,
                    planned: phases.clone(),
                    configuration: configuration.clone(),
                    ..ScenarioView::empty()
                });
            }
            EventBody::ScenarioFinished { report } => {
                self.finished.push((**report).clone());
                self.scenario = None;
            }
            EventBody::RunFinished { report } => self.report = Some(report.clone()),
            EventBody::Notice { level, text } => {
                if *level != NoticeLevel::Info {
                    if self.notices.len() == NOTICES_LIMIT {
                        self.notices.remove(0);
                    }
                    self.notices.push((*level, text.clone()));
                }
            }
            // A target may be started before the first scenario begins.
            body => self
                .scenario
                .get_or_insert_with(ScenarioView::empty)
                .apply(event.at_ns, body),
        }
    }

    /// Moves the clock on while no event comes, e.g. while something is installed.
    pub fn advance(&mut self, now_ns: u64) {
        self.now_ns = self.now_ns.max(now_ns);
    }
}

impl ScenarioView {
    fn empty() -> Self {
        Self {
            name: String::new(),
            repetition: None,
            summary: String::new(),
            target: String::new(),
            started_ns: 0,
            expected_ns: 0,
            planned: Vec::new(),
            entered: Vec::new(),
            configuration: BTreeMap::new(),
            tick: None,
            bins: Vec::new(),
            pending_ns: Vec::new(),
            slowest_ns: 0,
            processes: Vec::new(),
            faults: Vec::new(),
            rules: Vec::new(),
            read_back: None,
            samples: Vec::new(),
        }
    }

    /// The phase that runs now.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.entered.last().map(|(phase, ..)| *phase)
    }

    fn apply(&mut self, at_ns: u64, body: &EventBody) {
        match body {
            EventBody::Process {
                process,
                pid,
                state,
                detail,
            } => self.process(at_ns, process, *pid, *state, detail),
            EventBody::PhaseStarted { phase } => {
                let due = self.tick.as_ref().map_or(0, |tick| tick.due);
                self.entered.push((*phase, at_ns, due));
            }
            EventBody::Tick(tick) => self.tick(at_ns, tick),
            EventBody::Resources { samples } => {
                self.samples.extend(samples.iter().cloned());
                if self.samples.len() > SAMPLES_LIMIT {
                    self.samples = timeline::thin_samples(&self.samples, SAMPLES_LIMIT / 2);
                }
            }
            EventBody::FaultFired {
                kind,
                proof,
                in_flight,
            } => self.faults.push(FaultView {
                kind: kind.clone(),
                proof: proof.clone(),
                in_flight: *in_flight,
                fired_at_ns: at_ns,
                lifted: None,
                lifted_at_ns: None,
                recovered_after_ns: None,
            }),
            EventBody::FaultLifted {
                kind,
                detail,
                outage_ns,
            } => {
                let open = self.faults.iter_mut().rev().find(|fault| &fault.kind == kind);
                if let Some(fault) = open {
                    fault.lifted = Some((*outage_ns, detail.clone()));
                    fault.lifted_at_ns = Some(at_ns);
                }
            }
            EventBody::Recovered { after_ns } => {
                if let Some(fault) = self.faults.last_mut() {
                    fault.recovered_after_ns = Some(*after_ns);
                }
            }
            EventBody::Rules { rules } => self.rules.clone_from(rules),
            EventBody::ReadBack { read, expected } => self.read_back = Some((*read, *expected)),
            EventBody::RunStarted { .. }
            | EventBody::ScenarioStarted { .. }
            | EventBody::Notice { .. }
            | EventBody::ScenarioFinished { .. }
            | EventBody::RunFinished { .. } => {}
        }
    }

    fn process(&mut self, at_ns: u64, process: &str, pid: Option<u32>, state: ProcessState, detail: &str) {
        let index = self.processes.iter().position(|known| known.process == process);
        let known = match index {
            Some(index) => &mut self.processes[index],
            None => {
                self.processes.push(ProcessView {
                    process: process.to_owned(),
                    pid,
                    state,
                    detail: String::new(),
                    since_ns: at_ns,
                    was_down: None,
                    was_ready: false,
                });
                let last = self.processes.len() - 1;
                &mut self.processes[last]
            }
        };
        match state {
            ProcessState::Ready => known.was_ready = true,
            ProcessState::Stopped | ProcessState::Killed | ProcessState::Paused | ProcessState::Died
                if known.was_ready =>
            {
                known.was_down = Some(state);
            }
            _ => {}
        }
        known.pid = pid;
        known.state = state;
        known.since_ns = at_ns;
        detail.clone_into(&mut known.detail);
    }

    fn tick(&mut self, at_ns: u64, tick: &Tick) {
        let before = self.tick.as_ref();
        let bin = TimelineBin {
            start_ns: at_ns.saturating_sub(tick.interval_ns),
            width_ns: tick.interval_ns,
            due: tick.due.saturating_sub(before.map_or(0, |b| b.due)),
            acknowledged: tick
                .acknowledged
                .saturating_sub(before.map_or(0, |b| b.acknowledged)),
            response_p50_ns: tick.response_p50_ns,
            response_p99_ns: None,
            response_max_ns: tick.response_max_ns,
            service_p50_ns: None,
            service_max_ns: None,
        };
        self.bins.push(bin);
        self.pending_ns.push(tick.oldest_pending_ns);
        if self.bins.len() >= POINTS_LIMIT {
            timeline::halve(&mut self.bins);
            self.pending_ns = self
                .pending_ns
                .chunks(2)
                .filter_map(|pair| pair.iter().copied().max())
                .collect();
        }
        let slowest = tick.response_max_ns.unwrap_or(0).max(tick.oldest_pending_ns);
        self.slowest_ns = self.slowest_ns.max(slowest);
        self.tick = Some(tick.clone());
    }
}
