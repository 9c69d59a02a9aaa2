use highwater_model::ExitCode;

use super::*;
use crate::Style;

fn api(name: &str, requests: u64, errors: &[(&str, u64)]) -> ApiCount {
    ApiCount {
        api: name.to_owned(),
        requests,
        errors: errors
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect(),
    }
}

fn rule(name: &str, fault: &str, matched: u64, fired: u64) -> RuleReport {
    RuleReport {
        name: name.to_owned(),
        fault: fault.to_owned(),
        matched,
        fired,
    }
}

/// A second before, and now.
fn moments() -> (Passing, Passing) {
    let before = Passing {
        elapsed_ns: 16_200_000_000,
        bootstrap: "127.0.0.1:41731".into(),
        target: "127.0.0.1:9092".into(),
        seed: "7f3a91".into(),
        connections_open: 3,
        connections: 5,
        responses: 16_204,
        bytes_to_brokers: 80 << 20,
        bytes_to_clients: 3 << 20,
        apis: vec![api("Produce", 15_000, &[]), api("Fetch", 1_200, &[])],
        ..Passing::default()
    };
    let now = Passing {
        elapsed_ns: 17_200_000_000,
        responses: 17_320,
        bytes_to_brokers: 85 << 20,
        bytes_to_clients: (3 << 20) + 220_000,
        apis: vec![
            api(
                "Produce",
                16_000,
                &[("NOT_LEADER_OR_FOLLOWER", 3), ("REQUEST_TIMED_OUT", 12)],
            ),
            api("Fetch", 1_320, &[]),
            api("Metadata", 9, &[("LEADER_NOT_AVAILABLE", 1)]),
        ],
        unknown_requests: 1,
        rules: vec![
            rule("drop-ack", "drop-ack", 16_000, 163),
            rule("late", "hold", 0, 0),
        ],
        troubles: vec!["a client of this machine is connected to broker 1 past the proxy".into()],
        troubles_total: 1,
        ..before.clone()
    };
    (before, now)
}

fn passed(ending: Ending, exit_code: ExitCode, problems: &[&str], passing: Passing) -> Passed {
    Passed {
        passing,
        ending,
        exit_code,
        problems: problems.iter().map(|&text| text.to_owned()).collect(),
        history: Some(HistoryFile {
            path: "run.hwh".into(),
            events: 34_771,
            waited_ns: 0,
            show: "highwater history show run.hwh".into(),
        }),
    }
}

#[test]
fn what_passes_is_told_live_at_every_width() {
    let (before, now) = moments();
    let first = Passing {
        elapsed_ns: 0,
        connections_open: 0,
        apis: Vec::new(),
        ..before.clone()
    };
    let shown = [
        panel(&now, &before, 80, false).join("\n"),
        panel(&now, &before, 120, false).join("\n"),
        panel(&first, &first, 80, false).join("\n"),
        line(&first, &first),
        line(&now, &before),
    ];
    insta::assert_snapshot!("passing-live", shown.join("\n\n----\n\n"));
    for width in [0, 40, 41, 60, 80, 200] {
        for shown in panel(&now, &before, width, false) {
            assert!(
                crate::text::width(&shown) <= usize::from(width.max(40)),
                "{width}: {shown}"
            );
        }
    }
}

#[test]
fn what_passed_is_told_at_the_end() {
    let (before, now) = moments();
    let style = Style {
        color: false,
        width: 100,
    };
    let quiet = Passed {
        history: None,
        ..passed(Ending::Stopped, ExitCode::Holds, &[], before)
    };
    let problems = [
        "rule `late` (hold) never fired: nothing matched it",
        "a client of this machine is connected to broker 1 past the proxy",
    ];
    let shown = [
        summary(&quiet, &style),
        summary(
            &passed(
                Ending::Inconclusive,
                ExitCode::Inconclusive,
                &problems,
                now.clone(),
            ),
            &style,
        ),
    ];
    insta::assert_snapshot!("passing-summary", shown.join("\n----\n\n"));
    let machine = passed(Ending::Inconclusive, ExitCode::Inconclusive, &problems, now);
    insta::assert_json_snapshot!("passing-json", machine);
}
