//! Programs that are run as clients: found or asked for, tied to the life of this process, ended by their pid.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

use crate::arm::{PATIENCE, until};

/// A program on the path; if it is not there the test fails and says what to install.
#[track_caller]
pub(crate) fn on_path(program: &str, install: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
        .unwrap_or_else(|| {
            panic!("{program} is missing: install {install}, or run ./test, which installs it")
        })
}

/// Where `./test` puts what no package manager of the system has: `tools` in the target folder.
#[track_caller]
pub(crate) fn tool(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_highwater")).ancestors().nth(2);
    let found = target.expect("the target folder").join("tools").join(name);
    assert!(
        found.exists(),
        "{} is missing: run ./test, which installs it",
        found.display()
    );
    found
}

/// A program that runs; it is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    name: String,
    out: File,
    errors: File,
}

/// What a program said.
pub(crate) struct Said {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) errors: String,
}

impl Said {
    /// The output of a program that must have ended well.
    #[track_caller]
    pub(crate) fn well(self) -> String {
        assert!(self.status.success(), "{}", self.story());
        self.out
    }

    /// For people, when an expectation fails.
    pub(crate) fn story(&self) -> String {
        format!("{}\n{}\n{}", self.status, self.out, self.errors)
    }
}

impl Running {
    /// Starts a program with this as its input.
    pub(crate) fn start(command: &Command, input: &str) -> Self {
        let name = format!("{command:?}");
        let (out, errors) = (scratch(), scratch());
        let mut given = scratch();
        given.write_all(input.as_bytes()).expect("a temporary file");
        given.seek(SeekFrom::Start(0)).expect("a temporary file");
        let mut tied = Command::new(env!("CARGO_BIN_EXE_highwater"));
        tied.arg("exec-with-parent")
            .arg("--parent")
            .arg(std::process::id().to_string())
            .arg("--")
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(given)
            .stdout(Stdio::from(out.try_clone().expect("a second handle")))
            .stderr(Stdio::from(errors.try_clone().expect("a second handle")));
        if let Some(dir) = command.get_current_dir() {
            tied.current_dir(dir);
        }
        let child = tied.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        Self {
            child,
            name,
            out,
            errors,
        }
    }

    /// What it has written so far.
    pub(crate) fn so_far(&self) -> String {
        written(&self.out)
    }

    /// Whether it has not ended yet.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Waits for something in its output. Its end is the last chance.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, mut so: impl FnMut(&str) -> bool) {
        until(&format!("{what} from {}", self.name), || {
            let ended = self.child.try_wait().expect("a child").is_some();
            let out = written(&self.out);
            let is = so(&out);
            assert!(
                is || !ended,
                "{} ended before {what}:\n{out}\n{}",
                self.name,
                written(&self.errors)
            );
            is
        });
    }

    /// Kills it with SIGKILL, by its pid.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it ends");
    }

    /// Asks it to end with SIGTERM.
    pub(crate) fn ask_to_end(&self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits for its end; kills it after [`PATIENCE`] and says so.
    #[track_caller]
    pub(crate) fn end(mut self) -> Said {
        let limit = Instant::now() + PATIENCE;
        while self.child.try_wait().expect("a child").is_none() {
            if Instant::now() > limit {
                self.kill();
                panic!(
                    "{} did not end within {PATIENCE:?}:\n{}\n{}",
                    self.name,
                    written(&self.out),
                    written(&self.errors)
                );
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Said {
            status: self.child.wait().expect("a child"),
            out: written(&self.out),
            errors: written(&self.errors),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program to its end.
#[track_caller]
pub(crate) fn run(command: &Command, input: &str) -> Said {
    Running::start(command, input).end()
}

fn scratch() -> File {
    tempfile::tempfile().expect("a temporary file")
}

/// What is in a file so far. The program writes through the same handle: its position is left alone.
fn written(file: &File) -> String {
    let mut bytes = vec![0; file.metadata().map_or(0, |metadata| metadata.len()) as usize];
    let read = file.read_at(&mut bytes, 0).expect("a temporary file");
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}
