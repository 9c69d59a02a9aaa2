//! What a member of a consumer group subscribes to, as far as its coordinator has to know.
//!
//! The bytes belong to the clients; all versions begin with the version and the list of topics, and
//! nothing after them is looked at.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::error::WireError;

/// A subscription of version 0 to topics, without anything of the client's own. Names longer than 32,767 bytes, which
/// no topic has, are cut.
#[must_use]
pub fn encode(topics: &[&str]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    bytes.put_i32(i32::try_from(topics.len()).unwrap_or(i32::MAX));
    for topic in topics {
        let length = i16::try_from(topic.len()).unwrap_or(i16::MAX);
        bytes.put_i16(length);
        bytes.put_slice(
            topic
                .as_bytes()
                .get(..length.unsigned_abs().into())
                .unwrap_or_default(),
        );
    }
    bytes.put_i32(-1);
    bytes.freeze()
}

/// The topics of a subscription.
///
/// # Errors
/// [`WireError::Truncated`] or [`WireError::Malformed`] when the bytes are something else.
pub fn topics(mut subscription: &[u8]) -> Result<Vec<String>, WireError> {
    let version = number::<2>(&mut subscription, "version of a subscription")?;
    if i16::from_be_bytes(version) < 0 {
        return Err(WireError::Malformed {
            field: "version of a subscription",
        });
    }
    let count = i32::from_be_bytes(number::<4>(&mut subscription, "count of topics")?);
    let mut topics = Vec::new();
    for _ in 0..count {
        let length = i16::from_be_bytes(number::<2>(&mut subscription, "length of a topic")?);
        let length = usize::try_from(length).map_err(|_| WireError::Malformed {
            field: "length of a topic",
        })?;
        let Some((name, _)) = subscription.split_at_checked(length) else {
            return Err(WireError::Truncated {
                field: "name of a topic",
            });
        };
        let name = std::str::from_utf8(name).map_err(|_| WireError::Malformed {
            field: "name of a topic",
        })?;
        topics.push(name.to_owned());
        subscription.advance(length);
    }
    Ok(topics)
}

fn number<const BYTES: usize>(from: &mut &[u8], field: &'static str) -> Result<[u8; BYTES], WireError> {
    match from.split_first_chunk::<BYTES>() {
        Some((number, rest)) => {
            let number = *number;
            *from = rest;
            Ok(number)
        }
        None => Err(WireError::Truncated { field }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_and_what_follows_is_not() {
        let bytes = b"\x00\x03\x00\x00\x00\x02\x00\x01a\x00\x03bcd\xff\xff\xff\xff more";
        assert_eq!(topics(bytes).expect("reads"), ["a", "bcd"]);
        assert!(topics(b"\x00\x00\x00\x00\x00\x00").expect("reads").is_empty());
    }

    #[test]
    fn what_is_encoded_is_read() {
        let names = ["orders", "", "a"];
        assert_eq!(topics(&encode(&names)).expect("reads"), names);
        assert_eq!(
            &encode(&["a"])[..],
            b"\x00\x00\x00\x00\x00\x01\x00\x01a\xff\xff\xff\xff"
        );
    }

    #[test]
    fn other_bytes_are_refused() {
        let cases: [(&str, &[u8]); 5] = [
            ("nothing", b""),
            ("a negative version", b"\xff\xff\x00\x00\x00\x00"),
            ("a count that lies", b"\x00\x00\x7f\xff\xff\xff\x00\x01a"),
            ("a length that lies", b"\x00\x00\x00\x00\x00\x01\x7f\xffa"),
            ("no text", b"\x00\x00\x00\x00\x00\x01\x00\x01\xff"),
        ];
        for (name, bytes) in cases {
            assert!(topics(bytes).is_err(), "{name}");
        }
    }
}
