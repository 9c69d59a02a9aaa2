//! From the end of the feed to the proven end of the outputs.
//!
//! Invariant: the end is seen and never assumed: every input counts as done or nothing moves any more, and the outputs are
//! read when two looks at their ends agree and no transaction is open.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use highwater_load::feed::Fed;
use highwater_load::read_back;
use highwater_proxy::Proxy;
use highwater_target::Target;

use super::ProveOptions;
use super::instances::Instances;
use super::moments::{Moments, Place};
use super::stage::Stop;
use super::trial::{ENDS_LIMIT, Output, Trial, infrastructure, stuck};

/// Nothing moves for this long: the pipeline is at its end, or stuck.
const QUIET: Duration = Duration::from_secs(3);
/// Beyond the pipeline's own timeouts.
const CATCH_UP_ALLOWANCE: Duration = Duration::from_secs(30);

/// From the end of the feed to the end of the logs.
pub(super) struct Ending<'a> {
    pub(super) options: &'a ProveOptions,
    pub(super) bootstrap: &'a str,
    pub(super) proxy: &'a Proxy,
    pub(super) moments: &'a Mutex<Moments>,
    pub(super) instances: &'a mut Instances,
    pub(super) target: &'a mut Target,
    pub(super) interrupted: &'a AtomicBool,
}

impl Ending<'_> {
    pub(super) fn run(&mut self, tell: &mut dyn FnMut(&str), trial: &mut Trial) -> Result<(), Stop> {
        tell("the feed has ended; waiting until the pipeline has caught up");
        let stuck = stuck(trial);
        trial.caught_up = !stuck && self.catch_up(trial)?;
        let numbers = self.instances.numbers();
        let stubborn = self.instances.stop(self.proxy, &numbers)?;
        for proof in stubborn {
            trial.notes.push(format!("{proof}: it was killed"));
        }
        tell("reading the outputs back");
        self.read_back(trial)
    }

    /// Until every record that was fed counts as done, or nothing moves any more.
    fn catch_up(&mut self, trial: &Trial) -> Result<bool, Stop> {
        let last = last_offsets(self.options, &trial.fed);
        let patience = {
            let moments = self.lock();
            let longest = moments
                .session_timeout_ms
                .max(moments.transaction_timeout_ms.min(60_000));
            Duration::from_millis(u64::try_from(longest).unwrap_or(0)) + CATCH_UP_ALLOWANCE
        };
        let (mut seen, mut moved, began) = (0, Instant::now(), Instant::now());
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(Stop::Interrupted);
            }
            if let Some(why) = self.instances.look_after(self.proxy)? {
                return Err(Stop::Pipeline(why));
            }
            if let Some(story) = self.target.died() {
                return Err(Stop::Infrastructure(story));
            }
            let (now, done) = {
                let moments = self.lock();
                let now = moments.produced + moments.commits + moments.fetched;
                let done = !moments.committed.is_empty()
                    && last.iter().all(|(place, offset)| {
                        let commits = moments.committed.iter().filter(|((_, at), _)| at == place);
                        commits
                            .map(|(_, committed)| *committed)
                            .max()
                            .is_some_and(|committed| committed > *offset)
                    });
                (now, done)
            };
            if now != seen {
                (seen, moved) = (now, Instant::now());
                self.instances.progress();
            }
            // Outputs may come after the commit of their inputs.
            if done && moved.elapsed() >= Duration::from_millis(500) {
                return Ok(true);
            }
            let without_commits = self.lock().committed.is_empty();
            if without_commits && moved.elapsed() >= QUIET * 3 {
                return Ok(true);
            }
            if began.elapsed() >= patience && moved.elapsed() >= QUIET {
                return Ok(false);
            }
            if began.elapsed() >= patience * 4 {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Moments> {
        self.moments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the outputs when they don't change any more and no transaction is open.
    fn read_back(&mut self, trial: &mut Trial) -> Result<(), Stop> {
        let timeout = u64::try_from(self.lock().transaction_timeout_ms.min(60_000)).unwrap_or(0);
        // Kafka looks for transactions that are too old every ten seconds.
        let limit = Duration::from_millis(timeout) + Duration::from_secs(15);
        // Said only when all of them were read to their end.
        let mut quiet = true;
        for topic in &self.options.outputs {
            let began = Instant::now();
            let ends = loop {
                let first = read_back::ends(self.bootstrap, topic, ENDS_LIMIT)
                    .map_err(|error| infrastructure(&error))?;
                std::thread::sleep(Duration::from_millis(100));
                let second = read_back::ends(self.bootstrap, topic, ENDS_LIMIT)
                    .map_err(|error| infrastructure(&error))?;
                let open = second
                    .iter()
                    .any(|end| end.last_stable_offset < end.high_watermark);
                if first == second && !open {
                    break second;
                }
                if self.interrupted.load(Ordering::Relaxed) {
                    return Err(Stop::Interrupted);
                }
                if began.elapsed() >= limit {
                    quiet = false;
                    trial.missing.push(if open {
                        format!(
                            "a transaction in {topic} is still open {:.0} s after the pipeline ended",
                            limit.as_secs_f64()
                        )
                    } else {
                        format!(
                            "{topic} still grows {:.0} s after the pipeline ended",
                            limit.as_secs_f64()
                        )
                    });
                    break second;
                }
            };
            read_back::records(
                self.bootstrap,
                topic,
                &ends,
                true,
                self.interrupted,
                &mut |record| {
                    trial.outputs.push(Output {
                        topic: topic.clone(),
                        partition: record.partition,
                        offset: record.offset,
                        key: record.key.map(<[u8]>::to_vec),
                        value: record.value.map(<[u8]>::to_vec),
                        headers: record.headers.to_vec(),
                    });
                },
            )
            .map_err(|error| infrastructure(&error))?;
            let all = read_back::records(self.bootstrap, topic, &ends, false, self.interrupted, &mut |_| {})
                .map_err(|error| infrastructure(&error))?;
            trial.outputs_in_log += all.read;
        }
        trial.quiet = quiet;
        Ok(())
    }
}

/// The last offset of the feed in each partition.
fn last_offsets(options: &ProveOptions, fed: &[Fed]) -> BTreeMap<Place, i64> {
    let mut last = BTreeMap::new();
    for record in fed {
        if let highwater_load::feed::Fate::Acknowledged { partition, offset } = record.fate
            && let Some(topic) = options.inputs.get(record.topic)
        {
            let at = last.entry((topic.clone(), partition)).or_insert(offset);
            *at = (*at).max(offset);
        }
    }
    last
}
