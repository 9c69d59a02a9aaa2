//! `fuzz`: damaged requests and record batches, offered to the broker's request path in this process, or to what the
//! fault proxy reads and alters (see [`observe`]).
//!
//! ```text
//! seed, number ─▶ a valid frame of a served version ─▶ damage ─▶ broker ─▶ an answer, or a closed connection
//!                └ a batch of any codec ─▶ damage ─▶ checksum mended ┘
//! ```
//! Invariant: the same seed offers the same inputs. A panic, memory above the bound, or a broker that does not serve
//! good requests afterwards is an error that names the seed, the number and the file with the bytes.

mod batches;
mod corpus;
mod damage;
mod error;
mod memory;
mod observe;
mod requests;
mod subject;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use highwater_wire::batch::{self, BatchHeader, Batches};
use highwater_wire::records::{self, Records};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use corpus::Corpus;
pub(crate) use error::FuzzError;
use subject::{Served, Subject};

/// Inputs until the broker gets a new data directory: mutated topics and groups pile up. The old directory has to
/// open once more before, as whatever was accepted must be recoverable.
const INPUTS_OF_A_BROKER: u64 = 50_000;
/// How often memory is looked at.
const LOOK_EVERY: u64 = 1_000;
/// Most memory that the process may ever have held: the largest frame, the largest batch, and room.
const MOST_RESIDENT_BYTES: u64 = 600 << 20;
/// Most address space, so that room reserved for a lying count ends the process even if nobody touches it.
const MOST_ADDRESS_SPACE: u64 = 6 << 30;

/// What to offer.
#[derive(Debug, Args)]
pub(crate) struct FuzzArguments {
    /// How many inputs.
    #[arg(long, default_value_t = 10_000_000)]
    inputs: u64,
    /// What they are offered to.
    #[arg(long, value_enum, default_value_t = Taker::Broker)]
    into: Taker,
    /// Decides on every input.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the input that is being offered is kept, so that it survives the end of the process.
    #[arg(long, value_name = "DIR", default_value = "target/fuzz")]
    out: PathBuf,
}

/// What takes the inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Taker {
    /// The request path of the dev broker.
    Broker,
    /// What the fault proxy reads of requests and answers, and how it alters them.
    Observe,
}

/// What became of the inputs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    answered: u64,
    /// Nothing to say, as after Produce with acks=0.
    unanswered: u64,
    /// The broker waited for something else, as a fetch for records, and was told to go.
    waiting: u64,
    closed: u64,
    batches: u64,
}

/// Runs it.
pub(crate) fn fuzz(arguments: &FuzzArguments) -> Result<(), FuzzError> {
    memory::limit_address_space(MOST_ADDRESS_SPACE)?;
    let began = Instant::now();
    if arguments.into == Taker::Observe {
        let looks = observe::offer(arguments.seed, arguments.inputs, &arguments.out)?;
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "seed {}: {} inputs in {seconds:.0} s ({:.0}/s), at most {} MiB resident\n  {} understood, {} refused",
            arguments.seed,
            arguments.inputs,
            arguments.inputs as f64 / seconds,
            memory::peak_resident_bytes().unwrap_or(0) >> 20,
            looks.understood,
            looks.refused
        );
        return Ok(());
    }
    let counts = offer(arguments.seed, arguments.inputs, &arguments.out)?;
    let seconds = began.elapsed().as_secs_f64();
    let held = memory::peak_resident_bytes().unwrap_or(0);
    println!(
        "seed {}: {} inputs in {seconds:.0} s ({:.0}/s), at most {} MiB resident\n  {} answered, {} closed, {} waiting, {} without an answer, {} record batches on their own",
        arguments.seed,
        arguments.inputs,
        arguments.inputs as f64 / seconds,
        held >> 20,
        counts.answered,
        counts.closed,
        counts.waiting,
        counts.unanswered,
        counts.batches
    );
    Ok(())
}

/// Offers inputs of a seed; each is derived from its number alone.
pub(crate) fn offer(seed: u64, inputs: u64, out: &Path) -> Result<Counts, FuzzError> {
    let kept = memory::Kept::open(out, seed)?;
    let mut counts = Counts::default();
    let mut number = 0;
    while number < inputs {
        let subject = Subject::start()?;
        let corpus = Corpus::of(&subject)?;
        let end = inputs.min(number + INPUTS_OF_A_BROKER);
        for number in number..end {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(number);
            let input = Input::make(&mut random, &corpus);
            kept.keep(number, input.bytes())?;
            let offered = catch_unwind(AssertUnwindSafe(|| input.offer(&subject, &mut counts)));
            if offered.is_err() {
                return Err(kept.found(number, "a panic"));
            }
            if number % LOOK_EVERY == 0
                && memory::peak_resident_bytes().is_some_and(|held| held > MOST_RESIDENT_BYTES)
            {
                return Err(kept.found(
                    number,
                    "memory above the bound, in this input or one of the thousand before",
                ));
            }
        }
        number = end;
        subject
            .still_serves(&corpus)
            .map_err(|reason| kept.found(number, &reason))?;
        subject
            .opens_again()
            .map_err(|reason| kept.found(number, &reason))?;
    }
    kept.done();
    Ok(counts)
}

/// One input.
#[derive(Debug)]
enum Input {
    Frame(Bytes),
    Batch(Bytes),
}

impl Input {
    fn make(random: &mut ChaCha8Rng, corpus: &Corpus) -> Self {
        let kind = random.random_range(0..10);
        if kind < 6 {
            let whole = corpus.frame(random);
            return Self::Frame(damage::frame(random, whole, corpus));
        }
        let whole = corpus.batch(random);
        let batch = damage::batch(random, whole);
        if kind < 9 {
            Self::Frame(corpus.produce(random, batch))
        } else {
            Self::Batch(batch)
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Frame(bytes) | Self::Batch(bytes) => bytes,
        }
    }

    fn offer(self, subject: &Subject, counts: &mut Counts) {
        match self {
            Self::Frame(frame) => match subject.offer(frame) {
                Served::Answered => counts.answered += 1,
                Served::Unanswered => counts.unanswered += 1,
                Served::Waiting => counts.waiting += 1,
                Served::Closed => counts.closed += 1,
            },
            Self::Batch(bytes) => {
                walk(&bytes);
                counts.batches += 1;
            }
        }
    }
}

/// Everything that takes the bytes of batches from outside.
fn walk(bytes: &Bytes) {
    // Their answers do not matter here, only that there is one.
    drop(BatchHeader::parse(bytes));
    drop(batch::check(bytes));
    let mut batches = Batches::new(bytes);
    while batches.next().is_some() {}
    if let Ok(records) = Records::of(bytes) {
        let readable = records.iter().all(|record| record.is_ok());
        let rewritten = records.rewrite(bytes, None, |record| record.offset % 2 == 0);
        assert!(!readable || rewritten.is_ok(), "read, and not written again");
        if let Ok(rewritten) = rewritten {
            assert!(
                batch::check(&rewritten).is_ok(),
                "written again, and not to be read"
            );
        }
    }
    drop(records::with_append_time(bytes, 1_000));
    assert!(batches.position() <= bytes.len(), "walked over the end");
}

/// Removes the directory of a run that found nothing, if it is empty.
fn remove_if_empty(directory: &Path) {
    drop(fs::remove_dir(directory));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_long_run_ends_without_a_finding() {
        let directory = tempfile::tempdir().unwrap();
        let counts =
            offer(1, 20_000, &directory.path().join("fuzz")).unwrap_or_else(|error| panic!("{error}"));
        // Damage that is always noticed at the door would test nothing behind it.
        assert!(counts.answered > 8_000, "{counts:?}");
        assert!(counts.closed > 500, "{counts:?}");
    }

    #[test]
    fn the_same_seed_makes_the_same_inputs() {
        let subject = Subject::start().unwrap();
        let corpus = Corpus::of(&subject).unwrap();
        let inputs = |seed| {
            (0..500)
                .map(|number| {
                    let mut random = ChaCha8Rng::seed_from_u64(seed);
                    random.set_stream(number);
                    Input::make(&mut random, &corpus).bytes().to_vec()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(inputs(7), inputs(7));
        assert_ne!(inputs(7), inputs(8));
    }
}
