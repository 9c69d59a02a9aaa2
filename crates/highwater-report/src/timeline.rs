//! Making a long timeline shorter without hiding its peaks.
//!
//! Invariant: counts are added; of latencies the largest is kept. Percentiles are never averaged, so a merged
//! point says "at least one of its bins was this slow".

use highwater_model::{ResourceSample, TimelineBin};

/// Joins neighbouring bins until there are at most `limit`; gives how many bins one point stands for.
pub(crate) fn thin(bins: &[TimelineBin], limit: usize) -> (Vec<TimelineBin>, usize) {
    let group = bins.len().div_ceil(limit.max(1)).max(1);
    let thinned = bins.chunks(group).filter_map(join).collect();
    (thinned, group)
}

/// Joins each pair of neighbours.
pub(crate) fn halve(bins: &mut Vec<TimelineBin>) {
    *bins = bins.chunks(2).filter_map(join).collect();
}

fn join(bins: &[TimelineBin]) -> Option<TimelineBin> {
    let (first, rest) = bins.split_first()?;
    Some(rest.iter().fold(first.clone(), |mut sum, bin| {
        sum.width_ns = (bin.start_ns + bin.width_ns).saturating_sub(sum.start_ns);
        sum.due += bin.due;
        sum.acknowledged += bin.acknowledged;
        // None is smaller than any value, so a bin without a sample doesn't hide one with.
        sum.response_p50_ns = sum.response_p50_ns.max(bin.response_p50_ns);
        sum.response_p99_ns = sum.response_p99_ns.max(bin.response_p99_ns);
        sum.response_max_ns = sum.response_max_ns.max(bin.response_max_ns);
        sum.service_p50_ns = sum.service_p50_ns.max(bin.service_p50_ns);
        sum.service_max_ns = sum.service_max_ns.max(bin.service_max_ns);
        sum
    }))
}

/// Keeps every n-th reading of each process so that at most about `limit` remain.
pub(crate) fn thin_samples(samples: &[ResourceSample], limit: usize) -> Vec<ResourceSample> {
    let step = samples.len().div_ceil(limit.max(1)).max(1);
    if step == 1 {
        return samples.to_vec();
    }
    let mut seen = std::collections::BTreeMap::new();
    samples
        .iter()
        .filter(|sample| {
            let index = seen.entry(sample.process.as_str()).or_insert(0_usize);
            *index += 1;
            (*index - 1).is_multiple_of(step)
        })
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(index: u64, max_ns: Option<u64>) -> TimelineBin {
        TimelineBin {
            start_ns: index * 10,
            width_ns: 10,
            due: 2,
            acknowledged: 1,
            response_p50_ns: max_ns,
            response_p99_ns: max_ns,
            response_max_ns: max_ns,
            service_p50_ns: None,
            service_max_ns: None,
        }
    }

    #[test]
    fn thinning_keeps_sums_and_peaks() {
        let bins: Vec<_> = (0..10).map(|i| bin(i, (i == 3).then_some(900))).collect();
        let (thinned, group) = thin(&bins, 4);
        assert_eq!((thinned.len(), group), (4, 3));
        assert_eq!(thinned.iter().map(|b| b.due).sum::<u64>(), 20);
        assert_eq!(thinned.iter().filter_map(|b| b.response_max_ns).max(), Some(900));
        assert_eq!((thinned[3].start_ns, thinned[3].width_ns), (90, 10));
        assert_eq!(thin(&bins, 10), (bins.clone(), 1));
        assert_eq!(thin(&[], 5), (vec![], 1));
    }
}
