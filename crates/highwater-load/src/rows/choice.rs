//! What a transaction does: which rows, how, and with what in them. Pure, from a seed.
//!
//! Invariant: a row that is to be deleted is nobody else's any more, and a key is never given away twice. So every
//! delete is known by its key alone.

use std::sync::{Mutex, PoisonError};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::schema::TABLES;

/// Fewest rows of a table that deletes leave.
const FEWEST_ROWS: usize = 20;
/// Characters of the longest text.
const LONGEST_TEXT: usize = 400;

/// What is done to one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Insert,
    Update,
    Delete,
}

/// One change of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) table: usize,
    pub(super) id: i64,
    pub(super) action: Action,
    pub(super) content: Content,
}

/// What a row holds beside its key and revision, in the order of the columns of every table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) text: String,
    pub(super) note: Option<String>,
    pub(super) number: i32,
    pub(super) decimal: String,
    pub(super) truth: bool,
    pub(super) at: String,
}

/// The rows that are there, as all writers know them.
#[derive(Debug, Default)]
pub(super) struct Rows {
    live: Mutex<[Live; TABLES.len()]>,
}

#[derive(Debug, Default)]
struct Live {
    ids: Vec<i64>,
    next: i64,
}

impl Rows {
    /// A new key of a table.
    pub(super) fn new_id(&self, table: usize) -> i64 {
        let mut live = self.lock();
        live[table].next += 1;
        live[table].next
    }

    /// A row that is there.
    fn any(&self, table: usize, random: &mut ChaCha8Rng) -> Option<i64> {
        let live = self.lock();
        let ids = &live[table].ids;
        (!ids.is_empty()).then(|| ids[random.random_range(0..ids.len())])
    }

    /// A row that is there, and that nobody gets any more.
    fn take(&self, table: usize, random: &mut ChaCha8Rng) -> Option<i64> {
        let mut live = self.lock();
        let ids = &mut live[table].ids;
        (ids.len() > FEWEST_ROWS).then(|| {
            let place = random.random_range(0..ids.len());
            ids.swap_remove(place)
        })
    }

    /// A row is there, or there again.
    pub(super) fn put(&self, table: usize, id: i64) {
        self.lock()[table].ids.push(id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, [Live; TABLES.len()]> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The changes of one transaction, sorted by table and key so that two transactions don't wait for each other in a
/// circle. A row comes once, or a change and its delete would be one.
pub(super) fn transaction(rows: &Rows, changes: usize, random: &mut ChaCha8Rng) -> Vec<Change> {
    let mut all: Vec<Change> = Vec::with_capacity(changes);
    while all.len() < changes {
        let table = random.random_range(0..TABLES.len());
        let (action, id) = match random.random_range(0..10) {
            0..=2 => (Action::Insert, None),
            3 | 4 => (Action::Delete, rows.take(table, random)),
            _ => (Action::Update, rows.any(table, random)),
        };
        let (action, id) = match id {
            Some(id) => (action, id),
            None => (Action::Insert, rows.new_id(table)),
        };
        if all.iter().any(|other| other.table == table && other.id == id) {
            if action == Action::Delete {
                rows.put(table, id);
            }
            continue;
        }
        all.push(Change {
            table,
            id,
            action,
            content: content(random),
        });
    }
    all.sort_by_key(|change| (change.table, change.id));
    all
}

/// What stands in a row.
pub(super) fn content(random: &mut ChaCha8Rng) -> Content {
    let text = |random: &mut ChaCha8Rng, longest: usize| -> String {
        let length = random.random_range(1..=longest);
        (0..length)
            .map(|_| match random.random_range(0..40) {
                0 => 'ü',
                1 => '"',
                2 => '\\',
                3 => '漢',
                4 => '\n',
                5..=9 => ' ',
                _ => char::from(b'a' + random.random_range(0..26_u8)),
            })
            .collect()
    };
    let (day, second, micros) = (
        random.random_range(1..=28),
        random.random_range(0..86_400),
        random.random_range(0..1_000_000),
    );
    Content {
        text: text(random, LONGEST_TEXT),
        note: random.random_bool(0.5).then(|| text(random, 20)),
        number: random.random_range(i32::MIN..=i32::MAX),
        decimal: format!(
            "{}{}.{:02}",
            if random.random_bool(0.3) { "-" } else { "" },
            random.random_range(0..1_000_000),
            random.random_range(0..100)
        ),
        truth: random.random_bool(0.5),
        at: format!(
            "2026-03-{day:02}T{:02}:{:02}:{:02}.{micros:06}Z",
            second / 3_600,
            second / 60 % 60,
            second % 60
        ),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_seed_gives_the_same_transactions_and_no_row_twice_in_one() {
        let play = |seed| {
            let (rows, mut random) = (Rows::default(), ChaCha8Rng::seed_from_u64(seed));
            let mut all = Vec::new();
            for _ in 0..300 {
                let changes = transaction(&rows, 3, &mut random);
                for change in &changes {
                    if change.action == Action::Insert {
                        rows.put(change.table, change.id);
                    }
                }
                all.push(changes);
            }
            all
        };
        let transactions = play(5);
        assert_eq!(transactions, play(5));
        assert_ne!(transactions, play(6));
        for changes in &transactions {
            assert_eq!(changes.len(), 3);
            assert!(
                changes
                    .windows(2)
                    .all(|pair| (pair[0].table, pair[0].id) < (pair[1].table, pair[1].id))
            );
        }
        for action in [Action::Insert, Action::Update, Action::Delete] {
            let count = transactions
                .iter()
                .flatten()
                .filter(|change| change.action == action)
                .count();
            assert!(count > 50, "{action:?}: {count}");
        }
    }

    #[test]
    fn a_row_is_deleted_once() {
        let (rows, mut random) = (Rows::default(), ChaCha8Rng::seed_from_u64(1));
        let mut deleted = std::collections::BTreeSet::new();
        for _ in 0..2_000 {
            for change in transaction(&rows, 2, &mut random) {
                match change.action {
                    Action::Insert => rows.put(change.table, change.id),
                    Action::Delete => assert!(deleted.insert((change.table, change.id))),
                    Action::Update => assert!(!deleted.contains(&(change.table, change.id))),
                }
            }
        }
        assert!(!deleted.is_empty());
    }
}
