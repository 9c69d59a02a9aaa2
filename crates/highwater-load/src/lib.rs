//! Producers and consumers that offer work from intent and keep the ledger.
//!
//! ```text
//!            ┌ offering thread: due → ledger → client          ┌ polling thread: delivery → ledger
//!  Load ─────┤                                        client ──┤
//!            └ one pair for each producer                      └ client events
//!  Receivers: consumer → ledger          read_back: log → whoever asks          admin: topics
//!  Watch: each broker asked beside it
//! ```
//!
//! Invariant: the load is open. When a record is due follows from the schedule alone, every record that is due
//! has a row in a [`Ledger`], and every row ends with an outcome. What the client library says about a record is
//! translated in one place ([`outcome`]).
//!
//! The crate judges nothing, prints nothing and starts no process. It uses threads of its own and no runtime.

pub mod access;
pub mod admin;
mod calibrate;
mod client_event;
mod clock;
mod connecting;
mod delivery;
mod error;
pub mod feed;
pub mod follow;
mod forward;
mod interval;
mod keys;
mod lag;
mod ledger;
pub mod letters;
mod load;
pub mod log;
pub mod member;
mod offer;
mod offering;
pub mod outcome;
mod progress;
pub mod read_back;
mod receivers;
pub mod rows;
mod settings;
pub mod stamp;
mod throttle;
mod traffic;
mod value;
mod watch;

pub use calibrate::{calibrate_clock, calibrate_scheduler};
pub use client_event::{ClientEvent, ClientEventKind, MAX_CLIENT_EVENTS};
pub use clock::Clock;
pub use error::LoadError;
pub use keys::{KEY_BYTES, KeyChoice, Keys, MAX_EXPONENT, MAX_KEYS};
pub use lag::{LagReading, Survey, SurveyOptions, group_lag};
pub use ledger::{Found, Ledger, MAX_RECORDS, Received, Row};
pub use load::{Counts, Drained, Load};
pub use offer::{MAX_PRODUCERS, Offer, ProducerSpec};
pub use receivers::{MAX_CONSUMERS, ReceiverCounts, Receivers};
pub use settings::{Acks, ClientSettings, Codec};
pub use traffic::Traffic;
pub use value::{
    MAX_COMPRESSIBILITY, MAX_VALUE_BYTES, MIN_CHANGE_EVENT_BYTES, MIN_FIXED_BYTES, ValuePool, Values,
};
pub use watch::{Seen, Watch};
