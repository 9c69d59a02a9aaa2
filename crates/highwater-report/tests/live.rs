//! The live view at the moments that matter.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is a failed test")]

mod samples;
mod streams;

use std::io::Write;
use std::sync::{Arc, Mutex};

use highwater_model::Report;
use highwater_report::{Live, LiveMode, Replay, live_lines};
use samples::{MS, S, outcomes};

/// Moments of the demo with what is to be seen.
const MOMENTS: [(&str, u64); 7] = [
    ("started", 50 * MS),
    ("starting-the-broker", 200 * MS),
    ("steady", 9 * S),
    ("killed", 15_900 * MS),
    ("recovered", 17 * S),
    ("reading-back", 32_700 * MS),
    ("finished", 33_200 * MS),
];

fn replay(report: &Report, until_ns: u64) -> Replay {
    let mut replay = Replay::default();
    for event in streams::of(report, until_ns).events {
        replay.apply(&event);
    }
    replay.advance(until_ns);
    replay
}

/// What was written, kept where the test can see it.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[test]
fn the_view_at_80_and_120_columns() {
    let report = outcomes::holds();
    for width in [80, 120] {
        for (name, at_ns) in MOMENTS {
            let lines = live_lines(&replay(&report, at_ns), width, false);
            for line in &lines {
                assert!(line.chars().count() <= usize::from(width), "{name}: {line}");
            }
            insta::assert_snapshot!(format!("live-{width}-{name}"), lines.join("\n"));
        }
    }
}

#[test]
fn hostile_names_stay_on_their_line() {
    for (name, report) in outcomes::all() {
        for line in live_lines(&replay(&report, 17 * S), 80, false) {
            assert!(!line.contains(char::is_control), "{name}: {line:?}");
            assert!(line.chars().count() <= 80, "{name}: {line}");
        }
    }
}

#[test]
fn plain_lines_are_one_a_second_and_one_for_each_notable_event() {
    let screen = Screen::default();
    let mut live = Live::new(Box::new(screen.clone()), LiveMode::Lines);
    for event in streams::of(&outcomes::holds(), 40 * S).events {
        live.event(&event);
    }
    live.finish();
    let text = screen.text();
    assert!(!text.contains('\u{1b}'));
    insta::assert_snapshot!("live-lines", text);
}

#[test]
fn the_cursor_comes_back_on_every_way_out() {
    for way in ["finish", "drop", "run-finished"] {
        let screen = Screen::default();
        let mut live = Live::new(
            Box::new(screen.clone()),
            LiveMode::Terminal {
                width: 80,
                color: true,
            },
        );
        let until_ns = if way == "run-finished" { u64::MAX } else { 9 * S };
        for event in streams::of(&outcomes::holds(), until_ns).events {
            live.event(&event);
        }
        match way {
            "finish" => live.finish(),
            "drop" => drop(live),
            _ => {}
        }
        let text = screen.text();
        let hidden = text.rfind("\u{1b}[?25l").expect("the cursor was hidden");
        let shown = text.rfind("\u{1b}[?25h").expect("the cursor was shown");
        assert!(shown > hidden, "{way}");
        assert!(
            text[..shown].ends_with("\u{1b}[J"),
            "{way}: the view was not cleared: {:?}",
            &text[shown - 30..]
        );
    }
}

#[test]
fn a_figure_is_shown_at_once_and_time_goes_on_without_events() {
    let screen = Screen::default();
    let mut live = Live::new(Box::new(screen.clone()), LiveMode::Lines);
    for event in streams::of(&outcomes::holds(), 200 * MS).events {
        live.event(&event);
    }
    assert!(screen.text().contains("process dev broker starting"));
    live.refresh(1_100 * MS);
    live.refresh(1_200 * MS);
    live.refresh(2_050 * MS);
    let waiting = screen
        .text()
        .lines()
        .filter(|line| line.ends_with("dev broker starting"))
        .count();
    assert_eq!(waiting, 3, "{}", screen.text());
}

#[test]
fn silent_writes_nothing_and_a_broken_output_ends_the_view_only() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
    }
    let events = streams::of(&outcomes::holds(), u64::MAX).events;
    let screen = Screen::default();
    let mut silent = Live::new(Box::new(screen.clone()), LiveMode::Silent);
    let mut broken = Live::new(Box::new(Broken), LiveMode::Lines);
    for event in &events {
        silent.event(event);
        broken.event(event);
    }
    silent.finish();
    assert_eq!(screen.text(), "");
}
