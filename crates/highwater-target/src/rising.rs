//! A process that was started and is not ready yet.
//!
//! Invariant: it becomes ready by its own answer only, never by the time that has passed; and one that ends
//! before that is an error at the next look.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::child::{Process, how_it_ended};
use crate::error::TargetError;
use crate::log_tail::has_line;
use crate::node::Plan;
use crate::patience::wait_until;
use crate::readiness::{Answer, Prober};

/// Looks at a process until it is ready.
#[derive(Debug)]
pub(crate) struct Rising {
    prober: Prober,
    line: Option<String>,
    answer: Option<Answer>,
}

impl Rising {
    /// Begins to ask, until `brokers` are there.
    pub(crate) fn begin(plan: &dyn Plan, brokers: usize) -> Result<Self, TargetError> {
        let prober = plan.prober(brokers);
        let prober = prober.map_err(|source| TargetError::Process {
            action: "probe",
            process: plan.name().to_owned(),
            source,
        })?;
        Ok(Self {
            prober,
            line: plan.ready_line(),
            answer: None,
        })
    }

    /// When it answered, if it is ready.
    pub(crate) fn look(
        &mut self,
        plan: &dyn Plan,
        process: &mut Process,
    ) -> Result<Option<Instant>, TargetError> {
        self.answer = self.answer.take().or_else(|| self.prober.answer());
        let said_so = || {
            let line = self.line.as_ref();
            line.is_none_or(|line| has_line(plan.log(), process.log_from(), line))
        };
        let ready = self.answer.as_ref().filter(|_| said_so()).map(|answer| answer.at);
        if !process.has_ended() {
            return Ok(ready);
        }
        let how = how_it_ended(process.reap()?);
        Err(TargetError::EndedAtStart {
            process: plan.name().to_owned(),
            how,
            log: process.log_tail(),
        })
    }

    /// Why it is not ready although it was waited long enough.
    pub(crate) fn overdue(&self, plan: &dyn Plan, process: &Process) -> TargetError {
        let last = if self.answer.is_some() {
            "another program answers there".to_owned()
        } else {
            self.prober.last()
        };
        TargetError::NotReady {
            process: plan.name().to_owned(),
            limit: plan.ready_limit(),
            last,
            log: process.log_tail(),
        }
    }
}

/// One of several that rise together.
pub(crate) struct Riser<'a> {
    pub(crate) plan: &'a dyn Plan,
    pub(crate) process: &'a mut Process,
    pub(crate) rising: Rising,
}

/// Waits until all are ready; gives when each was. The error tells of one that is not.
pub(crate) fn await_all(
    risers: &mut [Riser<'_>],
    interrupted: &AtomicBool,
) -> Result<Vec<Instant>, TargetError> {
    let Some(first) = risers.first() else {
        return Ok(Vec::new());
    };
    let name = first.plan.name().to_owned();
    let (every, limit) = (first.plan.probe_every(), first.plan.ready_limit());
    let mut ready = vec![None; risers.len()];
    let seen = wait_until(&name, every, limit, interrupted, || {
        for (at, one) in ready.iter_mut().zip(risers.iter_mut()) {
            // Looked at also when it is ready: it may end while the others are waited for.
            *at = one.rising.look(one.plan, one.process)?;
        }
        Ok(ready.iter().copied().collect::<Option<Vec<Instant>>>())
    })?;
    if let Some(ready) = seen {
        return Ok(ready);
    }
    let late = ready.iter().position(Option::is_none).unwrap_or_default();
    let late = &risers[late];
    Err(late.rising.overdue(late.plan, late.process))
}
