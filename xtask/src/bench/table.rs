//! The figures of a case for people.

use super::case::Case;
use super::summary::{Rounds, Summary};
use super::tool::Measurement;

/// The tool that the ratios are about.
const MEASURED: &str = "highwater";

/// Prints medians with their spread, and the ratio of the measured tool to each rival.
pub(crate) fn print_case(summary: &Summary, case: &Case) {
    println!(
        "\n{} ({} records)   {}",
        case.name,
        case.records,
        summary.heading()
    );
    println!(
        "{:<30} {:>32} {:>8} {:>12} {:>8} {:>8} {:>10} {:>6}",
        "median (least–most)", "records/s", "achieved", "CPU s/million", "cores", "MiB", "slip p99", "load"
    );
    let tools: Vec<(&str, &Rounds)> = summary.tools(case).collect();
    for (name, rounds) in &tools {
        println!("{name:<30} {}", line(rounds));
        for reason in &rounds.skipped {
            println!(
                "{:<30} skipped: {}",
                "",
                reason.lines().next().unwrap_or_default()
            );
        }
    }
    let Some((_, measured)) = tools.iter().find(|(name, _)| *name == MEASURED) else {
        return;
    };
    for (name, rival) in tools.iter().filter(|(name, _)| *name != MEASURED) {
        let ratio = |figure: fn(&Measurement) -> f64| {
            let of = |rounds: &Rounds| rounds.spread(|measurement| Some(figure(measurement)));
            match (of(measured), of(rival)) {
                (Some(ours), Some(theirs)) => format!("{:.3}", ours.median / theirs.median),
                _ => "–".to_owned(),
            }
        };
        println!(
            "{MEASURED} / {name}: records/s {}, CPU per record {}, memory {}",
            ratio(|measurement| measurement.per_s),
            ratio(|measurement| measurement.cpu_seconds_per_million),
            ratio(|measurement| measurement.peak_resident_bytes as f64),
        );
    }
}

fn line(rounds: &Rounds) -> String {
    let median = |figure: fn(&Measurement) -> Option<f64>, digits: usize| {
        rounds
            .spread(figure)
            .map_or("–".to_owned(), |spread| format!("{:.digits$}", spread.median))
    };
    let rate = rounds
        .spread(|measurement| Some(measurement.per_s))
        .map_or("–".to_owned(), |spread| {
            format!("{:.0} ({:.0}–{:.0})", spread.median, spread.least, spread.most)
        });
    let slip = rounds
        .spread(|measurement| measurement.slip_p99_ns.map(|ns| ns as f64 / 1e6))
        .map_or("–".to_owned(), |spread| format!("{:.3} ms", spread.median));
    format!(
        "{rate:>32} {:>8} {:>12} {:>8} {:>8} {slip:>10} {:>6}",
        median(|measurement| measurement.achieved, 4),
        median(|measurement| Some(measurement.cpu_seconds_per_million), 2),
        median(|measurement| Some(measurement.cores), 3),
        median(
            |measurement| Some(measurement.peak_resident_bytes as f64 / f64::from(1 << 20)),
            0
        ),
        median(|measurement| measurement.load_average, 2),
    )
}
