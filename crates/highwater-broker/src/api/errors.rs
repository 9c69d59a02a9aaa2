//! Kafka's error code for each error of the rooms below.

use highwater_wire::records::RecordsError;
use kafka_protocol::error::ResponseError;
use kafka_protocol::protocol::StrBytes;

use crate::bugs::journal::JournalError;
use crate::cluster::MoveError;
use crate::intake::IntakeError;
use crate::leadership::PlacementError;
use crate::partition::{AppendError, ReadError};
use crate::topic_config::TopicConfigError;
use crate::topics::TopicError;

/// An error as a client sees it: a code, and a sentence where the protocol has room for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) error: ResponseError,
    pub(super) message: String,
}

impl ApiError {
    pub(super) fn new(error: ResponseError, message: impl Into<String>) -> Self {
        Self {
            error,
            message: message.into(),
        }
    }

    pub(super) fn code(&self) -> i16 {
        self.error.code()
    }

    pub(super) fn text(&self) -> Option<StrBytes> {
        Some(StrBytes::from_string(self.message.clone()))
    }

    pub(super) fn unknown_partition() -> Self {
        Self::new(
            ResponseError::UnknownTopicOrPartition,
            "no such topic or partition here",
        )
    }
}

impl From<AppendError> for ApiError {
    fn from(error: AppendError) -> Self {
        let code = match &error {
            AppendError::OutOfOrder { .. } => ResponseError::OutOfOrderSequenceNumber,
            AppendError::FencedEpoch { .. } => ResponseError::InvalidProducerEpoch,
            AppendError::InTransaction => ResponseError::InvalidTxnState,
            AppendError::NotAdmitted(error) => *error,
            AppendError::Closed => ResponseError::UnknownTopicOrPartition,
            AppendError::NotReplicated => ResponseError::NotEnoughReplicasAfterAppend,
            AppendError::Storage(_) | AppendError::Journal(_) => {
                log_storage_error(&error);
                ResponseError::KafkaStorageError
            }
        };
        Self::new(code, error.to_string())
    }
}

impl From<IntakeError> for ApiError {
    fn from(error: IntakeError) -> Self {
        let code = match &error {
            IntakeError::Contradiction(_)
            | IntakeError::Numbering { .. }
            | IntakeError::NoKey { .. }
            | IntakeError::Records(RecordsError::Malformed(_) | RecordsError::Count { .. }) => {
                ResponseError::InvalidRecord
            }
            IntakeError::Timestamp { .. } => ResponseError::InvalidTimestamp,
            // Kafka has no code for it.
            IntakeError::Codec | IntakeError::Records(RecordsError::Compression(_)) => {
                ResponseError::UnknownServerError
            }
            IntakeError::Records(RecordsError::Batch(_)) => ResponseError::CorruptMessage,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        let code = match &error {
            ReadError::OutOfRange { .. } => ResponseError::OffsetOutOfRange,
            ReadError::Closed => ResponseError::UnknownTopicOrPartition,
            ReadError::Storage(_) | ReadError::Journal(_) => {
                log_storage_error(&error);
                ResponseError::KafkaStorageError
            }
        };
        Self::new(code, error.to_string())
    }
}

impl From<JournalError> for ApiError {
    fn from(error: JournalError) -> Self {
        log_storage_error(&error);
        Self::new(ResponseError::KafkaStorageError, error.to_string())
    }
}

impl From<TopicError> for ApiError {
    fn from(error: TopicError) -> Self {
        let code = match &error {
            TopicError::Exists(_) => ResponseError::TopicAlreadyExists,
            TopicError::Name(_) | TopicError::Collision(..) => ResponseError::InvalidTopicException,
            TopicError::Partitions(_) | TopicError::NoGrowth { .. } => ResponseError::InvalidPartitions,
            TopicError::Assignments(_) => ResponseError::InvalidReplicaAssignment,
            TopicError::Storage(_) => {
                log_storage_error(&error);
                ResponseError::KafkaStorageError
            }
        };
        Self::new(code, error.to_string())
    }
}

impl From<PlacementError> for ApiError {
    fn from(error: PlacementError) -> Self {
        let code = match &error {
            PlacementError::Factor { .. } => ResponseError::InvalidReplicationFactor,
            PlacementError::Empty | PlacementError::Twice(_) | PlacementError::Unknown(_) => {
                ResponseError::InvalidReplicaAssignment
            }
        };
        Self::new(code, error.to_string())
    }
}

impl From<MoveError> for ApiError {
    fn from(error: MoveError) -> Self {
        match error {
            MoveError::Placement(error) => error.into(),
            MoveError::Storage(error) => {
                log_storage_error(&error);
                Self::new(ResponseError::KafkaStorageError, error.to_string())
            }
        }
    }
}

impl From<TopicConfigError> for ApiError {
    fn from(error: TopicConfigError) -> Self {
        Self::new(ResponseError::InvalidConfig, error.to_string())
    }
}

/// The client gets a code; the person at the broker gets the chain of causes.
pub(super) fn log_storage_error(error: &(dyn std::error::Error + 'static)) {
    tracing::error!(error, "storage error");
}
