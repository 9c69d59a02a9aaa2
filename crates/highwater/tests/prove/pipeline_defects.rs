//! Each planted defect of the copy application under the fault that it fears, and its good twin under the same schedule
//! and seed.

use crate::trial::{HOLDS, Trial, VIOLATED};

/// A defect, the contract that it breaks, the faults that show it, the anomaly, and the arguments of its good twin.
struct Planted {
    defect: &'static str,
    contract: &'static str,
    faults: &'static [&'static str],
    anomaly: &'static str,
    good: &'static str,
    more: &'static [&'static str],
}

fn shows(planted: &Planted, target: &str) {
    let defect = [&["--defect", planted.defect], planted.more].concat();
    let bad = Trial::of(planted.contract, &defect)
        .faults(planted.faults)
        .target(target)
        .shares_the_machine()
        .ends(VIOLATED);
    assert!(
        bad.violations().contains(&planted.anomaly),
        "{:?}\n{}",
        bad.violations(),
        bad.said
    );
    let good = [&["--guarantee", planted.good], planted.more].concat();
    Trial::of(planted.contract, &good)
        .faults(planted.faults)
        .target(target)
        .shares_the_machine()
        .ends(HOLDS);
}

const COMMIT_BEFORE_PROCESSING: Planted = Planted {
    defect: "commit-before-processing",
    contract: "at-least-once",
    faults: &["kill-commits-ahead"],
    anomaly: "pipeline-loss",
    good: "at-least-once",
    more: &[],
};
const AUTO_COMMIT: Planted = Planted {
    defect: "auto-commit-with-workers",
    ..COMMIT_BEFORE_PROCESSING
};
const NO_IDEMPOTENCE: Planted = Planted {
    defect: "no-idempotence",
    contract: "exactly-once",
    faults: &["lost-produce-answers"],
    anomaly: "pipeline-duplicate",
    good: "at-least-once",
    more: &[],
};
const READ_UNCOMMITTED: Planted = Planted {
    defect: "read-uncommitted",
    contract: "exactly-once",
    faults: &["lost-end-answer"],
    anomaly: "pipeline-phantom",
    good: "exactly-once",
    more: &[],
};
/// Work takes the greater part of its time, as in pipelines that do something: so a halt finds records in hand.
const RANDOM_TRANSACTIONAL_ID: Planted = Planted {
    defect: "random-transactional-id",
    faults: &["zombie", "zombie"],
    anomaly: "pipeline-duplicate",
    more: &["--work-ms", "200"],
    ..READ_UNCOMMITTED
};
const WITHOUT_GROUP_METADATA: Planted = Planted {
    defect: "offsets-without-group-metadata",
    ..RANDOM_TRANSACTIONAL_ID
};
const OFFSETS_OUTSIDE: Planted = Planted {
    defect: "offsets-outside-transaction",
    faults: &["kill-outputs-ahead"],
    anomaly: "pipeline-duplicate",
    ..READ_UNCOMMITTED
};
const NO_REWIND: Planted = Planted {
    defect: "no-rewind-after-abort",
    faults: &["aborted-transaction"],
    anomaly: "pipeline-loss",
    ..READ_UNCOMMITTED
};
const ABORT_AFTER_TIMEOUT: Planted = Planted {
    defect: "abort-after-commit-timeout",
    faults: &["silent-end"],
    anomaly: "pipeline-duplicate",
    ..READ_UNCOMMITTED
};
const NOT_IDEMPOTENT_SINK: Planted = Planted {
    defect: "not-idempotent-sink",
    faults: &["kill-outputs-ahead"],
    anomaly: "pipeline-duplicate",
    ..READ_UNCOMMITTED
};
const DROPS: Planted = Planted {
    defect: "drop-some",
    faults: &["moved-coordinator"],
    anomaly: "pipeline-loss",
    ..READ_UNCOMMITTED
};
const INVENTS: Planted = Planted {
    defect: "invents",
    anomaly: "pipeline-phantom",
    ..DROPS
};
const REORDERS: Planted = Planted {
    defect: "reorders",
    contract: "exactly-once,ordered-per-key",
    anomaly: "pipeline-reorder",
    ..DROPS
};
const MOVES_KEYS: Planted = Planted {
    defect: "moves-keys",
    contract: "exactly-once,ordered-per-key",
    anomaly: "key-moved",
    ..DROPS
};

macro_rules! on_the_dev_broker {
    ($($name:ident: $planted:ident),+ $(,)?) => {
        mod on_the_dev_broker { $(#[test] fn $name() { super::shows(&super::$planted, "dev"); })+ }
    };
}
macro_rules! on_apache_kafka {
    ($($name:ident: $planted:ident),+ $(,)?) => {
        mod on_apache_kafka { $(#[test] fn $name() { super::shows(&super::$planted, "kafka"); })+ }
    };
}

on_the_dev_broker!(
    commit_before_processing: COMMIT_BEFORE_PROCESSING,
    auto_commit_with_workers: AUTO_COMMIT,
    no_idempotence: NO_IDEMPOTENCE,
    read_uncommitted: READ_UNCOMMITTED,
    random_transactional_id: RANDOM_TRANSACTIONAL_ID,
    offsets_without_group_metadata: WITHOUT_GROUP_METADATA,
    offsets_outside_transaction: OFFSETS_OUTSIDE,
    no_rewind_after_abort: NO_REWIND,
    abort_after_commit_timeout: ABORT_AFTER_TIMEOUT,
    not_idempotent_sink: NOT_IDEMPOTENT_SINK,
    drop_some: DROPS,
    invents: INVENTS,
    reorders: REORDERS,
    moves_keys: MOVES_KEYS,
);
on_apache_kafka!(
    read_uncommitted: READ_UNCOMMITTED,
    random_transactional_id: RANDOM_TRANSACTIONAL_ID,
    offsets_without_group_metadata: WITHOUT_GROUP_METADATA,
    offsets_outside_transaction: OFFSETS_OUTSIDE,
    no_rewind_after_abort: NO_REWIND,
    abort_after_commit_timeout: ABORT_AFTER_TIMEOUT,
);
