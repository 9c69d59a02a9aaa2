//! What a run is pointed at: the dev broker, a supervised Apache Kafka, or a cluster that already exists.
//!
//! ```text
//! TargetSpec ─▶ Target ──┬─ keeper thread ─▶ exec-with-parent ─▶ broker process (own process group)
//!                        ├─ readiness: ApiVersions and Metadata answered
//!                        └─ kill · stop · pause · resume · start again, each with its proof
//! ```
//!
//! This is the only crate that starts processes. Its invariant: whatever way out Highwater takes (return,
//! panic, signal, SIGKILL), no process that it started for a run stays behind; the one exception is the
//! cluster of [`up_kafka`] or [`up_cdc`], which is meant to stay and is ended by [`down`].
//!
//! It measures nothing but resources, writes no records, creates no topics, and never touches a process
//! that it did not start.

mod application;
mod attached;
mod cdc;
mod child;
mod cluster;
mod dev_broker;
mod doctor;
mod error;
mod family;
mod gc_log;
mod guard;
mod host;
mod kafka;
mod keeper;
mod log_tail;
mod maven;
mod node;
mod observer;
mod parent;
mod patience;
mod places;
mod port;
mod program;
mod readiness;
mod requirements;
mod rising;
mod sampler;
mod space;
mod spec;
mod steal;
mod target;
mod up;
mod user;
mod versions;

pub use application::{Application, ApplicationOptions, find_program};
pub use cdc::{
    CdcError, CdcNames, Connect, ConnectOptions, ConnectRest, ConnectorOffset, ConnectorPlan, ConnectorState,
    ConnectorStatus, DEBEZIUM_VERSION, Part, Postgres, PostgresOptions, SlotState, TABLES, TaskStatus,
};
pub use child::{Ended, Proof};
pub use cluster::{Brokers, Which};
pub use doctor::{Finding, FindingState, examine};
pub use error::TargetError;
pub use gc_log::GcLog;
pub use guard::clean_up_after;
pub use host::host;
pub use kafka::{
    Advertise, CLIENT, CONTROLLER, ExtraListener, INTERNAL, KAFKA_VERSION, KafkaOptions, ListenerAt,
};
pub use log_tail::LogTail;
pub use node::Started;
pub use observer::{Observer, TargetEvent};
pub use parent::{die_with_parent, exec_with_parent};
/// The client of PostgreSQL that [`Postgres::client`] gives.
pub use postgres;
pub use requirements::{Requirements, require, requirements};
pub use sampler::{NetworkTotals, Sampler, Watched, host_network, own_cpu_seconds, thread_cpu_seconds};
pub use space::{DiskSpace, disk_space};
pub use spec::TargetSpec;
pub use steal::ProcessorTime;
pub use target::{Target, TargetOptions, preflight};
pub use up::{Stopped, UpInfo, UpOptions, UpPart, down, running, up_cdc, up_kafka};
pub use user::SystemUser;
