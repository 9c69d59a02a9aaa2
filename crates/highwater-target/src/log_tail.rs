//! The last lines of a log file, for error messages. Never fails: what can't be read is empty.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Enough for a Java stack trace's first lines, little enough for a terminal.
const LINES: usize = 8;
/// How much of the end is read to find them.
const READ_BYTES: u64 = 16 * 1024;
/// How much is searched for a line; a broker that recovers a damaged log may have much to say before it.
const SEARCH_BYTES: u64 = 1 << 20;
/// What a JVM says when its heap, or the memory of the system, is not enough.
const OUT_OF_MEMORY: &str = "java.lang.OutOfMemoryError";
/// A line is cut here: a class path of a hundred jars helps nobody.
const LINE_CHARS: usize = 240;

/// The last lines of a log and where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogTail {
    path: PathBuf,
    lines: Vec<String>,
}

impl LogTail {
    /// Reads the end of a log from `from` on: what an earlier incarnation wrote is not quoted.
    ///
    /// A JVM that ran out of memory may say much after it has said so: the first line about that comes first.
    pub(crate) fn read(path: &Path, from: u64) -> Self {
        let mut tail = Self::select(path, from, |lines| {
            lines.split_off(lines.len().saturating_sub(LINES))
        });
        if tail.out_of_memory().is_none()
            && let Some(line) = first_with(path, from, OUT_OF_MEMORY)
        {
            tail.lines.drain(..tail.lines.len().saturating_sub(LINES - 1));
            tail.lines.insert(0, legible(&line));
        }
        tail
    }

    /// The line that says that a JVM had too little memory.
    pub(crate) fn out_of_memory(&self) -> Option<&str> {
        let said = self.lines.iter().find(|line| line.contains(OUT_OF_MEMORY));
        said.map(String::as_str)
    }

    /// The first lines with a mark, e.g. `[ERROR]`; the last lines if none has it.
    pub(crate) fn marked(path: &Path, mark: &str) -> Self {
        Self::select(path, 0, |lines| {
            let marked: Vec<String> = lines
                .iter()
                .filter(|line| line.contains(mark))
                .take(LINES / 2)
                .cloned()
                .collect();
            if marked.is_empty() {
                lines.split_off(lines.len().saturating_sub(LINES))
            } else {
                marked
            }
        })
    }

    /// The lines alone, for a log that is about to be removed.
    pub(crate) fn without_path(self) -> Self {
        Self {
            path: PathBuf::new(),
            ..self
        }
    }

    fn select(path: &Path, from: u64, choose: impl FnOnce(&mut Vec<String>) -> Vec<String>) -> Self {
        let mut lines: Vec<String> = end_of(path, from, READ_BYTES)
            .lines()
            .map(legible)
            .filter(|line: &String| !line.trim().is_empty())
            .collect();
        let lines = choose(&mut lines);
        Self {
            path: path.to_owned(),
            lines,
        }
    }

    /// The lines, oldest first.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

impl fmt::Display for LogTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_path = !self.path.as_os_str().is_empty();
        match (has_path, self.lines.is_empty()) {
            (false, true) => return Ok(()),
            (true, true) => return write!(f, "; its log is empty: {}", self.path.display()),
            (false, false) => f.write_str("; it said:")?,
            (true, false) => write!(f, "; from its log {}:", self.path.display())?,
        }
        self.lines.iter().try_for_each(|line| write!(f, "\n    {line}"))
    }
}

fn legible(line: &str) -> String {
    line.chars()
        .filter(|c| !c.is_control() || *c == '\t')
        .take(LINE_CHARS)
        .collect()
}

/// The first line with a text after `from`; looks at the last [`SEARCH_BYTES`] only.
fn first_with(path: &Path, from: u64, text: &str) -> Option<String> {
    let end = end_of(path, from, SEARCH_BYTES);
    end.lines().find(|line| line.contains(text)).map(str::to_owned)
}

/// True if `line` stands in the log after `from`; looks at the first [`SEARCH_BYTES`] only.
pub(crate) fn has_line(path: &Path, from: u64, line: &str) -> bool {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(from))?;
        file.take(SEARCH_BYTES).read_to_end(&mut bytes)
    });
    read.is_ok() && String::from_utf8_lossy(&bytes).lines().any(|found| found == line)
}

fn end_of(path: &Path, from: u64, most: u64) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(path) {
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let start = length.saturating_sub(most).max(from.min(length));
        if file.seek(SeekFrom::Start(start)).is_ok() {
            // What was read before an error is still worth quoting.
            let _ = file.take(most).read_to_end(&mut bytes);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_of_this_incarnation_are_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let old = "old\n".repeat(3);
        let new: String = (0..20).map(|n| format!("line {n}\n\n")).collect();
        std::fs::write(&path, format!("{old}{new}")).unwrap();
        let tail = LogTail::read(&path, old.len() as u64);
        assert_eq!(tail.lines().first().unwrap(), "line 12");
        assert_eq!(tail.lines().last().unwrap(), "line 19");
        std::fs::write(&path, format!("{old}one\n")).unwrap();
        assert_eq!(LogTail::read(&path, old.len() as u64).lines(), ["one"]);
    }

    #[test]
    fn a_line_is_found_whole_and_only_in_this_incarnation() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(
            &path,
            format!("ready old\n{}ready 127.0.0.1:1\n", "noise\n".repeat(10_000)),
        )
        .unwrap();
        for (from, line, found) in [
            (0, "ready old", true),
            (10, "ready old", false),
            (10, "ready 127.0.0.1:1", true),
            (10, "ready 127.0.0.1", false),
        ] {
            assert_eq!(has_line(&path, from, line), found, "{line} from {from}");
        }
        assert!(!has_line(&dir.path().join("none"), 0, ""));
    }

    #[test]
    fn marked_lines_come_before_others_and_control_characters_are_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "a\n\x1b[31m[ERROR] cause\x07\nb\n[ERROR] more\n").unwrap();
        assert_eq!(
            LogTail::marked(&path, "[ERROR]").lines(),
            ["[31m[ERROR] cause", "[ERROR] more"]
        );
        assert_eq!(LogTail::marked(&path, "[FATAL]").lines().len(), 4);
    }

    #[test]
    fn a_jvm_without_memory_is_quoted_first_however_much_it_said_after_that() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let said = "Exception in thread \"x\" java.lang.OutOfMemoryError: Java heap space";
        let trace = "\tat some.Class\n".repeat(2_000);
        std::fs::write(&path, format!("begin\n{said}\n{trace}end\n")).unwrap();
        let tail = LogTail::read(&path, 0);
        assert_eq!(tail.lines().len(), LINES);
        assert_eq!(tail.lines()[0], said);
        assert_eq!(tail.lines().last().unwrap(), "end");
        assert_eq!(tail.out_of_memory(), Some(said));
        // What an earlier incarnation said is not quoted.
        let later = LogTail::read(&path, 6 + said.len() as u64);
        assert_eq!(later.out_of_memory(), None);
    }

    #[test]
    fn a_missing_or_huge_log_is_no_trouble() {
        let dir = tempfile::tempdir().unwrap();
        assert!(
            LogTail::read(&dir.path().join("none"), 0)
                .to_string()
                .contains("log is empty")
        );
        assert_eq!(LogTail::default().to_string(), "");
        let path = dir.path().join("log");
        std::fs::write(&path, vec![b'x'; 1 << 20]).unwrap();
        assert!(LogTail::read(&path, 0).lines()[0].len() <= LINE_CHARS);
    }
}
