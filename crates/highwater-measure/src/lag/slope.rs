//! Whether a lag grows or shrinks.

use crate::trend::{MannKendall, median, slopes};

/// Standard deviations that a slope must be from none, as for a drift: one series without any in 200 goes beyond it.
const SURE: f64 = 2.6;
/// Besides, over the window a lag must change by so many times the middle distance from its line: less is swinging.
const ABOVE_NOISE: f64 = 4.0;
/// And by this share of what the group reads in the window.
const SHARE_OF_PACE: f64 = 0.01;

/// Readings of a lag.
pub(super) struct Series {
    /// Seconds since the first one, and records.
    pub(super) lags: Vec<(f64, f64)>,
    /// Offsets that the group went on by, within them.
    pub(super) consumed: f64,
}

/// Records a second that a lag grows (or, below zero, shrinks) by; none if it does neither.
pub(super) fn slope(series: &Series) -> Option<f64> {
    let (first, last) = (series.lags.first()?, series.lags.last()?);
    let slopes = slopes(&series.lags);
    let slope = median(slopes)?;
    let at = |(seconds, records): &(f64, f64)| records - slope * seconds;
    let level = median(series.lags.iter().map(at).collect())?;
    let residuals: Vec<f64> = series.lags.iter().map(|one| at(one) - level).collect();
    let noise = median(residuals.iter().map(|one| one.abs()).collect())?;
    let values: Vec<f64> = series.lags.iter().map(|(_, records)| *records).collect();
    let change = slope * (last.0 - first.0);
    let sure = MannKendall::of(&values, &residuals).z().abs() >= SURE;
    let large = change.abs()
        >= (noise * ABOVE_NOISE)
            .max(series.consumed * SHARE_OF_PACE)
            .max(1.0);
    (sure && large).then_some(slope)
}
