//! Legal oddities raise no alarm, and what was not read is not judged.

use highwater_model::{Outcome, RecordCounts};

use super::history::{History, acknowledged, id, without_answer};
use crate::{Observed, PartitionEnd};

const STRICTEST: &str = "exactly-once, ordered-per-partition";

#[test]
fn counts_of_a_clean_history() {
    let mut history = History::clean(3, 100);
    history.read_to_the_end();
    let (findings, found) = history.anomalies(STRICTEST);
    assert!(found.is_empty(), "{found:?}");
    let expected = RecordCounts {
        attempted: 300,
        acknowledged: 300,
        delivered: 300,
        read_back: true,
        ..RecordCounts::default()
    };
    assert_eq!(findings.counts, expected);
}

#[test]
fn legal_oddities_raise_no_alarm() {
    type Oddity = fn(&mut History);
    let oddities: &[(&str, Oddity)] = &[
        ("unknown and not there", |history| {
            history
                .attempts
                .insert(id(0, 900), without_answer(Outcome::Unknown, 1, true));
        }),
        ("unknown and there", |history| {
            history
                .attempts
                .insert(id(0, 900), without_answer(Outcome::Unknown, 1, true));
            history.put(1, history.end_of(1), Observed::Record(id(0, 900)));
        }),
        ("unknown, there, and the client never said where", |history| {
            history
                .attempts
                .insert(id(0, 900), without_answer(Outcome::Unknown, -1, true));
            history.put(2, history.end_of(2), Observed::Record(id(0, 900)));
        }),
        ("nothing heard of it", |history| {
            history
                .attempts
                .insert(id(0, 900), without_answer(Outcome::Pending, 1, true));
            history.put(1, history.end_of(1), Observed::Record(id(0, 900)));
        }),
        ("due and never handed over", |history| {
            history
                .attempts
                .insert(id(0, 900), without_answer(Outcome::Pending, -1, false));
        }),
        ("failed and not there", |history| {
            history
                .attempts
                .insert(id(0, 900), without_answer(Outcome::Failed, 1, true));
        }),
        ("gaps where control records are", |history| {
            for offset in [100, 107, 180] {
                history
                    .attempts
                    .insert(id(0, 900 + offset), acknowledged(1, offset as i64));
                history.put(1, offset as i64, Observed::Record(id(0, 900 + offset)));
            }
        }),
        ("acknowledged without an offset", |history| {
            let mut attempt = acknowledged(1, -1);
            attempt.offset = None;
            history.attempts.insert(id(0, 900), attempt);
            history.put(1, history.end_of(1), Observed::Record(id(0, 900)));
        }),
        ("acknowledged with the offset that means none", |history| {
            history.attempts.insert(id(0, 900), acknowledged(1, -1));
            history.put(1, history.end_of(1), Observed::Record(id(0, 900)));
        }),
        ("a partition without records", |history| {
            history.logs.insert(9, std::collections::BTreeMap::new());
        }),
        ("a record is missing between two of its producer", |history| {
            let record = history.record_at(1, 4);
            history.take(1, 4);
            history
                .attempts
                .insert(record, without_answer(Outcome::Failed, 1, true));
        }),
        ("acknowledged, and the row forgot the hand-over", |history| {
            let record = history.record_at(1, 4);
            let mut attempt = acknowledged(1, 4);
            attempt.handed_over = false;
            history.attempts.insert(record, attempt);
        }),
    ];
    for (name, oddity) in oddities {
        let mut history = History::clean(3, 20);
        oddity(&mut history);
        history.read_to_the_end();
        let (findings, found) = history.anomalies(STRICTEST);
        assert!(found.is_empty(), "{name}: {found:?}");
        assert!(findings.counts.read_back, "{name}");
        let counts = findings.counts;
        assert_eq!(
            counts.attempted,
            counts.acknowledged + counts.failed + counts.unknown,
            "{name}: {counts:?}"
        );
    }
}

#[test]
fn unknown_records_that_arrived_are_counted() {
    let mut history = History::clean(3, 20);
    for (sequence, there) in [(900, true), (901, false), (902, true)] {
        history
            .attempts
            .insert(id(0, sequence), without_answer(Outcome::Unknown, 1, true));
        if there {
            history.put(1, history.end_of(1), Observed::Record(id(0, sequence)));
        }
    }
    history.read_to_the_end();
    let (findings, _) = history.anomalies(STRICTEST);
    assert_eq!((findings.counts.unknown, findings.unknown_delivered), (3, 2));
    assert_eq!(findings.counts.delivered, 62);
}

#[test]
fn what_was_not_read_is_not_lost() {
    let cut = |read_to: i64| {
        let mut history = History::clean(3, 20);
        history.read_to_the_end();
        history.logs.get_mut(&1).unwrap().split_off(&read_to);
        history.ends[1].read_to = read_to;
        history.account(STRICTEST).0
    };
    let partly = cut(12);
    assert_eq!((partly.counts.lost, partly.unread), (0, 8));
    assert!(!partly.counts.read_back);
    let incomplete: Vec<PartitionEnd> = partly.incomplete;
    assert_eq!((incomplete[0].partition, incomplete[0].read_to), (1, 12));

    let mut nothing = History::clean(3, 20);
    nothing.logs.clear();
    let (findings, listed) = nothing.account(STRICTEST);
    assert_eq!((findings.counts.lost, findings.unread, listed.len()), (0, 60, 0));
    assert!(!findings.counts.read_back);

    let mut one_left_out = History::clean(3, 20);
    one_left_out.logs.remove(&2);
    one_left_out.read_to_the_end();
    let (findings, _) = one_left_out.account(STRICTEST);
    assert_eq!((findings.counts.lost, findings.unread), (0, 20));
    assert!(!findings.counts.read_back);
}

#[test]
fn a_loss_below_the_end_of_a_partial_read_is_certain() {
    let mut history = History::clean(3, 20);
    history.read_to_the_end();
    history.take(1, 5);
    history.ends[1].high_watermark = 40;
    let (findings, _) = history.account(STRICTEST);
    assert_eq!((findings.counts.lost, findings.counts.read_back), (1, false));
}

#[test]
fn a_read_that_goes_backwards_is_told_and_left_out() {
    let history = History::clean(1, 3);
    let (findings, _) = {
        let mut twice = history.clone();
        twice.read_to_the_end();
        twice.account(STRICTEST)
    };
    assert_eq!(findings.read_backwards, 0);
    let none = History::default();
    let (findings, _) = none.account(STRICTEST);
    assert_eq!(findings.counts, RecordCounts::default());
    super::history::read_again(&history, |findings| {
        assert_eq!(findings.read_backwards, 3);
        assert_eq!((findings.counts.delivered, findings.counts.duplicated), (3, 0));
    });
}
