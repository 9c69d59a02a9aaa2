use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::*;

/// Long enough for a shell to say a word on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

struct Scene {
    // Before the keeper, as everywhere.
    process: Option<Process>,
    keeper: Keeper,
    log: PathBuf,
    _dir: tempfile::TempDir,
    calm: AtomicBool,
}

impl Scene {
    /// Runs a shell script and waits until it has said `up`.
    fn of(script: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let keeper = Keeper::start().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        let process = Process::start(&keeper, "test", shell, &log).unwrap();
        let scene = Self {
            process: Some(process),
            keeper,
            log,
            _dir: dir,
            calm: AtomicBool::new(false),
        };
        scene.wait("up", || scene.said().contains("up").then_some(()));
        scene
    }

    fn process(&mut self) -> &mut Process {
        self.process.as_mut().unwrap()
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn wait<T>(&self, what: &str, mut seen: impl FnMut() -> Option<T>) -> T {
        wait_until(what, LOOK, PATIENCE, &self.calm, || Ok(seen()))
            .unwrap()
            .unwrap_or_else(|| panic!("never {what}"))
    }
}

fn exists(pid: i32) -> bool {
    // An orphan that waits for init to reap it does not run any more.
    let stat = procfs::process::Process::new(pid).and_then(|process| process.stat());
    stat.is_ok_and(|stat| stat.state != 'Z')
}

#[test]
fn a_kill_is_proven_by_signal_9() {
    let mut scene = Scene::of("echo up; exec sleep 1000");
    let pid = scene.process().pid();
    let ended = scene.process().kill().unwrap();
    assert_eq!((ended.signal, ended.code), (Some(9), None));
    assert_eq!(
        ended.proof,
        format!("the test process {pid} ended by signal 9 (SIGKILL)")
    );
    assert!(
        matches!(scene.process().kill(), Err(TargetError::Died { .. })),
        "there is nothing left to kill"
    );
}

#[test]
fn what_ended_on_its_own_is_not_taken_for_killed() {
    let mut scene = Scene::of("echo up; echo last words >&2; exit 7");
    scene.wait("ended", || {
        scene
            .process
            .as_ref()
            .filter(|process| process.has_ended())
            .map(|_| ())
    });
    let error = scene.process().kill().unwrap_err().to_string();
    assert!(
        error.contains("ended on its own") && error.contains("last words"),
        "{error}"
    );
    assert_eq!(scene.process().reap().unwrap().code(), Some(7));
}

#[test]
fn a_request_to_end_is_honoured_or_enforced_and_the_proof_tells_which() {
    let loops = "while :; do sleep 0.02; done";
    for (name, trap, limit, signal, code) in [
        ("graceful", r#"trap "exit 3" TERM"#, PATIENCE, None, Some(3)),
        ("default", ":", PATIENCE, Some(15), None),
        (
            "ignored",
            r#"trap "" TERM"#,
            Duration::from_millis(100),
            Some(9),
            None,
        ),
    ] {
        let mut scene = Scene::of(&format!("{trap}; echo up; {loops}"));
        let calm = AtomicBool::new(false);
        let ended = scene.process().stop(limit, &calm, &|| false).unwrap();
        assert_eq!(
            (ended.signal, ended.code),
            (signal, code),
            "{name}: {}",
            ended.proof
        );
        assert_eq!(
            ended.proof.contains("not having ended within 0.1 s"),
            signal == Some(9),
            "{}",
            ended.proof
        );
    }
}

#[test]
fn an_interrupt_ends_the_wait_for_a_graceful_end() {
    let mut scene = Scene::of(r#"trap "" TERM; echo up; while :; do sleep 0.02; done"#);
    let began = Instant::now();
    let error = scene
        .process()
        .stop(PATIENCE, &AtomicBool::new(true), &|| false)
        .unwrap_err();
    assert!(matches!(error, TargetError::Interrupted { .. }), "{error}");
    assert!(began.elapsed() < PATIENCE / 2);
}

#[test]
fn a_pause_is_proven_by_state_t_and_a_paused_process_can_be_stopped() {
    let mut scene = Scene::of("echo up; exec sleep 1000");
    let pid = scene.process.as_ref().map(|process| process.pid).unwrap();
    let proof = scene.process().pause().unwrap();
    assert_eq!(thread_states(pid), ['T']);
    assert!(
        proof
            .proof
            .ends_with("is halted: state T of all its 1 threads in /proc"),
        "{}",
        proof.proof
    );
    scene.process().resume().unwrap();
    assert!(thread_states(pid).iter().all(|state| *state != 'T'));
    scene.process().pause().unwrap();
    let calm = AtomicBool::new(false);
    assert_eq!(
        scene.process().stop(PATIENCE, &calm, &|| false).unwrap().signal,
        Some(15)
    );
}

#[test]
fn whatever_the_process_started_ends_with_it() {
    type End = fn(&mut Scene);
    let dropped: End = |scene| drop(scene.process.take());
    let killed: End = |scene| drop(scene.process().kill().unwrap());
    let alone: End = |scene| {
        kill_process(scene.process().pid, Signal::KILL).unwrap();
        scene.process().reap().unwrap();
    };
    let ways = [
        ("dropped", dropped),
        ("killed", killed),
        ("gone on its own", alone),
    ];
    for (name, end) in ways {
        let mut scene = Scene::of("sleep 1000 & echo $! up; wait");
        let grandchild: i32 = scene.said().split_whitespace().next().unwrap().parse().unwrap();
        assert!(exists(grandchild), "{name}");
        end(&mut scene);
        scene.wait(name, || (!exists(grandchild)).then_some(()));
    }
}

#[test]
fn a_program_that_does_not_exist_is_named() {
    let scene = Scene::of("echo up");
    let missing = Command::new("/no/such/program");
    let error = Process::start(&scene.keeper, "the thing", missing, &scene.log).unwrap_err();
    assert_eq!(error.to_string(), "can't start the thing (/no/such/program)");
}

#[test]
fn a_program_that_takes_too_long_is_ended() {
    let scene = Scene::of("echo up");
    let mut sleep = Command::new("sleep");
    sleep.arg("1000");
    let limit = Duration::from_millis(20);
    let error = run_to_end(&scene.keeper, "sleeper", sleep, &scene.log, limit, &scene.calm).unwrap_err();
    assert!(matches!(error, TargetError::NotReady { .. }), "{error}");
}
