//! Clients of Apache Kafka 4.3.1 for Java: what librdkafka does not speak.

mod late_commit;
mod moved_coordinator;
mod untouched;
