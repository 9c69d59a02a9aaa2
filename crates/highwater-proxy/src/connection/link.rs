//! What network faults do to the bytes of one connection, and the ways in which it ends.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::stream::Socket;
use crate::fault::OnLink;
use crate::rule::Direction;

/// How often a connection that lets nothing through looks whether it may again.
pub(super) const GLANCE: Duration = Duration::from_millis(5);

/// The effects of this moment in one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Effects {
    pub(super) black_hole: bool,
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
    pub(super) bytes_per_second: Option<u64>,
    pub(super) slice: Option<(usize, Duration)>,
    pub(super) close_delay: Duration,
}

impl Effects {
    /// Adds an effect; the stronger one of a kind counts.
    pub(super) fn add(&mut self, effect: OnLink, direction: Direction) {
        match effect {
            OnLink::Latency {
                delay,
                jitter,
                direction: of,
            } if of.covers(direction) => {
                self.delay = self.delay.max(delay);
                self.jitter = self.jitter.max(jitter);
            }
            OnLink::Bandwidth {
                bytes_per_second,
                direction: of,
            } if of.covers(direction) => {
                let least = self.bytes_per_second.unwrap_or(u64::MAX).min(bytes_per_second);
                self.bytes_per_second = Some(least);
            }
            OnLink::Slice {
                size,
                delay,
                direction: of,
            } if of.covers(direction) => {
                self.slice = Some((size, delay));
            }
            OnLink::BlackHole { direction: of } if of.covers(direction) => self.black_hole = true,
            OnLink::SlowClose { delay } => self.close_delay = self.close_delay.max(delay),
            _ => {}
        }
    }
}

/// An effect that began at a request.
#[derive(Debug, Clone, Copy)]
struct Begun {
    rule: u16,
    effect: OnLink,
    until: Option<Duration>,
}

/// The state of the link.
#[derive(Debug, Default)]
pub(crate) struct Link {
    begun: Mutex<Vec<Begun>>,
    any: AtomicBool,
    /// Rules that were counted at this connection.
    touched: Mutex<HashSet<u16>>,
    /// The connection ends now, on both sides.
    pub(super) over: CancellationToken,
    /// The client's side ends now.
    pub(super) client_over: CancellationToken,
    /// The broker's side ends now.
    pub(super) broker_over: CancellationToken,
    /// The client's socket and the broker's, once there are both.
    pub(super) sockets: OnceLock<(Socket, Socket)>,
}

impl Link {
    /// An effect begins at this connection.
    pub(crate) fn begin(&self, rule: u16, effect: OnLink, until: Option<Duration>) {
        match effect {
            OnLink::Reset { direction } => {
                if let Some((client, broker)) = self.sockets.get() {
                    if direction.covers(Direction::ToClient) {
                        client.reset();
                    }
                    if direction.covers(Direction::ToBroker) {
                        broker.reset();
                    }
                }
                self.over.cancel();
            }
            OnLink::HalfOpen { direction } => {
                if direction.covers(Direction::ToClient) {
                    self.client_over.cancel();
                } else {
                    self.broker_over.cancel();
                }
            }
            _ => {
                lock(&self.begun).push(Begun { rule, effect, until });
                self.any.store(true, Ordering::Release);
            }
        }
    }

    /// Effects that began at a request and last; those that are over are returned apart, once.
    pub(super) fn begun(&self, now: Duration) -> (Vec<OnLink>, Vec<u16>) {
        if !self.any.load(Ordering::Acquire) {
            return (Vec::new(), Vec::new());
        }
        let mut begun = lock(&self.begun);
        let (on, off): (Vec<_>, Vec<_>) = begun
            .drain(..)
            .partition(|one| one.until.is_none_or(|until| now < until));
        begun.clone_from(&on);
        self.any.store(!on.is_empty(), Ordering::Release);
        let effects = on.into_iter().map(|one| one.effect).collect();
        (effects, off.into_iter().map(|one| one.rule).collect())
    }

    /// True the first time that a rule touches this connection.
    pub(crate) fn touch(&self, rule: u16) -> bool {
        lock(&self.touched).insert(rule)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
