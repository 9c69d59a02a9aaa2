use serde::{Deserialize, Serialize};

use crate::{ExitCode, Host, ValidityCheck};

/// Version of the serialised [`Calibration`]; raised when a field changes its meaning or goes away.
pub const CALIBRATION_SCHEMA_VERSION: u32 = 2;

/// What this machine can measure, as printed by `highwater calibrate --format json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// [`CALIBRATION_SCHEMA_VERSION`] of the program that wrote it.
    pub schema_version: u32,
    /// Version of Highwater.
    pub highwater_version: String,
    /// The machine.
    pub host: Host,
    /// The clocks.
    pub clock: ClockCalibration,
    /// How late a thread wakes.
    pub scheduler: SchedulerCalibration,
    /// What the generator does, by size of the records.
    pub generator: Vec<GeneratorCalibration>,
    /// What was checked.
    pub checks: Vec<ValidityCheck>,
    /// Whether every check passed.
    pub good_enough: bool,
    /// What the process exits with.
    pub exit_code: ExitCode,
    /// How long it took.
    pub duration_ns: u64,
}

/// The clocks of a machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ClockCalibration {
    /// Readings of the monotonic clock.
    pub readings: u64,
    /// What a reading takes, on average.
    pub reading_ns: f64,
    /// Smallest difference between two readings that was not zero.
    pub resolution_ns: u64,
    /// Readings that were before the one before.
    pub backward: u64,
    /// Largest difference between two readings that followed each other: the thread was not running.
    pub largest_gap_ns: u64,
    /// Times that the wall clock moved against the monotonic clock by more than a millisecond.
    pub wall_steps: u64,
    /// By how much the wall clock was off against the monotonic clock at the end.
    pub wall_offset_ns: i64,
}

/// How late a thread wakes from a sleep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct SchedulerCalibration {
    /// Sleeps.
    pub sleeps: u64,
    /// Length of each.
    pub asked_ns: u64,
    /// Median of how much longer it was.
    pub late_p50_ns: u64,
    /// 99th percentile.
    pub late_p99_ns: u64,
    /// Largest.
    pub late_max_ns: u64,
    /// Share of the processor time that the hypervisor gave to others meanwhile; none where that is not told.
    pub steal: Option<f64>,
}

/// What the generator does against the dev broker on the same machine: flat out, and on a schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GeneratorCalibration {
    /// Size of a value.
    pub size_bytes: u64,
    /// Records acknowledged per second, flat out.
    pub rate_per_s: Option<f64>,
    /// Processors that the generator used meanwhile.
    pub generator_cores: Option<f64>,
    /// Processors that the broker used meanwhile.
    pub broker_cores: Option<f64>,
    /// Highest rate at which a run was valid; none if none of the rates tried was.
    pub trusted_per_s: Option<f64>,
    /// Lowest rate above it at which a run was not, if one was tried.
    #[serde(default)]
    pub invalid_per_s: Option<f64>,
    /// The rates that were tried, in that order.
    #[serde(default)]
    pub steps: Vec<CalibrationStep>,
}

/// One rate on a schedule, with a consumer beside the producer, judged as every run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationStep {
    /// Rate that was offered.
    pub rate_per_s: f64,
    /// Median of how late records were handed over.
    pub slip_p50_ns: Option<u64>,
    /// 99th percentile.
    pub slip_p99_ns: Option<u64>,
    /// Largest.
    pub slip_max_ns: Option<u64>,
    /// Processors that the generator used.
    pub generator_cores: Option<f64>,
    /// What made it invalid; none if it was valid.
    pub why: Option<String>,
}
