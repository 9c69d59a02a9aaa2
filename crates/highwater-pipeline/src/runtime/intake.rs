//! Records from the client into their partitions.

use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;

use super::error::RunError;
use super::kept::Kept;
use super::shell::Shell;
use crate::offset::Delivery;
use crate::retry::Attempts;

/// Records taken in before the loop looks around again.
const BATCH: usize = 1_024;

impl Shell<'_> {
    /// Takes in what is there. True when there may be more.
    pub(super) fn take_in(&mut self, now: Duration) -> bool {
        let mut astray = Vec::new();
        let more = self.take_in_source(&mut astray) | self.take_in_parked(now);
        self.pass_ends(now);
        astray.extend(
            self.parts
                .iter()
                .filter(|(_, part)| part.astray && self.windows.is_none())
                .map(|(partition, _)| *partition),
        );
        if !astray.is_empty()
            && self.windows.is_none()
            && let Err(error) = self.go_back(&astray)
        {
            tracing::warn!(%error, ?astray, "cannot go back yet");
        }
        more
    }

    fn take_in_source(&mut self, astray: &mut Vec<i32>) -> bool {
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
