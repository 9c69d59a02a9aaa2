//! Steps written down as Jepsen would.

use std::io::{self, Write};

use highwater_check::history::{Action, Kind, Outcome, Step, What};

/// Writes the two entries of an operation, or of a subscription.
pub(crate) fn write(out: &mut impl Write, step: &Step) -> io::Result<()> {
    match &step.what {
        What::Operation(operation) => {
            let name = match operation.kind {
                Kind::Transaction => ":txn",
                Kind::Plain if matches!(operation.actions.first(), Some(Action::Send { .. })) => ":send",
                Kind::Plain => ":poll",
            };
            for completes in [false, true] {
                let (index, of_type) = match (completes, operation.outcome) {
                    (false, _) => (step.index - 1, ":invoke"),
                    (true, Outcome::Ok) => (step.index, ":ok"),
                    (true, Outcome::Failed) => (step.index, ":fail"),
                    (true, Outcome::Unknown) => (step.index, ":info"),
                };
                write!(
                    out,
                    "{{:index {index}, :time {}, :type {of_type}, :process {}, :f {name}, :value [",
                    step.at_ns, operation.process.0
                )?;
                for action in &operation.actions {
                    write_action(out, action, completes)?;
                }
                writeln!(out, "]}}")?;
            }
        }
        What::Subscribed {
            process, partitions, ..
        } => {
            for (of_type, index) in [(":invoke", step.index - 1), (":ok", step.index)] {
                write!(
                    out,
                    "{{:index {index}, :time {}, :type {of_type}, :process {}, :f :assign, :value [",
                    step.at_ns, process.0
                )?;
                for partition in partitions {
                    write!(out, "{} ", partition.0)?;
                }
                writeln!(out, "]}}")?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn write_action(out: &mut impl Write, action: &Action, completes: bool) -> io::Result<()> {
    match action {
        Action::Send {
            partition,
            value,
            offset: Some(offset),
            ..
        } if completes => write!(out, "[:send {} [{offset} {}]] ", partition.0, value.0),
        Action::Send { partition, value, .. } => write!(out, "[:send {} {}] ", partition.0, value.0),
        Action::Poll { reads, .. } if completes => {
            write!(out, "[:poll {{")?;
            for (partition, reads) in reads {
                write!(out, "{} [", partition.0)?;
                for read in reads {
                    write!(out, "[{} {}] ", read.offset, read.value.0)?;
                }
                write!(out, "] ")?;
            }
            write!(out, "}}] ")
        }
        Action::Poll { .. } => write!(out, "[:poll] "),
        _ => Ok(()),
    }
}
