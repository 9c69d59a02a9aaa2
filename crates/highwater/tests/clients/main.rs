//! Clients that nobody here wrote, each with the same body against the dev broker and against Apache Kafka, so that
//! the body itself is known to be right.
//!
//! Invariant: nothing is skipped. A program that is missing fails the test with the sentence that says what to
//! install; `./test` installs it.
//!
//! It measures nothing, and looks at nothing but what a client is told.

#[macro_use]
mod arm;
mod children;
mod java;
mod jvm;
mod kcat;
mod librdkafka;
mod lint;
mod python;
