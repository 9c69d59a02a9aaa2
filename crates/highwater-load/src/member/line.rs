//! One line of a member's file: when, what, and its numbers, separated by spaces.
//!
//! Times are nanoseconds of the machine's monotonic clock, which all processes share.

use std::fmt;

use highwater_model::RecordId;

/// A line of a member's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Nanoseconds of the monotonic clock of the machine.
    pub at_ns: u64,
    /// What happened.
    pub what: What,
}

/// What a member tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It was given these partitions.
    Assigned(Vec<i32>),
    /// It gave them back, or was told that it had lost them.
    Revoked(Vec<i32>),
    /// It processed a record.
    Processed {
        /// Partition.
        partition: i32,
        /// Offset.
        offset: i64,
        /// Which record of the run; none if it is none of them.
        record: Option<RecordId>,
    },
    /// The cluster confirmed a commit.
    Committed {
        /// Partition.
        partition: i32,
        /// The offset to go on from.
        next: i64,
    },
    /// A client error, or a refused commit, in words.
    Trouble(String),
    /// It left the group and ended as asked.
    Left,
}

/// A line that can't be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a line of a member's file can't be understood: {0:?}")]
pub struct LineError(pub String);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at_ns;
        let partitions = |f: &mut fmt::Formatter<'_>, word: &str, all: &[i32]| {
            write!(f, "{at} {word}")?;
            all.iter().try_for_each(|one| write!(f, " {one}"))
        };
        match &self.what {
            What::Assigned(all) => partitions(f, "assigned", all),
            What::Revoked(all) => partitions(f, "revoked", all),
            What::Processed {
                partition,
                offset,
                record: Some(RecordId { producer, sequence }),
            } => write!(f, "{at} r {partition} {offset} {producer} {sequence}"),
            What::Processed {
                partition, offset, ..
            } => write!(f, "{at} r {partition} {offset}"),
            What::Committed { partition, next } => write!(f, "{at} committed {partition} {next}"),
            What::Trouble(text) => write!(f, "{at} trouble {}", text.replace(['\n', '\r'], " ")),
            What::Left => write!(f, "{at} left"),
        }
    }
}

impl std::str::FromStr for Line {
    type Err = LineError;

    fn from_str(text: &str) -> Result<Self, LineError> {
        parse(text).ok_or_else(|| LineError(text.chars().take(200).collect()))
    }
}

fn parse(text: &str) -> Option<Line> {
    let (at, rest) = text.split_once(' ')?;
    let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut words = rest.split_ascii_whitespace();
    let what = match word {
        "assigned" => What::Assigned(words.by_ref().map(str::parse).collect::<Result<_, _>>().ok()?),
        "revoked" => What::Revoked(words.by_ref().map(str::parse).collect::<Result<_, _>>().ok()?),
        "r" => {
            let (partition, offset) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            let record = match words.next() {
                None => None,
                Some(producer) => Some(RecordId {
                    producer: producer.parse().ok()?,
                    sequence: words.next()?.parse().ok()?,
                }),
            };
            What::Processed {
                partition,
                offset,
                record,
            }
        }
        "committed" => What::Committed {
            partition: words.next()?.parse().ok()?,
            next: words.next()?.parse().ok()?,
        },
        "trouble" => {
            words = "".split_ascii_whitespace();
            What::Trouble(rest.to_owned())
        }
        "left" => What::Left,
        _ => return None,
    };
    words.next().is_none().then_some(Line {
        at_ns: at.parse().ok()?,
        what,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_reads_back_as_written() {
        let record = Some(RecordId {
            producer: 2,
            sequence: 77,
        });
        for what in [
            What::Assigned(vec![0, 5]),
            What::Revoked(vec![]),
            What::Processed {
                partition: 3,
                offset: 12,
                record,
            },
            What::Processed {
                partition: 3,
                offset: 12,
                record: None,
            },
            What::Committed {
                partition: 1,
                next: 13,
            },
            What::Trouble("commit refused: not a member".to_owned()),
            What::Left,
        ] {
            let line = Line { at_ns: 9, what };
            assert_eq!(line.to_string().parse::<Line>().as_ref(), Ok(&line));
        }
    }

    #[test]
    fn what_is_no_line_is_an_error() {
        for text in [
            "",
            "9",
            "x left",
            "9 r 1",
            "9 r 1 2 3",
            "9 committed 1",
            "9 left 1",
            "9 what 1",
            "9 r 1 2 3 4 5",
        ] {
            assert!(text.parse::<Line>().is_err(), "{text}");
        }
    }
}
