//! One file for each finding.

mod acks_leader;
mod acks_none;
mod changing_transactional_id;
mod commit_before_output;
mod commit_without_member;
mod heartbeat_gap;
mod no_generation_fencing;
mod no_rewind_after_abort;
mod not_idempotent;
mod old_transaction_protocol;
mod partitioner_differs;
mod place;
mod poll_gap;
mod read_uncommitted;
mod reorder_in_flight;
mod reset_to_latest;
mod steady_commits;
mod thrown_out;
mod transaction_near_timeout;
mod transaction_timeout_refused;
mod unstable_offsets;

use super::check::Check;

/// A fresh check for every finding.
pub(super) fn all() -> Vec<Box<dyn Check>> {
    vec![
        Box::<acks_leader::AcksLeader>::default(),
        Box::<acks_none::AcksNone>::default(),
        Box::<changing_transactional_id::ChangingTransactionalId>::default(),
        Box::<commit_before_output::CommitBeforeOutput>::default(),
        Box::<commit_without_member::CommitWithoutMember>::default(),
        Box::<heartbeat_gap::HeartbeatGap>::default(),
        Box::<no_generation_fencing::NoGenerationFencing>::default(),
        Box::<no_rewind_after_abort::NoRewindAfterAbort>::default(),
        Box::<not_idempotent::NotIdempotent>::default(),
        Box::<old_transaction_protocol::OldTransactionProtocol>::default(),
        Box::<partitioner_differs::PartitionerDiffers>::default(),
        Box::<poll_gap::PollGap>::default(),
        Box::<read_uncommitted::ReadUncommitted>::default(),
        Box::<reorder_in_flight::ReorderInFlight>::default(),
        Box::<reset_to_latest::ResetToLatest>::default(),
        Box::<steady_commits::SteadyCommits>::default(),
        Box::<thrown_out::ThrownOut>::default(),
        Box::<transaction_near_timeout::TransactionNearTimeout>::default(),
        Box::<transaction_timeout_refused::TransactionTimeoutRefused>::default(),
        Box::<unstable_offsets::UnstableOffsets>::default(),
    ]
}
