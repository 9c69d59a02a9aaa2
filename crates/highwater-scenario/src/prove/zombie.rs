//! Members that are halted while others take over, and then go on.
//!
//! Invariant: who is halted goes on, whatever happened meanwhile.

use std::time::Duration;

use highwater_model::RoundReport;

use super::gates::Gate;
use super::rounds::{MOMENT_LIMIT, TAKE_OVER};
use super::stage::{Stage, Stop};

/// The parts of its usual time of work after which a member is halted, one after the other: late, but not over.
const LATE_IN_WORK: [f64; 3] = [0.8, 0.65, 0.5];
/// The longest time of work that is waited for.
const LONGEST_WORK: Duration = Duration::from_secs(5);
/// How often a halt is tried until it finds members at work.
const HALTS: usize = 12;
/// How long the record of a halt may take to come.
const RECORDER_LIMIT: Duration = Duration::from_secs(1);
/// How long bytes may take from a halted process to the proxy.
const IN_SOCKETS: Duration = Duration::from_millis(20);
/// How long a halted member that goes on is left beside the one that took over.
const ZOMBIE_AWAKE: Duration = Duration::from_secs(2);

impl Stage<'_> {
    /// Members that are halted in the middle of their work. When they go on, others have their partitions.
    ///
    /// With a commit under way (`late`) the commit arrives when they go on; otherwise they are halted while they work,
    /// with records in hand: a call that waits would give up when it sees how late it is.
    pub(super) fn zombie(&mut self, late: bool, report: &mut RoundReport) -> Result<(), Stop> {
        let zombies = self.instances.numbers();
        let heir = zombies.iter().max().copied().unwrap_or(0) + 1;
        let caught = if late {
            self.gates.arm(self.proxy, Gate::KeepCommit);
            let held_before = self.moments().held_requests();
            let caught = self.wait(MOMENT_LIMIT, |moments| moments.held_requests() > held_before)?;
            self.halt(&zombies, report)?;
            caught
        } else {
            self.halt_at_work(&zombies, report)?
        };
        self.moments().disturb();
        let progress = self.progress();
        let assignments = self.moments().assignments;
        self.instances.start(self.proxy, heir)?;
        let limit = self.session_timeout() + TAKE_OVER;
        let taken = self.wait(limit, |moments| {
            moments.assignments > assignments && moments.produced + moments.commits > progress + 1
        })?;
        if taken {
            report.moment = Some(match (caught, late) {
                (true, true) => {
                    "halted with a commit under way, until another member had its partitions".to_owned()
                }
                (true, false) => {
                    "halted with records in hand, until another member had its partitions".to_owned()
                }
                (false, _) => String::new(),
            })
            .filter(|moment| !moment.is_empty());
            if !caught {
                report.detail = "nothing was under way when it was halted".to_owned();
            }
        } else {
            report.detail = format!("nobody took over within {:.0} s", limit.as_secs_f64());
        }
        self.moments().disturb();
        for number in &zombies {
            self.instances.resume(self.proxy, *number)?;
        }
        self.gates.release(self.proxy, Gate::KeepCommit);
        self.pass(ZOMBIE_AWAKE)?;
        self.instances.stop(self.proxy, &[heir])?;
        Ok(())
    }

    /// Halts members late in their usual time of work: the records are in hand, and nothing of them is sent. The wire says
    /// afterwards whether that was so, and the halt is taken back and tried again if it came too late: a pipeline that
    /// sends all the time is halted as it is in the end. False if it committed nothing that the moment could be seen by.
    fn halt_at_work(&mut self, members: &[u32], report: &mut RoundReport) -> Result<bool, Stop> {
        let mut caught = false;
        for (part, turn) in LATE_IN_WORK.iter().cycle().zip(1..=HALTS) {
            let commits = self.moments().commits;
            caught = self.wait(MOMENT_LIMIT, |moments| moments.commits > commits)?;
            let usual = Duration::from_nanos(self.moments().at_work_ns).min(LONGEST_WORK);
            self.pass(usual.mul_f64(*part))?;
            let halts = self.moments().halts;
            self.halt(members, report)?;
            // What was sent before is on record before the halt is, but for what a socket still held.
            self.wait(RECORDER_LIMIT, |moments| moments.halts > halts)?;
            self.pass(IN_SOCKETS)?;
            if !caught || turn == HALTS || self.moments().at_work() {
                break;
            }
            for member in members {
                self.instances.resume(self.proxy, *member)?;
            }
        }
        Ok(caught)
    }

    fn halt(&mut self, members: &[u32], report: &mut RoundReport) -> Result<(), Stop> {
        for member in members {
            if self.instances.pause(self.proxy, *member)? {
                report.at_ns = Some(self.now_ns());
            }
        }
        Ok(())
    }
}
