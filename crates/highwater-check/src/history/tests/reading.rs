//! Histories of other tools, from text to findings.

mod edn;
mod verifiable;
