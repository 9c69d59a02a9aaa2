//! Records from the client into their partitions.

use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;

use super::error::RunError;
use super::kept::Kept;
use super::shell::Shell;
use crate::offset::Delivery;
use crate::retry::Attempts;

/// What could not be gone back to is tried again after this time.
const AGAIN: Duration = Duration::from_millis(500);
/// Records taken in before the loop looks around again.
const BATCH: usize = 1_024;
/// How long a partition may hold enough before it is paused at the client.
const HOLD: Duration = Duration::from_millis(50);

impl Shell<'_> {
    /// Takes in what is there. True when there may be more.
    pub(super) fn take_in(&mut self, now: Duration) -> bool {
        let mut astray = Vec::new();
        let more = self.take_in_source(now, &mut astray) | self.take_in_parked(now);
        self.pass_ends(now);
        astray.extend(
            self.parts
                .iter()
                .filter(|(_, part)| part.astray && self.windows.is_none())
                .map(|(partition, _)| *partition),
        );
        if !astray.is_empty()
            && self.windows.is_none()
            && now >= self.back_not_before
            && let Err(error) = self.go_back(&astray)
        {
            tracing::warn!(%error, ?astray, "cannot go back yet");
            self.back_not_before = now + AGAIN;
        }
        more
    }

    fn take_in_source(&mut self, now: Duration, astray: &mut Vec<i32>) -> bool {
        if self.holds(now) {
            return false;
        }
        for _ in 0..BATCH {
            let Some(polled) = self.reader.poll() else {
                return false;
            };
            let message = match polled {
                Ok(message) => message,
                Err(error) => {
                    if matches!(error, KafkaError::PartitionEOF(_)) {
                        self.ends.source = true;
                    } else {
                        unwelcome(error, &mut self.ended);
                    }
                    continue;
                }
            };
            let (partition, offset) = (message.partition(), message.offset());
            let Some(part) = self.parts.get_mut(&partition).filter(|part| !part.astray) else {
                continue;
            };
            match part.core.deliver(offset, Kept::of(&message)) {
                Delivery::New(_) => {
                    part.begin.get_or_insert(offset);
                    self.numbers.delivered += 1;
                    if !part.paused && part.core.paused() {
                        // Enough of this one; what is left of the batch waits at the client.
                        return true;
                    }
                }
                Delivery::DoneBefore => {}
                Delivery::Repeated => self.numbers.repeated += 1,
                Delivery::Rewritten => {
                    tracing::warn!(
                        partition,
                        offset,
                        "the log was rewritten, goes back to what is committed"
                    );
                    part.astray = true;
                    astray.push(partition);
                }
            }
        }
        true
    }

    /// Whether the loop takes nothing in for a moment, since a partition holds enough. Pausing it throws away what the
    /// client has fetched ahead, which is worth it only when it takes longer than that moment.
    fn holds(&mut self, now: Duration) -> bool {
        let full = self
            .parts
            .values_mut()
            .any(|part| !part.paused && !part.leaving && !part.astray && part.core.paused());
        if !full {
            self.holding = None;
            return false;
        }
        let since = *self.holding.get_or_insert(now);
        now.saturating_sub(since) < HOLD
    }

    /// Pauses partitions that hold enough for longer than a moment, and lets others go on.
    pub(super) fn back_pressure(&mut self, now: Duration) {
        let over = self
            .holding
            .is_some_and(|since| now.saturating_sub(since) >= HOLD);
        let (mut pause, mut resume) = (Vec::new(), Vec::new());
        for (partition, part) in &mut self.parts {
            if part.astray || part.leaving {
                continue;
            }
            match (part.core.paused(), part.paused) {
                (true, false) if over => pause.push(*partition),
                (false, true) => resume.push(*partition),
                _ => continue,
            }
            part.paused = !part.paused;
        }
        if !pause.is_empty()
            && let Err(error) = self.reader.pause(&pause)
        {
            tracing::warn!(%error, "cannot pause");
        }
        if !resume.is_empty()
            && let Err(error) = self.reader.resume(&resume)
        {
            tracing::warn!(%error, "cannot resume");
        }
    }

    fn take_in_parked(&mut self, now: Duration) -> bool {
        for _ in 0..BATCH {
            let Some(polled) = self.parked.poll() else {
                return false;
            };
            let message = match polled {
                Ok(message) => message,
                Err(error) => {
                    if matches!(error, KafkaError::PartitionEOF(_)) {
                        self.ends.retry = true;
                    } else {
                        unwelcome(error, &mut self.ended);
                    }
                    continue;
                }
            };
            let (partition, offset) = (message.partition(), message.offset());
            let Some(part) = self.parts.get_mut(&partition).filter(|part| !part.astray) else {
                continue;
            };
            let (mut kept, said) = Kept::parked(&message, &self.facts.topics.source);
            let (source_offset, attempts) = match said {
                Ok(said) => (said.offset, said.attempts),
                Err(error) => {
                    tracing::warn!(partition, offset, %error, "retry topic");
                    kept.foreign = Some((offset, error));
                    let attempts = Attempts {
                        made: 0,
                        first: now,
                        due: now,
                    };
                    // No record of the source has a number below zero.
                    (-1 - offset, attempts)
                }
            };
            match part.core.deliver_parked(offset, source_offset, attempts, kept) {
                Delivery::New(_) => self.numbers.delivered += 1,
                Delivery::DoneBefore => {}
                Delivery::Repeated | Delivery::Rewritten => self.numbers.repeated += 1,
            }
        }
        true
    }
}

fn unwelcome(error: KafkaError, ended: &mut Option<RunError>) {
    if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
        *ended = Some(RunError::Consumer { source: error });
    } else {
        tracing::warn!(%error, "consumer");
    }
}
