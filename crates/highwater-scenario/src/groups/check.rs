//! What can be wrong with groups, before anything is started.

use std::time::Duration;

use crate::config::{ConfigError, Kind, Resolved, Scenario};

/// Members of all groups: each is a process with a client of its own.
const MOST_MEMBERS: u32 = 64;
/// Kafka refuses a shorter session unless it is told otherwise (`group.min.session.timeout.ms`).
const SHORTEST_SESSION: Duration = Duration::from_secs(6);

/// Checks every group.
pub(crate) fn check(resolved: &Resolved, scenario: &Scenario) -> Result<(), ConfigError> {
    let wrong = |key: String, message: String| Err(resolved.error(&key, message));
    let members: u32 = scenario
        .groups
        .values()
        .map(|group| group.members)
        .fold(0, u32::saturating_add);
    if members > MOST_MEMBERS {
        return wrong(
            "groups".to_owned(),
            format!("the groups have {members} members; at most {MOST_MEMBERS} processes are started"),
        );
    }
    for (name, group) in &scenario.groups {
        let key = |part: &str| format!("groups.{name}.{part}");
        if scenario.kind != Kind::Load {
            return wrong(
                format!("groups.{name}"),
                "groups read what a load writes, and this scenario has none".to_owned(),
            );
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 40 || !name.chars().all(plain) {
            return wrong(
                format!("groups.{name}"),
                format!("`{name}` can't be a name: lower-case letters, digits and hyphens, at most 40"),
            );
        }
        if group.members == 0 {
            return wrong(key("members"), format!("group {name} has no member"));
        }
        if group.session_timeout.0 < SHORTEST_SESSION {
            let short = format!(
                "a session of {} is refused by Kafka; it takes 6 s or more",
                group.session_timeout
            );
            return wrong(key("session_timeout"), short);
        }
        let end = scenario.load.duration.0;
        let late = |part: &str, last: Option<Duration>| match last {
            Some(last) if last < end => Ok(()),
            _ => wrong(
                key(part),
                format!(
                    "what is done to group {name} goes on longer than the load ({}): make load.duration longer",
                    scenario.load.duration
                ),
            ),
        };
        if let Some(stopped) = group.stopped {
            late("stopped", stopped.after.0.checked_add(stopped.down.0))?;
        }
        if let Some(fault) = group.fault {
            if fault.times == 0 {
                return wrong(
                    key("fault.times"),
                    "a fault that never comes shows nothing".to_owned(),
                );
            }
            if fault.times > 1 && fault.every.0 <= fault.down.0 {
                return wrong(
                    key("fault.every"),
                    "the next member is hit before the last one is back: make `every` longer than `down`"
                        .to_owned(),
                );
            }
            if fault.after.0 <= scenario.warm_up.limit.0 {
                return wrong(
                    key("fault.after"),
                    "the fault comes while warm-up may last: make it later".to_owned(),
                );
            }
            let rounds = fault.every.0.checked_mul(fault.times - 1);
            late(
                "fault",
                rounds
                    .and_then(|all| all.checked_add(fault.after.0))
                    .and_then(|all| all.checked_add(fault.down.0)),
            )?;
        }
    }
    Ok(())
}
