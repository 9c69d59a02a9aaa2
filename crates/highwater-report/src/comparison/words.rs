//! Figures and changes in words.

use highwater_model::{
    ChangeInterval, ComparedMetric, ComparedUnit, Comparison, Design, EffectClass, Gate, GateResult, Worse,
};

use crate::number::{NONE, bytes, cores, count, counted, duration_f64, rate, significant};

/// A figure in base units.
pub(super) fn figure(value: Option<f64>, unit: ComparedUnit) -> String {
    let Some(value) = value.filter(|value| value.is_finite()) else {
        return NONE.to_owned();
    };
    match unit {
        ComparedUnit::Time => duration_f64(value),
        ComparedUnit::Bytes => bytes(value.max(0.0).round() as u64),
        ComparedUnit::Records => count(value.max(0.0).round() as u64),
        ComparedUnit::Rate => rate(value),
        ComparedUnit::Cores => cores(Some(value)),
        ComparedUnit::Ratio => format!("{} %", significant(value * 100.0)),
    }
}

/// `+12.0 %`
pub(super) fn change(change: Option<f64>) -> String {
    change.map_or_else(|| NONE.to_owned(), |change| format!("{} %", signed(change)))
}

/// `+8.1 … +15.3 %`
pub(super) fn interval(interval: Option<ChangeInterval>) -> String {
    interval.map_or_else(
        || NONE.to_owned(),
        |interval| format!("{} … {} %", signed(interval.low), signed(interval.high)),
    )
}

/// A share without a sign.
pub(super) fn share(share: Option<f64>) -> String {
    share.map_or_else(|| NONE.to_owned(), |share| format!("{} %", digits(share)))
}

pub(super) fn p_value(p: Option<f64>) -> String {
    match p {
        None => NONE.to_owned(),
        Some(p) if p < 0.001 => "< 0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
    }
}

fn signed(change: f64) -> String {
    let text = digits(change.abs());
    match text.as_str() {
        "0.0" => text,
        _ if change < 0.0 => format!("-{text}"),
        _ => format!("+{text}"),
    }
}

/// A tenth of a per cent is as fine as anything is measured here.
fn digits(share: f64) -> String {
    match share * 100.0 {
        large if large >= 99.95 => significant(large),
        small => format!("{small:.1}"),
    }
}

/// What a gate says, if there is something to say.
pub(super) fn gate(metric: &ComparedMetric, gate: Gate) -> Option<String> {
    let sign = match metric.worse {
        Worse::Higher => '+',
        Worse::Lower => '-',
    };
    let (warn, fail) = (digits(gate.warn), digits(gate.fail));
    let limits = format!("{sign}{warn} % warns, {sign}{fail} % fails");
    match gate.result {
        GateResult::Pass => None,
        GateResult::Warn => Some(format!("gate: warns ({limits})")),
        GateResult::Fail => Some(format!("gate: FAILS ({limits})")),
        GateResult::BelowNoise => Some(format!(
            "gate: not judged, equal sides differ by as much ({limits})"
        )),
        GateResult::NotMeasured => Some(format!("gate: nothing measured ({limits})")),
    }
}

/// The word that stands first. Gates say that nothing is much worse, not that both sides are alike.
pub(super) fn heading(comparison: &Comparison) -> &'static str {
    match comparison.answer {
        EffectClass::Regressed => "REGRESSED",
        EffectClass::Improved => "IMPROVED",
        EffectClass::Equivalent if comparison.gates_decide => "WITHIN THE GATES",
        EffectClass::Equivalent => "EQUIVALENT",
        EffectClass::Inconclusive => "INCONCLUSIVE",
    }
}

/// What the answer rests on, in a sentence.
pub(super) fn because(comparison: &Comparison) -> String {
    let all: Vec<(&str, &ComparedMetric)> = comparison
        .scenarios
        .iter()
        .flat_map(|scenario| {
            scenario
                .metrics
                .iter()
                .map(|metric| (scenario.name.as_str(), metric))
        })
        .collect();
    let named = |class: EffectClass| {
        let words: Vec<String> = all
            .iter()
            .filter(|(_, metric)| metric.class == class)
            .map(|(scenario, metric)| {
                let place = match comparison.scenarios.len() {
                    1 => metric.name.clone(),
                    _ => format!("{} of {scenario}", metric.name),
                };
                format!("{place} {}", change(metric.change))
            })
            .collect();
        words.join(", ")
    };
    match comparison.answer {
        EffectClass::Regressed => {
            let by_figures = named(EffectClass::Regressed);
            match by_figures.is_empty() {
                false => by_figures,
                true => "a gate is broken".to_owned(),
            }
        }
        EffectClass::Improved => format!("{}, and nothing worse", named(EffectClass::Improved)),
        EffectClass::Equivalent if comparison.gates_decide => {
            "nothing worse was found, and no gate fails".to_owned()
        }
        EffectClass::Equivalent => "what decides differs by less than its margin".to_owned(),
        EffectClass::Inconclusive if all.is_empty() => "nothing was compared".to_owned(),
        EffectClass::Inconclusive => {
            let open = all
                .iter()
                .filter(|(_, metric)| metric.decides && metric.class == EffectClass::Inconclusive)
                .count();
            format!("{} that decides is open", counted(open as u64, "metric"))
                .replace("metrics that decides is", "metrics that decide are")
        }
    }
}

/// `10 rounds of throughput`
pub(super) fn extent(comparison: &Comparison) -> String {
    let (base, candidate) = (
        comparison.base.runs.len() as u64,
        comparison.candidate.runs.len() as u64,
    );
    match comparison.design {
        Design::Paired => format!("{}, both sides in each", counted(base, "round")),
        Design::Unpaired => format!("{} against {}", counted(base, "run"), candidate),
    }
}
