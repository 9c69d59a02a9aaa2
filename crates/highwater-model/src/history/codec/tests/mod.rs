mod files;
mod properties;
mod size;

use super::{Decoder, Encoder, GoodTo, HistoryError};
use crate::history::HistoryEvent;

/// A file with these events, and where each of them ends.
fn file(events: &[HistoryEvent]) -> (Vec<u8>, Vec<usize>) {
    let mut encoder = Encoder::new();
    let mut bytes = Encoder::header().to_vec();
    let mut ends = Vec::new();
    for event in events {
        encoder.encode(event, &mut bytes);
        ends.push(bytes.len());
    }
    (bytes, ends)
}

/// The events of a file, and the error at its end.
fn read(bytes: &[u8]) -> (Vec<HistoryEvent>, Option<HistoryError>) {
    let decoder = match Decoder::new(bytes) {
        Ok(decoder) => decoder,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut events = Vec::new();
    for event in decoder {
        match event {
            Ok(event) => events.push(event),
            Err(error) => return (events, Some(error)),
        }
    }
    (events, None)
}
