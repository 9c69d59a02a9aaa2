//! `junit.xml`: one test case for each scenario.
//!
//! | verdict | in JUnit |
//! |---|---|
//! | HOLDS | passed |
//! | VIOLATED | failure of type `violated` |
//! | INCONCLUSIVE | failure of type `inconclusive`: a skipped test would look like a pass |
//! | INVALID | error of type `invalid` |
//!
//! A run that did not come to its end has one more test case, which failed with type `incomplete`, so that
//! scenarios that never began are not taken for passed.

use std::time::Duration;

use highwater_model::{Report, ScenarioReport, Verdict};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use crate::{ReportError, wording};

pub(crate) fn junit(report: &Report) -> Result<String, ReportError> {
    let mut suite = TestSuite::new(report.name.as_str());
    suite.set_time(Duration::from_nanos(report.duration_ns));
    suite.add_property(("highwater.version", report.highwater_version.as_str()));
    suite.add_property(("highwater.run_id", report.run_id.as_str()));
    suite.add_property(("highwater.seed", report.seed.as_str()));
    suite.add_property(("highwater.command", report.command.as_str()));
    suite.add_property(("highwater.started_at", report.started_at.as_str()));
    for scenario in &report.scenarios {
        suite.add_test_case(test_case(report, scenario));
    }
    for not_run in &report.not_run {
        let mut status = TestCaseStatus::skipped();
        status.set_message(not_run.reason.as_str());
        suite.add_test_case(TestCase::new(not_run.name.as_str(), status));
    }
    if !report.complete {
        suite.add_test_case(incomplete(report));
    }
    let mut all = quick_junit::Report::new("highwater");
    all.set_time(Duration::from_nanos(report.duration_ns));
    all.add_test_suite(suite);
    all.to_string().map_err(ReportError::Junit)
}

fn test_case(report: &Report, scenario: &ScenarioReport) -> TestCase {
    let (kind, name) = match scenario.verdict {
        Verdict::Holds => return passed(report, scenario),
        Verdict::Violated => (NonSuccessKind::Failure, "violated"),
        Verdict::Inconclusive => (NonSuccessKind::Failure, "inconclusive"),
        Verdict::Invalid => (NonSuccessKind::Error, "invalid"),
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(name);
    status.set_message(wording::headline(scenario));
    status.set_description(description(report, scenario));
    with_status(report, scenario, status)
}

fn passed(report: &Report, scenario: &ScenarioReport) -> TestCase {
    let mut case = with_status(report, scenario, TestCaseStatus::success());
    case.set_system_out(wording::account_in_words(&scenario.records));
    case
}

fn with_status(report: &Report, scenario: &ScenarioReport, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(wording::title(scenario), status);
    case.set_classname(format!("highwater.{}", report.name));
    case.set_time(Duration::from_nanos(scenario.duration_ns));
    case
}

fn incomplete(report: &Report) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type("incomplete");
    status.set_message(format!(
        "the run ended {}",
        report.stopped_at.as_deref().unwrap_or("early")
    ));
    let mut case = TestCase::new("the run comes to its end", status);
    case.set_classname(format!("highwater.{}", report.name));
    case
}

/// Everything that a person who sees only the continuous integration needs to go on.
fn description(report: &Report, scenario: &ScenarioReport) -> String {
    let mut lines = scenario.reasons.clone();
    for anomaly in &scenario.anomalies {
        lines.push(wording::anomaly(anomaly));
    }
    for threshold in wording::not_passed(&scenario.thresholds) {
        lines.push(wording::threshold_outcome(threshold));
    }
    for check in wording::not_valid(&scenario.validity) {
        lines.push(wording::validity_outcome(check));
    }
    lines.extend(scenario.hints.iter().cloned());
    lines.push(format!("again: {}", report.command));
    lines.join("\n")
}
