//! What waits for its moment, earliest first; what has the same moment, in the order in which it came.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::flaw::{self, Flaw};

#[derive(Debug)]
struct Entry<T> {
    due: Duration,
    number: u64,
    item: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.due, self.number) == (other.due, other.number)
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

/// A queue by moment. Invariant: nothing leaves it before its moment.
#[derive(Debug)]
pub(crate) struct DueQueue<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    number: u64,
}

impl<T> Default for DueQueue<T> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            number: 0,
        }
    }
}

impl<T> DueQueue<T> {
    pub(crate) fn push(&mut self, due: Duration, item: T) {
        self.number += 1;
        self.heap.push(Reverse(Entry {
            due,
            number: self.number,
            item,
        }));
    }

    pub(crate) fn pop(&mut self, now: Duration) -> Option<T> {
        let due = self.next_due()?;
        if due > now && !flaw::planted(Flaw::RetryEarly) {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry.item)
    }

    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse(entry)| entry.due)
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.heap.drain().map(|Reverse(entry)| entry.item)
    }
}
