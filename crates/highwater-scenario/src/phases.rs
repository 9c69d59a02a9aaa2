//! Which phase a scenario is in, and since when.

use std::sync::Mutex;

use highwater_model::{EventBody, Phase};
use highwater_target::own_cpu_seconds;

use crate::events::EventStream;
use crate::measured::PhaseSpan;

/// The phases gone through so far; the last one is open until the next begins.
pub(crate) struct Phases<'a> {
    events: &'a EventStream,
    spans: Mutex<Vec<(PhaseSpan, Option<f64>)>>,
}

impl<'a> Phases<'a> {
    pub(crate) fn new(events: &'a EventStream) -> Self {
        Self {
            events,
            spans: Mutex::new(Vec::new()),
        }
    }

    /// Ends the current phase and begins the next, at a moment of the run.
    pub(crate) fn enter(&self, phase: Phase, at_ns: u64) {
        let cpu = own_cpu_seconds();
        let mut spans = self.lock();
        close(&mut spans, at_ns, cpu);
        spans.push((
            PhaseSpan {
                phase,
                start_ns: at_ns,
                end_ns: at_ns,
                generator_cpu_seconds: None,
            },
            cpu,
        ));
        drop(spans);
        self.events.emit(EventBody::PhaseStarted { phase });
    }

    /// The current phase.
    pub(crate) fn current(&self) -> Option<Phase> {
        self.lock().last().map(|(span, _)| span.phase)
    }

    /// When the current phase began.
    pub(crate) fn current_since(&self) -> Option<u64> {
        self.lock().last().map(|(span, _)| span.start_ns)
    }

    /// Ends the last phase and gives all.
    pub(crate) fn finish(&self, at_ns: u64) -> Vec<PhaseSpan> {
        let mut spans = self.lock();
        close(&mut spans, at_ns, own_cpu_seconds());
        spans.drain(..).map(|(span, _)| span).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(PhaseSpan, Option<f64>)>> {
        self.spans
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn close(spans: &mut [(PhaseSpan, Option<f64>)], at_ns: u64, cpu: Option<f64>) {
    if let Some((span, cpu_before)) = spans.last_mut() {
        span.end_ns = at_ns.max(span.start_ns);
        span.generator_cpu_seconds = cpu.zip(*cpu_before).map(|(now, before)| now - before);
    }
}
