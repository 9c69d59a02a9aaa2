//! The dev broker: a single-node Kafka broker for laptops, CI and proofs.
