//! What leaves the process: run events, the report, verdicts and exit codes.
//!
//! Everything here is plain data with a stable serialised form. A run writes [`Event`]s in order to
//! `events.jsonl`; every report that a person or a machine reads is a function of those events. The crate
//! computes nothing and formats nothing for people.
//!
//! Units: durations and points in time are nanoseconds in `u64` fields ending in `_ns`; points in time count
//! from the start of the run on a monotonic clock. Rates are records per second in `f64` fields ending in
//! `_per_s`. Missing values are `None`, never zero.

mod calibration;
mod cluster;
mod comparison;
mod dead_letter;
mod event;
mod exit_code;
mod group;
mod hazard;
pub mod history;
mod knee;
mod lag;
mod lint;
mod phase;
mod prove;
mod record;
mod report;
mod resources;
mod verdict;

pub use calibration::{
    CALIBRATION_SCHEMA_VERSION, Calibration, CalibrationStep, ClockCalibration, GeneratorCalibration,
    SchedulerCalibration,
};
pub use cluster::{BrokerReport, CanarySample, ClusterReport, PartitionsSample, ThrottleSample, TrendReport};
pub use comparison::{
    COMPARISON_SCHEMA_VERSION, ChangeInterval, ComparedMetric, ComparedScenario, ComparedSide, ComparedUnit,
    Comparison, Design, EffectClass, FingerprintDifference, Gate, GateResult, Worse,
};
pub use dead_letter::{DeadLetter, DeadLetterCause, DeadLetterTopic};
pub use event::{Event, EventBody, Host, NoticeLevel, ProcessState, Setting, Tick};
pub use exit_code::ExitCode;
pub use group::{GroupReport, LagReport, NotRun};
pub use hazard::{
    HAZARDS_SCHEMA_VERSION, HazardArm, HazardCount, HazardFound, HazardLesson, HazardNote, HazardOutcome,
    HazardRecord, HazardReport,
};
pub use knee::{KNEE_SCHEMA_VERSION, KneeAnswer, KneeLimit, KneeOutcome, KneeReport, KneeStep};
pub use lag::{
    LAG_SCHEMA_VERSION, LagGroup, LagJudgement, LagPartition, LagSample, LagState, LagSurvey, LagVerdict,
};
pub use lint::{
    LINT_SCHEMA_VERSION, LintClient, LintFinding, LintGuarantee, LintKind, LintLevel, LintReport,
};
pub use phase::Phase;
pub use prove::{
    ProveCounts, ProveReport, ProvedAnomaly, ProvedExample, RoundEnding, RoundReport, ShrunkSchedule,
};
pub use record::{Outcome, RecordId, RunId, TopicPartition};
pub use report::{
    AnomalyExample, AnomalyReport, CurvePoint, FaultReport, LatencyReport, PhaseReport, Quantiles,
    Recommendation, RecordCounts, Repetition, Report, RuleReport, SCHEMA_VERSION, ScenarioReport,
    StallOracle, StallRow, ThresholdReport, ThresholdResult, TimelineBin, Timing, TimingCurve, ValidityCheck,
};
pub use resources::{
    Collector, GcPause, NetworkSample, ProcessResources, ProcessRole, ResourceSample, Resources,
};
pub use verdict::Verdict;
