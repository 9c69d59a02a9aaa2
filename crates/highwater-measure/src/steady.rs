//! When warm-up is over.
//!
//! Rule: a load is steady after [`Rule::intervals`] intervals in a row in which the median response time stayed
//! within a [`Band`] around the median of these medians, and in which the broker acknowledged what was due.
//!
//! The shape of the test, the last `k` iterations alike, is that of Georges, Buytaert and Eeckhout,
//! "Statistically Rigorous Java Performance Evaluation" (OOPSLA 2007, section 4.2). They limit the coefficient of
//! variation; medians and a band take its place here, because latencies are skewed and a single pause of a
//! garbage collector would spoil a mean without meaning that the load is still warming up.
//!
//! The test does not limit how long warm-up may last; the caller does.

use std::collections::VecDeque;

/// What counts as "the same" latency: the wider of a share and a fixed width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Share of the middle.
    pub share: f64,
    /// Width that is always allowed: below it, medians differ by the noise of timers and schedulers.
    pub floor_ns: u64,
}

impl Default for Band {
    /// 25 % or 1 ms.
    fn default() -> Self {
        Self {
            share: 0.25,
            floor_ns: 1_000_000,
        }
    }
}

impl Band {
    /// Highest value in the band around a middle.
    #[must_use]
    pub fn upper_ns(self, middle_ns: u64) -> u64 {
        let width = (middle_ns as f64 * self.share) as u64;
        middle_ns.saturating_add(width.max(self.floor_ns))
    }

    /// True if a value is in the band around a middle.
    #[must_use]
    pub fn contains(self, middle_ns: u64, value_ns: u64) -> bool {
        let width = self.upper_ns(middle_ns) - middle_ns;
        value_ns.abs_diff(middle_ns) <= width
    }
}

/// Parameters of the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// Intervals in a row that must be alike, at least 1.
    pub intervals: usize,
    /// How alike their medians must be.
    pub band: Band,
    /// Share of the records due in these intervals that must have been acknowledged in them.
    pub kept_up: f64,
    /// Records that may be missing from that share in any case: those on their way at the last moment.
    pub slack_records: u64,
}

impl Default for Rule {
    /// 5 intervals, 99 % of what was due, 2 records.
    fn default() -> Self {
        Self {
            intervals: 5,
            band: Band::default(),
            kept_up: 0.99,
            slack_records: 2,
        }
    }
}

/// What was seen in one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Records due in it; none for a saturating load, which instead must be acknowledged at an even rate.
    pub due: Option<u64>,
    /// Acknowledgements that arrived in it.
    pub acknowledged: u64,
    /// Length of it.
    pub length_ns: u64,
    /// Median response time of these acknowledgements.
    pub response_p50_ns: Option<u64>,
}

/// Answer of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SteadyState {
    /// Keep warming up.
    NotYet,
    /// The last intervals were alike.
    Reached,
}

/// The test, fed with one interval after the other.
#[derive(Debug, Clone)]
pub struct SteadyTest {
    rule: Rule,
    last: VecDeque<Interval>,
}

impl Default for SteadyTest {
    fn default() -> Self {
        Self::new(Rule::default())
    }
}

impl SteadyTest {
    /// A test that has seen nothing yet.
    #[must_use]
    pub fn new(rule: Rule) -> Self {
        Self {
            rule,
            last: VecDeque::new(),
        }
    }

    /// Takes in the next interval.
    pub fn observe(&mut self, interval: Interval) -> SteadyState {
        if self.last.len() >= self.rule.intervals.max(1) {
            self.last.pop_front();
        }
        self.last.push_back(interval);
        let enough = self.last.len() == self.rule.intervals.max(1);
        if enough && self.latency_is_even() && self.keeps_up() {
            SteadyState::Reached
        } else {
            SteadyState::NotYet
        }
    }

    fn latency_is_even(&self) -> bool {
        let medians: Option<Vec<u64>> = self
            .last
            .iter()
            .map(|interval| interval.response_p50_ns)
            .collect();
        let Some(medians) = medians else {
            return false;
        };
        let middle = median(medians.clone());
        medians
            .into_iter()
            .all(|value| self.rule.band.contains(middle, value))
    }

    fn keeps_up(&self) -> bool {
        let due: Option<u64> = self.last.iter().map(|interval| interval.due).sum();
        let Some(due) = due else {
            return self.rate_is_even();
        };
        let acknowledged: u64 = self.last.iter().map(|interval| interval.acknowledged).sum();
        let missing = due.saturating_sub(acknowledged);
        let allowed = (due as f64 * (1.0 - self.rule.kept_up)) as u64;
        due > 0 && missing <= allowed.max(self.rule.slack_records)
    }

    fn rate_is_even(&self) -> bool {
        let per_s = |interval: &Interval| {
            interval.acknowledged.saturating_mul(1_000_000_000) / interval.length_ns.max(1)
        };
        let rates: Vec<u64> = self.last.iter().map(per_s).collect();
        let middle = median(rates.clone());
        let band = Band {
            floor_ns: 0,
            ..self.rule.band
        };
        middle > 0 && rates.into_iter().all(|rate| band.contains(middle, rate))
    }
}

/// The lower median; 0 without values.
pub(crate) fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values
        .get(values.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH_NS: u64 = 200_000_000;

    /// Number of intervals until the test is content; none if it never is.
    fn reached(intervals: impl IntoIterator<Item = (Option<u64>, u64, Option<u64>)>) -> Option<usize> {
        let mut test = SteadyTest::default();
        intervals
            .into_iter()
            .position(|(due, acknowledged, p50_us)| {
                let interval = Interval {
                    due,
                    acknowledged,
                    length_ns: LENGTH_NS,
                    response_p50_ns: p50_us.map(|us| us * 1_000),
                };
                test.observe(interval) == SteadyState::Reached
            })
            .map(|place| place + 1)
    }

    fn latencies_us(medians: &[u64]) -> Option<usize> {
        reached(medians.iter().map(|us| (Some(200), 200, Some(*us))))
    }

    #[test]
    fn ends_with_the_first_run_of_like_intervals() {
        let cases: [(&str, &[u64], Option<usize>); 6] = [
            ("warm from the start", &[900; 8], Some(5)),
            ("too short", &[900; 4], None),
            (
                "cold machine code",
                &[400_000, 90_000, 12_000, 2_000, 1_900, 2_100, 2_000, 1_800],
                Some(8),
            ),
            ("noise below a millisecond", &[200, 900, 300, 1_100, 250], Some(5)),
            (
                "still falling",
                &[100_000, 80_000, 60_000, 45_000, 30_000, 20_000, 13_000],
                None,
            ),
            (
                "one pause starts it over",
                &[20_000, 20_000, 20_000, 90_000, 20_000, 20_000, 20_000, 20_000],
                None,
            ),
        ];
        for (name, medians, expected) in cases {
            assert_eq!(latencies_us(medians), expected, "{name}");
        }
    }

    #[test]
    fn a_load_that_falls_behind_is_not_steady() {
        let due = |due, acknowledged| reached(vec![(Some(due), acknowledged, Some(900)); 6]);
        assert_eq!(due(1_000, 990), Some(5));
        assert_eq!(due(1_000, 989), None);
        assert_eq!(due(0, 0), None);
        let slow_but_complete = [(2, 1), (2, 2), (2, 2), (2, 2), (2, 2)];
        let slow = slow_but_complete.map(|(due, acknowledged)| (Some(due), acknowledged, Some(900)));
        assert_eq!(reached(slow), Some(5));
        assert_eq!(reached(vec![(Some(10), 10, None); 9]), None);
    }

    #[test]
    fn a_saturating_load_is_steady_at_an_even_rate() {
        let rates = |acknowledged: &[u64]| reached(acknowledged.iter().map(|n| (None, *n, Some(900))));
        assert_eq!(rates(&[10, 1_000, 1_100, 1_050, 950, 1_000]), Some(6));
        assert_eq!(rates(&[100, 200, 400, 800, 1_600]), None);
        assert_eq!(rates(&[0; 9]), None);
    }
}
