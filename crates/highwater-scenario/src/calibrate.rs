//! What the generator does on this machine, flat out and on a schedule, and what clock and scheduler are worth.
//!
//! ```text
//! each size: flat out ─▶ 0.6 of that ─▶ half way to what was not valid, or half of it ─▶ … : highest rate whose run is valid
//! ```
//! Invariant: only what was measured on this machine in this run is judged.
//!
//! Does not: know what a cluster elsewhere can do; the dev broker that takes the records shares the machine.

use std::fs;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use highwater_load::{calibrate_clock, calibrate_scheduler};
use highwater_measure::quantity;
use highwater_model::{
    CALIBRATION_SCHEMA_VERSION, Calibration, CalibrationStep, ClockCalibration, ExitCode,
    GeneratorCalibration, ScenarioReport, SchedulerCalibration, ValidityCheck,
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
/// Each load, warm-up included: long enough for hundreds of records at any rate that matters.
const LOAD: Duration = Duration::from_millis(1_600);
const WARM_UP: Duration = Duration::from_millis(400);
/// Rates that are tried on a schedule, for each size.
const STEPS: usize = 3;
/// What is spent on one size at most, but for its load flat out; and what a load takes at least, with its broker.
const LIMIT: Duration = Duration::from_secs(9);
const STEP_TAKES: Duration = Duration::from_secs(2);
/// The first of them, as a share of what was reached flat out.
const FIRST: f64 = 0.6;

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
    for bytes in SIZES {
        told(&format!("generator with records of {bytes} B"));
        generator.push(size(options, bytes)?);
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

/// One size: flat out, then on a schedule at shares of that, until it is known where the schedule slips.
fn size(options: &RunOptions, size: u64) -> Result<GeneratorCalibration, RunError> {
    let began = Instant::now();
    let flat_out = load(options, size, None)?;
    let value = |name: &str| {
        let scenario = flat_out.as_ref()?;
        Metrics(scenario).value(None, name)
    };
    let mut calibration = GeneratorCalibration {
        size_bytes: size,
        rate_per_s: value("rate").filter(|rate| *rate > 0.0),
        generator_cores: value("generator.cpu.mean"),
        broker_cores: value("broker.cpu.mean"),
        trusted_per_s: None,
        invalid_per_s: None,
        steps: Vec::new(),
    };
    let Some(flat_out) = calibration.rate_per_s else {
        return Ok(calibration);
    };
    for _ in 0..STEPS {
        // A machine too busy for all of them has shown enough.
        if began.elapsed() + STEP_TAKES > LIMIT {
            break;
        }
        let rate_per_s = next(flat_out, calibration.trusted_per_s, calibration.invalid_per_s);
        let Some(scenario) = load(options, size, Some(rate_per_s))? else {
            break;
        };
        let step = step(rate_per_s, &scenario);
        match step.why {
            None => calibration.trusted_per_s = Some(rate_per_s),
            Some(_) => calibration.invalid_per_s = Some(rate_per_s),
        }
        calibration.steps.push(step);
    }
    Ok(calibration)
}

/// The rate to try: between the highest that was valid and the lowest that was not, of which flat out is one.
fn next(flat_out: f64, valid: Option<f64>, invalid: Option<f64>) -> f64 {
    match (valid, invalid) {
        (None, None) => flat_out * FIRST,
        (None, Some(invalid)) => invalid / 2.0,
        (Some(valid), invalid) => f64::midpoint(valid, invalid.unwrap_or(flat_out)),
    }
}

fn step(rate_per_s: f64, scenario: &ScenarioReport) -> CalibrationStep {
    let slip = &scenario.schedule_slip;
    let failed = scenario.validity.iter().find(|check| !check.ok);
    CalibrationStep {
        rate_per_s,
        slip_p50_ns: slip.p50_ns,
        slip_p99_ns: slip.p99_ns,
        slip_max_ns: slip.max_ns,
        generator_cores: Metrics(scenario).value(None, "generator.cpu.mean"),
        why: failed.map(|check| format!("{}: {}", check.name, check.measured)),
    }
}

/// A load of one size, flat out or at a rate; none if it was interrupted or could not be driven.
fn load(
    options: &RunOptions,
    size: u64,
    rate_per_s: Option<f64>,
) -> Result<Option<ScenarioReport>, RunError> {
    if options.interrupted.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let rate = rate_per_s.map_or("max".to_owned(), |rate| format!("{rate:.0}/s"));
    let out = options
        .out
        .join(format!("{size}-{}", rate.trim_end_matches("/s")));
    let options = RunOptions {
        name: format!("calibrate-{size}"),
        target: TargetSpec::Dev,
        out: out.clone(),
        ..options.clone()
    };
    let mut sets = vec![
        ("load.rate", rate),
        ("load.duration", format!("{}ms", LOAD.as_millis())),
        ("load.values.kind", "fixed".to_owned()),
        ("load.values.size", format!("{size}B")),
        ("warm_up.limit", format!("{}ms", WARM_UP.as_millis())),
        ("thresholds", "[]".to_owned()),
    ];
    if rate_per_s.is_none() {
        // What the producer alone can do.
        sets.push(("load.consumers", "0".to_owned()));
    }
    let sets: Vec<Set> = sets
        .into_iter()
        .map(|(key, value)| Set {
            key: key.to_owned(),
            value,
        })
        .collect();
    let chosen = suites::choose("throughput", None)?;
    let report = Run::prepare(options, &chosen, &sets)?.execute(Box::new(|_| {}))?;
    // Only the figures are wanted.
    let _ = fs::remove_dir_all(&out);
    Ok(report.scenarios.into_iter().next())
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
