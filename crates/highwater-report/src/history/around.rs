//! The rows around an event: a ring of those before it, and as many after it.

use std::collections::VecDeque;
use std::str::FromStr;

use highwater_model::history::{FaultChange, HistoryBody, HistoryEvent};

use super::Row;

/// An event to look at: `1204`, `fault:1`, `trouble:1`, `process:1`, or the name of a rule as in `lost-ack:1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Around {
    /// By its sequence number.
    Event(u64),
    /// The n-th, from 1, of a kind or of a rule that fired.
    Nth {
        /// `fault`, `trouble`, `process`, or the name of a rule.
        what: String,
        /// Which one.
        ordinal: u64,
    },
}

/// A text that names no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no event: give a sequence number, fault:1, trouble:1, process:1, or a rule and which of its firings, lost-ack:1"
)]
pub struct InvalidAround(String);

impl FromStr for Around {
    type Err = InvalidAround;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(sequence) = text.trim_start_matches('#').parse() {
            return Ok(Self::Event(sequence));
        }
        let (what, ordinal) = match text.rsplit_once(':') {
            Some((what, ordinal)) => (what, ordinal.parse().ok().filter(|ordinal| *ordinal > 0)),
            None => (text, Some(1)),
        };
        match ordinal {
            Some(ordinal) if !what.is_empty() => Ok(Self::Nth {
                what: what.to_owned(),
                ordinal,
            }),
            _ => Err(InvalidAround(text.to_owned())),
        }
    }
}

impl std::fmt::Display for Around {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Event(sequence) => write!(f, "{sequence}"),
            Self::Nth { what, ordinal } => write!(f, "{what}:{ordinal}"),
        }
    }
}

/// Finds the event while events pass.
#[derive(Debug)]
pub(super) struct Seek {
    around: Around,
    seen: u64,
}

impl Seek {
    pub(super) fn new(around: Around) -> Self {
        Self { around, seen: 0 }
    }

    /// Whether this is the event.
    pub(super) fn is(&mut self, event: &HistoryEvent, rules: &[String]) -> bool {
        let Around::Nth { what, ordinal } = &self.around else {
            return self.around == Around::Event(event.sequence);
        };
        let named = match &event.body {
            HistoryBody::Fault {
                rule,
                change: FaultChange::Fired,
                ..
            } => what == "fault" || rules.get(usize::from(*rule)) == Some(what),
            HistoryBody::Trouble(_) => what == "trouble",
            HistoryBody::Process { .. } => what == "process",
            _ => false,
        };
        self.seen += u64::from(named);
        named && self.seen == *ordinal
    }
}

/// Lets pass the rows around the one that is marked; without an event to look at, all of them.
#[derive(Debug)]
pub struct Window {
    context: Option<usize>,
    before: VecDeque<Row>,
    left: Option<usize>,
}

impl Window {
    /// `context` rows before and after the marked one; none for everything.
    #[must_use]
    pub fn new(context: Option<usize>) -> Self {
        Self {
            context,
            before: VecDeque::new(),
            left: None,
        }
    }

    /// Takes a row and gives those that can be shown now.
    pub fn pass(&mut self, row: Row) -> Vec<Row> {
        let Some(context) = self.context else {
            return vec![row];
        };
        if let Some(left) = &mut self.left {
            return match left.checked_sub(1) {
                Some(fewer) => {
                    *left = fewer;
                    vec![row]
                }
                None => Vec::new(),
            };
        }
        if row.marked {
            self.left = Some(context);
            let mut rows: Vec<Row> = self.before.drain(..).collect();
            rows.push(row);
            return rows;
        }
        self.before.push_back(row);
        if self.before.len() > context {
            self.before.pop_front();
        }
        Vec::new()
    }

    /// Nothing more will pass.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.left == Some(0)
    }

    /// The marked row has passed, or none was asked for.
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.context.is_none() || self.left.is_some()
    }
}
