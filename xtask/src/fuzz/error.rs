//! What ends a fuzzing run.

use std::path::PathBuf;

use highwater_broker::BrokerError;
use highwater_wire::WireError;
use highwater_wire::compression::CompressionError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum FuzzError {
    #[error("{}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("start the broker")]
    Broker(#[from] BrokerError),
    #[error("a runtime, or a directory for the broker")]
    Io(#[from] std::io::Error),
    #[error("limit the memory: {0}")]
    Limit(rustix::io::Errno),
    #[error("a request of the corpus")]
    Wire(#[from] WireError),
    #[error("compress a batch of the corpus")]
    Compression(#[from] CompressionError),
    #[error("the broker does not answer a good request: {0}")]
    Corpus(String),
    #[error("{what}: seed {seed}, input {number}, its bytes are in {}", file.display())]
    Found {
        what: String,
        seed: u64,
        number: u64,
        file: PathBuf,
    },
}
