//! What came of all jobs.

use std::fmt;

use highwater_model::EffectClass;

use super::job::{Done, Kind};

/// Share of jobs on equal sides that may say that they differ.
const MOST_FALSE: f64 = 0.05;
/// Share of jobs on different sides that must say so.
const LEAST_FOUND: f64 = 0.95;

/// Jobs by kind and answer.
#[derive(Debug, Default)]
pub(super) struct Summary {
    equal: u32,
    equivalent: u32,
    inconclusive: u32,
    different: u32,
    found: u32,
    seconds: f64,
}

impl Summary {
    pub(super) fn of(done: &[Done]) -> Self {
        let mut summary = Self::default();
        for one in done {
            summary.seconds += one.seconds;
            match one.kind {
                Kind::Equal => {
                    summary.equal += 1;
                    summary.equivalent += u32::from(one.answer == EffectClass::Equivalent);
                    summary.inconclusive += u32::from(one.answer == EffectClass::Inconclusive);
                }
                Kind::Different => {
                    summary.different += 1;
                    summary.found += u32::from(one.is_right());
                }
            }
        }
        summary
    }

    fn told_apart(&self) -> u32 {
        self.equal - self.equivalent - self.inconclusive
    }

    pub(super) fn holds(&self) -> bool {
        f64::from(self.told_apart()) <= MOST_FALSE * f64::from(self.equal)
            && f64::from(self.found) >= LEAST_FOUND * f64::from(self.different)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "equal sides: {} jobs, {} equivalent, {} inconclusive, {} told apart (at most {:.0} %)",
            self.equal,
            self.equivalent,
            self.inconclusive,
            self.told_apart(),
            MOST_FALSE * 100.0
        )?;
        write!(
            f,
            "a tenth more service time: found in {} of {} (at least {:.0} %); {:.1} min a job",
            self.found,
            self.different,
            LEAST_FOUND * 100.0,
            self.seconds / 60.0 / f64::from((self.equal + self.different).max(1))
        )
    }
}

/// One job in a line.
pub(super) fn line(done: &Done) -> String {
    let percent =
        |share: Option<f64>| share.map_or("–".to_owned(), |share| format!("{:+.1} %", share * 100.0));
    let interval = done.interval.map_or_else(String::new, |(low, high)| {
        format!(" [{} … {}]", percent(Some(low)), percent(Some(high)))
    });
    let kind = match done.kind {
        Kind::Equal => "equal",
        Kind::Different => "different",
    };
    let answer = serde_json::to_string(&done.answer).unwrap_or_default();
    let wrong = if done.is_right() { "" } else { "  WRONG" };
    let differs = match done.differs.is_empty() {
        true => String::new(),
        false => format!(" ({})", done.differs.join(", ")),
    };
    format!(
        "{:3}  {kind:<9}  {:<12}{differs}  ack.p95 {}{interval}, noise {}  {:.0} s, load {:.1}{wrong}",
        done.number,
        answer.trim_matches('"'),
        percent(done.change),
        percent(done.noise_floor),
        done.seconds,
        done.load_average.unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::ab::job::Settings;

    fn done(kind: Kind, answer: EffectClass, times: usize) -> Vec<Done> {
        let one = Done {
            number: 1,
            kind,
            settings: Settings {
                rounds: 10,
                delay_ms: 20,
                load_ms: 1_200,
            },
            answer,
            differs: Vec::new(),
            change: None,
            interval: None,
            noise_floor: None,
            exit_code: None,
            seconds: 30.0,
            load_average: None,
        };
        vec![one; times]
    }

    #[test]
    fn two_of_forty_and_one_of_twenty_may_be_wrong() {
        let cases = [(2, 1, true), (3, 0, false), (0, 2, false)];
        for (told_apart, missed, holds) in cases {
            let jobs = [
                done(Kind::Equal, EffectClass::Improved, told_apart),
                done(Kind::Equal, EffectClass::Equivalent, 30),
                done(Kind::Equal, EffectClass::Inconclusive, 10 - told_apart),
                done(Kind::Different, EffectClass::Inconclusive, missed),
                done(Kind::Different, EffectClass::Regressed, 20 - missed),
            ];
            let summary = Summary::of(&jobs.concat());
            assert_eq!(summary.holds(), holds, "{told_apart} {missed}: {summary}");
        }
    }
}
