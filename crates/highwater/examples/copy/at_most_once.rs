//! At most once: offsets are committed first, and each output is sent one single time.
//!
//! What makes it hold: nothing is written whose commit was not answered, so that nobody else can read it again, and
//! the producer never retries. What is lost with a commit, a process or a request stays lost.

use std::error::Error;

use crate::arguments::Arguments;
use crate::reading::Reader;
use crate::saying;
use crate::stopping::Stopping;
use crate::tampering::Tampering;
use crate::writing::Writer;

const ONCE: &[(&str, &str)] = &[
    ("enable.idempotence", "false"),
    ("message.send.max.retries", "0"),
    ("max.in.flight.requests.per.connection", "1"),
];

/// Copies until a signal comes.
pub(crate) fn run(arguments: &Arguments, stopping: &Stopping) -> Result<u64, Box<dyn Error>> {
    let reader = Reader::open(arguments, stopping)?;
    let writer = Writer::open(arguments, stopping, ONCE)?;
    let mut tampering = Tampering::new(arguments);
    let mut copied = 0;
    while !stopping.now() {
        let batch = reader.batch();
        if batch.records.is_empty() {
            continue;
        }
        if let Err(error) = reader.commit(&batch.next(&arguments.input)?) {
            saying::line(format_args!(
                "leaves out a batch, as its offsets may not be committed: {error}"
            ));
            reader.go_back();
            continue;
        }
        let outputs = tampering.outputs(&batch);
        stopping.pause(arguments.work());
        if !writer.send(&outputs)? {
            break;
        }
        match writer.delivered() {
            Ok(()) => copied += batch.records.len() as u64,
            Err(error) => saying::line(format_args!("lost: {error}")),
        }
    }
    Ok(copied)
}
