use std::collections::BTreeMap;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::account::{AccountId, Action, Cents, Command, Event, RequestId};
use crate::window::Window;

fn id(name: &str) -> AccountId {
    AccountId::new(name).unwrap()
}

/// Events of a few accounts, two partitions, all legs taken; each with its place.
fn history(asked: &[(u8, u8, u64)]) -> Vec<Placed> {
    const NAMES: [&str; 4] = ["a", "b", "c", "ghost"];
    let mut window: Window<()> = Window::default();
    let (mut placed, mut offsets) = (Vec::new(), [0_i64; 2]);
    for (number, (kind, name, cents)) in asked.iter().enumerate() {
        let account = NAMES[usize::from(*name) % 4];
        let cents = Cents(*cents);
        let action = match kind % 3 {
            0 if account != "ghost" => Action::Deposit(cents),
            0 | 1 => Action::Withdraw(cents),
            _ => Action::Transfer {
                to: id(NAMES[usize::from(*kind) % 4]),
                cents,
            },
        };
        let request = RequestId::new(&format!("r{number}")).unwrap();
        let command = Command {
            account: id(account),
            request,
            expected: None,
            action,
        };
        let at_ms = 86_400_000 * (number as u64 / 10);
        let mut written = window.command(&command, at_ms, ());
        while let Some(step) = written {
            let partition = usize::from(step.event.account.as_str() > "b");
            let offset = offsets[partition];
            // Markers of transactions take offsets, too.
            offsets[partition] += 2;
            placed.push(Placed {
                partition: i32::try_from(partition).unwrap(),
                offset,
                event: step.event,
            });
            written = step.leg.and_then(|leg| window.leg(&leg, at_ms));
        }
        window.committed();
    }
    placed
}

type Everything = (Totals, Vec<DayRow>, Vec<Option<AccountRow>>, Vec<Vec<Line>>);

fn all(views: &Views) -> Everything {
    let names = ["a", "b", "c", "ghost"];
    views
        .read(|reader| {
            Ok((
                reader.totals()?,
                reader.days(100)?,
                names
                    .iter()
                    .map(|name| reader.account(&id(name)))
                    .collect::<Result<_, _>>()?,
                names
                    .iter()
                    .map(|name| reader.statement(&id(name), 0, 1_000))
                    .collect::<Result<_, _>>()?,
            ))
        })
        .unwrap()
}

fn some_history() -> Vec<Placed> {
    history(&[
        (0, 0, 500),
        (0, 1, 70),
        (2, 0, 100),
        (1, 0, 150),
        (5, 1, 20),
        (11, 0, 9),
        (3, 2, 1),
        (5, 0, 30),
    ])
}

#[test]
fn balances_statements_and_days_are_what_the_events_say() {
    let directory = TempDir::new().unwrap();
    let (views, mut projection) = Views::open(directory.path()).unwrap();
    let events = some_history();
    let applied = projection.apply(&events).unwrap();
    assert_eq!(
        applied,
        Applied {
            new: events.len(),
            repeated: 0
        }
    );
    let (totals, days, accounts, statements) = all(&views);
    assert!(totals.conserved, "{totals:?}");
    assert_eq!(totals.events, events.len() as u64);
    assert_eq!(days.len(), 1);
    assert_eq!(
        (days[0].day.as_str(), days[0].deposited, days[0].withdrawn),
        ("1970-01-01", 571, 150)
    );
    let last = |name: &str| {
        events
            .iter()
            .rev()
            .find(|placed| placed.event.account == id(name))
            .unwrap()
            .event
            .clone()
    };
    let alice = accounts[0].clone().unwrap();
    assert_eq!(
        (alice.version, alice.balance),
        (last("a").sequence + 1, last("a").balance.signed())
    );
    let lines: Vec<(&str, i64)> = statements[0]
        .iter()
        .map(|line| (line.kind.as_str(), line.change))
        .collect();
    assert_eq!(lines[..2], [("deposited", 500), ("transfer-begun", -100)]);
    assert!(lines.contains(&("transfer-reversed", 9)), "{lines:?}");
}

#[test]
fn events_that_come_again_change_nothing() {
    let directory = TempDir::new().unwrap();
    let (views, mut projection) = Views::open(directory.path()).unwrap();
    let events = some_history();
    projection.apply(&events).unwrap();
    let before = (all(&views), projection.positions().unwrap());
    for batch in events.chunks(3) {
        let applied = projection.apply(batch).unwrap();
        assert_eq!(
            applied,
            Applied {
                new: 0,
                repeated: batch.len()
            }
        );
    }
    assert_eq!((all(&views), projection.positions().unwrap()), before);
}

#[test]
fn an_event_that_is_missing_or_wrong_stops_its_partition_and_changes_nothing() {
    let events = some_history();
    let first = &events[0];
    let gap = Placed {
        event: Event {
            sequence: 9,
            ..first.event.clone()
        },
        ..first.clone()
    };
    let wrong = Placed {
        event: Event {
            balance: Cents(7),
            ..first.event.clone()
        },
        ..first.clone()
    };
    for (bad, said) in [
        (
            gap,
            "event 9 of a at 0@0 came where 0 was due: something else wrote to the topic, or records are gone",
        ),
        (
            wrong,
            "the balance in event 0 of a at 0@0 does not follow from the one before",
        ),
    ] {
        let directory = TempDir::new().unwrap();
        let (views, mut projection) = Views::open(directory.path()).unwrap();
        let others = events
            .iter()
            .find(|placed| placed.partition == 0 && placed.event.account == id("b"))
            .unwrap();
        let error = projection.apply(&[others.clone(), bad]).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.partition()), (said, Some(0)));
        assert_eq!(projection.positions().unwrap(), BTreeMap::new());
        assert_eq!(all(&views).0.events, 0);
    }
}

#[test]
fn what_is_made_beside_takes_over_and_survives_a_restart() {
    let directory = TempDir::new().unwrap();
    let events = some_history();
    let before = {
        let (views, mut projection) = Views::open(directory.path()).unwrap();
        projection.apply(&events).unwrap();
        let before = all(&views);
        let mut building = views.build().unwrap();
        building.projection.apply(&events[..2]).unwrap();
        assert_eq!(all(&views), before, "the one that is read is as it was");
        building.projection.apply(&events[2..]).unwrap();
        drop(projection);
        let projection = views.switch(building).unwrap();
        assert_eq!((all(&views), views.generation()), (before.clone(), 2));
        assert!(!directory.path().join("projections-1.db").exists());
        // One that was never finished.
        views.build().unwrap();
        drop(projection);
        before
    };
    let (views, projection) = Views::open(directory.path()).unwrap();
    assert_eq!((all(&views), views.generation()), (before, 2));
    assert!(!directory.path().join("projections-3.db").exists());
    assert_eq!(projection.positions().unwrap().len(), 2);
}

#[test]
fn tables_of_another_version_are_left_behind() {
    let directory = TempDir::new().unwrap();
    {
        let (_views, mut projection) = Views::open(directory.path()).unwrap();
        projection.apply(&some_history()).unwrap();
    }
    let old = rusqlite::Connection::open(directory.path().join("projections-1.db")).unwrap();
    old.pragma_update(None, "user_version", SCHEMA_VERSION + 1)
        .unwrap();
    drop(old);
    let (views, projection) = Views::open(directory.path()).unwrap();
    assert_eq!(
        (views.generation(), projection.positions().unwrap()),
        (2, BTreeMap::new())
    );
}

#[test]
fn a_directory_has_one_process() {
    let directory = TempDir::new().unwrap();
    let first = Views::open(directory.path()).unwrap();
    let error = Views::open(directory.path()).unwrap_err().to_string();
    assert!(
        error.contains("give each instance a --directory of its own"),
        "{error}"
    );
    drop(first);
    Views::open(directory.path()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Batches of any size, with crashes between them and deliveries from anywhere before: money is conserved in every
    /// read, whichever partition is ahead, and the end is the same.
    #[test]
    fn money_is_conserved_in_every_read(
        asked in prop::collection::vec((0..12_u8, 0..4_u8, 1..400_u64), 1..60),
        first in 0..2_i32, sizes in prop::collection::vec((1..9_usize, 0..5_usize, any::<bool>()), 1..40),
    ) {
        let events = history(&asked);
        let whole = TempDir::new().unwrap();
        let (expected, mut at_once) = Views::open(whole.path()).unwrap();
        at_once.apply(&events).unwrap();

        // One partition may be read to its end before the other begins.
        let mut ordered: Vec<Placed> = events.iter().filter(|placed| placed.partition == first).cloned().collect();
        ordered.extend(events.iter().filter(|placed| placed.partition != first).cloned());
        let directory = TempDir::new().unwrap();
        let (mut views, mut projection) = Views::open(directory.path()).unwrap();
        let (mut at, mut sizes) = (0, sizes.into_iter().cycle());
        while at < ordered.len() {
            let (size, back, crash) = sizes.next().unwrap();
            let end = (at + size).min(ordered.len());
            projection.apply(&ordered[at.saturating_sub(back)..end]).unwrap();
            at = end;
            prop_assert!(all(&views).0.conserved, "{:?}", all(&views).0);
            if crash {
                drop(projection);
                drop(views);
                (views, projection) = Views::open(directory.path()).unwrap();
            }
        }
        prop_assert_eq!(all(&views).0, all(&expected).0);
        prop_assert_eq!(all(&views).1, all(&expected).1);
        prop_assert_eq!(all(&views).2, all(&expected).2);
        prop_assert_eq!(all(&views).3, all(&expected).3);
        prop_assert_eq!(projection.positions().unwrap(), at_once.positions().unwrap());
    }
}
