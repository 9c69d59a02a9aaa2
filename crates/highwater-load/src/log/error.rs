use highwater_wire::WireError;

/// Why a log can't be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// No address of the cluster answered.
    #[error("no broker answers at {bootstrap}")]
    Unreachable {
        /// The addresses as given.
        bootstrap: String,
        /// What the last one said.
        #[source]
        source: Option<WireError>,
    },
    /// How the cluster is reached can't be used.
    #[error("TLS with {bootstrap}")]
    Access {
        /// The addresses as given.
        bootstrap: String,
        /// What is wrong.
        source: std::io::Error,
    },
    /// A broker did not answer, or its answer makes no sense.
    #[error("{api} to {address}")]
    Wire {
        /// The request.
        api: &'static str,
        /// The broker.
        address: String,
        /// What went wrong.
        source: WireError,
    },
    /// A broker refused.
    #[error("{api} of {subject}: error {code}")]
    Refused {
        /// The request.
        api: &'static str,
        /// Topic, partition or group.
        subject: String,
        /// Kafka's number of the error.
        code: i16,
    },
    /// There is no such topic.
    #[error("topic {topic} does not exist")]
    TopicMissing {
        /// Its name.
        topic: String,
    },
    /// A partition has no leader.
    #[error("{topic}/{partition} has no leader")]
    NoLeader {
        /// Topic.
        topic: String,
        /// Partition.
        partition: i32,
    },
    /// Reading was interrupted.
    #[error("interrupted")]
    Interrupted,
}
