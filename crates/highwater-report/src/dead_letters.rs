//! Dead letters, for people and programs.
//!
//! Invariant: bytes of records never move the cursor; what is no text is shown as bytes, and what is long is cut and
//! says so.

use highwater_model::{DeadLetter, DeadLetterCause, DeadLetterTopic};

use crate::number::{NONE, bytes, count, counted};
use crate::paint::Paint;
use crate::text::{cut, left, plain, right, wrap};
use crate::{ReportError, Style};

/// Causes that are listed of one topic.
const CAUSES_MAX: usize = 20;
/// Bytes of a key or value that are shown.
const SHOWN_MAX: usize = 4_096;
/// Columns of a label.
const LABEL: usize = 12;

/// Topics as they are.
///
/// # Errors
/// [`ReportError::Json`].
pub fn dead_letters_json(topics: &[DeadLetterTopic]) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(topics).map_err(ReportError::Json)?;
    text.push('\n');
    Ok(text)
}

/// A letter as it is, on one line.
///
/// # Errors
/// [`ReportError::Json`].
pub fn dead_letter_json(letter: &DeadLetter) -> Result<String, ReportError> {
    let mut text = serde_json::to_string(letter).map_err(ReportError::Json)?;
    text.push('\n');
    Ok(text)
}

/// Topics with their causes, for a person.
#[must_use]
pub fn dead_letters_text(topics: &[DeadLetterTopic], style: &Style) -> String {
    if topics.is_empty() {
        return "no dead-letter topic: none has a name that says so; name one to look at it\n".to_owned();
    }
    let paint = Paint::new(style.color);
    let columns = usize::from(style.width).clamp(80, 160);
    let mut lines = Vec::new();
    for topic in topics {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let waiting = format!("{} waiting", counted(topic.waiting, "letter"));
        let head = format!("{}  {waiting}", plain(&topic.topic));
        lines.push(if topic.waiting > 0 {
            paint.bold(&head)
        } else {
            head
        });
        for cause in topic.causes.iter().take(CAUSES_MAX) {
            lines.push(line(cause, columns));
        }
        if topic.causes.len() > CAUSES_MAX {
            let more = (topic.causes.len() - CAUSES_MAX) as u64;
            lines.push(format!("    and {}: --json lists all", counted(more, "cause")));
        }
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn line(cause: &DeadLetterCause, columns: usize) -> String {
    let (partition, offset) = cause.example;
    let source = cause.source.as_deref().unwrap_or("nobody says where from");
    let group = match &cause.group {
        Some(group) => format!(" ({group})"),
        None => String::new(),
    };
    let error = cause.error.as_deref().unwrap_or("no error given");
    let text = format!("  {source}{group}: {error}");
    let end = format!("  e.g. {partition}@{offset}");
    let room = columns.saturating_sub(11 + end.len());
    format!(
        "{}{}{end}",
        right(&count(cause.count), 11),
        cut(&plain(&text), room)
    )
}

/// A letter, whole, for a person.
#[must_use]
pub fn dead_letter_text(letter: &DeadLetter, style: &Style) -> String {
    let paint = Paint::new(style.color);
    let columns = usize::from(style.width).clamp(80, 120);
    let mut text = paint.bold(&format!(
        "{}/{}@{}",
        plain(&letter.topic),
        letter.partition,
        letter.offset
    ));
    if letter.done {
        text += "  seen to";
    }
    text.push('\n');
    let mut row = |label: &str, value: &str| {
        for (index, line) in wrap(value, columns - LABEL - 2).into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            text += &format!("  {}{line}\n", left(label, LABEL));
        }
    };
    let or_none = |value: Option<String>| value.unwrap_or_else(|| NONE.to_owned());
    let source = letter.source.as_ref().map(|source| {
        let number = |value: Option<i64>| value.map_or_else(|| "?".to_owned(), |value| value.to_string());
        let partition = number(letter.source_partition.map(i64::from));
        format!("{}/{partition}@{}", plain(source), number(letter.source_offset))
    });
    row("from", &or_none(source));
    if let Some(group) = &letter.group {
        row("given up by", &plain(group));
    }
    if let Some(attempts) = letter.attempts {
        row("attempts", &count(u64::from(attempts)));
    }
    for (index, error) in letter.errors.iter().enumerate() {
        row(if index == 0 { "error" } else { "because" }, &plain(error));
    }
    row(
        "headers of",
        letter.family.as_deref().unwrap_or("no family that is known"),
    );
    row("key", &shown(letter.key.as_deref()));
    row("value", &shown(letter.value.as_deref()));
    text
}

/// Bytes as text where they are that, else as hexadecimal numbers.
fn shown(value: Option<&[u8]>) -> String {
    let Some(value) = value else {
        return "none".to_owned();
    };
    let part = &value[..value.len().min(SHOWN_MAX)];
    let mut text = match std::str::from_utf8(part) {
        Ok(text) => plain(text),
        // A character may be cut in two at the end.
        Err(error) if error.valid_up_to() + 4 > part.len() && part.len() < value.len() => {
            plain(&String::from_utf8_lossy(&part[..error.valid_up_to()]))
        }
        Err(_) => part
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .join(" "),
    };
    if part.len() < value.len() {
        text += &format!(" … ({} in all; --json has them)", bytes(value.len() as u64));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_and_do_nothing() {
        let long = "x".repeat(SHOWN_MAX + 1);
        for (value, expected) in [
            (None, "none".to_owned()),
            (Some(&b"{\"a\":1}"[..]), "{\"a\":1}".to_owned()),
            (Some(&b"\x1b[2Jgone"[..]), "·[2Jgone".to_owned()),
            (Some(&b"\xff\x00"[..]), "ff 00".to_owned()),
        ] {
            assert_eq!(shown(value), expected);
        }
        assert!(
            shown(Some(long.as_bytes())).contains("… (4.0"),
            "{}",
            shown(Some(long.as_bytes()))
        );
    }

    #[test]
    fn a_letter_and_its_topic() {
        let letter = DeadLetter {
            topic: "orders.billing.dead-letters".to_owned(),
            partition: 2,
            offset: 17,
            family: Some("Highwater".to_owned()),
            source: Some("orders".to_owned()),
            source_partition: Some(2),
            source_offset: Some(901),
            group: Some("billing".to_owned()),
            errors: vec!["no such account".to_owned(), "row not found".to_owned()],
            attempts: Some(4),
            key: Some(b"acc-7".to_vec()),
            value: Some(b"{\"cents\":5}".to_vec()),
            ..DeadLetter::default()
        };
        let style = Style {
            color: false,
            width: 100,
        };
        insta::assert_snapshot!("dead-letter", dead_letter_text(&letter, &style));
        let topic = DeadLetterTopic {
            topic: letter.topic.clone(),
            waiting: 43,
            causes: vec![
                DeadLetterCause {
                    source: letter.source.clone(),
                    group: letter.group.clone(),
                    error: letter.errors.first().cloned(),
                    count: 42,
                    example: (2, 17),
                    ..DeadLetterCause::default()
                },
                DeadLetterCause {
                    count: 1,
                    example: (0, 3),
                    ..DeadLetterCause::default()
                },
            ],
        };
        insta::assert_snapshot!("dead-letters", dead_letters_text(&[topic], &style));
    }
}
