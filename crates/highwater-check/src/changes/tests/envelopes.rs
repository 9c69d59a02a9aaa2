use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::changes::envelope::{MOST_KEY_BYTES, MOST_VALUE_BYTES, flushed, parse};
use crate::changes::{Column, Field, Observed, Operation, Position, Table};

fn table() -> Table {
    Table {
        name: "videos".to_owned(),
        key: "id".to_owned(),
        columns: BTreeMap::from([
            ("id".to_owned(), Column::Integer),
            ("title".to_owned(), Column::Text),
            ("price".to_owned(), Column::Decimal),
        ]),
    }
}

const KEY: &str = r#"{"id":4}"#;
const UPDATE: &str = r#"{"before":{"id":4,"title":"a","price":"1.00"},"after":{"id":4,"title":null,"price":"2.50"},
 "source":{"table":"videos","lsn":4711,"txId":812,"sequence":"[\"4700\",\"4711\"]","snapshot":"false"},"op":"u","ts_ms":5}"#;

#[test]
fn an_update_is_read() {
    let Observed::Change(event) = parse(&table(), Some(KEY.as_bytes()), Some(UPDATE.as_bytes())) else {
        panic!("not an event");
    };
    assert_eq!(event.operation, Operation::Update);
    assert_eq!((event.transaction, event.wal_position), (Some(812), Some(4711)));
    assert_eq!(
        event.position,
        Some(Position {
            committed: 4700,
            change: 4711
        })
    );
    assert_eq!(event.key, Field::Integer(4));
    assert_eq!(event.after.as_ref().unwrap()["title"], Field::Null);
    assert_eq!(
        event.before.as_ref().unwrap()["price"],
        Field::Decimal("1.00".to_owned())
    );
}

#[test]
fn a_flushed_offset_is_read() {
    let offset = serde_json::json!({"lsn_proc": 20, "lsn": 18, "lsn_commit": 7, "txId": 3, "ts_usec": 1});
    let position = Position {
        committed: 7,
        change: 20,
    };
    assert_eq!(flushed(&offset), Some(position));
    assert_eq!(flushed(&serde_json::json!({"lsn": "x"})), None);
}

#[test]
fn a_key_alone_is_a_tombstone() {
    assert_eq!(
        parse(&table(), Some(KEY.as_bytes()), None),
        Observed::Tombstone {
            table: "videos".to_owned(),
            key: Field::Integer(4)
        }
    );
}

#[test]
fn whatever_is_wrong_is_told() {
    let wrong = |from: &str, to: &str| UPDATE.replace(from, to);
    let cases: [(&str, Option<&str>, String, &str); 13] = [
        ("no key", None, UPDATE.to_owned(), "has no key"),
        (
            "key of another type",
            Some(r#"{"id":"4"}"#),
            UPDATE.to_owned(),
            "no `id`",
        ),
        ("key without its column", Some("{}"), UPDATE.to_owned(), "no `id`"),
        (
            "key is no JSON",
            Some("{"),
            UPDATE.to_owned(),
            "the key is not JSON",
        ),
        (
            "another key",
            Some(r#"{"id":5}"#),
            UPDATE.to_owned(),
            "its row has another one",
        ),
        (
            "value is a list",
            Some(KEY),
            "[]".to_owned(),
            "the value is a list",
        ),
        (
            "unknown op",
            Some(KEY),
            wrong("\"op\":\"u\"", "\"op\":\"x\""),
            "`op` is `x`",
        ),
        ("no op", Some(KEY), wrong("\"op\":\"u\",", ""), "has no `op`"),
        (
            "column missing",
            Some(KEY),
            wrong("\"title\":\"a\",", ""),
            "`before`: column `title` is missing",
        ),
        (
            "column too many",
            Some(KEY),
            wrong("\"title\":null", "\"title\":null,\"x\":1"),
            "no column `x`",
        ),
        (
            "column of another type",
            Some(KEY),
            wrong("\"2.50\"", "2.5"),
            "which is not a decimal as text",
        ),
        (
            "another table",
            Some(KEY),
            wrong("\"table\":\"videos\"", "\"table\":\"users\""),
            "it tells of table `users`",
        ),
        (
            "no source",
            Some(KEY),
            r#"{"op":"d"}"#.to_owned(),
            "has no `source`",
        ),
    ];
    for (name, key, value, expected) in cases {
        let Observed::Unreadable(why) = parse(&table(), key.map(str::as_bytes), Some(value.as_bytes()))
        else {
            panic!("{name}: it was read");
        };
        assert!(why.contains(expected), "{name}: {why}");
    }
}

#[test]
fn sizes_and_depths_are_bounded() {
    let long = vec![b' '; MOST_VALUE_BYTES + 1];
    let deep = "[".repeat(100_000);
    for (key, value) in [
        (&long[..=MOST_KEY_BYTES], UPDATE.as_bytes()),
        (KEY.as_bytes(), long.as_slice()),
        (KEY.as_bytes(), deep.as_bytes()),
    ] {
        assert!(matches!(
            parse(&table(), Some(key), Some(value)),
            Observed::Unreadable(_)
        ));
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_much_for_it(key: Vec<u8>, value: Vec<u8>, cut in 0_usize..400) {
        let _ = parse(&table(), Some(&key), Some(&value));
        let cut = UPDATE.get(..cut.min(UPDATE.len() - 1)).unwrap_or_default();
        let cut = parse(&table(), Some(KEY.as_bytes()), Some(cut.as_bytes()));
        prop_assert!(matches!(cut, Observed::Unreadable(_)));
    }
}
