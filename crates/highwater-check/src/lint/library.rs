//! Client libraries, and their words for the settings that matter.
//!
//! Invariant: a library whose words are not known here gets Kafka's own terms, never those of another library.
//!
//! The names of Apache Kafka's client, librdkafka and kafka-python were seen on the wire. The names and words of aiokafka,
//! franz-go (`kgo`), Sarama, KafkaJS and segmentio/kafka-go were not tried, and should be checked against their
//! configuration references before they are relied on.

mod words;

/// A client library, known by the name it gives in ApiVersions (KIP-511), or else by its default client id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Library {
    Java,
    Librdkafka,
    KafkaPython,
    Aiokafka,
    FranzGo,
    Sarama,
    KafkaJs,
    KafkaGo,
    Unknown,
}

/// What has to be set, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    AcksAll,
    Idempotence,
    InFlight,
    ReadCommitted,
    GroupMetadata,
    NewTransactions,
    CommitAfterOutput,
    AutoCommit,
    FixedTransactionalId,
    SessionTimeout,
    PollInterval,
    SamePartitioner,
    StableOffsets,
    Subscribe,
    TransactionTimeoutMax,
    TransactionTimeout,
    ResetEarliest,
    Rewind,
}

/// Wrappers of librdkafka give their own names.
const LIBRDKAFKA: [&str; 8] = [
    "librdkafka",
    "rdkafka",
    "confluent-kafka-python",
    "confluent-kafka-go",
    "confluent-kafka-dotnet",
    "confluent-kafka-javascript",
    "rust-rdkafka",
    "php-rdkafka",
];

impl Library {
    /// By the software name; without one by a client id that only one library has as its default.
    pub(super) fn of(software: Option<&str>, client_id: Option<&str>) -> Self {
        match software {
            Some(name) => Self::by_software(name),
            None => client_id.map_or(Self::Unknown, Self::by_client_id),
        }
    }

    fn by_software(name: &str) -> Self {
        match name {
            "apache-kafka-java" => Self::Java,
            "kafka-python" => Self::KafkaPython,
            "aiokafka" => Self::Aiokafka,
            "kgo" | "franz-go" => Self::FranzGo,
            "sarama" => Self::Sarama,
            "kafkajs" => Self::KafkaJs,
            name if LIBRDKAFKA.contains(&name) || name.contains("rdkafka") => Self::Librdkafka,
            _ => Self::Unknown,
        }
    }

    fn by_client_id(id: &str) -> Self {
        match id {
            "rdkafka" => Self::Librdkafka,
            "sarama" => Self::Sarama,
            "kafkajs" => Self::KafkaJs,
            id if id.starts_with("kafka-python-") => Self::KafkaPython,
            id if id.starts_with("aiokafka-") => Self::Aiokafka,
            id if id.contains("github.com/segmentio/kafka-go") => Self::KafkaGo,
            _ => Self::Unknown,
        }
    }

    /// Its name for people.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Java => Some("Java client"),
            Self::Librdkafka => Some("librdkafka"),
            Self::KafkaPython => Some("kafka-python"),
            Self::Aiokafka => Some("aiokafka"),
            Self::FranzGo => Some("franz-go"),
            Self::Sarama => Some("Sarama"),
            Self::KafkaJs => Some("KafkaJS"),
            Self::KafkaGo => Some("segmentio/kafka-go"),
            Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_known_by_what_they_send() {
        for (software, client_id, library) in [
            (Some("apache-kafka-java"), Some("producer-1"), Library::Java),
            (Some("librdkafka"), Some("rdkafka"), Library::Librdkafka),
            (Some("confluent-kafka-python"), None, Library::Librdkafka),
            (Some("kgo"), None, Library::FranzGo),
            (Some("kafka-python"), None, Library::KafkaPython),
            (None, Some("aiokafka-0.12.0"), Library::Aiokafka),
            (None, Some("kafkajs"), Library::KafkaJs),
            (
                None,
                Some("x@y (github.com/segmentio/kafka-go)"),
                Library::KafkaGo,
            ),
            (None, Some("orders"), Library::Unknown),
            (None, None, Library::Unknown),
            // A name decides, whatever the client id looks like.
            (Some("own-client"), Some("rdkafka"), Library::Unknown),
        ] {
            assert_eq!(
                Library::of(software, client_id),
                library,
                "{software:?} {client_id:?}"
            );
        }
    }

    #[test]
    fn every_library_has_words_for_every_remedy() {
        for library in Library::ALL {
            for remedy in Remedy::ALL {
                assert!(!remedy.setting(library).is_empty(), "{library:?} {remedy:?}");
            }
        }
    }
}
