//! Hooks: what a user's own commands do to a cluster that Highwater did not start, and the proof that they did.
//!
//! ```text
//! broker.kill ─▶ sh -c COMMAND (output in hooks/, time limit) ─▶ is every broker still answering? no: it took effect
//! ```
//! Invariant: a command that ended well proves nothing. A fault counts as fired only when a broker was seen not to answer.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use highwater_load::admin;
use highwater_target::{Application, ApplicationOptions};

use crate::config::FaultKind;
use crate::session::described;

/// Every hook, with what it is to do.
pub const HOOKS: [(&str, &str); 6] = [
    ("broker.kill", "end a broker without warning (SIGKILL)"),
    ("broker.stop", "end a broker properly, and wait for its end"),
    ("broker.start", "start it again"),
    ("broker.restart", "end a broker properly and start it again"),
    ("broker.pause", "halt a broker (SIGSTOP)"),
    ("broker.resume", "have it go on (SIGCONT)"),
];

/// How long a command may take.
const HOOK_LIMIT: Duration = Duration::from_secs(120);
/// How long the cluster may take to answer again.
const BACK_LIMIT: Duration = Duration::from_secs(120);
/// A broker that has not answered for so long does not answer.
const ANSWER: Duration = Duration::from_millis(500);
/// Between two questions.
const LOOK: Duration = Duration::from_millis(50);

/// The hooks that stand for a fault: what begins it, and what ends it; none of its own if the first does both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) begin: String,
    pub(crate) end: Option<String>,
}

/// Finds the hooks for a fault.
///
/// # Errors
/// The hooks that would do it, as they are to be given.
pub(crate) fn pair(kind: FaultKind, hooks: &BTreeMap<String, String>) -> Result<Pair, String> {
    let both = |begin: &str, end: &str| match (hooks.get(begin), hooks.get(end)) {
        (Some(first), Some(second)) => Ok(Pair {
            begin: first.clone(),
            end: Some(second.clone()),
        }),
        _ => Err(format!(
            "--hook {begin}='COMMAND' and --hook {end}='COMMAND' would do it"
        )),
    };
    match kind {
        FaultKind::BrokerKill => both("broker.kill", "broker.start"),
        FaultKind::BrokerPause => both("broker.pause", "broker.resume"),
        FaultKind::BrokerStop => match hooks.get("broker.restart") {
            Some(command) => Ok(Pair {
                begin: command.clone(),
                end: None,
            }),
            None => both("broker.stop", "broker.start")
                .map_err(|other| format!("--hook broker.restart='COMMAND' would do it, or {other}")),
        },
        _ => Err("no hook does this".to_owned()),
    }
}

/// Runs a command of the user to its end.
///
/// # Errors
/// It could not be started, took too long, or ended with another code than 0; where its output is.
pub(crate) fn run_hook(
    command: &str,
    name: &str,
    (directory, highwater): (&Path, &Path),
    environment: Vec<(String, String)>,
    interrupted: &AtomicBool,
) -> Result<(), String> {
    let hooks = directory.join("hooks");
    std::fs::create_dir_all(&hooks).map_err(|error| format!("can't make {}: {error}", hooks.display()))?;
    let log = hooks.join(format!("{name}.log"));
    let options = ApplicationOptions {
        command: vec!["/bin/sh".into(), "-c".into(), command.into()],
        environment,
        log: log.clone(),
        highwater: highwater.to_owned(),
    };
    let failed = |what: String| {
        format!(
            "hook {name} (`{command}`) {what}; its output is in {}",
            log.display()
        )
    };
    let mut process = Application::start(&options)
        .map_err(|error| failed(format!("could not be started: {}", described(&error))))?;
    let limit = Instant::now() + HOOK_LIMIT;
    loop {
        match process.ended() {
            Ok(Some(ended)) if ended.code == Some(0) => return Ok(()),
            Ok(Some(ended)) => return Err(failed(format!("failed: {}", ended.proof))),
            Ok(None) => {}
            Err(error) => return Err(failed(format!("can't be waited for: {}", described(&error)))),
        }
        if Instant::now() >= limit {
            return Err(failed(format!("did not end within {} s", HOOK_LIMIT.as_secs())));
        }
        if interrupted.load(Ordering::Relaxed) {
            return Err(failed("was interrupted".to_owned()));
        }
        std::thread::sleep(LOOK);
    }
}

/// Asks every broker again and again whether it is there.
pub(crate) struct Probe {
    brokers: Vec<(i32, String)>,
}

/// What was seen of brokers that did not answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Silence {
    /// First and last moment at which one did not answer, and which.
    pub(crate) seen: Option<(Instant, Instant, String)>,
}

impl Probe {
    pub(crate) fn new(bootstrap: &str) -> Result<Self, String> {
        let brokers =
            admin::brokers(bootstrap, Duration::from_secs(10)).map_err(|error| described(&error))?;
        Ok(Self { brokers })
    }

    /// Looks until `done`; keeps what it saw.
    pub(crate) fn watch(&self, done: &AtomicBool, silence: &std::sync::Mutex<Silence>) {
        while !done.load(Ordering::Relaxed) {
            self.look(silence);
            std::thread::sleep(LOOK);
        }
    }

    fn look(&self, silence: &std::sync::Mutex<Silence>) -> bool {
        let mut all = true;
        for (id, address) in &self.brokers {
            if admin::reach(address, ANSWER).is_err() {
                all = false;
                let now = Instant::now();
                let mut silence = silence.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let first = silence.seen.as_ref().map_or(now, |(first, _, _)| *first);
                silence.seen = Some((first, now, format!("broker {id} at {address}")));
            }
        }
        all
    }

    /// Waits until every broker answers; false if one does not come back.
    pub(crate) fn wait_until_back(
        &self,
        silence: &std::sync::Mutex<Silence>,
        interrupted: &AtomicBool,
    ) -> bool {
        let limit = Instant::now() + BACK_LIMIT;
        while Instant::now() < limit && !interrupted.load(Ordering::Relaxed) {
            if self.look(silence) {
                return true;
            }
            std::thread::sleep(LOOK);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(names: &[&str]) -> BTreeMap<String, String> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), format!("do {name}")))
            .collect()
    }

    #[test]
    fn a_fault_needs_what_begins_it_and_what_ends_it() {
        for (kind, names, expected) in [
            (
                FaultKind::BrokerKill,
                vec!["broker.kill", "broker.start"],
                Some(("do broker.kill", Some("do broker.start"))),
            ),
            (FaultKind::BrokerKill, vec!["broker.kill"], None),
            (FaultKind::BrokerKill, vec!["broker.restart"], None),
            (
                FaultKind::BrokerStop,
                vec!["broker.restart"],
                Some(("do broker.restart", None)),
            ),
            (
                FaultKind::BrokerStop,
                vec!["broker.stop", "broker.start"],
                Some(("do broker.stop", Some("do broker.start"))),
            ),
            (
                FaultKind::BrokerPause,
                vec!["broker.pause", "broker.resume"],
                Some(("do broker.pause", Some("do broker.resume"))),
            ),
            (
                FaultKind::BrokerIsolate,
                vec!["broker.stop", "broker.start"],
                None,
            ),
        ] {
            let found = pair(kind, &given(&names)).ok();
            let expected = expected.map(|(begin, end)| Pair {
                begin: begin.to_owned(),
                end: end.map(str::to_owned),
            });
            assert_eq!(found, expected, "{kind:?} {names:?}");
        }
        assert!(
            pair(FaultKind::BrokerStop, &given(&[]))
                .unwrap_err()
                .contains("broker.restart")
        );
    }

    #[test]
    fn a_command_that_fails_is_told_with_the_place_of_its_output() {
        let directory = tempfile::tempdir().unwrap();
        let error = run_hook(
            "exit 3",
            "broker.kill",
            (directory.path(), Path::new("/bin/false")),
            Vec::new(),
            &AtomicBool::new(false),
        )
        .unwrap_err();
        assert!(
            error.contains("broker.kill") && error.contains("hooks/broker.kill.log"),
            "{error}"
        );
    }
}
