//! How long after a burst latency was back to what it is between bursts.

use highwater_measure::recovery::{Recovery, recovery};
use highwater_measure::steady::Band;
use highwater_model::{Phase, TimelineBin};

use crate::config::{Arrival, Load};
use crate::measured::PhaseSpan;

/// The longest time from the end of a burst until latency was back; none without bursts in the steady phase, without
/// calm before them, or if it was not back before the next one.
pub(crate) fn settled_ns(
    load: &Load,
    load_start_ns: u64,
    phases: &[PhaseSpan],
    timeline: &[TimelineBin],
) -> Option<u64> {
    let burst = load.burst.filter(|_| load.arrival == Arrival::Bursts)?;
    let steady = phases.iter().find(|span| span.phase == Phase::Steady)?;
    let (every, length) = (nanos(burst.every.0), nanos(burst.duration.0));
    // A burst is the last part of its period.
    let ends = (1_u64..).map(|period| load_start_ns + period * every);
    let bursts: Vec<(u64, u64)> = ends
        .take_while(|end| *end < steady.end_ns)
        .map(|end| (end - length, end))
        .filter(|(start, _)| *start >= steady.start_ns)
        .collect();
    let first = bursts.first()?.0;
    let end_of = |bin: &TimelineBin| bin.start_ns + bin.width_ns;
    let calm: Vec<TimelineBin> = timeline
        .iter()
        .filter(|bin| bin.start_ns >= steady.start_ns && end_of(bin) <= first)
        .cloned()
        .collect();
    let each: Option<Vec<u64>> = bursts
        .iter()
        .map(|(_, end)| {
            let next = (end + every - length).min(steady.end_ns);
            let after: Vec<TimelineBin> = timeline
                .iter()
                .filter(|bin| bin.start_ns >= *end && end_of(bin) <= next)
                .cloned()
                .collect();
            match recovery(&calm, &after, *end, Band::default()) {
                Recovery::NeverLeft if after.is_empty() => None,
                answer => answer.after_ns(),
            }
        })
        .collect();
    each?.into_iter().max()
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{Burst, Rate, Span};

    const S: u64 = 1_000_000_000;

    fn load() -> Load {
        Load {
            arrival: Arrival::Bursts,
            burst: Some(Burst {
                rate: Rate::PerSecond(5_000.0),
                duration: Span(Duration::from_secs(3)),
                every: Span(Duration::from_secs(10)),
            }),
            ..Load::default()
        }
    }

    /// Seconds from and to, in which it is slow.
    type Slow = &'static [(f64, f64)];

    /// Tenths of a second from 1 s on, 25 s; slow in the seconds that are listed.
    fn timeline(slow: &[(f64, f64)]) -> Vec<TimelineBin> {
        (0..250_u64)
            .map(|at| {
                let start_ns = S + at * S / 10;
                let seconds = at as f64 / 10.0;
                let is_slow = slow.iter().any(|(from, to)| seconds >= *from && seconds < *to);
                TimelineBin {
                    start_ns,
                    width_ns: S / 10,
                    due: 100,
                    acknowledged: 100,
                    response_p50_ns: Some(if is_slow { 400_000_000 } else { 2_000_000 }),
                    response_p99_ns: None,
                    response_max_ns: None,
                    service_p50_ns: None,
                    service_max_ns: None,
                }
            })
            .collect()
    }

    #[test]
    fn the_slowest_return_counts() {
        let span = |from, to| {
            [PhaseSpan {
                phase: Phase::Steady,
                start_ns: from,
                end_ns: to,
                generator_cpu_seconds: None,
            }]
        };
        let steady = span(2 * S, 26 * S);
        let settled = |slow: &[(f64, f64)]| settled_ns(&load(), S, &steady, &timeline(slow));
        // Bursts are from 7 to 10 s and from 17 to 20 s after the load began.
        let cases: [(&str, Slow, Option<u64>); 4] = [
            ("absorbed", &[], Some(0)),
            ("slow only within", &[(7.0, 10.0), (17.0, 20.0)], Some(0)),
            (
                "one takes longer",
                &[(7.0, 10.5), (17.0, 21.2)],
                Some(12 * S / 10),
            ),
            ("not back before the next", &[(7.0, 17.0)], None),
        ];
        for (name, slow, expected) in cases {
            assert_eq!(settled(slow), expected, "{name}");
        }
        let calm = settled_ns(&Load::default(), S, &steady, &timeline(&[]));
        assert_eq!(calm, None, "without bursts");
        let late = settled_ns(&load(), S, &span(25 * S, 26 * S), &timeline(&[]));
        assert_eq!(late, None, "no burst in the steady phase");
    }
}
