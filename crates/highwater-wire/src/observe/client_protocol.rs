//! What members of a classic group tell each other through the coordinator, in the client protocol
//! "consumer": subscriptions and assignments (KIP-429 and before).
//!
//! The bytes belong to the clients: what cannot be read gives empty lists, never an error.

use super::fields::Fields;
use super::topic::by_name;
use crate::error::WireError;

/// The partitions of an assignment.
pub(super) fn assigned(assignment: &[u8]) -> Vec<(String, i32)> {
    partitions(assignment).unwrap_or_default()
}

fn partitions(assignment: &[u8]) -> Result<Vec<(String, i32)>, WireError> {
    let mut fields = Fields::new(assignment, false);
    if fields.i16("version of an assignment")? < 0 {
        return Err(WireError::Malformed {
            field: "version of an assignment",
        });
    }
    let mut partitions = Vec::new();
    for _ in 0..fields.count("topics of an assignment")? {
        let topic = by_name(fields.string("topic of an assignment")?)?;
        for partition in fields.numbers("partitions of an assignment")? {
            partitions.push((topic.clone(), partition));
        }
    }
    Ok(partitions)
}
