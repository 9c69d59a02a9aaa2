//! What is seen of a running scenario from outside: ticks of the load, and a reading of every process once a
//! second.

use std::sync::Mutex;

use highwater_load::{Counts, Load, Receivers};
use highwater_measure::histogram::IntervalSummary;
use highwater_measure::schedule::Schedule;
use highwater_model::{EventBody, GcPause, NetworkSample, ResourceSample, Tick};
use highwater_target::{GcLog, NetworkTotals, Sampler, Target, Watched, host_network, thread_cpu_seconds};

use crate::context::Context;
use crate::session::Session;

/// Between two readings of every process.
const SAMPLE_EVERY_NS: u64 = 1_000_000_000;
/// Pauses that are kept: a collector that runs all the time makes some hundred a second.
const MOST_PAUSES: usize = 100_000;
/// Between two ticks while something else is waited for.
const TICK_NS: u64 = 100_000_000;

/// Keeps what was seen.
pub(crate) struct Observation<'a> {
    context: &'a Context<'a>,
    target: &'a Mutex<Target>,
    sampler: Sampler,
    watched: Vec<Watched>,
    /// Processes beside those of the target.
    more: Vec<Watched>,
    samples: Vec<ResourceSample>,
    next_sample_ns: u64,
    network_before: Option<NetworkTotals>,
    /// The latest totals with their moment.
    network_last: Option<(u64, NetworkTotals)>,
    network_samples: Vec<NetworkSample>,
    gc_logs: Vec<GcLog>,
    pauses: Vec<GcPause>,
    began_ns: u64,
    cpu_seconds: f64,
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
            more: Vec::new(),
            samples: Vec::new(),
            next_sample_ns: 0,
            network_before: host_network(),
            network_last: None,
            network_samples: Vec::new(),
            gc_logs: target
                .lock()
                .map_or_else(|_| Vec::new(), |target| target.gc_logs()),
            pauses: Vec::new(),
            began_ns: context.clock.now_ns(),
            cpu_seconds: 0.0,
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

    /// These processes are read, too, from now on.
    pub(crate) fn watch_also(&mut self, processes: Vec<Watched>) {
        self.more = processes;
    }

    /// Reads every process.
    pub(crate) fn sample_now(&mut self) {
        let (now, cpu_before) = (self.context.clock.now_ns(), thread_cpu_seconds());
        self.next_sample_ns = now + SAMPLE_EVERY_NS;
        // While a fault holds the target its processes are those known before.
        if let Ok(target) = self.target.try_lock() {
            self.watched = target.processes();
            self.watched.insert(0, Watched::own());
            self.watched.extend(self.more.iter().cloned());
        }
        let samples = self.sampler.sample(&self.watched, now);
        if !samples.is_empty() {
            self.context.events.emit(EventBody::Resources {
                samples: samples.clone(),
            });
            self.samples.extend(samples);
        }
        self.read_network(now);
        self.read_pauses(now);
        self.cpu_seconds += thread_cpu_seconds() - cpu_before;
    }

    fn read_network(&mut self, now: u64) {
        let Some(totals) = host_network() else { return };
        if let Some((before_ns, before)) = self.network_last.replace((now, totals))
            && now > before_ns
        {
            let per_s = |now_bytes: u64, before: u64| {
                (now_bytes.saturating_sub(before) as f64 * 1e9 / (now - before_ns) as f64) as u64
            };
            let outside = |bytes: u64, totals: &NetworkTotals| bytes.saturating_sub(totals.loopback_bytes);
            self.network_samples.push(NetworkSample {
                at_ns: now,
                loopback_bytes_per_s: per_s(totals.loopback_bytes, before.loopback_bytes),
                received_bytes_per_s: per_s(
                    outside(totals.received_bytes, &totals),
                    outside(before.received_bytes, &before),
                ),
                sent_bytes_per_s: per_s(
                    outside(totals.sent_bytes, &totals),
                    outside(before.sent_bytes, &before),
                ),
            });
        }
    }

    fn read_pauses(&mut self, now: u64) {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let wall_ms = since_epoch.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0));
        for log in &mut self.gc_logs {
            let room = MOST_PAUSES.saturating_sub(self.pauses.len());
            self.pauses
                .extend(log.pauses(now, wall_ms).into_iter().take(room));
        }
    }

    /// Hands over what was seen.
    pub(crate) fn finish(self, session: &mut Session) {
        session.samples = self.samples;
        session.network_samples = self.network_samples;
        session.pauses = self.pauses;
        session.pauses.sort_by_key(|pause| pause.at_ns);
        let watched_for = self.context.clock.now_ns().saturating_sub(self.began_ns) as f64 / 1e9;
        session.watching_seconds = Some((self.cpu_seconds, watched_for));
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
