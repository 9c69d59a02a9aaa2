//! Pipelines on a dev broker: what a broker, a handler, other members and strangers can do to them.

mod bad_input;
mod database;
mod members;
mod pressure;
mod stage;
