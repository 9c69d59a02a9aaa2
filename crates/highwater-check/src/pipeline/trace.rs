//! From an output to the ids of its inputs.

use serde_json::Value;
use xxhash_rust::xxh3::Xxh3;

use super::{Output, Source};

/// What stands for key and value together: a hash of both, long enough that two never meet.
pub(super) fn content(key: Option<&[u8]>, value: Option<&[u8]>) -> [u8; 16] {
    let mut hash = Xxh3::new();
    for part in [key, value] {
        // The length keeps `a` + `bc` and `ab` + `c` apart; nothing is not empty.
        hash.update(&part.map_or(u64::MAX, |bytes| bytes.len() as u64).to_le_bytes());
        hash.update(part.unwrap_or_default());
    }
    hash.digest128().to_le_bytes()
}

/// Hands out every id in this output, or says what is missing. `several`: the output may list them.
pub(super) fn ids(
    source: &Source,
    output: &Output<'_>,
    several: bool,
    found: &mut dyn FnMut(&[u8]),
) -> Result<(), String> {
    match source {
        Source::Same => found(&content(output.key, output.value)),
        Source::Key => found(output.key.ok_or("it has no key")?),
        Source::Header(name) => return in_headers(name, output, several, found),
        Source::Json(pointer) => return in_json(pointer, output, several, found),
        Source::Regex(expression) => {
            let value = output.value.ok_or("it has no value")?;
            let mut any = false;
            for captures in expression
                .captures_iter(value)
                .take(if several { usize::MAX } else { 1 })
            {
                if let Some(id) = captures.get(1).or_else(|| captures.get(0)) {
                    any = true;
                    found(id.as_bytes());
                }
            }
            if !any {
                return Err(format!("nothing in its value is like `{expression}`"));
            }
        }
    }
    Ok(())
}

fn in_headers(
    name: &str,
    output: &Output<'_>,
    several: bool,
    found: &mut dyn FnMut(&[u8]),
) -> Result<(), String> {
    let mut values = output
        .headers
        .iter()
        .filter(|(header, _)| header == name)
        .map(|(_, value)| value);
    // Of several the last one counts, as Kafka's `lastHeader` has it; an aggregate has one for each input.
    if several {
        let mut any = false;
        for value in values {
            any = true;
            found(value);
        }
        return if any {
            Ok(())
        } else {
            Err(format!("it has no header `{name}`"))
        };
    }
    let value = values
        .next_back()
        .ok_or_else(|| format!("it has no header `{name}`"))?;
    found(value);
    Ok(())
}

fn in_json(
    pointer: &str,
    output: &Output<'_>,
    several: bool,
    found: &mut dyn FnMut(&[u8]),
) -> Result<(), String> {
    let value = output.value.ok_or("it has no value")?;
    let document: Value = serde_json::from_slice(value).map_err(|_| "its value is not JSON")?;
    match document.pointer(pointer) {
        None => Err(format!("there is nothing at `{pointer}` in its value")),
        Some(Value::Array(items)) if several => {
            for item in items {
                scalar(item, pointer, found)?;
            }
            Ok(())
        }
        Some(Value::Array(_)) => Err(format!(
            "at `{pointer}` is a list; the rule for that is `json:{pointer},aggregate`"
        )),
        Some(item) => scalar(item, pointer, found),
    }
}

/// A text, or a number as it is written.
fn scalar(value: &Value, pointer: &str, found: &mut dyn FnMut(&[u8])) -> Result<(), String> {
    match value {
        Value::String(text) => found(text.as_bytes()),
        Value::Number(number) => found(number.to_string().as_bytes()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            return Err(format!("at `{pointer}` is neither a text nor a number"));
        }
    }
    Ok(())
}
