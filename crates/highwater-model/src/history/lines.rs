//! JSON lines: a history as text, one event a line, for every other tool; and back.

use std::io::{self, BufRead, Read, Write};

use super::{GoodTo, HistoryError, HistoryEvent};

/// Longest line that is read: more than the largest event of Kafka's default limits.
const MAX_LINE_BYTES: u64 = 1 << 30;

/// Writes an event as one line of JSON.
///
/// # Errors
/// What the writer says.
pub fn write_line(event: &HistoryEvent, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut out, event)?;
    out.write_all(b"\n")
}

/// Reads the events of an export, one after the other, without keeping them. Ends after the first error.
#[derive(Debug)]
pub struct Lines<R> {
    source: R,
    line: Vec<u8>,
    number: u64,
    good: GoodTo,
    done: bool,
}

impl<R: BufRead> Lines<R> {
    /// At the start of an export.
    pub fn new(source: R) -> Self {
        Self {
            source,
            line: Vec::new(),
            number: 0,
            good: GoodTo::default(),
            done: false,
        }
    }

    /// Up to where the export was good so far.
    #[must_use]
    pub fn good_to(&self) -> GoodTo {
        self.good
    }

    fn event(&mut self) -> Result<Option<HistoryEvent>, HistoryError> {
        let good = self.good;
        self.line.clear();
        let got = self
            .source
            .by_ref()
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut self.line)
            .map_err(|source| HistoryError::Read { good, source })?;
        if got == 0 {
            return Ok(None);
        }
        self.number += 1;
        let event: HistoryEvent = match serde_json::from_slice(&self.line) {
            Ok(event) => event,
            // Without its line feed it is the last line, and was not written to its end.
            Err(_) if self.line.last() != Some(&b'\n') => return Err(HistoryError::Cut { good }),
            Err(source) => {
                let line = self.number;
                return Err(HistoryError::NotAnEvent { line, good, source });
            }
        };
        self.good = GoodTo {
            events: good.events + 1,
            last_sequence: Some(event.sequence),
            last_at_ns: Some(event.at_ns),
            byte: good.byte + got as u64,
        };
        Ok(Some(event))
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<HistoryEvent, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let event = self.event().transpose();
        self.done = !matches!(event, Some(Ok(_)));
        event
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::strategies::events;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn an_export_is_read_back(events in events()) {
            let mut bytes = Vec::new();
            for event in &events {
                write_line(event, &mut bytes).unwrap();
            }
            prop_assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), events.len());
            let read: Result<Vec<_>, _> = Lines::new(&bytes[..]).collect();
            prop_assert_eq!(read.unwrap(), events);
        }
    }

    #[test]
    fn lines_that_are_cut_or_no_events_say_where() {
        let whole = "{\"sequence\":0,\"at_ns\":5,\"event\":\"ended\",\"requests\":1,\"responses\":1,\"waited_ns\":0}\n";
        let cut = format!("{whole}{}", &whole[..40]);
        let error = Lines::new(cut.as_bytes()).nth(1).unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "the history is cut off: good up to event 0 at 0.000 s (byte {})",
                whole.len()
            )
        );
        let other = format!("{whole}{{\"sequence\":1}}\n");
        let error = Lines::new(other.as_bytes()).nth(1).unwrap().unwrap_err();
        assert!(error.to_string().starts_with("line 2 is not an event"), "{error}");
    }
}
