//! The same tests against the dev broker and against Apache Kafka.
//!
//! Each body takes down what the client sees, in lines; what Kafka answered is kept in `expected/`, and both
//! brokers must answer so. Where the dev broker differs on purpose, `differences.rs` says so, and why.
//!
//! ```text
//! cargo test -p highwater-broker --test conformance                      both
//! HIGHWATER_RECORD=1 cargo test … --test conformance kafka              takes down what Kafka answers
//! ```
//! Without Kafka the tests of its arm are skipped and say so; with `HIGHWATER_REQUIRE_KAFKA=1` they fail.

mod apache;
mod arm;
mod ask;
mod batches;
#[path = "../served/client.rs"]
#[expect(dead_code, reason = "shared with the tests of the broker alone")]
mod client;
mod cluster;
mod configs;
mod differences;
mod fetch;
mod group_offsets;
mod groups;
mod idempotence;
mod offsets;
mod produce;
#[path = "../served/running.rs"]
#[expect(dead_code, reason = "shared with the tests of the broker alone")]
mod running;
mod topics;
mod transactions;

/// Each body as a test in a module for its arm: `dev::produce::too_large`.
macro_rules! tests {
    ($arm:ident, $run:path, $($module:ident: $($body:ident),+;)+) => {
        mod $arm { $(pub(super) mod $module { $(
            #[test]
            fn $body() {
                let name = concat!(stringify!($module), "::", stringify!($body));
                $run(name, crate::$module::$body);
            }
        )+ })+ }
    };
}

/// Run against both.
macro_rules! bodies {
    ($($table:tt)+) => {
        tests!(dev, crate::arm::dev, $($table)+);
        tests!(kafka, crate::arm::kafka, $($table)+);
    };
}

bodies! {
    cluster:
        coordinators,
        described,
        frames_refused,
        partitions_described,
        versions;
    configs:
        alterations_refused,
        altered,
        described,
        replaced_in_the_old_way;
    fetch:
        a_limit_for_several_partitions,
        by_topic_id,
        leader_epochs,
        limits,
        offsets,
        old_versions,
        sessions,
        unknown_places,
        waiting;
    group_offsets:
        committed_by_members,
        committed_without_members,
        deleted,
        old_versions;
    groups:
        a_member_that_does_not_come_back,
        a_session_that_ends,
        joins_that_can_not_be,
        listed,
        one_member,
        one_member_in_old_versions,
        static_members,
        two_members,
        wrong_ids_and_generations;
    idempotence:
        duplicates_within_five_batches,
        epochs,
        gaps,
        sequences_wrap_around,
        two_partitions_and_two_batches,
        unknown_producers;
    offsets:
        by_time,
        ends_of_epochs,
        old_versions,
        records_deleted,
        refused;
    produce:
        a_new_topic_by_producing,
        a_waiting_fetch_is_woken,
        acknowledgements,
        acks_0_to_nowhere_closes,
        acks_0_with_a_bad_batch_closes,
        bad_codec,
        batches_that_contradict_themselves,
        by_topic_id,
        codecs_stay_as_they_are,
        compacted_topics_want_keys,
        damaged_batches,
        old_versions,
        one_bad_partition_does_not_keep_the_others,
        several_batches,
        timestamps_of_the_client,
        timestamps_of_the_log,
        timestamps_within_limits,
        too_large,
        topic_sets_the_codec,
        unknown_places;
    topics:
        created,
        creations_refused,
        deleted,
        described,
        partitions_added;
    transactions:
        a_fenced_producer,
        a_transaction_that_times_out,
        additions_that_can_not_be,
        commit_and_abort_step_by_step,
        described_places,
        ends_that_do_not_fit,
        ends_that_do_not_fit_in_version_2,
        epochs_of_init,
        listed_by_state,
        offsets_of_a_transaction,
        offsets_of_a_transaction_in_version_2,
        offsets_that_can_not_be,
        timeouts_of_init,
        two_open_transactions,
        version_2_step_by_step,
        writes_outside_of_a_transaction,
        wrong_epochs_and_ids;
}
