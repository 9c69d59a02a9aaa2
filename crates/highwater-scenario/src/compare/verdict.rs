//! What all metrics come to, and where each lies against its fixed limits.
//!
//! Invariant: without a metric that decides there is no answer, so that nothing compared never passes.

use highwater_measure::compare::Judged;
use highwater_model::{ComparedMetric, ComparedScenario, EffectClass, GateResult, Worse};

/// Where a change for the worse lies between the two limits; one no larger than the noise floor is not judged.
pub(super) fn gate(worse: Worse, judged: &Judged, warn: f64, fail: f64) -> GateResult {
    let Some(change) = judged.change else {
        return GateResult::NotMeasured;
    };
    let worsening = match worse {
        Worse::Higher => change,
        Worse::Lower => -change,
    };
    let below_noise = judged.noise_floor.is_some_and(|floor| worsening <= floor);
    match worsening {
        fine if fine < warn => GateResult::Pass,
        _ if below_noise => GateResult::BelowNoise,
        bad if bad >= fail => GateResult::Fail,
        _ => GateResult::Warn,
    }
}

/// Regressed as soon as one metric is; conclusive if every metric that decides is, and none that was asked for is
/// missing.
pub(super) fn answer(scenarios: &[ComparedScenario], gates_decide: bool, complete: bool) -> EffectClass {
    let all: Vec<&ComparedMetric> = scenarios.iter().flat_map(|scenario| &scenario.metrics).collect();
    let gated = |metric: &ComparedMetric| metric.gate.filter(|_| gates_decide).map(|gate| gate.result);
    if all
        .iter()
        .any(|metric| metric.class == EffectClass::Regressed || gated(metric) == Some(GateResult::Fail))
    {
        return EffectClass::Regressed;
    }
    let conclusive = |metric: &&ComparedMetric| match gated(metric) {
        Some(GateResult::Pass | GateResult::Warn) => true,
        _ => metric.class != EffectClass::Inconclusive,
    };
    let mut deciding = all.iter().filter(|metric| metric.decides).copied().peekable();
    if !complete || deciding.peek().is_none() || !deciding.all(|metric| conclusive(&metric)) {
        return EffectClass::Inconclusive;
    }
    match all.iter().any(|metric| metric.class == EffectClass::Improved) {
        true => EffectClass::Improved,
        false => EffectClass::Equivalent,
    }
}

#[cfg(test)]
mod tests {
    use highwater_model::{ComparedUnit, Gate};

    use super::*;
    use crate::compare::family::ChosenMetric;

    fn judged(change: Option<f64>, noise_floor: Option<f64>) -> Judged {
        Judged {
            change,
            interval: None,
            p_value: None,
            p_adjusted: None,
            noise_floor,
            margin: 0.05,
            class: EffectClass::Inconclusive,
            why: String::new(),
        }
    }

    #[test]
    fn each_metric_has_its_two_limits_and_the_noise_floor_goes_before_them() {
        let cases = [
            ("rate", -0.09, None, GateResult::Pass),
            ("rate", -0.11, Some(0.02), GateResult::Warn),
            ("rate", -0.21, Some(0.02), GateResult::Fail),
            ("rate", -0.21, Some(0.25), GateResult::BelowNoise),
            ("rate", 0.50, None, GateResult::Pass),
            ("ack.p95", 0.14, None, GateResult::Pass),
            ("ack.p95", 0.16, Some(0.02), GateResult::Warn),
            ("ack.p95", 0.31, Some(0.02), GateResult::Fail),
            ("ack.p95", 0.31, Some(0.40), GateResult::BelowNoise),
            ("ack.p95", -0.50, None, GateResult::Pass),
            ("end_to_end.p95", 0.31, None, GateResult::Fail),
            ("broker.memory.max", 0.19, None, GateResult::Pass),
            ("broker.memory.max", 0.21, None, GateResult::Warn),
            ("broker.memory.max", 0.41, None, GateResult::Fail),
        ];
        for (name, change, floor, expected) in cases {
            let metric = ChosenMetric::parse(name).unwrap();
            let (warn, fail) = metric.gate.unwrap();
            let seen = gate(metric.worse, &judged(Some(change), floor), warn, fail);
            assert_eq!(seen, expected, "{name} {change} {floor:?}");
        }
        assert_eq!(
            gate(Worse::Higher, &judged(None, None), 0.1, 0.2),
            GateResult::NotMeasured
        );
        assert!(ChosenMetric::parse("ack.p50").unwrap().gate.is_none());
    }

    fn metric(decides: bool, class: EffectClass, result: Option<GateResult>) -> ComparedMetric {
        ComparedMetric {
            name: "rate".into(),
            unit: ComparedUnit::Rate,
            worse: Worse::Lower,
            decides,
            base: Vec::new(),
            candidate: Vec::new(),
            base_median: None,
            candidate_median: None,
            change: None,
            interval: None,
            p_value: None,
            p_adjusted: None,
            noise_floor: None,
            margin: 0.05,
            class,
            why: String::new(),
            gate: result.map(|result| Gate {
                warn: 0.1,
                fail: 0.2,
                result,
            }),
        }
    }

    #[test]
    fn what_decides_decides_and_nothing_is_no_answer() {
        use EffectClass::{Equivalent, Improved, Inconclusive, Regressed};
        let beside = |class| metric(false, class, None);
        let deciding = |class| metric(true, class, None);
        let gated = |result| metric(true, Inconclusive, Some(result));
        let cases: [(&str, Vec<ComparedMetric>, bool, bool, EffectClass); 12] = [
            ("nothing", vec![], false, true, Inconclusive),
            ("nothing, with gates", vec![], true, true, Inconclusive),
            (
                "nothing that decides",
                vec![beside(Equivalent)],
                false,
                true,
                Inconclusive,
            ),
            (
                "equal",
                vec![deciding(Equivalent), beside(Inconclusive)],
                false,
                true,
                Equivalent,
            ),
            (
                "better",
                vec![deciding(Equivalent), beside(Improved)],
                false,
                true,
                Improved,
            ),
            (
                "worse beside",
                vec![deciding(Equivalent), beside(Regressed)],
                false,
                true,
                Regressed,
            ),
            (
                "one open",
                vec![deciding(Equivalent), deciding(Inconclusive)],
                false,
                true,
                Inconclusive,
            ),
            (
                "one missing",
                vec![deciding(Equivalent)],
                false,
                false,
                Inconclusive,
            ),
            (
                "gate told only",
                vec![gated(GateResult::Fail)],
                false,
                true,
                Inconclusive,
            ),
            (
                "gate broken",
                vec![gated(GateResult::Fail)],
                true,
                true,
                Regressed,
            ),
            ("gate kept", vec![gated(GateResult::Warn)], true, true, Equivalent),
            (
                "gate below noise",
                vec![gated(GateResult::BelowNoise)],
                true,
                true,
                Inconclusive,
            ),
        ];
        for (name, metrics, gates_decide, complete, expected) in cases {
            let scenarios = [ComparedScenario {
                name: "throughput".into(),
                metrics,
            }];
            assert_eq!(answer(&scenarios, gates_decide, complete), expected, "{name}");
        }
    }
}
