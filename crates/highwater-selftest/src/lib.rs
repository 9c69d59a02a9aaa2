//! Proof of the checkers, without a broker: clean histories in which nothing may be found, and histories with one
//! defect in them, of which exactly that one must be found.
//!
//! ```text
//!  seed ─▶ clean history ─┬──────────▶ checkers ─▶ no alarm
//!                         ├─ control ─▶ checkers ─▶ still none
//!                         └─ defect ──▶ checkers ─▶ exactly this name, exactly these records
//! ```
//!
//! Invariant: the same seed gives the same histories, defects and answers. Nothing here knows how a checker works.
//!
//! It has no clock, no randomness of its own, and starts nothing.

mod actor;
mod clean;
mod world;

pub use clean::{CONTRACTS, Clean, clean_history};

#[cfg(test)]
mod tests {
    use highwater_check::Contract;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_history() {
        let contract = Contract::parse("at-least-once").unwrap();
        assert_eq!(clean_history(7, contract).steps, clean_history(7, contract).steps);
        assert_ne!(clean_history(7, contract).steps, clean_history(8, contract).steps);
    }

    #[test]
    fn clean_histories_raise_no_alarm() {
        for contract in CONTRACTS {
            let contract = Contract::parse(contract).unwrap();
            for seed in 0..1_000 {
                let clean = clean_history(seed, contract);
                let alarms = clean.alarms();
                assert!(alarms.is_empty(), "{contract}, seed {seed}: {alarms:#?}");
            }
        }
    }
}
