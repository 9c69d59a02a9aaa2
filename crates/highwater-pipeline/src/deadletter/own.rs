//! This library's own headers.

use std::time::Duration;

use super::letter::{Family, Find, Letter, TimestampKind};
use crate::retry::ErrorClass;

const TOPIC: &str = "highwater.topic";
const PARTITION: &str = "highwater.partition";
const OFFSET: &str = "highwater.offset";
const TIMESTAMP: &str = "highwater.timestamp-ms";
const TIMESTAMP_KIND: &str = "highwater.timestamp-type";
const GROUP: &str = "highwater.group";
const STEP: &str = "highwater.step";
const CLASS: &str = "highwater.error-class";
const CHAIN: &str = "highwater.error-chain";
const MESSAGE: &str = "highwater.error-message";
const ATTEMPTS: &str = "highwater.attempts";
const FIRST: &str = "highwater.first-seen-ms";
const DUE: &str = "highwater.due-ms";

/// All of them, with what each says.
pub const HEADERS: &[(&str, &str)] = &[
    (TOPIC, "the topic that the record was in first"),
    (PARTITION, "its partition there"),
    (OFFSET, "its offset there"),
    (
        TIMESTAMP,
        "its timestamp there, milliseconds since the Unix epoch",
    ),
    (TIMESTAMP_KIND, "CreateTime or LogAppendTime"),
    (GROUP, "the consumer group of the pipeline"),
    (STEP, "the step of the pipeline that failed"),
    (CLASS, "transient, poison or fatal"),
    (
        CHAIN,
        "the error and what caused it, a line each, outermost first",
    ),
    (MESSAGE, "the message of the error"),
    (ATTEMPTS, "attempts that failed"),
    (
        FIRST,
        "when the record was first run, milliseconds since the Unix epoch, rounded up",
    ),
    (
        DUE,
        "when the next attempt is due, milliseconds since the Unix epoch, rounded up",
    ),
];

/// How much of an error's message is kept; what is longer is cut at a character.
pub const MESSAGE_LIMIT_BYTES: usize = 1_024;
/// How many causes of an error are kept.
pub const CHAIN_LIMIT: usize = 16;

/// Whether a header is one of these. They are replaced, not added, when a record is parked or given up again; every
/// other header of the record is kept.
#[must_use]
pub fn is_own(name: &str) -> bool {
    HEADERS.iter().any(|(own, _)| *own == name)
}

impl Letter {
    /// The headers that say this, for a dead letter or a retry record. The family is not written: it is this one.
    #[must_use]
    pub fn to_headers(&self) -> Vec<(&'static str, String)> {
        let mut chain = String::new();
        for cause in self.chain.iter().take(CHAIN_LIMIT) {
            if !chain.is_empty() {
                chain.push('\n');
            }
            // A line is a cause.
            chain.extend(
                cut(cause)
                    .chars()
                    .map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }),
            );
        }
        [
            (TOPIC, self.topic.clone()),
            (PARTITION, self.partition.map(|partition| partition.to_string())),
            (OFFSET, self.offset.map(|offset| offset.to_string())),
            (
                TIMESTAMP,
                self.timestamp_ms.map(|timestamp| timestamp.to_string()),
            ),
            (
                TIMESTAMP_KIND,
                self.timestamp_kind.map(|kind| kind.name().to_owned()),
            ),
            (GROUP, self.group.clone()),
            (STEP, self.step.clone()),
            (CLASS, self.class.map(|class| class.name().to_owned())),
            (CHAIN, (!chain.is_empty()).then_some(chain)),
            (
                MESSAGE,
                self.message.as_deref().map(|message| cut(message).to_owned()),
            ),
            (ATTEMPTS, self.attempts.map(|attempts| attempts.to_string())),
            (FIRST, self.first.map(|first| round_up_ms(first).to_string())),
            (DUE, self.due.map(|due| round_up_ms(due).to_string())),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
    }
}

pub(super) fn read(find: Find<'_>) -> Option<Letter> {
    if !find.0.iter().any(|(name, _)| is_own(name)) {
        return None;
    }
    Some(Letter {
        topic: find.text(TOPIC),
        partition: find.number(PARTITION),
        offset: find.number(OFFSET),
        timestamp_ms: find.number(TIMESTAMP),
        timestamp_kind: find
            .text(TIMESTAMP_KIND)
            .as_deref()
            .and_then(TimestampKind::from_name),
        group: find.text(GROUP),
        step: find.text(STEP),
        class: find.text(CLASS).as_deref().and_then(ErrorClass::from_name),
        chain: find
            .text(CHAIN)
            .map(|chain| chain.lines().take(CHAIN_LIMIT).map(str::to_owned).collect())
            .unwrap_or_default(),
        message: find.text(MESSAGE),
        attempts: find.number(ATTEMPTS),
        first: find.number(FIRST).map(Duration::from_millis),
        due: find.number(DUE).map(Duration::from_millis),
        ..Letter::new(Family::Highwater)
    })
}

/// A moment is written in whole milliseconds, and never as an earlier one than it is.
fn round_up_ms(moment: Duration) -> u128 {
    moment.as_nanos().div_ceil(1_000_000)
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MESSAGE_LIMIT_BYTES)]
}
