//! Histories of the fault proxy on the dev broker, with the log read back: what the checkers say of right clients, and
//! of each planted defect.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod defects;
mod good;
mod reading;
mod rig;
