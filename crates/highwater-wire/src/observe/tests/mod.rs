//! Tests over all families: against bytes that Kafka wrote, against the codec in every version, and against
//! hostile bytes.

mod every_version;
mod hostile;
mod old_versions;
mod written_by_kafka;

use std::collections::HashMap;

use bytes::Bytes;
use uuid::Uuid;

/// Id of the topic "orders" in all tests.
const ORDERS: Uuid = Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10);

fn names() -> HashMap<Uuid, String> {
    HashMap::from([(ORDERS, "orders".to_owned())])
}

/// A message, or the records of a partition.
struct Written {
    name: &'static str,
    version: i16,
    bytes: Bytes,
}

/// Everything in the files of bytes that Kafka's own serializers wrote.
fn written() -> Vec<Written> {
    include_str!("kafka-4.3.1.txt")
        .lines()
        .chain(include_str!("kafka-3.9.1.txt").lines())
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut parts = line.split(' ');
            let mut part = || parts.next().expect("three parts");
            let (name, version, hex) = (part(), part(), part());
            let digits = hex.as_bytes().chunks(2);
            let bytes: Vec<u8> = digits
                .map(|pair| {
                    let pair = std::str::from_utf8(pair).expect("ascii");
                    u8::from_str_radix(pair, 16).expect("hexadecimal digits")
                })
                .collect();
            Written {
                name,
                version: version.parse().expect("a version"),
                bytes: bytes.into(),
            }
        })
        .collect()
}

/// What was written under this name in this version.
fn written_as(name: &str, version: i16) -> Bytes {
    written()
        .into_iter()
        .find(|written| written.name == name && written.version == version)
        .unwrap_or_else(|| panic!("{name} {version} was not written"))
        .bytes
}

/// An answer in a version before flexible ones, with correlation id 1.
fn with_old_header(answer: &[u8]) -> Bytes {
    [&[0, 0, 0, 1], answer].concat().into()
}

/// An answer in a flexible version, with correlation id 1 and no tags.
fn with_header(answer: &[u8]) -> Bytes {
    [&[0, 0, 0, 1, 0], answer].concat().into()
}
