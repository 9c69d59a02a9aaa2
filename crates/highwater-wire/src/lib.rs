//! Kafka frames and record batches: decode, patch, encode.
