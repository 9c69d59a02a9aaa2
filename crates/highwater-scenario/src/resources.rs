//! From single readings of processes to what a report says of them.

use std::collections::BTreeMap;

use highwater_model::{Collector, GcPause, ProcessResources, ProcessRole, ResourceSample, Resources};

/// Summarises the readings that were taken between two moments; all readings are kept for the charts.
pub(crate) fn summarise(
    samples: Vec<ResourceSample>,
    load: (u64, u64),
    network: Option<(u64, u64)>,
    pauses: &[GcPause],
) -> Resources {
    let mut order: Vec<(&str, ProcessRole)> = Vec::new();
    for sample in &samples {
        if !order.iter().any(|(name, _)| *name == sample.process) {
            order.push((&sample.process, sample.role));
        }
    }
    let processes = order
        .into_iter()
        .map(|(process, role)| {
            let own: Vec<&ResourceSample> = samples
                .iter()
                .filter(|sample| sample.process == process)
                .collect();
            let during: Vec<&ResourceSample> = own
                .iter()
                .copied()
                .filter(|sample| (load.0..=load.1).contains(&sample.at_ns))
                .collect();
            let judged = if during.is_empty() { &own } else { &during };
            let cores: Vec<f64> = judged.iter().filter_map(|sample| sample.cpu_cores).collect();
            let resident: Vec<u64> = judged.iter().map(|sample| sample.resident_bytes).collect();
            ProcessResources {
                process: process.to_owned(),
                role,
                cpu_cores_mean: mean(&cores),
                cpu_cores_peak: cores.iter().copied().reduce(f64::max),
                cpu_seconds: used(&own, judged),
                resident_bytes_mean: (!resident.is_empty())
                    .then(|| resident.iter().sum::<u64>() / resident.len() as u64),
                resident_bytes_peak: own.iter().map(|sample| sample.resident_bytes).max(),
                disk_written_bytes: moved(&own, role, |sample| sample.disk_written_bytes),
                disk_read_bytes: moved(&own, role, |sample| sample.disk_read_bytes),
                descriptors_peak: own.iter().filter_map(|sample| sample.descriptors).max(),
                collector: collector(process, pauses, load),
            }
        })
        .collect();
    Resources {
        processes,
        samples,
        host_network_received_bytes: network.map(|(received, _)| received),
        host_network_sent_bytes: network.map(|(_, sent)| sent),
        ..Resources::default()
    }
}

/// What a collector did during the load. A JVM whose log has not a single pause in all the run has none.
fn collector(process: &str, pauses: &[GcPause], load: (u64, u64)) -> Option<Collector> {
    let own = || pauses.iter().filter(|pause| pause.process == process);
    let heap_bytes = own().next_back()?.heap_bytes;
    let during = || own().filter(|pause| (load.0..=load.1).contains(&pause.at_ns));
    let paused_ns: u64 = during().map(|pause| pause.pause_ns).sum();
    Some(Collector {
        pauses: during().count() as u64,
        paused_ns,
        longest_ns: during().map(|pause| pause.pause_ns).max().unwrap_or(0),
        share: paused_ns as f64 / load.1.saturating_sub(load.0).max(1) as f64,
        heap_after_peak_bytes: own().map(|pause| pause.heap_after_bytes).max().unwrap_or(0),
        heap_bytes,
    })
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// CPU seconds in the judged stretch. A process that was started within it counts from its start.
fn used(own: &[&ResourceSample], judged: &[&ResourceSample]) -> f64 {
    let mut by_pid: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for sample in judged {
        let known_before = own
            .iter()
            .any(|other| other.pid == sample.pid && other.at_ns < judged[0].at_ns);
        let first_process = own.first().is_some_and(|first| first.pid == sample.pid);
        let start = if known_before || first_process {
            sample.cpu_seconds_total
        } else {
            0.0
        };
        let entry = by_pid.entry(sample.pid).or_insert((start, 0.0));
        entry.1 = sample.cpu_seconds_total;
    }
    by_pid.values().map(|(first, last)| (last - first).max(0.0)).sum()
}

/// Counters start again with each process: the last reading of each is summed. The generator lives longer than a
/// scenario, and the kernel adds to its counters those of the brokers that it ended: of it only the growth counts.
fn moved(
    own: &[&ResourceSample],
    role: ProcessRole,
    read: impl Fn(&ResourceSample) -> Option<u64>,
) -> Option<u64> {
    let mut of_pids: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    for sample in own {
        if let Some(value) = read(sample) {
            let start = if role == ProcessRole::Generator { value } else { 0 };
            of_pids.entry(sample.pid).or_insert((start, value)).1 = value;
        }
    }
    let grown = of_pids.values().map(|(first, last)| last.saturating_sub(*first));
    (!of_pids.is_empty()).then(|| grown.sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at_s: u64, pid: u32, cpu_seconds_total: f64, written: u64) -> ResourceSample {
        ResourceSample {
            at_ns: at_s * 1_000_000_000,
            process: "broker".into(),
            role: ProcessRole::Broker,
            pid,
            cpu_cores: Some(0.5),
            cpu_seconds_total,
            resident_bytes: 100 + at_s,
            disk_written_bytes: Some(written),
            disk_read_bytes: None,
            descriptors: Some(at_s),
        }
    }

    #[test]
    fn of_the_generator_only_what_it_wrote_in_the_scenario_counts() {
        let mut samples = vec![sample(1, 10, 5.0, 1_000), sample(2, 10, 5.5, 1_200)];
        for sample in &mut samples {
            sample.role = ProcessRole::Generator;
        }
        let resources = summarise(samples, (0, 10_000_000_000), None, &[]);
        assert_eq!(resources.processes[0].disk_written_bytes, Some(200));
    }

    #[test]
    fn a_restarted_process_is_summed_over_its_incarnations() {
        let samples = vec![
            sample(1, 10, 5.0, 100),
            sample(2, 10, 5.5, 200),
            sample(3, 11, 0.2, 30),
            sample(4, 11, 0.7, 50),
        ];
        let resources = summarise(samples, (0, 10_000_000_000), None, &[]);
        let broker = &resources.processes[0];
        assert!((broker.cpu_seconds - 1.2).abs() < 1e-9, "{}", broker.cpu_seconds);
        assert_eq!(broker.disk_written_bytes, Some(250));
        assert_eq!(
            (
                broker.disk_read_bytes,
                broker.resident_bytes_peak,
                broker.descriptors_peak
            ),
            (None, Some(104), Some(4))
        );
        assert_eq!(broker.collector, None);
    }

    #[test]
    fn pauses_are_those_of_the_process_and_of_the_load() {
        let pause = |process: &str, at_s: u64, ms: u64, after: u64| GcPause {
            at_ns: at_s * 1_000_000_000,
            process: process.into(),
            pause_ns: ms * 1_000_000,
            heap_after_bytes: after,
            heap_bytes: 512,
            ..GcPause::default()
        };
        let pauses = [
            pause("broker", 1, 900, 400),
            pause("broker", 12, 30, 100),
            pause("other", 13, 700, 500),
            pause("broker", 14, 70, 90),
        ];
        let load = (10_000_000_000, 20_000_000_000);
        let resources = summarise(vec![sample(12, 10, 5.0, 100)], load, None, &pauses);
        let found = resources.processes[0].collector.as_ref().unwrap();
        assert_eq!(
            (found.pauses, found.paused_ns, found.longest_ns),
            (2, 100_000_000, 70_000_000)
        );
        assert!((found.share - 0.01).abs() < 1e-12);
        assert_eq!((found.heap_after_peak_bytes, found.heap_bytes), (400, 512));
    }
}
