use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What a run tells a member that it starts.
#[derive(Debug, Args)]
pub(crate) struct MemberArguments {
    #[arg(long)]
    pub(crate) bootstrap: String,
    #[arg(long)]
    pub(crate) topic: String,
    #[arg(long)]
    pub(crate) group: String,
    #[arg(long)]
    pub(crate) client_id: String,
    /// Id of the run, hexadecimal.
    #[arg(long, value_parser = |text: &str| u64::from_str_radix(text, 16))]
    pub(crate) run: u64,
    /// What it processed goes here; must not exist.
    #[arg(long)]
    pub(crate) file: PathBuf,
    #[arg(long, value_enum)]
    pub(crate) commit: MemberCommit,
    #[arg(long)]
    pub(crate) commit_every_ms: u64,
    #[arg(long)]
    pub(crate) work_us: u64,
    #[arg(long)]
    pub(crate) session_timeout_ms: u64,
    /// How the cluster is reached, as `run` was told.
    #[arg(long)]
    pub(crate) kafka_config: Option<PathBuf>,
    /// A proxy that speaks TLS stands before the cluster.
    #[arg(long, requires = "kafka_config")]
    pub(crate) without_tls: bool,
}

/// When a member commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MemberCommit {
    AfterProcessing,
    BeforeProcessing,
}
