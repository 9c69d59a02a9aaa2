//! Readings one after the other, and what they say together.

use std::collections::BTreeMap;
use std::time::Duration;

use highwater_measure::lag::{Judging, judge};
use highwater_model::{LagSample, LagSurvey};

/// More readings than this of a partition are not kept, whatever the window: the oldest go.
const READINGS_MAX: usize = 1_000;

/// Readings by group, topic and partition.
type Readings = BTreeMap<(String, String, i32), Vec<LagSample>>;

/// Remembers readings as long as they count.
#[derive(Debug)]
pub(super) struct Watched {
    readings: Readings,
    judging: Judging,
}

impl Watched {
    pub(super) fn new(window: Duration) -> Self {
        Self {
            readings: Readings::new(),
            judging: Judging {
                window,
                ..Judging::default()
            },
        }
    }

    /// Adds a reading to those before it, and to it what they say together. What is not in it any more is forgotten.
    pub(super) fn remember(&mut self, survey: &mut LagSurvey) {
        let window = i64::try_from(self.judging.window.as_millis()).unwrap_or(i64::MAX);
        let since = survey.at_ms.saturating_sub(window);
        let mut seen = Readings::new();
        for group in &mut survey.groups {
            for partition in &mut group.partitions {
                let place = (group.name.clone(), partition.topic.clone(), partition.partition);
                let mut known = self.readings.remove(&place).unwrap_or_default();
                known.push(partition.sample.clone());
                known.retain(|one| one.at_ms >= since);
                if known.len() > READINGS_MAX {
                    known.remove(0);
                }
                partition.judgement = Some(judge(&known, &self.judging));
                seen.insert(place, known);
            }
        }
        self.readings = seen;
    }
}
