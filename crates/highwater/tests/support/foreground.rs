use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use super::program;

/// A program in the foreground with its first line read; ended when dropped.
pub struct Foreground {
    pub child: Child,
    pub stdout: BufReader<ChildStdout>,
    pub first: String,
}

impl Foreground {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut first = String::new();
        stdout.read_line(&mut first).expect("a first line");
        Self { child, stdout, first }
    }

    /// A dev broker at a free port.
    pub fn broker(directory: &Path) -> Self {
        Self::start(
            program()
                .args(["broker", "--listen", "127.0.0.1:0", "--data-dir"])
                .arg(directory),
        )
    }

    /// What `ready HOST:PORT` names.
    pub fn address(&self) -> &str {
        self.first
            .trim()
            .strip_prefix("ready ")
            .expect("`ready HOST:PORT`")
    }

    /// Ends it as Ctrl-C does: exit code, the rest of standard output, standard error.
    pub fn interrupt(mut self) -> (i32, String, String) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("the signal is sent");
        self.finish()
    }

    pub fn finish(&mut self) -> (i32, String, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("UTF-8");
        let mut errors = String::new();
        let stderr = self.child.stderr.as_mut().expect("piped");
        stderr.read_to_string(&mut errors).expect("UTF-8");
        let code = self.child.wait().expect("it ends").code().unwrap_or(-1);
        (code, rest, errors)
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
