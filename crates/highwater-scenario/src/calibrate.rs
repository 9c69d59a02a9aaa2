//! What the generator does flat out on this machine, and what clock and scheduler are worth.
//!
//! Invariant: only what was measured on this machine in this run is judged.
//!
//! Does not: know what a cluster elsewhere can do; the dev broker that takes the records shares the machine.

use std::fs;
use std::time::{Duration, Instant};

use highwater_load::{calibrate_clock, calibrate_scheduler};
use highwater_measure::quantity;
use highwater_model::{
    CALIBRATION_SCHEMA_VERSION, Calibration, ClockCalibration, ExitCode, GeneratorCalibration,
    ScenarioReport, SchedulerCalibration, ValidityCheck,
};
use highwater_target::{ProcessorTime, TargetSpec, host};

use crate::config::Set;
use crate::metrics::Metrics;
use crate::run::{Run, RunError, RunOptions};
use crate::suites;

/// Sizes of values: a small event, a usual one, a change event.
const SIZES: [u64; 3] = [100, 1 << 10, 5 << 10];
const CLOCK: Duration = Duration::from_millis(500);
const SCHEDULER: Duration = Duration::from_secs(2);
/// Load of each size, of which a second is warm-up.
const LOAD_S: u64 = 4;
/// Flat out there is no schedule to keep; at half of it the generator has room, and limits of a run see the rest.
const TRUSTED: f64 = 0.5;

/// A monotonic clock coarser than this blurs what takes microseconds.
const COARSEST_NS: u64 = 1_000;
/// A quarter of what a run allows its schedule to slip.
const LATEST_P99_NS: u64 = 5_000_000;
/// More than this given to others, and the figures are those of the neighbours.
const MOST_STOLEN: f64 = 0.05;

/// Measures everything, in less than half a minute; `told` hears what is done next. The directory of `options` is
/// used for the runs; name and target are not used.
///
/// # Errors
/// [`RunError`] if the dev broker can't be run at all.
pub fn calibrate(options: &RunOptions, told: &mut dyn FnMut(&str)) -> Result<Calibration, RunError> {
    let began = Instant::now();
    told("clock");
    let clock = calibrate_clock(CLOCK);
    told("scheduler");
    let before = ProcessorTime::now();
    let mut scheduler = calibrate_scheduler(SCHEDULER);
    scheduler.steal = before.and_then(|before| ProcessorTime::now()?.stolen_since(before));
    let mut generator = Vec::new();
    for size in SIZES {
        told(&format!("generator with records of {size} B"));
        generator.push(flat_out(options, size)?);
    }
    let checks = checks(&clock, &scheduler, &generator);
    let good_enough = checks.iter().all(|check| check.ok);
    Ok(Calibration {
        schema_version: CALIBRATION_SCHEMA_VERSION,
        highwater_version: env!("CARGO_PKG_VERSION").into(),
        host: host(),
        clock,
        scheduler,
        generator,
        checks,
        good_enough,
        exit_code: match good_enough {
            true => ExitCode::Holds,
            false => ExitCode::Invalid,
        },
        duration_ns: began.elapsed().as_nanos() as u64,
    })
}

/// One size, as many records as the client takes.
fn flat_out(options: &RunOptions, size: u64) -> Result<GeneratorCalibration, RunError> {
    let out = options.out.join(format!("{size}"));
    let options = RunOptions {
        name: format!("calibrate-{size}"),
        target: TargetSpec::Dev,
        out: out.clone(),
        ..options.clone()
    };
    let sets = [
        ("load.rate", "max".to_owned()),
        ("load.duration", format!("{LOAD_S}s")),
        ("load.consumers", "0".to_owned()),
        ("load.values.kind", "fixed".to_owned()),
        ("load.values.size", format!("{size}B")),
        ("warm_up.limit", "1s".to_owned()),
        ("thresholds", "[]".to_owned()),
    ]
    .map(|(key, value)| Set {
        key: key.to_owned(),
        value,
    });
    let chosen = suites::choose("throughput", None)?;
    let report = Run::prepare(options, &chosen, &sets)?.execute(Box::new(|_| {}))?;
    // Only the figures are wanted.
    let _ = fs::remove_dir_all(&out);
    Ok(report
        .scenarios
        .first()
        .map_or_else(|| figures(size, None), |scenario| figures(size, Some(scenario))))
}

fn figures(size_bytes: u64, scenario: Option<&ScenarioReport>) -> GeneratorCalibration {
    let value = |name: &str| scenario.and_then(|scenario| Metrics(scenario).value(None, name));
    let rate_per_s = value("rate").filter(|rate| *rate > 0.0);
    GeneratorCalibration {
        size_bytes,
        rate_per_s,
        generator_cores: value("generator.cpu.mean"),
        broker_cores: value("broker.cpu.mean"),
        trusted_per_s: rate_per_s.map(|rate| rate * TRUSTED),
    }
}

fn checks(
    clock: &ClockCalibration,
    scheduler: &SchedulerCalibration,
    generator: &[GeneratorCalibration],
) -> Vec<ValidityCheck> {
    let mut checks = vec![
        check(
            "clock-monotonic",
            clock.backward == 0,
            format!(
                "{} of {} readings went back",
                clock.backward,
                quantity::count(clock.readings)
            ),
            "none".into(),
            "this machine can't be measured on: its kernel or hypervisor has a broken clock source",
        ),
        check(
            "clock-resolution",
            clock.resolution_ns <= COARSEST_NS,
            quantity::duration(clock.resolution_ns),
            format!("at most {}", quantity::duration(COARSEST_NS)),
            "see /sys/devices/system/clocksource/clocksource0/current_clocksource; tsc or kvm-clock are fine",
        ),
        check(
            "wall-clock-steps",
            clock.wall_steps == 0,
            format!("{} steps of more than 1 ms", clock.wall_steps),
            "none".into(),
            "something sets the clock of this machine; times are not affected, the time stamps of records are",
        ),
        check(
            "wake-up",
            scheduler.late_p99_ns <= LATEST_P99_NS,
            format!(
                "p50 {}, p99 {}, max {} late",
                quantity::duration(scheduler.late_p50_ns),
                quantity::duration(scheduler.late_p99_ns),
                quantity::duration(scheduler.late_max_ns)
            ),
            format!("p99 at most {}", quantity::duration(LATEST_P99_NS)),
            "the machine is busy: stop what else runs on it, or give it more processors",
        ),
        check(
            "generator",
            generator.iter().all(|size| size.rate_per_s.is_some()),
            format!(
                "{} of {} sizes measured",
                generator.iter().filter(|size| size.rate_per_s.is_some()).count(),
                generator.len()
            ),
            "all".into(),
            "run highwater demo to see what goes wrong with the dev broker",
        ),
    ];
    if let Some(steal) = scheduler.steal {
        checks.push(check(
            "steal",
            steal <= MOST_STOLEN,
            format!("{:.1} % of the processors were given to others", steal * 100.0),
            format!("at most {:.0} %", MOST_STOLEN * 100.0),
            "the host of this virtual machine is too full: use another, or a dedicated one",
        ));
    }
    checks
}

fn check(name: &str, ok: bool, measured: String, required: String, remedy: &str) -> ValidityCheck {
    ValidityCheck {
        name: name.to_owned(),
        ok,
        measured,
        required,
        remedy: (!ok).then(|| remedy.to_owned()),
    }
}
