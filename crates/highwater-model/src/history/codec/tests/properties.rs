use proptest::prelude::*;

use super::{HistoryError, file, read};
use crate::history::strategies::events;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_was_encoded_is_decoded(events in events()) {
        let (bytes, _) = file(&events);
        let (read, error) = read(&bytes);
        prop_assert!(error.is_none(), "{error:?}");
        prop_assert_eq!(read, events);
    }

    #[test]
    fn a_cut_leaves_the_events_before_it(events in events(), place in any::<prop::sample::Index>()) {
        let (bytes, ends) = file(&events);
        let cut = place.index(bytes.len());
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let (read, error) = read(&bytes[..cut]);
        prop_assert_eq!(&read[..], &events[..whole]);
        let at_an_end = cut == super::Encoder::header().len() || ends.contains(&cut);
        match error {
            None => prop_assert!(at_an_end, "cut at {} of {:?}", cut, ends),
            Some(HistoryError::Cut { good }) => {
                prop_assert!(!at_an_end);
                prop_assert_eq!(good.events, whole as u64);
                prop_assert_eq!(good.last_sequence, whole.checked_sub(1).map(|last| events[last].sequence));
                let end = whole.checked_sub(1).map_or(12, |last| ends[last]) as u64;
                prop_assert_eq!(good.byte, if cut < 12 { 0 } else { end });
            }
            Some(HistoryError::NotAHistory { .. }) => prop_assert_eq!(cut, 0),
            Some(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn a_flipped_bit_never_gives_another_event(events in events(), place in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let (mut bytes, ends) = file(&events);
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let (read, error) = read(&bytes);
        let before = ends.iter().filter(|end| **end <= place).count();
        prop_assert!(error.is_some());
        prop_assert_eq!(&read[..], &events[..before]);
    }

    #[test]
    fn an_event_that_is_missing_or_there_twice_is_noticed(events in events(), place in any::<prop::sample::Index>()) {
        let (bytes, ends) = file(&events);
        let place = place.index(events.len());
        let start = place.checked_sub(1).map_or(12, |before| ends[before]);
        let mut twice = bytes.clone();
        twice.splice(start..start, bytes[start..ends[place]].iter().copied());
        let (found, error) = read(&twice);
        prop_assert!(error.is_some());
        prop_assert_eq!(&found[..], &events[..=place]);
        let mut missing = bytes.clone();
        missing.drain(start..ends[place]);
        let (found, error) = read(&missing);
        // Without the last event the file is a shorter one that is whole.
        prop_assert_eq!(error.is_some(), place + 1 < events.len());
        prop_assert_eq!(&found[..], &events[..place]);
    }

    #[test]
    fn bodies_from_outside_give_events_or_an_error(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..6)) {
        // With right checksums, so that the reader of bodies is reached.
        let header = super::Encoder::header();
        let mut checksum = crc32c::crc32c(&header);
        let mut bytes = header.to_vec();
        for body in &bodies {
            let mut length = Vec::new();
            super::super::put_varint(body.len() as u64, &mut length);
            checksum = crc32c::crc32c_append(crc32c::crc32c_append(checksum, &length), body);
            bytes.extend_from_slice(&length);
            bytes.extend_from_slice(&checksum.to_le_bytes());
            bytes.extend_from_slice(body);
        }
        let (events, error) = read(&bytes);
        prop_assert!(error.is_none() || events.len() < bodies.len());
    }
}
