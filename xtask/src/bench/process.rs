//! Child processes: their output, and what they used, read from `/proc` while they run.
//!
//! Invariant: CPU and memory are those of the child itself, and the last reading is at most [`READ_EVERY`] old
//! when it ends.

use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::error::BenchError;

/// How often `/proc` is read.
const READ_EVERY: Duration = Duration::from_millis(20);
/// Most output that is kept.
const MOST_OUTPUT: u64 = 64 << 20;
/// Unit of CPU times in `/proc`: fixed at 100 per second for user space on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) program: String,
    pub(crate) code: Option<i32>,
    /// What it printed.
    pub(crate) output: String,
    /// What it said on standard error.
    errors: String,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_resident_bytes: u64,
}

impl Ended {
    /// An error unless it ended with 0.
    pub(crate) fn successful(self) -> Result<Self, BenchError> {
        if self.code == Some(0) {
            return Ok(self);
        }
        Err(BenchError::Ended {
            status: self
                .code
                .map_or("a signal".to_owned(), |code| format!("status {code}")),
            program: self.program,
            output: last_lines(&self.output, &self.errors),
        })
    }

    pub(crate) fn not_understood(self) -> BenchError {
        BenchError::Output {
            program: self.program,
            output: last_lines(&self.output, &self.errors),
        }
    }
}

/// Runs a program to its end and returns what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String, BenchError> {
    run(command)?.successful().map(|ended| ended.output)
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Result<Ended, BenchError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let start = |source| BenchError::Start {
        program: program.clone(),
        source,
    };
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(start)?;
    let output = child.stdout.take().map(|stream| reader(Box::new(stream)));
    let errors = child.stderr.take().map(|stream| reader(Box::new(stream)));
    let (mut cpu_seconds, mut peak_resident_bytes) = (0.0, 0);
    let status = loop {
        if let Some(status) = child.try_wait().map_err(start)? {
            break status;
        }
        cpu_seconds = cpu_seconds_of(child.id()).unwrap_or(cpu_seconds);
        peak_resident_bytes = peak_of(&child).unwrap_or(peak_resident_bytes);
        thread::sleep(READ_EVERY);
    };
    let text = |thread: Option<JoinHandle<String>>| thread.and_then(|thread| thread.join().ok());
    Ok(Ended {
        program,
        code: status.code(),
        output: text(output).unwrap_or_default(),
        errors: text(errors).unwrap_or_default(),
        cpu_seconds,
        peak_resident_bytes,
    })
}

fn reader(stream: Box<dyn Read + Send>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read until an error is still worth showing.
        drop(stream.take(MOST_OUTPUT).read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// CPU seconds that a process has used.
pub(crate) fn cpu_seconds_of(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

/// Seconds that all processors were busy since the machine was started.
pub(crate) fn busy_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<f64> = text
        .lines()
        .next()?
        .split_whitespace()
        .skip(1)
        .take(8)
        .filter_map(|word| word.parse().ok())
        .collect();
    // User, nice, system, (idle, waiting for disks,) interrupts twice.
    let busy: f64 = [0, 1, 2, 5, 6].iter().filter_map(|place| ticks.get(*place)).sum();
    Some(busy / TICKS_PER_SECOND)
}

fn peak_of(child: &Child) -> Option<u64> {
    memory_of(child.id(), "VmHWM:")
}

/// One of the kinds of memory in `/proc/PID/status`, in bytes.
pub(crate) fn memory_of(pid: u32, kind: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(kind))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1_024)
}

fn last_lines(output: &str, errors: &str) -> String {
    let lines: Vec<&str> = output.lines().chain(errors.lines()).collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
