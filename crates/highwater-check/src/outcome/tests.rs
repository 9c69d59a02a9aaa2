use std::collections::BTreeSet;

use super::*;

#[test]
fn the_subtle_ones_are_as_kafka_has_them() {
    use Applied::{Failed, Ok, Unknown};
    for (name, api, code, acks, expected) in [
        ("acknowledged", Api::Produce, 0, Some(-1), Ok),
        ("appended, not copied in time", Api::Produce, 7, Some(-1), Unknown),
        ("appended, then too few", Api::Produce, 20, Some(-1), Unknown),
        ("too few before", Api::Produce, 19, Some(-1), Failed),
        ("written before", Api::Produce, 46, Some(-1), Ok),
        ("a gap", Api::Produce, 45, Some(-1), Failed),
        ("moved, all", Api::Produce, 6, Some(-1), Unknown),
        ("moved, one", Api::Produce, 6, Some(1), Failed),
        ("moved, not known how", Api::Produce, 6, None, Unknown),
        ("an old epoch", Api::Produce, 47, Some(-1), Failed),
        ("not copied in time", Api::EndTxn, 15, None, Unknown),
        ("being ended", Api::EndTxn, 51, None, Unknown),
        ("being ended", Api::AddPartitionsToTxn, 51, None, Failed),
        ("fences without an epoch", Api::InitProducerId, 51, None, Unknown),
        ("loading", Api::OffsetCommit, 14, None, Failed),
        ("loading", Api::EndTxn, 14, None, Unknown),
        ("an error of the future", Api::Produce, 9_999, Some(1), Unknown),
        ("an error of other APIs", Api::DeleteRecords, 45, None, Unknown),
    ] {
        let seen = outcome(api, Signal::Error(code), acks);
        assert_eq!(seen, expected, "{} {code} {name}", api.name());
    }
}

#[test]
fn silence_never_means_failed() {
    for api in Api::ALL {
        for signal in [Signal::Timeout, Signal::Disconnect, Signal::NoAnswer] {
            assert_eq!(
                outcome(api, signal, Some(0)),
                Applied::Unknown,
                "{} {signal:?}",
                api.name()
            );
        }
        assert_eq!(outcome(api, Signal::Error(0), None), Applied::Ok);
        assert_eq!(Api::by_key(api.key()), Some(api));
    }
    assert_eq!(Api::by_key(1), None, "Fetch changes nothing");
}

#[test]
fn a_line_is_there_once_and_says_where_it_is_from() {
    let mut seen = BTreeSet::new();
    for row in rows() {
        assert!(
            seen.insert((row.api, row.signal, row.acks)),
            "{row:?} is there twice"
        );
        assert!(!row.reason.is_empty() && !row.source.is_empty(), "{row:?}");
        assert!(!row.reason.ends_with('.') && !row.reason.contains('|'), "{row:?}");
        assert!(row.acks.is_none() || row.api == Some(Api::Produce), "{row:?}");
    }
}

#[test]
fn codes_have_the_names_that_kafka_gives_them() {
    for row in rows() {
        let Signal::Error(code) = row.signal else { continue };
        let known = kafka_protocol::ResponseError::try_from_code(code);
        let name = known.map_or_else(|| "None".to_owned(), |error| format!("{error:?}"));
        let same = |name: &str| name.replace('_', "").to_lowercase();
        let ours = same(row.name);
        // The codec leaves out or adds the word where Kafka's name has it.
        let theirs = same(&name);
        assert!(
            ours == theirs || ours == format!("{theirs}exception") || format!("{ours}exception") == theirs,
            "{code}: {} and {name}",
            row.name
        );
    }
}
