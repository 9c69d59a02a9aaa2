//! Scenario files: one format (TOML), every key known, every error with its place.

mod connector;
mod error;
mod group;
mod layers;
mod quantity;
mod rule;
mod scenario;

pub use connector::{Connector, Wrong};
pub use error::{ConfigError, Place, SourceFile};
pub use group::{Commit, Group, MemberFault, MemberFaultKind, Stopped};
pub(crate) use layers::nearest;
pub use layers::{LARGEST_FILE_BYTES, Resolved, Set, parse, resolve};
pub use quantity::{ByteRate, Rate, Size, Span, Versions};
pub(crate) use rule::specs;
pub use rule::{
    DirectionWritten, Event, PARAMETER_KEYS, Rule, SCOPE_KEYS, TRIGGER_KEYS, ThenWritten, parse_rules,
};
pub use scenario::{
    Acks, Arrival, Broker, Burst, Compression, Drain, Fault, FaultKind, KeyKind, Keys, Kind, Load, Producer,
    Quick, Scenario, Startup, Step, Topic, Validity, ValueKind, Values, Variant, WarmUp,
};
