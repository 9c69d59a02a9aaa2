//! Reading what processes use, from `/proc`.
//!
//! Processes may come and go between two readings and files may not be readable: then the reading or the
//! figure is missing. Nothing is summed up or judged here.

use std::collections::BTreeMap;

use highwater_model::{ProcessRole, ResourceSample};
use procfs::process::Process;

/// A process to read, under its name in the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Name of the process in the run.
    pub name: String,
    /// What it is for.
    pub role: ProcessRole,
    /// Its pid now.
    pub pid: u32,
}

impl Watched {
    /// This process, which offers the load and keeps the books.
    #[must_use]
    pub fn own() -> Self {
        Self {
            name: "highwater".to_owned(),
            role: ProcessRole::Generator,
            pid: std::process::id(),
        }
    }
}

/// Takes readings and remembers the previous one of each process.
#[derive(Debug, Default)]
pub struct Sampler {
    previous: BTreeMap<u32, Previous>,
}

#[derive(Debug, Clone, Copy)]
struct Previous {
    at_ns: u64,
    /// Tells a process from an earlier one with the same pid.
    started: u64,
    cpu_seconds: f64,
}

impl Sampler {
    /// A sampler without memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads every process that exists; `at_ns` is the moment on the clock of the run.
    pub fn sample(&mut self, watched: &[Watched], at_ns: u64) -> Vec<ResourceSample> {
        self.previous
            .retain(|pid, _| watched.iter().any(|process| process.pid == *pid));
        watched
            .iter()
            .filter_map(|process| self.read(process, at_ns))
            .collect()
    }

    fn read(&mut self, watched: &Watched, at_ns: u64) -> Option<ResourceSample> {
        let process = Process::new(i32::try_from(watched.pid).ok()?).ok()?;
        let stat = process.stat().ok().filter(|stat| stat.state != 'Z')?;
        let cpu_seconds = (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64;
        let now = Previous {
            at_ns,
            started: stat.starttime,
            cpu_seconds,
        };
        let before = self
            .previous
            .insert(watched.pid, now)
            .filter(|before| before.started == now.started);
        let io = process.io().ok();
        Some(ResourceSample {
            at_ns,
            process: watched.name.clone(),
            role: watched.role,
            pid: watched.pid,
            cpu_cores: before.and_then(|before| cores(before, now)),
            cpu_seconds_total: cpu_seconds,
            resident_bytes: stat.rss.saturating_mul(procfs::page_size()),
            disk_written_bytes: io.as_ref().map(|io| io.write_bytes),
            disk_read_bytes: io.as_ref().map(|io| io.read_bytes),
            descriptors: process
                .fd_count()
                .ok()
                .and_then(|count| u64::try_from(count).ok()),
        })
    }
}

fn cores(before: Previous, now: Previous) -> Option<f64> {
    let seconds = now
        .at_ns
        .checked_sub(before.at_ns)
        .filter(|elapsed| *elapsed > 0)? as f64
        / 1e9;
    Some(((now.cpu_seconds - before.cpu_seconds) / seconds).max(0.0))
}

/// Totals over the network interfaces of the host since it started.
///
/// The kernel counts per network namespace and not per process, so these are the whole machine's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NetworkTotals {
    /// Bytes received, loopback included.
    pub received_bytes: u64,
    /// Bytes sent, loopback included.
    pub sent_bytes: u64,
    /// Bytes over loopback alone, where each is sent and received once.
    pub loopback_bytes: u64,
}

/// Reads the totals; none where they are not readable.
#[must_use]
pub fn host_network() -> Option<NetworkTotals> {
    let devices = procfs::net::dev_status().ok()?;
    Some(
        devices
            .values()
            .fold(NetworkTotals::default(), |sum, device| NetworkTotals {
                received_bytes: sum.received_bytes.saturating_add(device.recv_bytes),
                sent_bytes: sum.sent_bytes.saturating_add(device.sent_bytes),
                loopback_bytes: match device.name.as_str() {
                    "lo" => device.recv_bytes,
                    _ => sum.loopback_bytes,
                },
            }),
    )
}

/// CPU seconds that the current thread has used.
#[must_use]
pub fn thread_cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// CPU seconds that this process has used, all threads, with the resolution of the scheduler's clock.
#[must_use]
pub fn own_cpu_seconds() -> Option<f64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_process_is_read_and_a_missing_one_left_out() {
        let missing = Watched {
            name: "gone".to_owned(),
            role: ProcessRole::Broker,
            pid: i32::MAX as u32,
        };
        let mut sampler = Sampler::new();
        let first = sampler.sample(&[Watched::own(), missing.clone()], 0);
        assert_eq!(first.len(), 1);
        assert_eq!(first[0].cpu_cores, None, "nothing to compare with");
        assert!(first[0].resident_bytes > 100_000);
        assert!(first[0].descriptors.unwrap() >= 3);
        let began = own_cpu_seconds().unwrap();
        while own_cpu_seconds().unwrap() - began < 0.05 {
            std::hint::black_box(0);
        }
        let second = sampler.sample(&[Watched::own(), missing], 1_000_000_000);
        let used = second[0].cpu_cores.unwrap();
        assert!(used > 0.02, "50 ms of CPU in a second read as {used} cores");
    }

    #[test]
    fn a_pid_that_went_to_another_process_starts_anew() {
        let mut sampler = Sampler::new();
        sampler.sample(&[Watched::own()], 0);
        sampler
            .previous
            .values_mut()
            .for_each(|previous| previous.started += 1);
        assert_eq!(
            sampler.sample(&[Watched::own()], 1_000_000_000)[0].cpu_cores,
            None
        );
        assert_eq!(
            sampler.sample(&[Watched::own()], 1_000_000_000)[0].cpu_cores,
            None,
            "no time has passed"
        );
        assert!(sampler.sample(&[], 2_000_000_000).is_empty() && sampler.previous.is_empty());
    }

    #[test]
    fn the_hosts_network_is_counted() {
        let totals = host_network().unwrap();
        assert_eq!(
            host_network().map(|later| later.received_bytes >= totals.received_bytes),
            Some(true)
        );
    }
}
