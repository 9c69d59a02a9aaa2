//! What a run is pointed at: dev broker, supervised Apache Kafka, an existing cluster.
