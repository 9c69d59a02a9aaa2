//! Labelled simulations: groups that are well in all ways that real ones are, and groups that are ill in one.

use std::time::Duration;

use highwater_model::{LagSample, LagVerdict};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Judging, judge};

/// A partition and its group, second by second.
struct Simulated {
    random: ChaCha8Rng,
    second: i64,
    start: i64,
    end: f64,
    /// Offset that an open transaction holds readers at.
    stable: Option<i64>,
    position: f64,
    committed: i64,
    members: u32,
    retention_s: Option<i64>,
    /// When each offset so far was written: the end at each second.
    ends: Vec<i64>,
    readings: Vec<LagSample>,
}

/// What goes on in a second.
#[derive(Clone, Copy)]
struct Pace {
    written: f64,
    /// What the group could read.
    able: f64,
}

/// Seconds between readings.
const EVERY: i64 = 10;
/// Seconds between commits.
const COMMIT: i64 = 5;

impl Simulated {
    fn new(seed: u64) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            second: 0,
            start: 0,
            end: 0.0,
            stable: None,
            position: 0.0,
            committed: 0,
            members: 3,
            retention_s: None,
            ends: Vec::new(),
            readings: Vec::new(),
        }
    }

    fn unit(&mut self) -> f64 {
        f64::from(self.random.next_u32()) / f64::from(u32::MAX)
    }

    fn go(&mut self, seconds: i64, pace: Pace) -> &mut Self {
        for _ in 0..seconds {
            // Loads swing by half from one second to the next, and readers pause.
            self.end += pace.written * (0.5 + self.unit());
            let pause = self.unit() < 0.02;
            let stable = self.stable.map_or(self.end, |stable| stable as f64);
            if !pause {
                self.position = (self.position + pace.able * (0.5 + self.unit())).min(stable.floor());
            }
            self.ends.push(self.end as i64);
            if let Some(retention) = self.retention_s {
                let old = self.second - retention;
                if let Some(end) = usize::try_from(old).ok().and_then(|old| self.ends.get(old)) {
                    self.start = *end;
                }
            }
            if self.second % COMMIT == 0 && self.members > 0 && pace.able > 0.0 {
                self.committed = self.position as i64;
            }
            if self.second % EVERY == 0 {
                self.read();
            }
            self.second += 1;
        }
        self
    }

    fn read(&mut self) {
        let end = self.end as i64;
        let next = self.ends.iter().position(|end| *end > self.committed);
        let behind = next.map(|second| (self.second - second as i64) * 1_000);
        self.readings.push(LagSample {
            at_ms: 1_700_000_000_000 + self.second * 1_000,
            committed: Some(self.committed),
            log_start: self.start,
            high_watermark: end,
            last_stable: self.stable.unwrap_or(end),
            behind_ms: behind,
            retention_ms: self.retention_s.map(|seconds| seconds * 1_000),
            members: Some(self.members),
            unreadable: None,
        });
    }

    fn verdict(&self) -> LagVerdict {
        judge(&self.readings, &Judging::default()).verdict
    }
}

const WELL: Pace = Pace {
    written: 100.0,
    able: 200.0,
};
const IDLE: Pace = Pace {
    written: 0.0,
    able: 200.0,
};
const HALTED: Pace = Pace {
    written: 100.0,
    able: 0.0,
};

/// What a group is called that this has happened to.
fn labelled(label: &str, seed: u64) -> Simulated {
    let mut group = Simulated::new(seed);
    group.go(900, WELL);
    match label {
        "ok" => group.go(600, WELL),
        "idle" => group.go(1_200, IDLE),
        "stopped" => {
            group.members = 0;
            group.go(700, HALTED)
        }
        "stalled" => group.go(700, HALTED),
        "slowing" => group.go(
            600,
            Pace {
                written: 100.0,
                able: 90.0,
            },
        ),
        "catching-up" => group.go(1_200, HALTED).go(
            620,
            Pace {
                written: 100.0,
                able: 150.0,
            },
        ),
        "rewound" => {
            group.position -= 5_000.0;
            group.committed = group.position as i64;
            group.go(60, WELL)
        }
        "data-lost" => {
            group.retention_s = Some(300);
            group.go(500, HALTED)
        }
        "at-risk" => {
            group.retention_s = Some(7_200);
            group.go(4_000, HALTED)
        }
        "open-transaction" => {
            group.stable = Some(group.end as i64);
            group.go(700, WELL)
        }
        other => panic!("{other} is no label"),
    };
    group
}

#[test]
fn labels_are_found() {
    for label in [
        "ok",
        "idle",
        "stopped",
        "stalled",
        "slowing",
        "catching-up",
        "rewound",
        "data-lost",
        "at-risk",
        "open-transaction",
    ] {
        let expected = match label {
            "idle" | "open-transaction" => "ok",
            label => label,
        };
        for seed in 0..20 {
            let group = labelled(label, seed);
            assert_eq!(
                group.verdict().name(),
                expected,
                "{label}, seed {seed}: {:?}",
                judge(&group.readings, &Judging::default())
            );
        }
    }
}

/// An hour of a group that keeps up, judged at every reading: steady, bursty, slow to commit, now and then idle.
#[test]
fn no_alarm_in_healthy_hours() {
    for seed in 0..20 {
        let mut group = Simulated::new(seed);
        for minute in 0..60 {
            let pace = match (seed % 4, minute % 10) {
                // A burst each ten minutes, read within it.
                (1, 0) => Pace {
                    written: 1_000.0,
                    able: 2_000.0,
                },
                (2, 5..) => IDLE,
                (3, _) => Pace {
                    written: 100.0 + 10.0 * f64::from(minute),
                    able: 2_000.0,
                },
                _ => WELL,
            };
            group.go(60, pace);
        }
        let judging = Judging::default();
        for until in judging.fewest..=group.readings.len() {
            let judgement = judge(&group.readings[..until], &judging);
            let fine = matches!(judgement.verdict, LagVerdict::Ok | LagVerdict::Unknown);
            assert!(fine, "seed {seed}, reading {until}: {judgement:?}");
        }
    }
}

#[test]
fn what_is_not_known_is_not_judged() {
    let judging = Judging::default();
    assert_eq!(judge(&[], &judging).verdict, LagVerdict::Unknown);
    let mut group = labelled("ok", 1);
    group.readings.push(LagSample {
        unreadable: Some("not authorised".to_owned()),
        ..group.readings.last().cloned().unwrap_or_default()
    });
    let judgement = judge(&group.readings, &judging);
    assert_eq!(judgement.verdict, LagVerdict::Unknown);
    assert!(judgement.evidence.contains("not authorised"));
    let few = &group.readings[..judging.fewest - 1];
    assert_eq!(judge(few, &judging).verdict, LagVerdict::Unknown);
}

/// A client that never commits past the marker of a transaction is not stuck.
#[test]
fn a_marker_at_the_end_is_no_lag_that_stands_still() {
    let mut group = labelled("idle", 1);
    for reading in &mut group.readings {
        reading.high_watermark += 1;
        reading.last_stable += 1;
    }
    let stands = &group.readings[group.readings.len() - 61..];
    assert_eq!(judge(stands, &Judging::default()).verdict, LagVerdict::Ok);
    let strict = Judging {
        marker: 0,
        window: Duration::from_mins(5),
        ..Judging::default()
    };
    assert_eq!(judge(stands, &strict).verdict, LagVerdict::Stalled);
}

/// Losses are told when they are read, however few readings there are.
#[test]
fn a_group_that_was_set_behind_what_went_has_lost_it() {
    let reading = |at_ms, committed, log_start| LagSample {
        at_ms,
        committed: Some(committed),
        log_start,
        high_watermark: 1_000,
        last_stable: 1_000,
        ..LagSample::default()
    };
    let readings = [reading(0, 100, 50), reading(10_000, 300, 300)];
    let judgement = judge(&readings, &Judging::default());
    assert_eq!(judgement.verdict, LagVerdict::DataLost { records: 200 });
}
