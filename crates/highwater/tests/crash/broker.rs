//! The real program as a child, killed when it is dropped.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Often enough that a kill meets the cleaner at work.
const CLEANER_INTERVAL_MS: &str = "20";

pub(crate) struct Broker {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From the start of the process to its word that it is ready.
    pub(crate) ready_after: Duration,
}

impl Broker {
    pub(crate) fn start(data: &Path, bugs: &[String]) -> Result<Self, String> {
        let began = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
        command
            .args([
                "broker",
                "--listen",
                "127.0.0.1:0",
                "--exit-with-parent",
                "--cleaner-interval-ms",
                CLEANER_INTERVAL_MS,
                "--data-dir",
            ])
            .arg(data)
            .args(bugs.iter().flat_map(|bug| ["--bug", bug]))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        // The end of its output, if it does not come up.
        lines.read_line(&mut line).expect("its first line");
        let ready_after = began.elapsed();
        let Some(address) = line
            .strip_prefix("ready ")
            .and_then(|address| address.trim().parse().ok())
        else {
            let status = child.wait().expect("its end");
            return Err(format!(
                "the broker does not start again: {status}, '{}'",
                line.trim()
            ));
        };
        Ok(Self {
            child,
            address,
            ready_after,
        })
    }

    /// SIGKILL, and its end. An end that came before is told.
    pub(crate) fn kill(mut self) -> Result<(), String> {
        if let Some(status) = self.child.try_wait().expect("looked at") {
            return Err(format!("the broker ended by itself: {status}"));
        }
        self.child.kill().expect("killed");
        self.child.wait().expect("its end");
        Ok(())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Gone already, usually.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
