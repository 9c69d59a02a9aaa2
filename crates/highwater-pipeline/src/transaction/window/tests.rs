use proptest::prelude::*;

use super::*;

const NOW: Duration = Duration::from_secs(100);

/// A window that is at this action, reached the way it is reached in life.
fn at(action: Action) -> Window {
    let mut window = Window::new(WindowLimits::default());
    for _ in 0..20 {
        if action == Action::Abort && window.is_open() {
            window.lost();
        }
        if action == Action::Rebuild && window.next(NOW, true) == Some(Action::Commit) {
            window.failed(Failure::UnknownOutcome, NOW);
        }
        window.close();
        window.reopen();
        if window.is_open() {
            window.produced(usize::MAX);
        }
        match window.next(NOW, true) {
            Some(next) if next == action => return window,
            Some(_) => window.done(),
            None => panic!("stuck before {action:?}"),
        }
    }
    panic!("never at {action:?}");
}

#[test]
fn a_window_opens_with_the_first_result_and_closes_by_count_or_time() {
    let mut window = Window::new(WindowLimits {
        records: 3,
        ..WindowLimits::default()
    });
    assert_eq!(window.next(NOW, false), Some(Action::Initialise));
    window.done();
    assert_eq!(window.next(NOW, false), Some(Action::Rewind));
    window.done();
    assert_eq!(window.next(NOW, false), None, "nothing to do");
    for (name, records, waited_ms) in [("by count", 3, 0), ("by time", 1, 100)] {
        assert_eq!(window.next(NOW, true), Some(Action::Begin), "{name}");
        assert!(!window.is_open(), "{name}");
        window.done();
        window.produced(records - 1);
        assert!(window.is_open(), "{name}");
        assert_eq!(window.next(NOW, true), None, "{name}");
        window.produced(1);
        let later = NOW + Duration::from_millis(waited_ms);
        for action in [Action::Flush, Action::SendOffsets, Action::Commit] {
            assert_eq!(window.next(later, true), Some(action), "{name}");
            assert!(!window.is_open(), "{name}");
            window.done();
        }
    }
    assert_eq!(window.committed(), 2);
}

#[test]
fn what_follows_each_error() {
    use Action::{Abort, Begin, Commit, Flush, Initialise, Rebuild, Rewind, SendOffsets, Stop};
    use Failure::{Abortable, Fatal, Fenced, Retriable, UnknownOutcome};
    let late = NOW + Duration::from_secs(60);
    let cases = [
        (Initialise, Retriable, late, Initialise),
        (Initialise, Fatal, NOW, Rebuild),
        (Begin, Abortable, NOW, Abort),
        (Flush, Retriable, NOW, Flush),
        (Flush, Retriable, late, Abort),
        (Flush, Abortable, NOW, Abort),
        (Flush, Fatal, NOW, Rebuild),
        (SendOffsets, Retriable, NOW, SendOffsets),
        (SendOffsets, Abortable, NOW, Abort),
        (SendOffsets, UnknownOutcome, NOW, Abort),
        (Commit, Retriable, NOW, Commit),
        (Commit, Retriable, late, Rebuild),
        (Commit, Abortable, NOW, Abort),
        (Commit, UnknownOutcome, NOW, Rebuild),
        (Commit, Fatal, NOW, Rebuild),
        (Commit, Fenced, NOW, Stop(StopReason::Fenced)),
        (Abort, Retriable, NOW, Abort),
        (Abort, UnknownOutcome, NOW, Rebuild),
        (Abort, Abortable, NOW, Rebuild),
        (Rebuild, Retriable, NOW, Rebuild),
        (Rebuild, Fenced, NOW, Stop(StopReason::Fenced)),
        (Rewind, Retriable, late, Rewind),
    ];
    for (action, failure, now, expected) in cases {
        let mut window = at(action);
        window.failed(failure, now);
        assert_eq!(
            window.next(now + Duration::from_secs(1), true),
            Some(expected),
            "{action:?} {failure:?}"
        );
    }
}

#[test]
fn a_window_is_closed_before_partitions_are_given_back() {
    let mut window = at(Action::Begin);
    window.done();
    window.produced(1);
    window.close();
    let mut actions = Vec::new();
    while let Some(action) = window.next(NOW, true) {
        assert!(!window.is_closed());
        actions.push(action);
        window.done();
    }
    assert_eq!(actions, [Action::Flush, Action::SendOffsets, Action::Commit]);
    assert!(window.is_closed());
    window.reopen();
    assert_eq!(window.next(NOW, true), Some(Action::Begin));
}

#[test]
fn what_is_lost_is_not_committed() {
    for action in [Action::Begin, Action::Flush, Action::SendOffsets] {
        let mut window = at(action);
        window.lost();
        assert_eq!(window.next(NOW, true), Some(Action::Abort), "{action:?}");
        window.done();
        assert_eq!(window.next(NOW, true), Some(Action::Rewind), "{action:?}");
    }
}

#[test]
fn a_producer_that_always_fails_stops_the_pipeline() {
    let mut window = at(Action::Commit);
    window.failed(Failure::Fatal, NOW);
    let mut now = NOW;
    for _ in 0..100 {
        now += Duration::from_secs(1);
        match window.next(now, true) {
            Some(Action::Rebuild) => window.failed(Failure::Fatal, now),
            Some(Action::Stop(reason)) => {
                assert_eq!(reason, StopReason::Rebuilt(10));
                return;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("never stopped");
}

proptest! {
    #[test]
    fn never_aborted_in_doubt_and_never_open_before_a_rewind(answers in prop::collection::vec((0..7_u8, 0..3_000_u64), 0..200)) {
        let mut window = Window::new(WindowLimits { rebuilds: u32::MAX, ..WindowLimits::default() });
        let mut now = NOW;
        let (mut in_doubt, mut rewound) = (false, false);
        for (answer, later_ms) in answers {
            now += Duration::from_millis(later_ms);
            let Some(action) = window.next(now, true) else {
                window.produced(1);
                continue;
            };
            match action {
                Action::Abort => prop_assert!(!in_doubt, "aborted a commit in doubt"),
                Action::Begin => prop_assert!(rewound, "began before the offsets were read"),
                Action::Rewind => prop_assert!(!in_doubt, "read offsets of a commit in doubt"),
                _ => {}
            }
            match answer {
                0 => window.failed(Failure::Retriable, now),
                1 => window.failed(Failure::Abortable, now),
                2 => window.failed(Failure::Fatal, now),
                3 => {
                    in_doubt |= action == Action::Commit;
                    window.failed(Failure::UnknownOutcome, now);
                }
                _ => {
                    match action {
                        Action::Rebuild | Action::Initialise => (in_doubt, rewound) = (false, false),
                        Action::Abort => rewound = false,
                        Action::Rewind => rewound = true,
                        _ => {}
                    }
                    window.done();
                }
            }
        }
    }
}
