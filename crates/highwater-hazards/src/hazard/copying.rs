//! An application that copies three records in a transaction, and what its output must be.

use super::values::{absent, listed, of, repeated};
use crate::arm::Found;
use crate::client::{Client, Transactional};
use crate::error::HazardError;
use crate::scene::Scene;

/// What there is to copy.
pub(super) const INPUT: [&str; 3] = ["in-1", "in-2", "in-3"];

/// What becomes of it.
pub(super) fn copies() -> Vec<String> {
    INPUT.iter().map(|value| format!("copy of {value}")).collect()
}

/// Writes the copies of the input from an offset on into the open transaction.
pub(super) fn copy(
    client: &mut Client,
    producer: &mut Transactional,
    output: &str,
    from: i64,
) -> Result<(), HazardError> {
    let from = usize::try_from(from).unwrap_or(0);
    producer.write(client, output, 0, copies().get(from..).unwrap_or_default())
}

/// Reads back what is committed: each copy once is whole, twice is harm.
pub(super) fn judged(scene: &mut Scene<'_>, output: &str, by: &str) -> Result<Found, HazardError> {
    let mut reader = scene.direct()?;
    reader.is_quiet(output, 0)?;
    let read = reader.committed(output, 0)?;
    let (again, missing) = (repeated(&read), absent(&copies(), &read));
    scene.count("input records", INPUT.len());
    scene.count("committed copies", read.len());
    scene.count("duplicates", again.len());
    scene.saw(format!("a read_committed reader gets {}", listed(&of(&read))));
    for record in &again {
        scene.exhibit(record, "committed for the second time");
    }
    for value in &missing {
        scene.missing(output, 0, value, "its input was consumed");
    }
    Ok(match (again.len(), missing.len()) {
        (0, 0) => Found::whole("every input record has one committed copy"),
        (0, count) => Found::neither(format!("{count} copies are missing")),
        (count, _) => Found::harm(format!("{count} copies are committed twice, by {by}")),
    })
}
