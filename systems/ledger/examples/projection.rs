//! How fast projections are made: events as they lie in the log become rows in SQLite.
//!
//!     cargo run --release -p ledger --example projection -- 1000000 10000
//!
//! The events are made first, in memory, 16 to an account in turn; reading them from Kafka is not part of it. The time
//! covers decoding, all tables, and every commit, in batches as `ledger serve` makes them while it catches up.

use std::error::Error;
use std::time::Instant;

use ledger::account::{AccountId, Cents, Event, Fact, RequestId};
use ledger::encoding::Codec;
use ledger::projection::{Placed, Views};

/// As many as `ledger serve` takes at most.
const BATCH: usize = 10_000;
const TURN: u64 = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let events: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let accounts: u64 = arguments.next().map_or(Ok(10_000), |text| text.parse())?;
    let codec = Codec::default();
    let mut log = Vec::new();
    for number in 0..events {
        log.push(codec.write(&event(number, accounts.max(1))?)?);
    }
    let directory = tempfile::tempdir()?;
    let (views, mut projection) = Views::open(directory.path())?;
    let began = Instant::now();
    for (batch, records) in log.chunks(BATCH).enumerate() {
        let mut placed = Vec::with_capacity(records.len());
        for (place, record) in records.iter().enumerate() {
            let offset = i64::try_from(batch * BATCH + place)?;
            placed.push(Placed {
                partition: 0,
                offset,
                event: codec.read(record)?,
            });
        }
        projection.apply(&placed)?;
    }
    let took = began.elapsed();
    let totals = views.read(ledger::projection::Reader::totals)?;
    let bytes = std::fs::metadata(projection.path())?.len();
    println!(
        "{} events of {} accounts in {:.2} s: {:.0} events/s, {} MiB, money conserved: {}",
        totals.events,
        totals.accounts,
        took.as_secs_f64(),
        f64::from(u32::try_from(events)?) / took.as_secs_f64(),
        bytes >> 20,
        totals.conserved,
    );
    Ok(())
}

/// Accounts come in turns, each with some deposits in a row.
fn event(number: u64, accounts: u64) -> Result<Event, Box<dyn Error>> {
    let turn = number / TURN;
    let sequence = (turn / accounts) * TURN + number % TURN;
    Ok(Event {
        account: AccountId::new(&format!("account-{}", turn % accounts))?,
        sequence,
        at_ms: 1_790_000_000_000 + number,
        balance: Cents((sequence + 1) * 5),
        fact: Fact::Deposited {
            request: RequestId::new(&format!("request-{number}"))?,
            cents: Cents(5),
        },
    })
}
