//! The end of a direction where bytes leave: at once, or the way network faults want it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::io::AsyncWriteExt;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Connection;
use super::link::{Effects, GLANCE};
use super::stream::Writer;
use crate::rule::Direction;

/// Bytes under way in a delayed direction; the sender waits beyond, as with a full socket.
const LINE_BYTES: usize = 8 << 20;

/// With limited bandwidth bytes go in pieces of a twentieth of a second, so that the flow is even.
const PIECES_PER_SECOND: u64 = 20;

/// Longest delay of the machine that a limited direction makes up for: a piece.
const CATCH_UP: Duration = Duration::from_millis(1_000 / PIECES_PER_SECOND);

enum Way {
    Direct(Writer),
    /// Bytes with the moment at which they are due, for a task that owns the writer.
    Delayed {
        sender: mpsc::UnboundedSender<(Instant, Bytes)>,
        room: Arc<Semaphore>,
        task: JoinHandle<Writer>,
    },
    Closed,
}

/// Where the bytes of one direction leave.
pub(super) struct Outlet {
    way: Way,
    pace: Pace,
    connection: Arc<Connection>,
    direction: Direction,
    random: ChaCha8Rng,
}

impl Outlet {
    pub(super) fn new(writer: Writer, connection: Arc<Connection>, direction: Direction) -> Self {
        let seed = u64::from(connection.id.0) << 1 | u64::from(direction == Direction::ToClient);
        Self {
            way: Way::Direct(writer),
            pace: Pace::default(),
            random: ChaCha8Rng::seed_from_u64(connection.shared.seed ^ seed),
            connection,
            direction,
        }
    }

    /// Sends bytes on.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.connection.count_bytes(self.direction, bytes.len());
        if !self.connection.shared.network {
            return match &mut self.way {
                Way::Direct(writer) => write(writer, bytes).await,
                Way::Delayed { .. } | Way::Closed => Err(io::ErrorKind::BrokenPipe.into()),
            };
        }
        let mut effects = self.connection.open_road(self.direction).await;
        let delayed = !effects.delay.is_zero() || !effects.jitter.is_zero();
        if delayed && matches!(self.way, Way::Direct(_)) {
            self.begin_line();
        }
        match &mut self.way {
            Way::Direct(writer) => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    rest = self.pace.write_piece(writer, rest, effects).await?;
                    // A window may have closed, or another opened, meanwhile.
                    effects = self.connection.open_road(self.direction).await;
                }
                Ok(())
            }
            Way::Delayed { sender, room, .. } => {
                let jitter = effects.jitter.mul_f64(self.random.random::<f64>());
                let due = Instant::now() + effects.delay + jitter;
                for piece in bytes.chunks(LINE_BYTES / 4) {
                    let permits = u32::try_from(piece.len()).unwrap_or(u32::MAX);
                    let permit = room.acquire_many(permits).await.map_err(io::Error::other)?;
                    permit.forget();
                    sender
                        .send((due, Bytes::copy_from_slice(piece)))
                        .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
                }
                Ok(())
            }
            Way::Closed => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// From the first delayed byte on everything takes this way, so that nothing overtakes.
    fn begin_line(&mut self) {
        let Way::Direct(mut writer) = std::mem::replace(&mut self.way, Way::Closed) else {
            return;
        };
        let (sender, mut receiver) = mpsc::unbounded_channel::<(Instant, Bytes)>();
        let room = Arc::new(Semaphore::new(LINE_BYTES));
        let (freed, connection, direction) =
            (Arc::clone(&room), Arc::clone(&self.connection), self.direction);
        let task = tokio::spawn(async move {
            let mut last = Instant::now();
            let mut pace = Pace::default();
            while let Some((due, bytes)) = receiver.recv().await {
                // Jitter delays, and does not reorder: TCP would not either.
                last = last.max(due);
                let written = tokio::select! {
                    written = async {
                        tokio::time::sleep_until(last).await;
                        let mut rest = &*bytes;
                        while !rest.is_empty() {
                            let effects = connection.open_road(direction).await;
                            rest = pace.write_piece(&mut writer, rest, effects).await?;
                        }
                        Ok::<(), io::Error>(())
                    } => written,
                    () = connection.link.over.cancelled() => break,
                };
                if written.is_err() {
                    break;
                }
                freed.add_permits(bytes.len());
            }
            freed.close();
            writer
        });
        self.way = Way::Delayed { sender, room, task };
    }

    /// Sends what is under way and tells the other side that nothing follows.
    pub(super) async fn close(&mut self) {
        let mut writer = match std::mem::replace(&mut self.way, Way::Closed) {
            Way::Direct(writer) => writer,
            Way::Delayed { sender, task, .. } => {
                drop(sender);
                match task.await {
                    Ok(writer) => writer,
                    Err(_) => return,
                }
            }
            Way::Closed => return,
        };
        // The other side may be gone already; it then knows.
        let _ = writer.shutdown().await;
    }
}

/// Writes bytes through to the socket: TLS would keep some while the socket is full.
async fn write(writer: &mut Writer, bytes: &[u8]) -> io::Result<()> {
    writer.write_all(bytes).await?;
    writer.flush().await
}

/// Keeps the rate of a direction.
#[derive(Default)]
struct Pace {
    /// When what was written so far is through, at the rate of then.
    through: Option<Instant>,
}

impl Pace {
    /// Writes as much as the effects of the moment let through at once, and rests as they want; gives what is left.
    async fn write_piece<'a>(
        &mut self,
        writer: &mut Writer,
        bytes: &'a [u8],
        effects: Effects,
    ) -> io::Result<&'a [u8]> {
        let per_piece = effects.bytes_per_second.map(|rate| {
            usize::try_from(rate / PIECES_PER_SECOND)
                .unwrap_or(usize::MAX)
                .max(1)
        });
        let (slice, pause) = effects.slice.unwrap_or((usize::MAX, Duration::ZERO));
        let size = per_piece.unwrap_or(usize::MAX).min(slice).min(bytes.len());
        let (piece, rest) = bytes.split_at(size);
        write(writer, piece).await?;
        if let Some(rate) = effects.bytes_per_second {
            self.rest(size, rate).await;
        }
        if size == slice && !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        Ok(rest)
    }

    /// Sleeps until these bytes are through. What an earlier sleep lasted too long is made up for, what nobody
    /// used is not.
    async fn rest(&mut self, bytes: usize, rate: u64) {
        let now = Instant::now();
        let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
        let begins = self.through.map_or(now, |through| through.max(earliest));
        let through = begins + Duration::from_secs_f64(bytes as f64 / rate as f64);
        self.through = Some(through);
        tokio::time::sleep_until(through).await;
    }
}

impl Connection {
    /// Waits until bytes may pass in a direction, and gives what happens to them.
    pub(super) async fn open_road(&self, direction: Direction) -> Effects {
        loop {
            let effects = self.effects(direction);
            if !effects.black_hole {
                return effects;
            }
            tokio::time::sleep(GLANCE).await;
        }
    }
}
