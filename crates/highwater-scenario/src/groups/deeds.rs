//! What is done to members and groups, each at its moment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use highwater_model::{EventBody, Phase, ProcessState};

use super::MemberFact;
use super::members::{Groups, Running};
use crate::config::MemberFaultKind;
use crate::phases::Phases;
use crate::session::described;

/// How often the clock is looked at.
const GLANCE: Duration = Duration::from_millis(20);
/// Longest wait for a member that was asked to end.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// Something that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Deed {
    at_ns: u64,
    group: usize,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// The fault, on the next member.
    Fault(u32),
    /// The member of that fault comes back.
    Back(u32),
    /// The whole group stops.
    Stop,
    /// And starts again.
    Start,
}

impl Groups<'_> {
    /// Carries out what is planned, until all is done or `give_up` is set.
    pub(crate) fn carry_out(
        &self,
        load_start_ns: u64,
        phases: Option<&Phases<'_>>,
        give_up: &AtomicBool,
    ) -> Result<(), String> {
        let mut deeds = self.deeds(load_start_ns);
        deeds.sort_unstable();
        let any_fault = deeds.iter().any(|deed| matches!(deed.what, What::Fault(_)));
        let mut victims = std::collections::BTreeMap::new();
        for deed in deeds {
            while self.context.clock.now_ns() < deed.at_ns {
                if give_up.load(Ordering::Relaxed) || self.context.is_interrupted() {
                    return Ok(());
                }
                std::thread::sleep(GLANCE);
            }
            let mut all = self.lock();
            let Some(running) = all.get_mut(deed.group) else {
                continue;
            };
            match deed.what {
                What::Fault(round) => {
                    if let Some(phases) = phases
                        && phases.current() != Some(Phase::Fault)
                    {
                        phases.enter(Phase::Fault, self.context.clock.now_ns());
                    }
                    let at = self.strike(running, round)?;
                    victims.insert((deed.group, round), at);
                }
                What::Back(round) => {
                    if let Some(at) = victims.get(&(deed.group, round)) {
                        self.bring_back(running, round, *at)?;
                    }
                }
                What::Stop => {
                    self.stop_all(running)?;
                    self.note(&format!("group {} was stopped", running.name));
                }
                What::Start => {
                    self.start_all(running)?;
                    self.note(&format!("group {} was started again", running.name));
                }
            }
        }
        if let Some(phases) = phases.filter(|_| any_fault) {
            phases.enter(Phase::Recovery, self.context.clock.now_ns());
        }
        Ok(())
    }

    fn note(&self, text: &str) {
        self.context
            .events
            .notice(highwater_model::NoticeLevel::Info, text);
    }

    fn deeds(&self, start_ns: u64) -> Vec<Deed> {
        let at = |after: Duration| start_ns + u64::try_from(after.as_nanos()).unwrap_or(u64::MAX / 4);
        let mut deeds = Vec::new();
        for (group, running) in self.lock().iter().enumerate() {
            if let Some(fault) = running.group.fault.filter(|fault| fault.enabled) {
                for round in 0..fault.times {
                    let fires = fault.after.0 + fault.every.0 * round;
                    let deed = |at_ns, what| Deed { at_ns, group, what };
                    deeds.push(deed(at(fires), What::Fault(round)));
                    deeds.push(deed(at(fires + fault.down.0), What::Back(round)));
                }
            }
            if let Some(stopped) = running.group.stopped {
                let deed = |after, what| Deed {
                    at_ns: at(after),
                    group,
                    what,
                };
                deeds.push(deed(stopped.after.0, What::Stop));
                deeds.push(deed(stopped.after.0 + stopped.down.0, What::Start));
            }
        }
        deeds
    }

    /// Does it to the next member that has partitions; gives its place.
    fn strike(&self, running: &mut Running, round: u32) -> Result<usize, String> {
        let Some(fault) = running.group.fault else {
            return Ok(0);
        };
        let members = running.members.len();
        let first = round as usize % members.max(1);
        let owning = |at: &usize| !Self::owned_by(running, *at).is_empty();
        let at = (first..members).chain(0..first).find(owning).unwrap_or(first);
        let partitions = Self::owned_by(running, at);
        let Some(member) = running.members.get_mut(at) else {
            return Ok(at);
        };
        let Some(process) = member.process.as_mut() else {
            return Ok(at);
        };
        let (name, pid) = (member.name.clone(), Some(process.pid()));
        let mut fired_ns = self.context.clock.now_ns();
        let (proof, state) = match fault.kind {
            MemberFaultKind::MemberKill => (process.kill().map(|ended| ended.proof), ProcessState::Killed),
            MemberFaultKind::MemberStop => {
                let ended = process.stop(STOP_LIMIT, self.context.interrupted);
                (ended.map(|ended| ended.proof), ProcessState::Stopped)
            }
            MemberFaultKind::MemberPause => {
                let paused = process.pause();
                // Until the last of its threads stands it works on.
                fired_ns = self.context.clock.now_ns();
                (paused.map(|proof| proof.proof), ProcessState::Paused)
            }
        };
        let proof =
            proof.map_err(|error| format!("{} of {name}: {}", fault.kind.name(), described(&error)))?;
        if fault.kind != MemberFaultKind::MemberPause {
            self.gone(running, at)?;
        }
        self.tell(&name, pid, state, &proof);
        self.context.events.emit(EventBody::FaultFired {
            kind: fault.kind.name().to_owned(),
            proof: format!("member {name}: {proof}"),
            in_flight: 0,
        });
        running.faults.push(MemberFact {
            member: name,
            partitions,
            fired_ns,
            lifted_ns: None,
        });
        Ok(at)
    }

    fn bring_back(&self, running: &mut Running, round: u32, at: usize) -> Result<(), String> {
        let Some(fault) = running.group.fault else {
            return Ok(());
        };
        let now = self.context.clock.now_ns();
        let detail = match fault.kind {
            MemberFaultKind::MemberPause => {
                let process = running
                    .members
                    .get_mut(at)
                    .and_then(|member| member.process.as_mut());
                let resumed = process.map(highwater_target::Application::resume).transpose();
                resumed.map_err(|error| described(&error))?;
                "goes on".to_owned()
            }
            MemberFaultKind::MemberKill | MemberFaultKind::MemberStop => {
                self.start_member(running, at)?;
                "started again".to_owned()
            }
        };
        let name = running
            .members
            .get(at)
            .map_or("", |member| &member.name)
            .to_owned();
        let Some(fact) = running.faults.get_mut(round as usize) else {
            return Ok(());
        };
        fact.lifted_ns = Some(now);
        self.context.events.emit(EventBody::FaultLifted {
            kind: fault.kind.name().to_owned(),
            detail: format!("member {name} {detail}"),
            outage_ns: now.saturating_sub(fact.fired_ns),
        });
        Ok(())
    }
}
