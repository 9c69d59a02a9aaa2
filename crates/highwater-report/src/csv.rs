//! Tables for a spreadsheet: `figures.csv`, `timeline.csv`, `resources.csv`.
//!
//! Invariant: one header, one kind of row for each file, values in base units (nanoseconds, bytes, records, cores) so
//! that nothing has to be parsed out of words; a missing value is an empty field and never zero.

use highwater_measure::quantity::Unit;
use highwater_model::{Report, ScenarioReport};

use crate::ReportError;
use crate::validation;

/// Every figure of every scenario on a line of its own.
pub(crate) fn figures(report: &Report) -> Result<String, ReportError> {
    let rows = report.scenarios.iter().flat_map(|scenario| {
        validation::figures(scenario).into_iter().map(|figure| {
            vec![
                report.run_id.clone(),
                scenario.name.clone(),
                repetition(scenario),
                scenario.verdict.word().to_lowercase(),
                figure.name.clone(),
                figure.value.to_string(),
                figure.unit.map(base).unwrap_or_default().to_owned(),
            ]
        })
    });
    let head = [
        "run",
        "scenario",
        "repetition",
        "verdict",
        "figure",
        "value",
        "unit",
    ];
    written(&head, rows)
}

/// Latency and rate over time.
pub(crate) fn timeline(report: &Report) -> Result<String, ReportError> {
    let rows = report.scenarios.iter().flat_map(|scenario| {
        scenario.timeline.iter().map(|bin| {
            let mut row = vec![scenario.name.clone(), repetition(scenario)];
            row.extend(
                [bin.start_ns, bin.width_ns, bin.due, bin.acknowledged].map(|value| value.to_string()),
            );
            row.extend(
                [
                    bin.response_p50_ns,
                    bin.response_p99_ns,
                    bin.response_max_ns,
                    bin.service_p50_ns,
                    bin.service_max_ns,
                ]
                .map(optional),
            );
            row
        })
    });
    let head = [
        "scenario",
        "repetition",
        "start_ns",
        "width_ns",
        "due",
        "acknowledged",
        "response_p50_ns",
        "response_p99_ns",
        "response_max_ns",
        "service_p50_ns",
        "service_max_ns",
    ];
    written(&head, rows)
}

/// Every reading of every process.
pub(crate) fn resources(report: &Report) -> Result<String, ReportError> {
    let rows = report.scenarios.iter().flat_map(|scenario| {
        scenario.resources.samples.iter().map(|sample| {
            vec![
                scenario.name.clone(),
                repetition(scenario),
                sample.at_ns.to_string(),
                sample.process.clone(),
                sample.pid.to_string(),
                optional(sample.cpu_cores),
                sample.cpu_seconds_total.to_string(),
                sample.resident_bytes.to_string(),
                optional(sample.disk_written_bytes),
                optional(sample.disk_read_bytes),
                optional(sample.descriptors),
            ]
        })
    });
    let head = [
        "scenario",
        "repetition",
        "at_ns",
        "process",
        "pid",
        "cpu_cores",
        "cpu_seconds_total",
        "resident_bytes",
        "disk_written_bytes",
        "disk_read_bytes",
        "descriptors",
    ];
    written(&head, rows)
}

fn written(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<String, ReportError> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(head).map_err(ReportError::Csv)?;
    for row in rows {
        writer
            .write_record(row.iter().map(|cell| harmless(cell)))
            .map_err(ReportError::Csv)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| ReportError::Csv(error.into_error().into()))?;
    // Fields are text, and quotes and commas are ASCII.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Text that no spreadsheet takes for a formula. Numbers, also negative ones, stay as they are.
fn harmless(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    if formula {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// The base unit of a figure.
fn base(unit: Unit) -> &'static str {
    match unit {
        Unit::Time => "ns",
        Unit::Bytes => "bytes",
        Unit::Records => "records",
        Unit::Rate => "records/s",
        Unit::Cores => "cores",
        Unit::Ratio | Unit::Count => "",
        // A share of the whole for each minute: 0.01 is one percent.
        Unit::Drift => "/min",
    }
}

fn optional(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn repetition(scenario: &ScenarioReport) -> String {
    scenario
        .repetition
        .map_or(1, |repetition| repetition.index)
        .to_string()
}
