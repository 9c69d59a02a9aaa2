//! A wire history as a person reads it: a table, a sequence diagram, a summary.
//!
//! ```text
//! events ─▶ Follow ─▶ Row ─▶ Window ─┬▶ Table       a line or a few for each exchange
//!           (filter)        (around) ├▶ Sequence    text, for a terminal
//!                                    └▶ svg         the same as a picture
//!        └─▶ Summary
//! ```
//! Invariant: events stream through. What is kept is bounded: exchanges that wait for their answer, the rows around
//! a moment, the rows of one diagram. Names of APIs and errors come from the caller ([`Names`]): nothing here
//! knows Kafka's numbers.

mod answer;
mod around;
mod checked;
mod draw;
mod excerpt;
mod filter;
mod follow;
mod lanes;
mod question;
mod row;
mod sequence;
mod summary;
mod svg;
mod table;

pub use around::{Around, InvalidAround, Window};
pub use checked::{Checked, checked_json, checked_text};
pub use excerpt::{excerpt, rows};
pub use filter::{Filter, Producer, TopicFilter};
pub use follow::Follow;
pub use row::{Part, Place, Row, Shape, Step};
pub use sequence::sequence;
pub use summary::Summary;
pub use svg::svg;
pub use table::Table;

/// Kafka's names for its numbers.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// Name of an API: `Produce`.
    pub api: fn(i16) -> Option<&'static str>,
    /// Name of an error: `NOT_LEADER_OR_FOLLOWER`.
    pub error: fn(i16) -> Option<&'static str>,
}

impl Names {
    fn api(self, key: i16) -> String {
        (self.api)(key).map_or_else(|| format!("api {key}"), str::to_owned)
    }

    fn error(self, code: i16) -> String {
        (self.error)(code).map_or_else(|| format!("error {code}"), str::to_owned)
    }
}
