//! Producers and consumers that offer work from intent and keep the ledger.
