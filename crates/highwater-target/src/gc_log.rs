//! Pauses and heap of a JVM, from the log that its garbage collector writes (`-Xlog:gc`).
//!
//! ```text
//! [1763768888123ms][gc] GC(12) Pause Young (Normal) (G1 Evacuation Pause) 310M->29M(512M) 4.218ms
//! ```
//! The JVM renames the file when it is full and when it starts again; the old one is read to its end first.
//!
//! Invariant: whatever stands in the file, reading it never fails a run: a line that is not understood is left out.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use highwater_model::GcPause;

/// The option that makes a JVM write this log: one line for each pause, moments of the wall clock, bounded.
pub(crate) fn option(file: &str) -> String {
    format!("-Xlog:gc:file={file}:timemillis,tags:filecount=2,filesize=4M")
}

/// Read at once; more is read the next time.
const MOST_BYTES: u64 = 1 << 20;
/// A line is some hundred bytes long.
const LONGEST_LINE: usize = 4_096;

/// The log of one process, read as it grows.
#[derive(Debug)]
pub struct GcLog {
    process: String,
    path: PathBuf,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    inode: u64,
    /// A line whose end is not there yet.
    rest: Vec<u8>,
}

/// A pause with its moment on the wall clock.
#[derive(Debug, Clone, PartialEq)]
struct Pause {
    at_ms: u64,
    kind: String,
    pause_ns: u64,
    heap: Option<[u64; 3]>,
}

impl GcLog {
    /// The log that a process of this name writes, or will write, there.
    #[must_use]
    pub fn new(process: &str, path: &Path) -> Self {
        Self {
            process: process.to_owned(),
            path: path.to_owned(),
            open: None,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Pauses since the last call. `now_ns` is this moment on the clock of the run and `wall_ms` the same on the wall
    /// clock, which the JVM writes.
    pub fn pauses(&mut self, now_ns: u64, wall_ms: u64) -> Vec<GcPause> {
        let mut found = Vec::new();
        if let Some(open) = &mut self.open {
            open.read(&mut found);
        }
        let inode = std::fs::metadata(&self.path).map(|metadata| metadata.ino()).ok();
        if inode.is_some()
            && inode != self.open.as_ref().map(|open| open.inode)
            && let Ok(file) = File::open(&self.path)
        {
            let inode = file.metadata().map_or(0, |metadata| metadata.ino());
            let open = self.open.insert(Open {
                file,
                inode,
                rest: Vec::new(),
            });
            open.read(&mut found);
        }
        let on_the_run =
            |at_ms: u64| now_ns.saturating_sub(wall_ms.saturating_sub(at_ms).saturating_mul(1_000_000));
        found
            .into_iter()
            .map(|pause| {
                let [heap_before_bytes, heap_after_bytes, heap_bytes] = pause.heap.unwrap_or_default();
                GcPause {
                    at_ns: on_the_run(pause.at_ms),
                    process: self.process.clone(),
                    kind: pause.kind,
                    pause_ns: pause.pause_ns,
                    heap_before_bytes,
                    heap_after_bytes,
                    heap_bytes,
                }
            })
            .collect()
    }
}

impl Open {
    fn read(&mut self, found: &mut Vec<Pause>) {
        let mut bytes = Vec::new();
        // What could not be read now may be there the next time.
        if (&self.file).take(MOST_BYTES).read_to_end(&mut bytes).is_err() {
            return;
        }
        self.rest.extend(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            found.extend(std::str::from_utf8(&line).ok().and_then(pause));
        }
        if self.rest.len() > LONGEST_LINE {
            self.rest.clear();
        }
    }
}

fn pause(line: &str) -> Option<Pause> {
    let (stamp, rest) = line.trim().strip_prefix('[')?.split_once("ms]")?;
    let (_, rest) = rest.split_once("] GC(")?;
    let (_, rest) = rest.split_once(") Pause ")?;
    let (rest, took) = rest.trim_end().rsplit_once(' ')?;
    let took: f64 = took.strip_suffix("ms")?.parse().ok()?;
    let (kind, heap) = match rest.rsplit_once(' ') {
        Some((kind, last)) if last.contains("->") => (kind, heap(last)),
        _ => (rest, None),
    };
    (took.is_finite() && took >= 0.0).then(|| Pause {
        at_ms: stamp.parse().unwrap_or(0),
        kind: kind.to_owned(),
        pause_ns: (took * 1e6) as u64,
        heap,
    })
}

/// `310M->29M(512M)` in bytes.
fn heap(text: &str) -> Option<[u64; 3]> {
    let (before, rest) = text.split_once("->")?;
    let (after, size) = rest.strip_suffix(')')?.split_once('(')?;
    Some([bytes(before)?, bytes(after)?, bytes(size)?])
}

fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|last: char| last.is_ascii_alphabetic());
    let shift = match &text[digits.len()..] {
        "B" | "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_of_a_collector() {
        let mib = |bytes: u64| bytes << 20;
        let cases = [
            (
                "[1763768888123ms][gc] GC(12) Pause Young (Normal) (G1 Evacuation Pause) 310M->29M(512M) 4.218ms",
                Some((
                    "Young (Normal) (G1 Evacuation Pause)",
                    4_218_000,
                    Some([mib(310), mib(29), mib(512)]),
                )),
            ),
            (
                "[1763768888123ms][gc          ] GC(3) Pause Full (G1 Compaction Pause) 63M->62M(64M) 91.000ms",
                Some((
                    "Full (G1 Compaction Pause)",
                    91_000_000,
                    Some([mib(63), mib(62), mib(64)]),
                )),
            ),
            (
                "[17ms][gc] GC(4) Pause Remark 900K->1G(2G) 0.5ms",
                Some(("Remark", 500_000, Some([900 << 10, 1 << 30, 2 << 30]))),
            ),
            (
                "[17ms][gc] GC(4) Pause Cleanup 0.031ms",
                Some(("Cleanup", 31_000, None)),
            ),
            ("[17ms][gc] GC(4) Concurrent Mark Cycle 12.3ms", None),
            ("[17ms][gc] Using G1", None),
            ("[17ms][gc] GC(4) Pause Young 1M->2M(3M) soon", None),
            (
                "[17ms][gc] GC(4) Pause Young 1M->2Q(3M) 1ms",
                Some(("Young", 1_000_000, None)),
            ),
            ("", None),
        ];
        for (line, expected) in cases {
            let found = pause(line).map(|pause| (pause.kind, pause.pause_ns, pause.heap));
            let found = found.as_ref().map(|(kind, ns, heap)| (kind.as_str(), *ns, *heap));
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn a_log_is_followed_over_halves_of_lines_and_renaming() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gc.log");
        let mut log = GcLog::new("broker", &path);
        assert!(log.pauses(0, 0).is_empty(), "there is none yet");
        let mut file = File::create(&path).unwrap();
        write!(
            file,
            "[1000ms][gc] GC(0) Pause Young 30M->9M(64M) 2.0ms\n[2000ms][gc] GC(1) Pau"
        )
        .unwrap();
        let first = log.pauses(5_000_000_000, 3_000);
        assert_eq!(first.len(), 1);
        assert_eq!(
            (first[0].at_ns, first[0].heap_after_bytes),
            (3_000_000_000, 9 << 20)
        );
        writeln!(file, "se Young 31M->10M(64M) 3.0ms").unwrap();
        std::fs::rename(&path, dir.path().join("gc.log.0")).unwrap();
        writeln!(file, "[2500ms][gc] GC(2) Pause Young 31M->11M(64M) 3.0ms").unwrap();
        std::fs::write(&path, "[2600ms][gc] GC(0) Pause Young 31M->12M(64M) 3.0ms\n").unwrap();
        let after: Vec<u64> = log
            .pauses(5_000_000_000, 3_000)
            .iter()
            .map(|pause| pause.heap_after_bytes >> 20)
            .collect();
        assert_eq!(after, [10, 11, 12]);
        assert!(log.pauses(5_000_000_000, 3_000).is_empty());
    }
}
