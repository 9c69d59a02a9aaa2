//! How a proxy ended, and the exit code that says the same.
//!
//! Order: what failed (4) before what shows nothing (5). A proxy without rules that only watched ends with 0.

use std::path::Path;

use highwater_model::ExitCode;
use highwater_model::history::Trouble;
use highwater_proxy::{RuleCount, Summary};
use highwater_report::passing::{Ending, HistoryFile, Passed, Passing};
use highwater_scenario::trouble_in_words;

use crate::failure::with_sources;

/// Everything that is told at the end.
pub(super) fn passed(passing: Passing, summary: &Summary, history: Option<&Path>) -> Passed {
    let mut failed = Vec::new();
    if let Some(error) = &summary.history_failure {
        failed.push(format!("the history is incomplete: {}", with_sources(error)));
    }
    let troubles = &summary.snapshot.troubles;
    let undecoded = |trouble: &&Trouble| {
        matches!(
            trouble,
            Trouble::Undecoded {
                wanted_by_rule: true,
                ..
            }
        )
    };
    failed.extend(troubles.iter().filter(undecoded).take(1).map(trouble_in_words));
    let mut missing: Vec<String> = summary.snapshot.rules.iter().filter_map(never_fired).collect();
    let bypass = |trouble: &&Trouble| matches!(trouble, Trouble::Bypass { .. });
    missing.extend(troubles.iter().filter(bypass).take(1).map(trouble_in_words));
    if history.is_some() {
        let hole = |trouble: &&Trouble| {
            matches!(
                trouble,
                Trouble::Undecoded {
                    wanted_by_rule: false,
                    ..
                } | Trouble::Unrecorded { .. }
                    | Trouble::Opaque { .. }
            )
        };
        let holes = troubles.iter().filter(hole).count();
        if let Some(first) = troubles.iter().find(hole) {
            missing.push(format!(
                "the history has holes: {holes} of what passed could not be written down whole; first: {}",
                trouble_in_words(first)
            ));
        }
    }
    let (ending, exit_code) = match (failed.is_empty(), missing.is_empty()) {
        (false, _) => (Ending::Failed, ExitCode::Infrastructure),
        (true, false) => (Ending::Inconclusive, ExitCode::Inconclusive),
        (true, true) => (Ending::Stopped, ExitCode::Holds),
    };
    Passed {
        passing,
        ending,
        exit_code,
        problems: [failed, missing].concat(),
        history: history.map(|path| {
            let path = path.display().to_string();
            HistoryFile {
                events: summary.events,
                waited_ns: u64::try_from(summary.waited.as_nanos()).unwrap_or(u64::MAX),
                show: format!("highwater history show {}", super::super::run::quoted(&path)),
                path,
            }
        }),
    }
}

/// A rule that did nothing: what it is about was not put to the test.
fn never_fired(rule: &RuleCount) -> Option<String> {
    let named = match rule.name == rule.fault {
        true => format!("rule `{}`", rule.name),
        false => format!("rule `{}` ({})", rule.name, rule.fault),
    };
    match (rule.fired, rule.matched) {
        (0, 0) => Some(format!(
            "{named} never fired: nothing matched it; see its scope, and what passed"
        )),
        (0, matched) => Some(format!(
            "{named} never fired, though it matched {matched} times: see its trigger"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use highwater_model::history::ExchangeId;
    use highwater_proxy::{ProxyError, Snapshot};

    use super::*;

    fn ended(change: impl FnOnce(&mut Summary)) -> Passed {
        passed(Passing::default(), &changed(change), Some(Path::new("a b.hwh")))
    }

    fn changed(change: impl FnOnce(&mut Summary)) -> Summary {
        let mut summary = Summary {
            snapshot: Snapshot::default(),
            tls: "",
            events: 7,
            waited: Duration::ZERO,
            history_failure: None,
        };
        change(&mut summary);
        summary
    }

    fn rule(matched: u64, fired: u64) -> RuleCount {
        RuleCount {
            name: "late".into(),
            fault: "hold",
            matched,
            fired,
        }
    }

    fn undecoded(wanted_by_rule: bool) -> Trouble {
        Trouble::Undecoded {
            exchange: ExchangeId(1),
            api_key: 0,
            api_version: 13,
            wanted_by_rule,
            reason: "cut short".into(),
        }
    }

    #[test]
    fn the_exit_code_says_what_the_summary_says() {
        let failure = || ProxyError::History {
            path: "a b.hwh".into(),
            source: std::io::ErrorKind::StorageFull.into(),
        };
        let bypass = || Trouble::Bypass {
            evidence: "seen".into(),
        };
        type Change = Box<dyn FnOnce(&mut Summary)>;
        let cases: Vec<(&str, Change, ExitCode, &str)> = vec![
            ("nothing", Box::new(|_| {}), ExitCode::Holds, ""),
            (
                "fired",
                Box::new(|summary| summary.snapshot.rules = vec![rule(9, 1)]),
                ExitCode::Holds,
                "",
            ),
            (
                "no match",
                Box::new(|summary| summary.snapshot.rules = vec![rule(9, 1), rule(0, 0)]),
                ExitCode::Inconclusive,
                "nothing matched",
            ),
            (
                "matched only",
                Box::new(|summary| summary.snapshot.rules = vec![rule(9, 0)]),
                ExitCode::Inconclusive,
                "matched 9 times",
            ),
            (
                "bypass",
                Box::new(move |summary| summary.snapshot.troubles = vec![bypass()]),
                ExitCode::Inconclusive,
                "past the proxy: seen",
            ),
            (
                "not for a rule",
                Box::new(|summary| summary.snapshot.troubles = vec![undecoded(false)]),
                ExitCode::Inconclusive,
                "the history has holes: 1",
            ),
            (
                "for a rule",
                Box::new(|summary| {
                    summary.snapshot.troubles = vec![undecoded(true)];
                    summary.snapshot.rules = vec![rule(0, 0)];
                }),
                ExitCode::Infrastructure,
                "Produce 13",
            ),
            (
                "history",
                Box::new(move |summary| summary.history_failure = Some(failure())),
                ExitCode::Infrastructure,
                "incomplete",
            ),
        ];
        for (name, change, code, problem) in cases {
            let passed = ended(change);
            assert_eq!(passed.exit_code, code, "{name}");
            match problem {
                "" => assert_eq!(passed.problems, Vec::<String>::new(), "{name}"),
                part => assert!(passed.problems[0].contains(part), "{name}: {:?}", passed.problems),
            }
        }
    }

    #[test]
    fn what_was_not_to_be_written_down_leaves_no_hole() {
        let summary = changed(|summary| summary.snapshot.troubles = vec![undecoded(false)]);
        let passed = passed(Passing::default(), &summary, None);
        assert_eq!(passed.exit_code, ExitCode::Holds);
        assert_eq!(passed.problems, Vec::<String>::new());
    }

    #[test]
    fn the_command_that_shows_the_history_can_be_pasted() {
        let history = ended(|_| {}).history.unwrap();
        assert_eq!(history.show, "highwater history show 'a b.hwh'");
    }
}
