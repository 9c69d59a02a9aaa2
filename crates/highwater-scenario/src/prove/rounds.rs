//! One round: a fault is placed at its moment, and the pipeline gets the time to go on.
//!
//! ```text
//! gate armed ─▶ moment seen on the wire ─▶ act (kill, halt, …) ─▶ gate lifted ─▶ goes on?
//! ```
//! Invariant: whatever happens, the gate is lifted, halted processes go on, and killed ones are started again.

use std::time::{Duration, Instant};

use highwater_measure::quantity::counted;
use highwater_model::{RoundEnding, RoundReport};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::gates::{GATES, Gate};
use super::moments::Moments;
use super::schedule::{Fault, Round};
use super::stage::{Stage, Stop};

/// How long a moment is waited for: longer than the commonest interval of automatic commits, which is 5 s.
pub(super) const MOMENT_LIMIT: Duration = Duration::from_secs(7);
/// How long a pipeline is given to do something at all that a fault is about.
const FIRING_LIMIT: Duration = Duration::from_secs(7);
/// How long nothing gets through.
const BLACK_HOLE: Duration = Duration::from_secs(3);
/// How long it is looked what a pipeline usually gets done.
const USUAL_PACE: Duration = Duration::from_secs(1);
/// How long an unanswered EndTxn is waited for; clients give up after a time of their own.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// How long others may take to take over.
pub(super) const TAKE_OVER: Duration = Duration::from_secs(15);
/// A random kill comes within this.
const RANDOM_WITHIN_MS: u64 = 1_500;
/// Who is killed if nobody is there.
const FIRST: u32 = 1;

/// What the wire had said before a fault.
#[derive(Debug, Clone, Copy)]
struct Before {
    connections: u64,
    errors: u64,
    joins: u64,
    disconnects: u64,
}

impl Stage<'_> {
    /// Plays a round and says what came of it.
    pub(super) fn play(&mut self, round: Round) -> Result<RoundReport, Stop> {
        let fault = round.fault;
        let mut report = RoundReport {
            fault: fault.name().to_owned(),
            summary: fault.summary().to_owned(),
            at_ns: None,
            moment: None,
            reaction: None,
            resumed_ns: None,
            ending: RoundEnding::Survived,
            detail: String::new(),
        };
        if let Some(why) = self.not_applicable(fault) {
            report.ending = RoundEnding::NotApplicable;
            report.detail = why;
            return Ok(report);
        }
        let needed = self.needed(fault).saturating_add(round.after);
        if self.left() < needed {
            report.ending = RoundEnding::NotRun;
            report.detail = format!(
                "it may take {:.0} s, and {:.0} s of the budget were left",
                needed.as_secs_f64(),
                self.left().as_secs_f64()
            );
            return Ok(report);
        }
        self.pass(round.after)?;
        let before = self.before();
        let played = self.act(fault, &mut report);
        self.lift_all();
        played?;
        if report.ending == RoundEnding::NotApplicable {
            return Ok(report);
        }
        self.go_on(before, &mut report)?;
        Ok(report)
    }

    /// Why a fault has nothing to do with what this pipeline does.
    fn not_applicable(&self, fault: Fault) -> Option<String> {
        let transactional = self.moments().transactions > 0;
        match fault {
            Fault::KillBeforeEnd | Fault::LostEndAnswer | Fault::SilentEnd | Fault::AbortedTransaction
                if !transactional =>
            {
                Some("the pipeline uses no transactions".to_owned())
            }
            Fault::BrokerKill | Fault::PowerCut if !self.target.can_fault() => {
                Some("a cluster that Highwater did not start is not killed".to_owned())
            }
            Fault::LostCommitAnswers
            | Fault::MovedCoordinator
            | Fault::KillOutputsAhead
            | Fault::LateCommit
                if self.moments().commits == 0 =>
            {
                Some("the pipeline commits no offsets of its inputs".to_owned())
            }
            _ => None,
        }
    }

    /// What a round may take at the usual pace: only a guess, to begin nothing that can't end.
    fn needed(&self, fault: Fault) -> Duration {
        let session = self.session_timeout();
        let second = Duration::from_secs(1);
        match fault {
            Fault::KillCommitsAhead | Fault::KillOutputsAhead | Fault::KillBeforeEnd | Fault::RandomKill => {
                session + 3 * second
            }
            Fault::Zombie | Fault::LateCommit => session + 4 * second,
            Fault::SecondInstance | Fault::PowerCut => session + 5 * second,
            Fault::BrokerKill | Fault::BlackHole => 5 * second,
            Fault::SilentEnd => 8 * second,
            _ => 2 * second,
        }
    }

    fn before(&self) -> Before {
        let moments = self.moments();
        Before {
            connections: moments.connections,
            errors: moments.errors,
            joins: moments.joins,
            disconnects: moments.disconnects,
        }
    }

    fn lift_all(&self) {
        for gate in GATES {
            self.gates.lift(self.proxy, gate);
        }
    }

    fn act(&mut self, fault: Fault, report: &mut RoundReport) -> Result<(), Stop> {
        match fault {
            Fault::KillCommitsAhead => self.kill_commits_ahead(report),
            Fault::KillOutputsAhead => self.kill_outputs_ahead(report),
            Fault::KillBeforeEnd => self.kill_before_end(report),
            Fault::LateOutputs => self.late_outputs(report),
            Fault::LostProduceAnswers => self.fire(Gate::DropProduceAnswers, "Produce", report),
            Fault::LostCommitAnswers => self.fire(Gate::DropCommitAnswer, "a commit of offsets", report),
            Fault::LostEndAnswer => self.fire(Gate::DropEndAnswer, "EndTxn", report),
            Fault::SilentEnd => self.fire(Gate::SilenceEnd, "EndTxn", report),
            Fault::AbortedTransaction => self.fire(Gate::RefuseOffsets, "TxnOffsetCommit", report),
            Fault::MovedCoordinator => self.fire(Gate::MoveCoordinator, "a commit", report),
            Fault::Zombie => self.zombie(false, report),
            Fault::LateCommit => self.zombie(true, report),
            Fault::SecondInstance => self.second_instance(report),
            Fault::BrokerKill => self.broker_kill(report),
            Fault::PowerCut => self.power_cut(report),
            Fault::BlackHole => self.black_hole(report),
            Fault::RandomKill => self.random_kill(report),
        }
    }

    /// Outputs are held back: a pipeline that commits all the same counts as done what is not.
    fn kill_commits_ahead(&mut self, report: &mut RoundReport) -> Result<(), Stop> {
        self.gates.arm(self.proxy, Gate::HoldOutputs);
        let held_before = self.moments().held_requests();
        let mut commits_then = None;
        self.wait(MOMENT_LIMIT, |moments| {
            let held = moments.held_requests() > held_before;
            if held && commits_then.is_none() {
                commits_then = Some(moments.commits);
            }
            commits_then.is_some_and(|then| moments.commits > then + 1)
        })?;
        let held = self.moments().held_requests() - held_before;
        let commits = commits_then.map_or(0, |then| self.moments().commits - then);
        if held > 0 {
            let went_on = match commits {
                0 => "no commit went on".to_owned(),
                commits => format!("{} went on", counted(commits, "commit", "commits")),
            };
            let held = counted(held, "request", "requests");
            report.moment = Some(format!("{held} with outputs held back, {went_on} meanwhile"));
        }
        self.kill_all(report)
    }

    /// Commits are held back: what is written then is written again after a restart, unless a transaction undoes it.
    fn kill_outputs_ahead(&mut self, report: &mut RoundReport) -> Result<(), Stop> {
        // Offsets of a transaction may go before its outputs, and have these wait for them: then its end is what
        // commits both.
        let gate = match self.moments().plain_commits {
            0 => Gate::HoldEnds,
            _ => Gate::HoldCommits,
        };
        self.gates.arm(self.proxy, gate);
        let held_before = self.moments().held_requests();
        let ahead = self.wait(MOMENT_LIMIT, |moments| {
            moments.held_requests() > held_before && moments.produced_ahead > 0
        })?;
        if ahead {
            let moments = self.moments();
            let (outputs, held) = (moments.produced_ahead, moments.held_requests() - held_before);
            drop(moments);
            report.moment = Some(format!(
                "{outputs} outputs were written, {held} commits held back"
            ));
        }
        self.kill_all(report)
    }

    fn kill_before_end(&mut self, report: &mut RoundReport) -> Result<(), Stop> {
        self.gates.arm(self.proxy, Gate::HoldEnds);
        let held_before = self.moments().held_requests();
        if self.wait(MOMENT_LIMIT, |moments| moments.held_requests() > held_before)? {
            report.moment = Some("a transaction had all of its records and offsets, and no end".to_owned());
        }
        self.kill_all(report)
    }

    /// Outputs that are under way when their writer is killed arrive behind its next start: from a producer that was
    /// fenced, if it is fenced.
    fn late_outputs(&mut self, report: &mut RoundReport) -> Result<(), Stop> {
        self.gates.arm(self.proxy, Gate::KeepOutputs);
        let held_before = self.moments().held_requests();
        let held = self.wait(MOMENT_LIMIT, |moments| moments.held_requests() > held_before)?;
        let late = self.moments().held_requests() - held_before;
        self.kill_all(report)?;
        let progress = self.progress();
        let patience = self.patience();
        let works = self.wait(patience, |moments| {
            moments.produced + moments.commits > progress + 1
        })?;
        if held && works {
            let late = counted(late, "request", "requests");
            report.moment = Some(format!(
                "{late} with outputs arrived when their writer had been started again"
            ));
        }
        self.moments().disturb();
        self.gates.release(self.proxy, Gate::KeepOutputs);
        Ok(())
    }

    fn random_kill(&mut self, report: &mut RoundReport) -> Result<(), Stop> {
        self.random_kills += 1;
        let mut random = ChaCha8Rng::seed_from_u64(self.seed ^ self.random_kills.rotate_left(32));
        self.pass(Duration::from_millis(random.random_range(50..RANDOM_WITHIN_MS)))?;
        report.moment = self.with_records_in_hand()?;
        self.kill_all(report)
    }

    /// Waits until records were read and not committed: without any there is nothing that could be lost or come twice.
    fn with_records_in_hand(&mut self) -> Result<Option<String>, Stop> {
        let some = self.wait(MOMENT_LIMIT, |moments| moments.uncommitted() > 0)?;
        let uncommitted = self.moments().uncommitted();
        Ok(some.then(|| {
            format!(
                "{} read and not committed",
                counted(uncommitted, "record", "records")
            )
        }))
    }

    fn kill_all(&mut self, report: &mut RoundReport) -> Result<(), Stop> {
        let killed = self.end_all(report)?;
        self.start_all(killed)
    }

    /// SIGKILL to every instance; which there were.
    fn end_all(&mut self, report: &mut RoundReport) -> Result<Vec<u32>, Stop> {
        let numbers = self.instances.numbers();
        let killed = self.instances.kill(self.proxy, &numbers)?;
        self.moments().disturb();
        if killed > 0 {
            report.at_ns = Some(self.now_ns());
        }
        // What was held back belongs to processes that are gone.
        self.lift_all();
        Ok(numbers)
    }

    fn start_all(&mut self, numbers: Vec<u32>) -> Result<(), Stop> {
        for number in numbers {
            self.instances.start(self.proxy, number)?;
        }
        Ok(())
    }

    /// Arms a rule and waits until it fired.
    fn fire(&mut self, gate: Gate, what: &str, report: &mut RoundReport) -> Result<(), Stop> {
        let before = self.gates.fired(self.proxy, gate);
        self.gates.arm(self.proxy, gate);
        let end = Instant::now() + FIRING_LIMIT;
        while self.gates.fired(self.proxy, gate) == before && Instant::now() < end {
            self.pass(Duration::from_millis(10))?;
        }
        let fired = self.gates.fired(self.proxy, gate) - before;
        if fired > 0 {
            report.at_ns = Some(self.now_ns());
            report.moment = Some(format!(
                "{what} was under way, hit {}",
                counted(fired, "time", "times")
            ));
            // The second and third come with the retries, if they come.
            self.pass(Duration::from_millis(300))?;
        } else {
            report.detail = format!("no {what} came within {} s", FIRING_LIMIT.as_secs());
        }
        Ok(())
    }

    fn second_instance(&mut self, report: &mut RoundReport) -> Result<(), Stop> {
        let next = self.instances.numbers().iter().max().copied().unwrap_or(0) + 1;
        let joins = self.moments().joins;
        self.instances.start(self.proxy, next)?;
        let joined = self.wait(TAKE_OVER, |moments| {
            moments.joins > joins && moments.rebalancing()
        })?;
        let victim = self.instances.numbers().first().copied().unwrap_or(FIRST);
        let killed = self.instances.kill(self.proxy, &[victim])?;
        self.moments().disturb();
        if killed > 0 {
            report.at_ns = Some(self.now_ns());
        }
        if joined {
            report.moment = Some("partitions were being handed over".to_owned());
        } else {
            report.detail = "no rebalance was seen when the second instance started".to_owned();
        }
        self.instances.start(self.proxy, victim)?;
        let progress = self.progress();
        let patience = self.patience();
        self.wait(patience, |moments| {
            moments.produced + moments.commits > progress && !moments.rebalancing()
        })?;
        self.instances.stop(self.proxy, &[next])?;
        Ok(())
    }

    fn broker_kill(&mut self, report: &mut RoundReport) -> Result<(), Stop> {
        report.moment = self.with_records_in_hand()?;
        self.target.kill()?;
        report.at_ns = Some(self.now_ns());
        self.moments().disturb();
        self.target.start_again()?;
        Ok(())
    }

    /// Nobody commits between the death of the broker and the start of the pipeline: what that start is told of the past
    /// comes from the broker's disk alone.
    fn power_cut(&mut self, report: &mut RoundReport) -> Result<(), Stop> {
        report.moment = self.with_records_in_hand()?;
        let killed = self.end_all(report)?;
        self.target.kill()?;
        self.target.start_again()?;
        self.start_all(killed)
    }

    fn black_hole(&mut self, report: &mut RoundReport) -> Result<(), Stop> {
        let start = self.progress();
        self.pass(USUAL_PACE)?;
        let usual = self.progress() - start;
        report.moment = self.with_records_in_hand()?;
        self.gates.arm(self.proxy, Gate::BlackHole);
        report.at_ns = Some(self.now_ns());
        self.moments().disturb();
        // What was on its way when the hole opened is told a little later.
        self.pass(BLACK_HOLE / 4)?;
        let start = self.progress();
        self.pass(BLACK_HOLE - BLACK_HOLE / 4)?;
        let meanwhile = self.progress() - start;
        // More than twice the time, and hardly any of what usually gets done.
        if meanwhile * 5 < usual {
            report.reaction = Some("stood still while nothing got through".to_owned());
        }
        Ok(())
    }

    /// Waits until the pipeline goes on, and closes the report.
    fn go_on(&mut self, before: Before, report: &mut RoundReport) -> Result<(), Stop> {
        let since = Instant::now();
        let acted_at = report.at_ns.unwrap_or_else(|| self.now_ns());
        let progress = self.progress();
        let limit = match report.fault == Fault::SilentEnd.name() {
            true => self.patience().max(SILENCE_LIMIT),
            false => self.patience(),
        };
        // Two steps: one may still be from before.
        let went_on = self.wait(limit, |moments| moments.produced + moments.commits > progress + 1)?;
        report.resumed_ns = went_on.then(|| self.now_ns().saturating_sub(acted_at));
        report.reaction = self.reaction(before).or(report.reaction.take());
        report.ending = if !went_on {
            report.detail = format!(
                "the pipeline did not go on within {:.0} s",
                since.elapsed().as_secs_f64()
            );
            RoundEnding::Stuck
        } else if report.at_ns.is_none() || report.moment.is_none() || report.reaction.is_none() {
            if report.detail.is_empty() {
                report.detail = match (report.at_ns, &report.moment) {
                    (None, _) => "it did not take effect".to_owned(),
                    (_, None) => "the moment did not come".to_owned(),
                    _ => "no client was seen to react".to_owned(),
                };
            }
            RoundEnding::Missed
        } else {
            RoundEnding::Survived
        };
        Ok(())
    }

    fn reaction(&self, before: Before) -> Option<String> {
        let moments = self.moments();
        let seen = |now: u64, then: u64, one: &str, many: &str| match now - then {
            0 => None,
            1 => Some(format!("1 {one}")),
            more => Some(format!("{more} {many}")),
        };
        let parts: Vec<String> = [
            seen(
                moments.connections,
                before.connections,
                "new connection",
                "new connections",
            ),
            seen(
                moments.disconnects,
                before.disconnects,
                "connection lost",
                "connections lost",
            ),
            seen(
                moments.errors,
                before.errors,
                "answer with an error",
                "answers with errors",
            ),
            seen(moments.joins, before.joins, "request to join", "requests to join"),
        ]
        .into_iter()
        .flatten()
        .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// Whether a pipeline got so far that faults can be placed.
pub(super) fn is_under_way(moments: &Moments) -> bool {
    moments.produced > 0 && (moments.commits > 0 || moments.produced > 50)
}
