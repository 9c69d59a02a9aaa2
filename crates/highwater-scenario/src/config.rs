//! Scenario files: one format (TOML), every key known, every error with its place.

mod error;
mod layers;
mod quantity;
mod scenario;

pub use error::{ConfigError, Place, SourceFile};
pub(crate) use layers::nearest;
pub use layers::{LARGEST_FILE_BYTES, Resolved, Set, parse, resolve};
pub use quantity::{Rate, Size, Span};
pub use scenario::{
    Acks, Arrival, Broker, Burst, Compression, Drain, Fault, FaultKind, KeyKind, Keys, Kind, Load, Producer,
    Scenario, Startup, Step, Topic, Validity, ValueKind, Values, Variant, WarmUp,
};
