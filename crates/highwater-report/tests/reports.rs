//! Everything a person reads, as it is, for every kind of result.

mod samples;

use std::path::Path;

use highwater_report::{Format, Style, render, terminal};
use samples::outcomes;

const PLAIN: Style = Style {
    color: false,
    width: 80,
};

#[test]
fn terminal_summaries() {
    for (name, report) in outcomes::all() {
        let path = Path::new("highwater-runs/2026-11-21-0815-demo/report.html");
        let text = terminal(&report, &PLAIN, Some(path));
        insta::assert_snapshot!(format!("terminal-{name}"), text);
    }
}

#[test]
fn documents_of_a_validated_cluster() {
    for (name, report) in [("repeated", outcomes::repeated()), ("holds", outcomes::holds())] {
        let text = render(Format::Document, &report, &PLAIN).unwrap();
        insta::assert_snapshot!(format!("document-{name}"), text);
    }
    let mut baseline = outcomes::repeated();
    baseline.name = "kafka-baseline".to_owned();
    for scenario in &mut baseline.scenarios {
        scenario.faults.clear();
        scenario.rules.clear();
    }
    let text = render(Format::Document, &baseline, &PLAIN).unwrap();
    insta::assert_snapshot!("document-baseline", text);
}

#[test]
fn a_quick_form_says_so_on_the_first_line_of_what_is_read() {
    let report = outcomes::repeated();
    for format in [Format::Terminal, Format::Markdown, Format::Document] {
        let text = render(format, &report, &PLAIN).unwrap();
        let first = text.lines().next().unwrap();
        assert!(first.contains("quick form"), "{format}: {first}");
    }
}

#[test]
fn figures_for_a_spreadsheet() {
    let text = render(Format::Csv, &outcomes::two_scenarios(), &PLAIN).unwrap();
    insta::assert_snapshot!("csv-two-scenarios", text);
}

#[test]
fn no_cell_for_a_spreadsheet_is_a_formula() {
    let mut report = outcomes::two_scenarios();
    report.scenarios[0].name = "=cmd(), \"x\"".to_owned();
    let text = render(Format::Csv, &report, &PLAIN).unwrap();
    assert!(text.contains("\"'=cmd(), \"\"x\"\"\""), "{text}");
}

#[test]
fn terminal_summary_in_a_wide_window() {
    let style = Style {
        color: false,
        width: 120,
    };
    insta::assert_snapshot!("terminal-holds-wide", terminal(&outcomes::holds(), &style, None));
}

#[test]
fn a_terminal_summary_begins_with_the_verdict_and_ends_with_the_command() {
    for (name, report) in outcomes::all() {
        let text = terminal(&report, &PLAIN, None);
        assert!(text.starts_with(report.verdict.word()), "{name}: {text}");
        let last = text.lines().last().unwrap();
        let command: String = report
            .command
            .chars()
            .map(|c| if c.is_control() { '·' } else { c })
            .collect();
        assert!(last.ends_with(&command), "{name}: {last}");
        assert!(
            !text.contains('\u{1b}'),
            "{name}: a control character came through"
        );
        for line in text.lines().filter(|line| *line != last) {
            assert!(
                line.chars().count() <= 80,
                "{name}: wider than 80 columns: {line}"
            );
        }
    }
}

#[test]
fn colour_changes_no_text() {
    for (name, report) in outcomes::all() {
        let colored = Style { color: true, ..PLAIN };
        let mut text = terminal(&report, &colored, None);
        assert!(text.contains('\u{1b}'), "{name}");
        for code in ["\u{1b}[1;31m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[0m"] {
            text = text.replace(code, "");
        }
        assert_eq!(text, terminal(&report, &PLAIN, None), "{name}");
    }
}

#[test]
fn markdown() {
    for (name, report) in outcomes::all() {
        let text = render(Format::Markdown, &report, &PLAIN).unwrap();
        insta::assert_snapshot!(format!("markdown-{name}"), text);
    }
}

#[test]
fn markdown_never_has_more_than_sixty_lines() {
    let mut report = outcomes::two_scenarios();
    let scenario = report.scenarios[0].clone();
    report.scenarios = vec![scenario; 50];
    let text = render(Format::Markdown, &report, &PLAIN).unwrap();
    assert!(text.lines().count() <= 60, "{}", text.lines().count());
    assert!(text.contains(&report.command));
    assert!(text.contains("30 more scenarios"), "{text}");
}

#[test]
fn junit() {
    for (name, report) in outcomes::all() {
        let text = render(Format::Junit, &report, &PLAIN).unwrap();
        insta::assert_snapshot!(format!("junit-{name}"), text);
    }
}

#[test]
fn json_is_the_report() {
    for (name, report) in outcomes::all() {
        let text = render(Format::Json, &report, &PLAIN).unwrap();
        assert_eq!(
            serde_json::from_str::<highwater_model::Report>(&text).unwrap(),
            report,
            "{name}"
        );
    }
}
