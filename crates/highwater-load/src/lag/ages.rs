//! How old the record is that a group reads next, without reading it.
//!
//! `ListOffsets` with a timestamp answers with the first offset whose record is not older. Halving the time in which the
//! record can lie finds its timestamp to a second or a hundredth of its age, in a few requests for all partitions of a
//! broker together; it takes the right to describe a topic and no more, and no payload is read. A committed offset only
//! goes on, so the last answer is where the next search begins.
//!
//! Timestamps of producers (`CreateTime`) need not be in order; then the answer is the age of a record near by.

use std::collections::{BTreeMap, BTreeSet};

use super::survey::{Place, list_offsets};
use crate::log::LogError;
use crate::log::cluster::Cluster;

/// A search ends when the time that is left is this short, in milliseconds, …
const FINE_MS: i64 = 1_000;
/// … or this part of the age.
const FINE_PART: i64 = 100;
/// Rounds of requests, at most: enough for a second within a century.
const ROUNDS: u32 = 40;

/// Remembers where searches ended.
#[derive(Debug, Default)]
pub(super) struct Ages(BTreeMap<Place, (i64, i64)>);

/// The record lies between two moments.
#[derive(Debug)]
struct Search {
    place: Place,
    offset: i64,
    /// Its record is not older.
    from: i64,
    /// And not younger.
    to: i64,
    /// The start of the log has been asked for.
    bounded: bool,
    /// It could not be asked: no answer is better than a wrong one.
    refused: bool,
}

impl Search {
    fn is_over(&self, now_ms: i64) -> bool {
        let age = now_ms.saturating_sub(self.from);
        self.refused || self.bounded && self.to.saturating_sub(self.from) <= FINE_MS.max(age / FINE_PART)
    }

    fn question(&self) -> i64 {
        if self.bounded {
            // Rounded up, so that it ends.
            self.to - (self.to - self.from) / 2
        } else {
            0
        }
    }

    fn hear(&mut self, asked: i64, offset: i64, timestamp: i64) {
        if !self.bounded {
            self.bounded = true;
            self.from = timestamp.clamp(0, self.to);
            return;
        }
        if offset == self.offset {
            (self.from, self.to) = (timestamp, timestamp);
        } else if offset >= 0 && offset < self.offset {
            // What comes behind this one is not older.
            self.from = timestamp.max(asked).clamp(self.from, self.to);
        } else {
            // The first that is not older than the question is behind it: it is older, or there is none as young.
            self.to = (asked - 1).max(self.from);
        }
    }
}

impl Ages {
    /// Ages in milliseconds, as far as they could be had. Places that can't be asked are left out.
    pub(super) fn of(
        &mut self,
        cluster: &mut Cluster,
        leaders: &BTreeMap<i32, Vec<Place>>,
        wanted: &BTreeSet<(Place, i64)>,
        now_ms: i64,
        requests: &mut u64,
    ) -> Result<BTreeMap<(Place, i64), i64>, LogError> {
        let mut ages = BTreeMap::new();
        for (node, places) in leaders {
            let led: BTreeSet<&Place> = places.iter().collect();
            let mut searches: Vec<Search> = wanted
                .iter()
                .filter(|(place, _)| led.contains(place))
                .map(|(place, offset)| self.begin(place, *offset, now_ms))
                .collect();
            for _ in 0..ROUNDS {
                // A place can be asked one question at a time: several groups take turns.
                let mut asked: BTreeMap<Place, (usize, i64)> = BTreeMap::new();
                for (index, search) in searches.iter().enumerate() {
                    if !search.is_over(now_ms) {
                        asked
                            .entry(search.place.clone())
                            .or_insert((index, search.question()));
                    }
                }
                if asked.is_empty() {
                    break;
                }
                *requests += 1;
                let questions = asked.iter().map(|(place, (_, timestamp))| (place, *timestamp));
                let answers = list_offsets(cluster, *node, questions, 0)?;
                for (place, (index, timestamp)) in &asked {
                    match answers.get(place) {
                        Some(Ok(found)) => searches[*index].hear(*timestamp, found.offset, found.timestamp),
                        _ => searches[*index].refused = true,
                    }
                }
            }
            for search in searches.into_iter().filter(|search| !search.refused) {
                self.0.insert(search.place.clone(), (search.offset, search.from));
                let age = now_ms.saturating_sub(search.from).max(0);
                ages.insert((search.place, search.offset), age);
            }
        }
        Ok(ages)
    }

    fn begin(&self, place: &Place, offset: i64, now_ms: i64) -> Search {
        let known = self.0.get(place).filter(|(known, _)| *known <= offset);
        Search {
            place: place.clone(),
            offset,
            from: known.map_or(0, |(_, from)| *from),
            to: now_ms,
            bounded: known.is_some(),
            refused: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ROUNDS, Search};

    /// What a broker answers: the first record that is not older, or none.
    fn answer(log: &[i64], asked: i64) -> (i64, i64) {
        let found = log.iter().position(|timestamp| *timestamp >= asked);
        found.map_or((-1, -1), |at| (at as i64, log[at]))
    }

    proptest! {
        #[test]
        fn the_age_is_found(
            mut log in proptest::collection::vec(0_i64..2_000_000_000, 1..300),
            at in any::<proptest::sample::Index>(),
        ) {
            log.sort_unstable();
            let offset = at.index(log.len());
            let now = 2_000_000_000;
            let mut search = Search {
                place: ("orders".to_owned(), 0),
                offset: offset as i64,
                from: 0,
                to: now,
                bounded: false,
                refused: false,
            };
            let mut rounds = 0;
            while !search.is_over(now) {
                let asked = search.question();
                let (found, timestamp) = answer(&log, asked);
                search.hear(asked, found, timestamp);
                rounds += 1;
                prop_assert!(rounds <= ROUNDS);
            }
            let (age, truth) = (now - search.from, now - log[offset]);
            prop_assert!((age - truth).abs() <= 1_000.max(age / 100), "{age} for {truth}");
        }
    }
}
