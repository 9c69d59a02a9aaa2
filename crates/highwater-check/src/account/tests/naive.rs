//! Random histories against a checker that keeps everything and compares every pair.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use highwater_model::{Outcome, RecordId};
use proptest::prelude::*;

use super::history::{History, Named, acknowledged, id, without_answer};
use crate::{Attempt, Observed};

/// One record: its fate, and how many copies of it are in the log.
#[derive(Debug, Clone)]
struct Fate {
    producer: u32,
    partition: i32,
    outcome: Outcome,
    handed_over: bool,
    copies: usize,
    /// How far copies are away from where they belong, each.
    delays: [u64; 3],
    /// The acknowledgement names this place instead of that of a copy.
    false_offset: Option<i64>,
    /// The acknowledgement names this copy.
    named_copy: usize,
    names_no_offset: bool,
    /// The last copy is in this partition instead.
    strayed: Option<i32>,
    damage: Damage,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Damage {
    None,
    Payload,
    Stamp,
}

fn fate() -> impl Strategy<Value = Fate> {
    let outcome = prop_oneof![
        8 => Just(Outcome::Acknowledged),
        2 => Just(Outcome::Unknown),
        1 => Just(Outcome::Failed),
        1 => Just(Outcome::Pending),
    ];
    let copies = prop_oneof![1 => Just(0_usize), 8 => Just(1), 1 => Just(2), 1 => Just(3)];
    let delay = || prop_oneof![6 => Just(0_u64), 1 => 0_u64..200];
    let damage = prop_oneof![20 => Just(Damage::None), 1 => Just(Damage::Payload), 1 => Just(Damage::Stamp)];
    (
        (0_u32..3, 0_i32..3, outcome, prop::bool::weighted(0.95), copies),
        [delay(), delay(), delay()],
        prop::option::weighted(0.05, 0_i64..100),
        0_usize..3,
        prop::bool::weighted(0.1),
        prop::option::weighted(0.05, 0_i32..3),
        damage,
    )
        .prop_map(
            |(
                (producer, partition, outcome, handed_over, copies),
                delays,
                false_offset,
                named_copy,
                names_no_offset,
                strayed,
                damage,
            )| Fate {
                producer,
                partition,
                outcome,
                handed_over: handed_over || outcome == Outcome::Acknowledged,
                copies,
                delays,
                false_offset,
                named_copy,
                names_no_offset,
                strayed,
                damage,
            },
        )
}

/// Lays the copies out in the order of their moments, with gaps, and lets acknowledgements name places.
fn history(fates: &[Fate], foreign: &[(i32, u64)], gaps: &[i64]) -> History {
    let mut history = History::default();
    let mut logs: BTreeMap<i32, Vec<(u64, Observed)>> = (0..3).map(|partition| (partition, vec![])).collect();
    let mut next_sequence: HashMap<u32, u64> = HashMap::new();
    let mut ids = Vec::new();
    for (moment, fate) in fates.iter().enumerate() {
        let sequence = next_sequence.entry(fate.producer).or_insert(0);
        let record = id(fate.producer, *sequence);
        *sequence += 1;
        ids.push(record);
        for copy in 0..fate.copies {
            let last = copy + 1 == fate.copies;
            let partition = fate.strayed.filter(|_| last).unwrap_or(fate.partition);
            let observed = match fate.damage {
                Damage::Payload if last => Observed::Corrupt(Some(record)),
                Damage::Stamp if last => Observed::Corrupt(None),
                _ => Observed::Record(record),
            };
            let at = moment as u64 * 4 + fate.delays[copy];
            logs.get_mut(&partition).unwrap().push((at, observed));
        }
    }
    for (partition, at) in foreign {
        logs.get_mut(partition).unwrap().push((*at, Observed::Foreign));
    }
    let mut places: HashMap<RecordId, Vec<(i32, i64)>> = HashMap::new();
    for (partition, mut log) in logs {
        log.sort_by_key(|(at, _)| *at);
        history.logs.entry(partition).or_default();
        let mut offset = 0;
        for (place, (_, observed)) in log.into_iter().enumerate() {
            offset += gaps.get(place % gaps.len().max(1)).copied().unwrap_or(0);
            if let Observed::Record(record) | Observed::Corrupt(Some(record)) = observed {
                places.entry(record).or_default().push((partition, offset));
            }
            history.put(partition, offset, observed);
            offset += 1;
        }
    }
    for (fate, record) in fates.iter().zip(ids) {
        let places = places.get(&record).map_or(&[][..], Vec::as_slice);
        history.attempts.insert(record, attempt(fate, places));
    }
    history.read_to_the_end();
    history
}

fn attempt(fate: &Fate, places: &[(i32, i64)]) -> Attempt {
    if fate.outcome != Outcome::Acknowledged {
        return without_answer(fate.outcome, fate.partition, fate.handed_over);
    }
    let named = places.get(fate.named_copy).or(places.first()).copied();
    let (partition, offset) = match (fate.false_offset, named) {
        (Some(offset), _) => (fate.partition, offset),
        (None, Some(place)) => place,
        (None, None) => (fate.partition, 50),
    };
    let mut attempt = acknowledged(partition, offset);
    if fate.names_no_offset {
        attempt.offset = None;
    }
    attempt
}

/// Everything by definition, with all places of all records at hand.
fn expected(history: &History) -> BTreeSet<(Named, Option<(i32, i64)>)> {
    let mut expected = BTreeSet::new();
    let mut places: Vec<(RecordId, (i32, i64))> = Vec::new();
    let mut damaged = BTreeSet::new();
    let mut add = |name: &str, record, place| expected.insert(((name.to_owned(), record), place));
    for (partition, log) in &history.logs {
        for (offset, observed) in log {
            let place = (*partition, *offset);
            let sent = |record| {
                history
                    .attempts
                    .get(record)
                    .is_some_and(|attempt| attempt.handed_over)
            };
            match observed {
                Observed::Foreign => {
                    add("phantom", RecordId::UNSTAMPED, Some(place));
                }
                Observed::Corrupt(None) => {
                    damaged.insert(place);
                }
                Observed::Corrupt(Some(record)) => {
                    add("corrupt-payload", *record, Some(place));
                    if sent(record) {
                        places.push((*record, place));
                    }
                }
                Observed::Record(record) if sent(record) => places.push((*record, place)),
                Observed::Record(record) => {
                    add("phantom", *record, Some(place));
                }
            }
        }
    }
    for (record, attempt) in &history.attempts {
        let own: Vec<(i32, i64)> = places
            .iter()
            .filter(|(id, _)| id == record)
            .map(|(_, place)| *place)
            .collect();
        let promised = attempt.offset.map(|offset| (attempt.partition, offset));
        if own.len() > 1 {
            add("duplicate", *record, Some(own[1]));
        }
        match (attempt.outcome, own.first()) {
            (Outcome::Failed, Some(place)) => {
                add("client-misclassification", *record, Some(*place));
            }
            (Outcome::Acknowledged, None) => match promised {
                Some(place) if damaged.contains(&place) => {
                    add("corrupt-payload", *record, Some(place));
                }
                _ => {
                    add("lost-write", *record, promised);
                }
            },
            (Outcome::Acknowledged, Some(first)) if promised.is_some_and(|place| !own.contains(&place)) => {
                add("inconsistent-offsets", *record, Some(*first));
            }
            _ => {}
        }
        if let Some(first) = own.iter().find(|place| place.0 == attempt.partition) {
            let is_behind = places.iter().enumerate().any(|(n, (other, place))| {
                let is_first = places[..n]
                    .iter()
                    .all(|(earlier, at)| earlier != other || at.0 != place.0);
                let sent_to = history.attempts[other].partition;
                is_first
                    && sent_to == place.0
                    && other.producer == record.producer
                    && other.sequence > record.sequence
                    && place.0 == first.0
                    && place.1 < first.1
            });
            if is_behind {
                add("nonmonotonic-send", *record, Some(*first));
            }
        }
    }
    // Damaged places that an acknowledgement of a missing record names belong to it.
    for place in damaged {
        let taken = expected.iter().any(|((name, record), at)| {
            name == "corrupt-payload" && *record != RecordId::UNSTAMPED && *at == Some(place)
        });
        if !taken {
            expected.insert((("corrupt-payload".to_owned(), RecordId::UNSTAMPED), Some(place)));
        }
    }
    expected
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_account_agrees_with_the_definition(
        fates in prop::collection::vec(fate(), 0..60),
        foreign in prop::collection::vec((0_i32..3, 0_u64..240), 0..3),
        gaps in prop::collection::vec(prop_oneof![8 => Just(0_i64), 1 => 1_i64..5], 1..5),
    ) {
        let history = history(&fates, &foreign, &gaps);
        let expected = expected(&history);
        let (findings, listed) = history.account("exactly-once, ordered-per-partition");
        let found: BTreeSet<_> = listed
            .iter()
            .map(|(name, example)| {
                let place = example.offset.map(|offset| (example.partition, offset));
                ((name.clone(), example.record), place)
            })
            .collect();
        prop_assert_eq!(listed.len(), found.len(), "listed twice");
        prop_assert_eq!(&found, &expected);

        let named = |anomaly: &str| found.iter().filter(|((name, _), _)| name == anomaly).count() as u64;
        let counts = findings.counts;
        prop_assert_eq!(counts.lost, named("lost-write"));
        prop_assert_eq!(counts.duplicated, named("duplicate"));
        prop_assert_eq!(counts.reordered, named("nonmonotonic-send"));
        prop_assert_eq!(counts.attempted, fates.len() as u64);
        prop_assert_eq!(counts.attempted, counts.acknowledged + counts.failed + counts.unknown);
        prop_assert!(counts.read_back);
        for report in &findings.anomalies {
            prop_assert_eq!(report.count, named(&report.name));
        }
    }
}
