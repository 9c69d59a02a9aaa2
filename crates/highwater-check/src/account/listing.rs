//! Anomalies as they are remembered, and their story in words.

use highwater_measure::quantity::{count, moment};
use highwater_model::{AnomalyExample, RecordId};

use super::MOST_LISTED;

/// One anomalous record. Words are only made when the account is closed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) id: RecordId,
    pub(super) place: (i32, i64),
    pub(super) story: Story,
}

/// What happened to it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Story {
    AlsoAt { partition: i32, offset: Option<i64> },
    Behind { sequence: u64 },
    AcknowledgedAs { partition: i32, offset: i64 },
    ReportedFailed,
    Foreign,
    NeverHandedOver,
    NoSuchRecord,
    PayloadDamaged,
    StampDamaged,
    StampDamagedOf { acknowledged_at_ns: Option<u64> },
}

/// The anomalies of one kind.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) count: u64,
    pub(super) entries: Vec<Entry>,
}

impl Listing {
    pub(super) fn add(&mut self, entry: Entry) {
        self.count += 1;
        if self.entries.len() < MOST_LISTED {
            self.entries.push(entry);
        }
    }
}

impl Entry {
    pub(super) fn example(&self, topic: &str) -> AnomalyExample {
        AnomalyExample {
            topic: topic.to_owned(),
            partition: self.place.0,
            offset: Some(self.place.1),
            record: self.id,
            detail: self.story.words(self.place),
        }
    }
}

impl Story {
    fn words(self, place: (i32, i64)) -> String {
        match self {
            Self::AlsoAt { partition, offset } if partition == place.0 => match offset {
                Some(first) => format!("first at offset {}, again at {}", at(first), at(place.1)),
                None => format!("again at offset {}", at(place.1)),
            },
            Self::AlsoAt { partition, offset } => match offset {
                Some(first) => format!("first in partition {partition} at offset {}", at(first)),
                None => format!("first in partition {partition}"),
            },
            Self::Behind { sequence } => format!("stands behind sequence {}", count(sequence)),
            Self::AcknowledgedAs { partition, offset } if partition == place.0 => {
                format!("acknowledged as offset {}, found at {}", at(offset), at(place.1))
            }
            Self::AcknowledgedAs { partition, offset } => format!(
                "acknowledged as partition {partition} offset {}, found in partition {}",
                at(offset),
                place.0
            ),
            Self::ReportedFailed => "the client reported it as failed".to_owned(),
            Self::Foreign => "carries no stamp of this run".to_owned(),
            Self::NeverHandedOver => "was never handed to the client".to_owned(),
            Self::NoSuchRecord => "the run has no such record".to_owned(),
            Self::PayloadDamaged => "the checksum of the payload is wrong".to_owned(),
            Self::StampDamaged => "the checksum of the stamp is wrong".to_owned(),
            Self::StampDamagedOf { acknowledged_at_ns } => format!(
                "{} at this offset; the checksum of the stamp is wrong",
                acknowledged(acknowledged_at_ns)
            ),
        }
    }
}

/// `acknowledged at 15.001 s`, without the moment if it is not known.
pub(super) fn acknowledged(at_ns: Option<u64>) -> String {
    at_ns.map_or_else(
        || "acknowledged".to_owned(),
        |ns| format!("acknowledged at {}", moment(ns)),
    )
}

/// An offset in words.
pub(super) fn at(offset: i64) -> String {
    u64::try_from(offset).map_or_else(|_| offset.to_string(), count)
}
