//! `highwater member`: one consumer of a group, for scenarios with `[groups.NAME]`.

use std::time::Duration;

use highwater_load::access::Access;
use highwater_load::member::{CommitWhen, MemberOptions, run_member};
use highwater_model::{ExitCode, RunId};

use crate::arguments::{MemberArguments, MemberCommit};
use crate::failure::Failure;
use crate::interrupt;

/// Works until it is asked to end.
pub(crate) fn member(arguments: &MemberArguments) -> Result<ExitCode, Failure> {
    let ending = interrupt::flag()?;
    let options = MemberOptions {
        bootstrap: arguments.bootstrap.clone(),
        topic: arguments.topic.clone(),
        group: arguments.group.clone(),
        client_id: arguments.client_id.clone(),
        run: RunId(arguments.run),
        file: arguments.file.clone(),
        commit_every: Duration::from_millis(arguments.commit_every_ms),
        commit: match arguments.commit {
            MemberCommit::AfterProcessing => CommitWhen::AfterProcessing,
            MemberCommit::BeforeProcessing => CommitWhen::BeforeProcessing,
        },
        work: Duration::from_micros(arguments.work_us),
        session_timeout: Duration::from_millis(arguments.session_timeout_ms),
    };
    let failed = |error: &dyn std::error::Error| {
        Failure::new(
            ExitCode::Infrastructure,
            format!("member of {}: {error}", arguments.group),
        )
    };
    if let Some(config) = &arguments.kafka_config {
        let access = Access::read(config).map_err(|error| failed(&error))?;
        let access = if arguments.without_tls {
            access.without_tls()
        } else {
            access
        };
        access.admit(&arguments.bootstrap);
    }
    run_member(&options, &ending).map_err(|error| failed(&error))?;
    Ok(ExitCode::Holds)
}
