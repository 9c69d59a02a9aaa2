//! Suites and scenarios: parse, plan, drive load and faults, one ordered event stream.
pub mod config;
pub mod suites;
