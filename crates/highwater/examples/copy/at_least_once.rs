//! At least once: offsets are committed when every output of the batch is acknowledged.
//!
//! What makes it hold: the order (read, work, write, wait for the reports, commit), `acks=all`, idempotence so that
//! the producer's own retries neither repeat nor reorder, and going back when an output could not be delivered. As
//! partitions only change hands between two batches, there is never something to commit when they do.

use std::collections::BTreeSet;
use std::error::Error;

use rdkafka::message::Message as _;

use crate::arguments::Arguments;
use crate::batch::Batch;
use crate::defect::Defect;
use crate::reading::Reader;
use crate::saying;
use crate::stopping::Stopping;
use crate::tampering::Tampering;
use crate::writing::Writer;

/// The defect: retries with several small requests on their way, and nothing that keeps them apart.
const NO_IDEMPOTENCE: &[(&str, &str)] = &[
    ("enable.idempotence", "false"),
    ("message.send.max.retries", "1000"),
    ("max.in.flight.requests.per.connection", "5"),
    ("batch.num.messages", "5"),
    ("linger.ms", "0"),
];

/// Copies until a signal comes.
pub(crate) fn run(arguments: &Arguments, stopping: &Stopping) -> Result<u64, Box<dyn Error>> {
    let special = if arguments.has(Defect::NoIdempotence) {
        NO_IDEMPOTENCE
    } else {
        &[]
    };
    let reader = Reader::open(arguments, stopping)?;
    let mut writer = Writer::open(arguments, stopping, special)?;
    let mut tampering = Tampering::new(arguments);
    let mut written = Written::default();
    let mut copied = 0;
    let early = arguments.has(Defect::CommitBeforeProcessing);
    while !stopping.now() {
        let mut batch = reader.batch();
        if batch.records.is_empty() {
            continue;
        }
        let offsets = batch.next(&arguments.input)?;
        if early {
            commit(&reader, &offsets);
        }
        if arguments.has(Defect::NotIdempotentSink) {
            written.skip(&mut batch);
        }
        let outputs = tampering.outputs(&batch);
        stopping.pause(arguments.work());
        let delivered = writer
            .send(&outputs)
            .and_then(|all| writer.delivered().map(|()| all));
        match delivered {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                saying::line(format_args!("starts again from the committed offsets: {error}"));
                // A new producer, so that nothing of the old one can come late between its records.
                writer = Writer::open(arguments, stopping, special)?;
                reader.go_back();
                continue;
            }
        }
        copied += batch.records.len() as u64;
        written.note(&batch);
        if !early {
            commit(&reader, &offsets);
        }
    }
    Ok(copied)
}

/// A commit that fails costs repetition and no more: the next one covers it, or another member reads again.
fn commit(reader: &Reader<'_>, offsets: &rdkafka::TopicPartitionList) {
    if let Err(error) = reader.commit(offsets) {
        saying::line(format_args!("offsets not committed: {error}"));
    }
}

/// The defect: what was written, in memory, and so forgotten with the process.
#[derive(Default)]
struct Written(BTreeSet<(i32, i64)>);

impl Written {
    fn skip(&self, batch: &mut Batch) {
        batch
            .records
            .retain(|record| !self.0.contains(&(record.partition(), record.offset())));
    }

    fn note(&mut self, batch: &Batch) {
        self.0.extend(
            batch
                .records
                .iter()
                .map(|record| (record.partition(), record.offset())),
        );
    }
}
