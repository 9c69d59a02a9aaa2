//! What a pipeline counts.

use std::fmt::Write as _;
use std::time::Duration;

/// Counters since the start, and gauges of this moment. Ages are in seconds, as Prometheus has them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Numbers {
    /// Records delivered by the client and taken in, parked ones included.
    pub delivered: u64,
    /// Records delivered again, and left out.
    pub repeated: u64,
    /// Records whose effect is safe.
    pub completed: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Records written to the retry topic.
    pub parked: u64,
    /// Records written to the dead letters.
    pub dead_letters: u64,
    /// Retry records, dead letters and effects that could not be written, and will be again.
    pub unwritten: u64,
    /// Works that came back after their partition was gone or rewound.
    pub stale: u64,
    /// Commits of offsets acknowledged.
    pub commits: u64,
    /// Commits of offsets that failed.
    pub failed_commits: u64,
    /// Windows committed.
    pub windows: u64,
    /// Windows aborted.
    pub aborted_windows: u64,
    /// Partitions assigned now.
    pub partitions: usize,
    /// Partitions paused because enough is held.
    pub paused_partitions: usize,
    /// Partitions that wait for a person.
    pub halted_partitions: usize,
    /// Records held, running ones included.
    pub held: usize,
    /// Works that are out: running, or waiting for an acknowledgement or a window.
    pub in_flight: usize,
    /// Keys that wait in the retry topic.
    pub parked_keys: usize,
    /// For how long the oldest incomplete record has held back its partition's offset.
    pub oldest_incomplete: Duration,
}

impl Numbers {
    /// As text for Prometheus (exposition format 0.0.4).
    #[must_use]
    pub fn to_prometheus(&self, pipeline: &str) -> String {
        let mut text = String::new();
        let label: String = pipeline
            .chars()
            .flat_map(|c| match c {
                '\\' => vec!['\\', '\\'],
                '"' => vec!['\\', '"'],
                '\n' => vec!['\\', 'n'],
                c => vec![c],
            })
            .collect();
        let mut one = |name: &str, kind: &str, help: &str, value: String| {
            let _ = writeln!(
                text,
                "# HELP highwater_pipeline_{name} {help}\n# TYPE highwater_pipeline_{name} {kind}\n\
                 highwater_pipeline_{name}{{pipeline=\"{label}\"}} {value}"
            );
        };
        for (name, help, value) in [
            ("delivered_total", "Records taken in", self.delivered),
            (
                "repeated_total",
                "Records delivered again, and left out",
                self.repeated,
            ),
            ("completed_total", "Records whose effect is safe", self.completed),
            ("failed_attempts_total", "Attempts that failed", self.failed),
            ("parked_total", "Records written to the retry topic", self.parked),
            ("dead_letters_total", "Records given up", self.dead_letters),
            (
                "unwritten_total",
                "Writes that failed and are repeated",
                self.unwritten,
            ),
            ("stale_total", "Works that came back too late", self.stale),
            ("commits_total", "Commits of offsets acknowledged", self.commits),
            (
                "failed_commits_total",
                "Commits of offsets that failed",
                self.failed_commits,
            ),
            ("windows_total", "Transactions committed", self.windows),
            (
                "aborted_windows_total",
                "Transactions aborted",
                self.aborted_windows,
            ),
        ] {
            one(name, "counter", help, value.to_string());
        }
        for (name, help, value) in [
            ("partitions", "Partitions assigned", self.partitions),
            (
                "paused_partitions",
                "Partitions paused by back-pressure",
                self.paused_partitions,
            ),
            (
                "halted_partitions",
                "Partitions that wait for a person",
                self.halted_partitions,
            ),
            ("held_records", "Records held", self.held),
            ("in_flight_records", "Records being worked on", self.in_flight),
            (
                "parked_keys",
                "Keys that wait in the retry topic",
                self.parked_keys,
            ),
        ] {
            one(name, "gauge", help, value.to_string());
        }
        one(
            "oldest_incomplete_seconds",
            "gauge",
            "Age of the record that holds the committed offset back",
            self.oldest_incomplete.as_secs_f64().to_string(),
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_there_once_with_its_help_and_its_label() {
        let text = Numbers {
            dead_letters: 3,
            oldest_incomplete: Duration::from_millis(1_500),
            ..Numbers::default()
        }
        .to_prometheus("a \"b\"");
        assert!(
            text.contains("highwater_pipeline_dead_letters_total{pipeline=\"a \\\"b\\\"\"} 3\n"),
            "{text}"
        );
        assert!(
            text.contains("# TYPE highwater_pipeline_oldest_incomplete_seconds gauge\n"),
            "{text}"
        );
        assert!(text.ends_with("} 1.5\n"), "{text}");
        assert_eq!(text.lines().count(), 3 * 19);
    }
}
