//! A child that ends when its parent is gone, also when the parent had no chance to say so.
//!
//! The setting must be made by the child itself and survives `execve`, so a program that knows nothing of
//! it (Java) is started through [`exec_with_parent`]: `highwater exec-with-parent --parent PID -- java …`.
//! Invariant: there is no moment at which the parent can go unnoticed, because the parent is looked at
//! after the setting is made.

use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use crate::error::TargetError;
use crate::user::SystemUser;

/// Asks the kernel to kill this process when its parent, whoever that is now, is gone.
///
/// The parent is the thread that started this process; Highwater starts its children from a thread that
/// lives as long as they do. A parent that was gone before the call goes unnoticed; children of a target
/// come through [`exec_with_parent`], which notices.
///
/// # Errors
/// [`TargetError::Process`] if the kernel refuses.
pub fn die_with_parent() -> Result<(), TargetError> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|source| TargetError::Process {
        action: "tie to its parent",
        process: "this process".to_owned(),
        source: source.into(),
    })
}

fn require_parent(expected: u32) -> Result<(), TargetError> {
    let parent = getppid().and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok());
    if parent == Some(expected) {
        Ok(())
    } else {
        Err(TargetError::ParentGone { parent: expected })
    }
}

/// Becomes another program that ends when the parent is gone. Returns only if that fails.
/// As another user, if one is given, which only root may do.
///
/// # Errors
/// [`TargetError::ParentGone`]; [`TargetError::Spawn`] if there is no such program.
pub fn exec_with_parent(
    parent_pid: u32,
    user: Option<SystemUser>,
    command: &[OsString],
) -> Result<Infallible, TargetError> {
    if let Some(user) = user {
        // Before the tie: a change of user undoes it.
        user.become_it()?;
    }
    die_with_parent()?;
    require_parent(parent_pid)?;
    let missing = || std::io::Error::new(std::io::ErrorKind::InvalidInput, "no command given");
    let (program, source) = match command.split_first() {
        Some((program, arguments)) => (program.clone(), Command::new(program).args(arguments).exec()),
        None => (OsString::new(), missing()),
    };
    Err(TargetError::Spawn {
        what: program.to_string_lossy().into_owned(),
        program: program.into(),
        source,
    })
}
