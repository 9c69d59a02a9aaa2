//! `highwater prove` end to end, with the copy application: its good forms hold, each planted defect of the pipeline and
//! of the broker is found by name, and what can't be judged is told apart.

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod broker_defects;
mod good;
mod pipeline_defects;
mod trial;
