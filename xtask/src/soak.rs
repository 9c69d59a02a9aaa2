//! `soak`: tests of the repository, for longer than anybody waits for.

use std::process::{Command, Stdio};

use clap::Subcommand;

/// What to repeat.
#[derive(Debug, Subcommand)]
pub(crate) enum Soak {
    /// SIGKILL of the dev broker while everything runs (`crates/highwater/tests/crash`).
    Crash {
        /// How often.
        #[arg(long, default_value_t = 1_000)]
        rounds: u64,
        /// Decides on the moments and on what is done.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SoakError {
    #[error("can't run cargo")]
    Start(#[from] std::io::Error),
    #[error("the test failed")]
    Failed,
}

/// Runs it, as the test that it is, on an optimised build.
pub(crate) fn soak(what: &Soak) -> Result<(), SoakError> {
    let Soak::Crash { rounds, seed } = what;
    let test = "kills_at_random_moments_lose_nothing";
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "test",
            "--release",
            "--package",
            "highwater",
            "--test",
            "crash",
            "--",
            test,
            "--nocapture",
        ])
        .env("HIGHWATER_CRASH_ROUNDS", rounds.to_string())
        .env("HIGHWATER_CRASH_SEED", seed.to_string())
        .stdin(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(SoakError::Failed)
    }
}
