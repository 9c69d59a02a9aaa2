use serde_json::{Value, json};

use crate::changes::{Column, Field};

#[test]
fn moments_are_the_same_however_they_are_written() {
    let cases = [
        ("1970-01-01T00:00:00Z", Some(0)),
        ("1970-01-01 00:00:00+00", Some(0)),
        ("2026-11-21T23:40:59.123456Z", Some(1_795_304_459_123_456)),
        ("2026-11-21T23:40:59.123456+00:00", Some(1_795_304_459_123_456)),
        ("2026-11-22T01:10:59.123456+01:30", Some(1_795_304_459_123_456)),
        ("2026-11-21T23:40:59.1", Some(1_795_304_459_100_000)),
        ("2000-02-29T12:00:00Z", Some(951_825_600_000_000)),
        ("1969-12-31T23:59:59.5Z", Some(-500_000)),
        ("2026-13-01T00:00:00Z", None),
        ("2026-11-21", None),
        ("2026-11-21T23:40:59.12x", None),
        ("2026-11-21T23:40:59+0", None),
        ("2026-11-21T23:40:59+ä1", None),
        ("", None),
    ];
    for (text, micros) in cases {
        assert_eq!(
            Column::Timestamp.of_text(text),
            micros.map(Field::Timestamp),
            "{text}"
        );
    }
}

#[test]
fn values_of_a_connector_become_fields_of_their_columns() {
    let cases: [(Column, Value, Option<Field>); 12] = [
        (Column::Integer, json!(-5), Some(Field::Integer(-5))),
        (Column::Integer, json!(1.5), None),
        (Column::Integer, json!(u64::MAX), None),
        (Column::Integer, json!("5"), None),
        (
            Column::Text,
            json!("ü\u{0}"),
            Some(Field::Text("ü\u{0}".to_owned())),
        ),
        (Column::Text, json!(null), Some(Field::Null)),
        (
            Column::Decimal,
            json!("-12.50"),
            Some(Field::Decimal("-12.50".to_owned())),
        ),
        (Column::Decimal, json!("NaN"), None),
        (Column::Decimal, json!(12.5), None),
        (Column::Boolean, json!(true), Some(Field::Boolean(true))),
        (Column::Boolean, json!("true"), None),
        (
            Column::Timestamp,
            json!(1_000_001),
            Some(Field::Timestamp(1_000_001)),
        ),
    ];
    for (column, value, expected) in cases {
        assert_eq!(column.of_json(&value), expected, "{column:?} {value}");
    }
}
