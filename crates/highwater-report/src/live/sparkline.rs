//! A line of bars for latency over time, on a logarithmic scale.
//!
//! Invariant: a column shows the slowest of what falls into it, so a short outage is never averaged away.

use crate::replay::ScenarioView;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The scale spans at least a factor of this much, so that noise stays flat.
const SMALLEST_SPAN: f64 = 100.0;

/// The scenario so far over `columns` columns, which stand for its expected length; as wide as time has come.
pub(crate) fn sparkline(scenario: &ScenarioView, now_ns: u64, columns: usize) -> String {
    let elapsed_ns = now_ns.saturating_sub(scenario.started_ns);
    let span_ns = scenario.expected_ns.max(elapsed_ns).max(1);
    let mut slowest: Vec<Option<u64>> = vec![None; columns];
    for (bin, pending_ns) in scenario.bins.iter().zip(&scenario.pending_ns) {
        let at_ns = (bin.start_ns + bin.width_ns / 2).saturating_sub(scenario.started_ns);
        let column = (at_ns as f64 / span_ns as f64 * columns as f64) as usize;
        let value = bin.response_max_ns.max((*pending_ns > 0).then_some(*pending_ns));
        if let Some(slot) = slowest.get_mut(column.min(columns.saturating_sub(1))) {
            *slot = (*slot).max(value);
        }
    }
    let line: String = bars(&slowest).into_iter().collect();
    line.trim_end().to_owned()
}

fn bars(values: &[Option<u64>]) -> Vec<char> {
    let low = values.iter().flatten().copied().min().unwrap_or(1).max(1) as f64;
    let high = values.iter().flatten().copied().max().unwrap_or(1) as f64;
    let span = (high / low).max(SMALLEST_SPAN).ln();
    values
        .iter()
        .map(|value| match value {
            None => ' ',
            Some(value) => {
                let share = ((*value).max(1) as f64 / low).ln() / span;
                let level = (share * (BARS.len() - 1) as f64).round() as usize;
                BARS[level.min(BARS.len() - 1)]
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_flat_and_an_outage_stands_out() {
        let ms = |ms: f64| Some((ms * 1e6) as u64);
        let line: String = bars(&[ms(0.8), ms(0.9), ms(1.1), None, ms(1_300.0), ms(30.0), ms(0.8)])
            .into_iter()
            .collect();
        assert_eq!(line, "▁▁▁ █▄▁");
        assert_eq!(bars(&[None, None]), [' ', ' ']);
        assert_eq!(bars(&[Some(0)]), ['▁']);
    }
}
