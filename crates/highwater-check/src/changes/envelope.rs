//! Debezium's envelopes in JSON without schemas: from bytes that nobody vouches for to events.
//!
//! Invariant: whatever the bytes are, the answer is an event, a tombstone, or a sentence about what is wrong. Sizes
//! are bounded before anything is parsed; nesting is bounded by the parser (128 levels).

use serde_json::{Map, Value};

use super::row::kind;
use super::{ChangeEvent, Field, Observed, Operation, Position, Row, Table};

/// Largest key that is looked at.
pub const MOST_KEY_BYTES: usize = 64 << 10;
/// Largest value that is looked at.
pub const MOST_VALUE_BYTES: usize = 16 << 20;

/// What a record of a table's topic says.
#[must_use]
pub fn parse(table: &Table, key: Option<&[u8]>, value: Option<&[u8]>) -> Observed {
    read(table, key, value).unwrap_or_else(Observed::Unreadable)
}

fn read(table: &Table, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Observed, String> {
    let key = key_of(table, key.ok_or("the record has no key")?)?;
    let Some(value) = value else {
        return Ok(Observed::Tombstone {
            table: table.name.clone(),
            key,
        });
    };
    if value.len() > MOST_VALUE_BYTES {
        return Err(format!(
            "the value has {} bytes, more than an envelope can have",
            value.len()
        ));
    }
    let mut envelope = object("value", value)?;
    let operation = match envelope.get("op") {
        Some(Value::String(letter)) => Operation::of_letter(letter)
            .ok_or_else(|| format!("`op` is {}, not c, u, d or r", shortened(letter)))?,
        _ => return Err("the envelope has no `op`".to_owned()),
    };
    let before = side(table, "before", envelope.remove("before"))?;
    let after = side(table, "after", envelope.remove("after"))?;
    let told = after
        .as_ref()
        .or(before.as_ref())
        .and_then(|row| row.get(&table.key));
    if told.is_some_and(|told| *told != key) {
        return Err(format!(
            "the key of the record is {key}, and its row has another one"
        ));
    }
    let Some(Value::Object(source)) = envelope.get("source") else {
        return Err("the envelope has no `source`".to_owned());
    };
    if let Some(Value::String(name)) = source.get("table")
        && *name != table.name
    {
        return Err(format!("it tells of table {}", shortened(name)));
    }
    Ok(Observed::Change(Box::new(ChangeEvent {
        table: table.name.clone(),
        key,
        operation,
        before,
        after,
        wal_position: source.get("lsn").and_then(Value::as_u64),
        position: position(source),
        transaction: source.get("txId").and_then(Value::as_u64),
    })))
}

/// `sequence` is a list in a text: the position of the last commit and that of the change, each as a text or null.
fn position(source: &Map<String, Value>) -> Option<Position> {
    let change = source.get("lsn").and_then(Value::as_u64)?;
    let sequence = source.get("sequence").and_then(Value::as_str);
    let sequence: Vec<Option<String>> = serde_json::from_str(sequence?).ok()?;
    let committed = match sequence.first()? {
        Some(committed) => committed.parse().ok()?,
        None => 0,
    };
    Some(Position { committed, change })
}

/// What a flushed offset of the connector for PostgreSQL says: up to where it need not read again.
#[must_use]
pub fn flushed(offset: &Value) -> Option<Position> {
    let number = |name: &str| offset.get(name).and_then(Value::as_u64);
    Some(Position {
        committed: number("lsn_commit").unwrap_or(0),
        change: number("lsn_proc").or_else(|| number("lsn"))?,
    })
}

fn key_of(table: &Table, bytes: &[u8]) -> Result<Field, String> {
    if bytes.len() > MOST_KEY_BYTES {
        return Err(format!(
            "the key has {} bytes, more than a key can have",
            bytes.len()
        ));
    }
    let object = object("key", bytes)?;
    let column = table.columns.get(&table.key);
    object
        .get(&table.key)
        .zip(column)
        .and_then(|(value, column)| column.of_json(value))
        .filter(|field| *field != Field::Null)
        .ok_or_else(|| format!("the key has no `{}` of its column's type", table.key))
}

fn object(what: &str, bytes: &[u8]) -> Result<Map<String, Value>, String> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(format!("the {what} is {}, not an object", kind(&other))),
        Err(error) => Err(format!("the {what} is not JSON: {error}")),
    }
}

fn side(table: &Table, name: &str, value: Option<Value>) -> Result<Option<Row>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => table
            .row_of_json(&value)
            .map(Some)
            .map_err(|error| format!("`{name}`: {error}")),
    }
}

fn shortened(text: &str) -> String {
    format!("`{}`", text.chars().take(20).collect::<String>())
}
