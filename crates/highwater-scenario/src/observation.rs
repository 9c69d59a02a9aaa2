//! What is seen of a running scenario from outside: ticks of the load, and a reading of every process once a
//! second.

use std::sync::Mutex;

use highwater_load::{Counts, Load, Receivers};
use highwater_measure::histogram::IntervalSummary;
use highwater_measure::schedule::Schedule;
use highwater_model::{EventBody, ResourceSample, Tick};
use highwater_target::{NetworkTotals, Sampler, Target, Watched, host_network};

use crate::context::Context;
use crate::session::Session;

/// Between two readings of every process.
const SAMPLE_EVERY_NS: u64 = 1_000_000_000;
/// Between two ticks while something else is waited for.
const TICK_NS: u64 = 100_000_000;

/// Keeps what was seen.
pub(crate) struct Observation<'a> {
    context: &'a Context<'a>,
    target: &'a Mutex<Target>,
    sampler: Sampler,
    watched: Vec<Watched>,
    samples: Vec<ResourceSample>,
    next_sample_ns: u64,
    network_before: Option<NetworkTotals>,
    last_tick_ns: u64,
    last_acknowledged: u64,
    consumers: u32,
}

impl<'a> Observation<'a> {
    pub(crate) fn new(context: &'a Context<'a>, target: &'a Mutex<Target>, consumers: u32) -> Self {
        let mut observation = Self {
            context,
            target,
            sampler: Sampler::new(),
            watched: Vec::new(),
            samples: Vec::new(),
            next_sample_ns: 0,
            network_before: host_network(),
            last_tick_ns: context.clock.now_ns(),
            last_acknowledged: 0,
            consumers,
        };
        observation.sample_now();
        observation
    }

    /// A tick of the load, told as an event; also the response times since the previous one.
    pub(crate) fn tick(
        &mut self,
        load: &Load,
        receivers: Option<&Receivers>,
        schedule: &Schedule,
        start_ns: u64,
    ) -> (Tick, IntervalSummary) {
        let now = self.context.clock.now_ns();
        let interval_ns = now.saturating_sub(self.last_tick_ns).max(1);
        let interval = load.take_interval();
        let mut tick = tick_of(&load.counts());
        tick.interval_ns = interval_ns;
        tick.achieved_per_s =
            tick.acknowledged.saturating_sub(self.last_acknowledged) as f64 * 1e9 / interval_ns as f64;
        let since_start = std::time::Duration::from_nanos(now.saturating_sub(start_ns));
        tick.offered_per_s = if load.offering_done() {
            None
        } else {
            schedule.rate_at(since_start)
        };
        tick.response_p50_ns = interval.p50_ns;
        tick.response_p95_ns = interval.p95_ns;
        tick.response_max_ns = interval.max_ns;
        if let Some(receivers) = receivers {
            tick.received = receivers.counts().received;
            tick.consumers = self.consumers;
        }
        self.last_tick_ns = now;
        self.last_acknowledged = tick.acknowledged;
        self.context.events.emit(EventBody::Tick(tick.clone()));
        if now >= self.next_sample_ns {
            self.sample_now();
        }
        (tick, interval)
    }

    /// A tick, if the last one is long enough ago.
    pub(crate) fn tick_if_due(
        &mut self,
        load: &Load,
        receivers: Option<&Receivers>,
        schedule: &Schedule,
        start_ns: u64,
    ) {
        if self.context.clock.now_ns().saturating_sub(self.last_tick_ns) >= TICK_NS {
            self.tick(load, receivers, schedule, start_ns);
        }
    }

    /// Reads every process.
    pub(crate) fn sample_now(&mut self) {
        let now = self.context.clock.now_ns();
        self.next_sample_ns = now + SAMPLE_EVERY_NS;
        // While a fault holds the target its processes are those known before.
        if let Ok(target) = self.target.try_lock() {
            self.watched = target.processes();
            self.watched.insert(0, Watched::own());
        }
        let samples = self.sampler.sample(&self.watched, now);
        if !samples.is_empty() {
            self.context.events.emit(EventBody::Resources {
                samples: samples.clone(),
            });
            self.samples.extend(samples);
        }
    }

    /// Hands over what was seen.
    pub(crate) fn finish(self, session: &mut Session) {
        session.samples = self.samples;
        session.network = self.network_before.zip(host_network()).map(|(before, after)| {
            (
                after.received_bytes.saturating_sub(before.received_bytes),
                after.sent_bytes.saturating_sub(before.sent_bytes),
            )
        });
    }
}

/// Counts of a load as a tick shows them.
fn tick_of(counts: &Counts) -> Tick {
    Tick {
        due: counts.due,
        handed_over: counts.handed_over,
        acknowledged: counts.acknowledged,
        failed: counts.failed,
        unknown: counts.unknown,
        oldest_pending_ns: counts.oldest_pending_ns,
        ..Tick::default()
    }
}
