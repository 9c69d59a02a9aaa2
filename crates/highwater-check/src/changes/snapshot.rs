//! Rows of the initial snapshot: the row as it was at one moment, which stands for all changes before.

use super::account::First;
use super::describe;
use super::{At, ChangeAccount, ChangeEvent};
use crate::Anomaly;
use highwater_model::RecordId;

impl ChangeAccount<'_> {
    /// A row of a snapshot. One that comes again is a repeat; one with a newer state belongs to a snapshot that
    /// was begun again.
    pub(super) fn snapshot_row(&mut self, at: At<'_>, partition: u32, key: u32, event: &ChangeEvent) {
        let streaming = self.sequences[partition as usize].streaming;
        let Some(in_key) = self.state_of(key, event) else {
            let known = self.changes_until(key, event.wal_position);
            let state = &mut self.keys[key as usize];
            state.covered = state.covered.max(known);
            self.fresh(at, partition);
            return self.add(Anomaly::CorruptPayload, at, RecordId::UNSTAMPED, || {
                format!("{}, as it never was", describe::event(event))
            });
        };
        let record = self.history.changes()[self.history.place(key, in_key)].record;
        let before = self.keys[key as usize].snapshot;
        match before {
            // A snapshot after the stream has begun: the connector has forgotten where it was.
            _ if streaming => {
                self.summary.repeated += 1;
                self.add(Anomaly::RedeliveryOutsideWindow, at, record, || {
                    format!(
                        "{}, though changes were being streamed before it: a second snapshot",
                        describe::event(event)
                    )
                });
            }
            Some(first) if in_key + 1 == self.keys[key as usize].covered => {
                self.duplicated += 1;
                self.repeated(at, partition, first, event, record);
            }
            _ => {
                let position = self.fresh(at, partition);
                self.summary.snapshot_rows += u64::from(before.is_none());
                let state = &mut self.keys[key as usize];
                state.covered = in_key + 1;
                state.reached = state.reached.max(in_key + 1);
                state.snapshot = Some(First {
                    partition,
                    offset: at.offset,
                    position,
                });
                self.snapshot_at = self.snapshot_at.max(event.wal_position);
            }
        }
    }

    /// The last change that left the row as the snapshot has it, not behind the snapshot's own position.
    fn state_of(&self, key: u32, event: &ChangeEvent) -> Option<u32> {
        let until = self.changes_until(key, event.wal_position);
        let left =
            |in_key: &u32| self.history.changes()[self.history.place(key, *in_key)].after == event.after;
        (0..until).rev().find(left)
    }

    /// How many changes of a key stand before a position of the write-ahead log.
    fn changes_until(&self, key: u32, wal_position: Option<u64>) -> u32 {
        let all = self.history.changes_of(key);
        let Some(wal_position) = wal_position else {
            return all;
        };
        (0..all)
            .rev()
            .find(|in_key| {
                self.history.changes()[self.history.place(key, *in_key)].wal_position <= wal_position
            })
            .map_or(0, |last| last + 1)
    }
}
