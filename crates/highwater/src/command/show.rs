//! `highwater show`: a scenario as commented TOML, the metrics, the schema of the report.

use highwater_measure::threshold::METRICS;
use highwater_model::ExitCode;
use highwater_scenario::suites;

use super::run::print;
use crate::failure::Failure;

pub(crate) fn show(name: &str) -> Result<ExitCode, Failure> {
    match name {
        "metrics" => print(&metrics())?,
        "schema" => print(highwater_report::SCHEMA)?,
        name => {
            let base = name.split('/').next().unwrap_or(name);
            match suites::text(base) {
                Some(text) => print(text)?,
                None => return Err(unknown(name)),
            }
        }
    }
    Ok(ExitCode::Holds)
}

/// A suite has several texts: its scenarios are named instead. Everything else is unknown.
fn unknown(name: &str) -> Failure {
    match suites::choose(name, None) {
        Ok(chosen) => {
            let mut names: Vec<String> = chosen
                .iter()
                .map(|chosen| format!("highwater show {}", chosen.scenario.name))
                .collect();
            names.dedup();
            Failure::new(ExitCode::Usage, format!("`{name}` has several scenarios")).help(names.join(", "))
        }
        Err(error) => error.into(),
    }
}

fn metrics() -> String {
    let mut text =
        "What a threshold can name, e.g. `ack.p95 < 100ms` or `fault.ack.max < 5s`:\n\n".to_owned();
    for metric in METRICS {
        text += &format!(
            "  {:<26} {:<14} {}\n",
            metric.name,
            metric.unit.noun(),
            metric.meaning
        );
    }
    text += "\nBefore a metric a phase can stand: warm-up, steady, fault, recovery, drain. The right side is a number with\n";
    text += "its unit, or an expression: `rate >= 0.99 * offered`.\n";
    text
}
