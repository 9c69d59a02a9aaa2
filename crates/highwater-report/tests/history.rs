//! A wire history as a person reads it.

mod histories;

use highwater_model::history::{GoodTo, HistoryEvent};
use highwater_report::Style;
use highwater_report::history::{Around, Filter, Follow, Names, Row, Summary, Table, Window, sequence, svg};

const NARROW: Style = Style {
    color: false,
    width: 80,
};
const WIDE: Style = Style {
    color: false,
    width: 140,
};

const NAMES: Names = Names {
    api: |key| match key {
        0 => Some("Produce"),
        1 => Some("Fetch"),
        8 => Some("OffsetCommit"),
        22 => Some("InitProducerId"),
        26 => Some("EndTxn"),
        _ => None,
    },
    error: |code| (code == 6).then_some("NOT_LEADER_OR_FOLLOWER"),
};

fn rows(events: &[HistoryEvent], filter: Filter, around: Option<&str>, context: usize) -> Vec<Row> {
    let around: Option<Around> = around.map(|text| text.parse().expect("an event"));
    let mut window = Window::new(around.is_some().then_some(context));
    let mut follow = Follow::new(filter, around, NAMES);
    let mut rows = Vec::new();
    for event in events {
        follow.event(event);
        while let Some(row) = follow.next_row() {
            rows.extend(window.pass(row));
        }
    }
    follow.finish();
    while let Some(row) = follow.next_row() {
        rows.extend(window.pass(row));
    }
    assert!(window.is_found());
    rows
}

fn table(rows: &[Row], style: &Style) -> String {
    let table = Table::new(style);
    table.head() + &rows.iter().map(|row| table.row(row)).collect::<String>()
}

fn all() -> Vec<Row> {
    rows(&histories::sample(), Filter::default(), None, 0)
}

#[test]
fn a_table() {
    insta::assert_snapshot!("history-table", table(&all(), &NARROW));
    insta::assert_snapshot!("history-table-wide", table(&all(), &WIDE));
}

#[test]
fn a_sequence() {
    insta::assert_snapshot!("history-sequence", sequence(&all(), &NARROW));
    insta::assert_snapshot!("history-sequence-wide", sequence(&all(), &WIDE));
}

#[test]
fn a_picture() {
    let picture = svg(&all());
    insta::assert_snapshot!("history-picture", picture.replace("><", ">\n<"));
}

#[test]
fn a_summary() {
    let mut summary = Summary::default();
    for event in &histories::sample() {
        summary.event(event);
    }
    let good = GoodTo {
        byte: 1_234,
        ..GoodTo::default()
    };
    insta::assert_snapshot!("history-summary", summary.text(good, NAMES, &NARROW));
}

#[test]
fn nothing_is_wider_than_the_screen_and_colour_changes_no_text() {
    for width in [80, 100, 140] {
        let plain = Style { color: false, width };
        let colored = Style { color: true, width };
        for (name, text, painted) in [
            ("table", table(&all(), &plain), table(&all(), &colored)),
            ("sequence", sequence(&all(), &plain), sequence(&all(), &colored)),
        ] {
            for line in text.lines() {
                assert!(line.chars().count() <= usize::from(width), "{name}: {line}");
            }
            let codes = ["\x1b[1m", "\x1b[2m", "\x1b[1;31m", "\x1b[0m"];
            let bare = codes
                .iter()
                .fold(painted.clone(), |text, code| text.replace(code, ""));
            assert_ne!(painted, text);
            let trimmed = |text: &str| {
                text.lines()
                    .map(|line| line.trim_end().to_owned())
                    .collect::<Vec<_>>()
            };
            assert_eq!(trimmed(&bare), trimmed(&text), "{name}");
        }
    }
}

#[test]
fn filters_show_what_they_say() {
    let events = histories::sample();
    for (name, filter, wanted) in [
        (
            "a producer by its id",
            Filter {
                producer: Some("4000".parse().unwrap()),
                ..Filter::default()
            },
            vec!["Produce", "Produce", "fault", "Produce", "Fetch"],
        ),
        (
            "a transactional id",
            Filter {
                producer: Some("etl-1".parse().unwrap()),
                ..Filter::default()
            },
            vec!["InitProducerId", "Produce", "fault", "Produce", "EndTxn"],
        ),
        (
            "a group",
            Filter {
                group: Some("billing".into()),
                ..Filter::default()
            },
            vec!["OffsetCommit", "disconnected"],
        ),
        (
            "a topic",
            Filter {
                topic: Some("payments".parse().unwrap()),
                ..Filter::default()
            },
            vec!["Produce", "fault", "Produce"],
        ),
        (
            "a partition",
            Filter {
                topic: Some("orders/2".parse().unwrap()),
                ..Filter::default()
            },
            vec![
                "Produce",
                "Produce",
                "fault",
                "Produce",
                "Fetch",
                "OffsetCommit",
                "disconnected",
            ],
        ),
        (
            "another partition",
            Filter {
                topic: Some("orders/1".parse().unwrap()),
                ..Filter::default()
            },
            vec![],
        ),
        (
            "a connection",
            Filter {
                connection: Some(3),
                ..Filter::default()
            },
            vec!["connected", "client", "Fetch", "OffsetCommit", "disconnected"],
        ),
        (
            "an api",
            Filter {
                api_key: Some(26),
                ..Filter::default()
            },
            vec!["EndTxn"],
        ),
        (
            "an api of a topic",
            Filter {
                api_key: Some(1),
                topic: Some("orders".parse().unwrap()),
                ..Filter::default()
            },
            vec!["Fetch", "disconnected"],
        ),
    ] {
        let rows = rows(&events, filter, None, 0);
        // Processes, troubles, the end and rules that are armed concern everybody.
        let found: Vec<&str> = rows
            .iter()
            .filter(|row| !row.client.is_empty())
            .map(|row| row.api.split(' ').next().unwrap())
            .collect();
        assert_eq!(found, wanted, "{name}");
    }
}

#[test]
fn around_an_event_there_is_context_and_no_more() {
    let events = histories::sample();
    for (name, around, context, first, marked, last) in [
        ("an event", "13", 1, 11, 13, 14),
        ("the first fault", "fault:1", 2, 11, 14, 16),
        ("a firing of a rule", "no-leader:1", 1, 18, 19, 21),
        ("a trouble", "trouble", 0, 34, 34, 34),
        ("a process", "process:1", 1, 31, 32, 34),
    ] {
        let rows = rows(&events, Filter::default(), Some(around), context);
        let found: Vec<u64> = rows.iter().map(|row| row.sequence).collect();
        let mark = rows.iter().find(|row| row.marked).unwrap();
        assert!(
            found.first() <= Some(&first) && mark.sequence <= marked && found.last() <= Some(&(last + 3)),
            "{name}: {found:?}"
        );
        assert!(rows.len() <= 2 * context + 1, "{name}: {found:?}");
    }
    assert!("".parse::<Around>().is_err());
    assert!("fault:0".parse::<Around>().is_err());
}
