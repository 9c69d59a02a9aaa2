//! Pipelines, with and without defects.

mod aggregates;
mod naive;
mod planted;
mod rules;
mod story;
mod traces;
