//! What can go wrong in a benchmark.

use std::path::PathBuf;

use highwater_load::LoadError;
use highwater_target::TargetError;
use highwater_wire::WireError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error("{}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("can't run {program}: {source}")]
    Start { program: String, source: std::io::Error },
    #[error("{program} ended with {status}:\n{output}")]
    Ended {
        program: String,
        status: String,
        output: String,
    },
    #[error("{program} printed nothing that could be understood:\n{output}")]
    Output { program: String, output: String },
    #[error("{what}: {source}")]
    Json { what: String, source: serde_json::Error },
    #[error("not installed: {0}")]
    Missing(&'static str),
    #[error(transparent)]
    Topic(#[from] LoadError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("{0}")]
    Wire(#[from] WireError),
    #[error("client")]
    Client(#[from] rdkafka::error::KafkaError),
    #[error("{what}: error {code}")]
    Answer { what: &'static str, code: i16 },
    #[error("limit of open files: {0}")]
    Limit(rustix::io::Errno),
    #[error("{0}")]
    Missed(String),
    #[error("no case '{given}', there are {known}")]
    UnknownCase { given: String, known: String },
}
