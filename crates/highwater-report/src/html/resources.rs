//! What every process used, over time and in sum.

use highwater_model::{GcPause, NetworkSample, ProcessResources, ResourceSample, ScenarioReport};
use maud::{Markup, html};

use super::scale::Scale;
use super::svg::{Plot, latency, seconds, short};
use crate::number::{bytes, cores, count, duration, optional_bytes, significant};

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 150.0;
const MIB: f64 = 1_048_576.0;

/// Small charts of CPU and memory for each process, and a table; `samples` may be thinned.
pub(super) fn resources(scenario: &ScenarioReport, samples: &[ResourceSample]) -> Markup {
    let resources = &scenario.resources;
    if resources.processes.is_empty() && samples.is_empty() {
        return html! {};
    }
    html! {
        section {
            h3 { "What it cost" }
            @if !resources.processes.is_empty() { (table(&resources.processes)) }
            @if let (Some(received), Some(sent)) =
                (resources.host_network_received_bytes, resources.host_network_sent_bytes) {
                p class="note" {
                    "Network of the whole machine, loopback included: " (bytes(received)) " received, "
                    (bytes(sent)) " sent."
                }
            }
            (collectors(&resources.processes))
            @if let Some(own) = resources.sampler_cpu_cores {
                p class="note" { "Reading and asking all this took " (cores(Some(own))) " cores itself." }
            }
            div class="small-charts" {
                @for process in names(samples) {
                    @let own: Vec<&ResourceSample> = samples.iter().filter(|s| s.process == process).collect();
                    (small(scenario, &format!("{process}: CPU, cores"), &incarnations(&own, |s| s.cpu_cores), short))
                    (small(scenario, &format!("{process}: memory, MiB"),
                        &incarnations(&own, |s| Some(s.resident_bytes as f64 / MIB)), short))
                    @let pauses: Vec<&GcPause> = resources.pauses.iter().filter(|one| one.process == process).collect();
                    @if !pauses.is_empty() {
                        (small(scenario, &format!("{process}: heap after each collection, MiB"),
                            &collected(&pauses, |one| one.heap_after_bytes as f64 / MIB), short))
                        (small(scenario, &format!("{process}: pauses of the collector"),
                            &collected(&pauses, |one| one.pause_ns as f64), latency))
                    }
                }
                @if !resources.network.is_empty() {
                    (small(scenario, "loopback of the whole machine, MiB/s", &network(&resources.network), short))
                }
            }
            @if !samples.is_empty() { (readings(samples)) }
        }
    }
}

fn names(samples: &[ResourceSample]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for sample in samples {
        if !names.contains(&sample.process.as_str()) {
            names.push(&sample.process);
        }
    }
    names
}

/// A small chart of one series over the time of the scenario, fault windows shaded.
pub(super) fn small(
    scenario: &ScenarioReport,
    title: &str,
    points: &[(f64, Option<f64>)],
    label: fn(f64) -> String,
) -> Markup {
    let highest = points.iter().filter_map(|(_, value)| *value).fold(0.0, f64::max);
    let start = scenario.started_ns as f64;
    let plot = Plot {
        x: Scale::linear(start, start + scenario.duration_ns.max(1) as f64, 62.0, 472.0),
        y: Scale::from_zero(highest.max(f64::MIN_POSITIVE), 122.0, 12.0),
    };
    html! {
        figure class="chart small" {
            figcaption { (title) }
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(title) {
                (plot.fault_windows(scenario))
                (plot.axes((5, 3), seconds, label))
                (plot.line("max", points))
            }
        }
    }
}

fn collected(pauses: &[&GcPause], pick: fn(&GcPause) -> f64) -> Vec<(f64, Option<f64>)> {
    let points = pauses.iter().filter(|one| one.heap_bytes > 0);
    points.map(|one| (one.at_ns as f64, Some(pick(one)))).collect()
}

fn network(samples: &[NetworkSample]) -> Vec<(f64, Option<f64>)> {
    let points = samples.iter();
    points
        .map(|one| (one.at_ns as f64, Some(one.loopback_bytes_per_s as f64 / MIB)))
        .collect()
}

/// Points with a gap wherever the process was started again.
fn incarnations(
    samples: &[&ResourceSample],
    pick: fn(&ResourceSample) -> Option<f64>,
) -> Vec<(f64, Option<f64>)> {
    let mut points = Vec::with_capacity(samples.len());
    let mut pid = None;
    for sample in samples {
        if pid.is_some_and(|pid| pid != sample.pid) {
            points.push((sample.at_ns as f64, None));
        }
        pid = Some(sample.pid);
        points.push((sample.at_ns as f64, pick(sample)));
    }
    points
}

fn table(processes: &[ProcessResources]) -> Markup {
    html! {
        div class="scroll" {
            table class="figures named" {
                thead {
                    tr {
                        th rowspan="2" { "process" }
                        th colspan="3" { "CPU" }
                        th colspan="2" { "memory" }
                        th colspan="2" { "disk" }
                        th rowspan="2" { "descriptors" }
                    }
                    tr {
                        th { "mean, cores" } th { "peak, cores" } th { "seconds" }
                        th { "mean" } th { "peak" } th { "written" } th { "read" }
                    }
                }
                tbody {
                    @for process in processes {
                        tr {
                            td { (process.process) }
                            td { (cores(process.cpu_cores_mean)) }
                            td { (cores(process.cpu_cores_peak)) }
                            td { (significant(process.cpu_seconds)) }
                            td { (optional_bytes(process.resident_bytes_mean)) }
                            td { (optional_bytes(process.resident_bytes_peak)) }
                            td { (optional_bytes(process.disk_written_bytes)) }
                            td { (optional_bytes(process.disk_read_bytes)) }
                            td { (process.descriptors_peak.map_or_else(|| crate::number::NONE.to_owned(), count)) }
                        }
                    }
                }
            }
        }
    }
}

fn collectors(processes: &[ProcessResources]) -> Markup {
    let with = || {
        processes
            .iter()
            .filter_map(|process| Some((process, process.collector.as_ref()?)))
    };
    html! {
        @if with().next().is_some() {
            div class="scroll" {
                table class="figures named" {
                    thead {
                        tr {
                            th { "JVM" } th { "heap" } th { "in use after a collection, at most" } th { "pauses" }
                            th { "longest" } th { "in sum" } th { "share of the load" }
                        }
                    }
                    tbody {
                        @for (process, found) in with() {
                            tr {
                                td { (process.process) }
                                td { (bytes(found.heap_bytes)) }
                                td { (bytes(found.heap_after_peak_bytes)) }
                                td { (count(found.pauses)) }
                                td { (duration(found.longest_ns)) }
                                td { (duration(found.paused_ns)) }
                                td { (significant(found.share * 100.0)) " %" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn readings(samples: &[ResourceSample]) -> Markup {
    html! {
        details {
            summary { "The charts as a table" }
            div class="scroll" {
                table class="figures" {
                    thead {
                        tr {
                            th { "moment" } th { "process" } th { "process id" } th { "CPU, cores" } th { "memory" }
                            th { "disk written" } th { "descriptors" }
                        }
                    }
                    tbody {
                        @for sample in samples {
                            tr {
                                td { (crate::number::moment(sample.at_ns)) }
                                td { (sample.process) }
                                td { (sample.pid) }
                                td { (cores(sample.cpu_cores)) }
                                td { (bytes(sample.resident_bytes)) }
                                td { (optional_bytes(sample.disk_written_bytes)) }
                                td { (sample.descriptors.map_or_else(|| crate::number::NONE.to_owned(), count)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
