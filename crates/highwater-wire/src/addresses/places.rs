//! Where the addresses of an answer stand: one walk over its bytes for every API that has some.
//!
//! Invariant: places come in the order of the bytes and do not overlap. Layouts are those of Apache
//! Kafka 4.3.1's message definitions; a version above them is [`WireError::UnknownVersion`].
//! It changes nothing.

use std::ops::Range;

use kafka_protocol::messages::ApiKey;

use super::{Endpoint, may_carry};
use crate::api;
use crate::cursor::Cursor;
use crate::error::WireError;

/// One address.
pub(super) struct Place {
    pub(super) endpoint: Endpoint,
    /// From the length of the host to the end of the port, which always follows it.
    pub(super) span: Range<usize>,
}

/// A tagged field around all places of an answer.
pub(super) struct InsideTag {
    /// The variable-length size of the field.
    pub(super) size: Range<usize>,
    pub(super) content: Range<usize>,
}

/// What an answer has.
pub(super) struct Found {
    pub(super) places: Vec<Place>,
    pub(super) flexible: bool,
    pub(super) inside_tag: Option<InsideTag>,
}

impl Found {
    /// Reads node, host and port.
    fn endpoint(&mut self, cursor: &mut Cursor<'_>) -> Result<(), WireError> {
        let node = cursor.i32("node of an address")?;
        let start = cursor.at();
        let host = cursor.string("host of an address")?.to_owned();
        let port = cursor.i32("port of an address")?;
        let endpoint = Endpoint { node, host, port };
        if !endpoint.is_none() {
            self.places.push(Place {
                endpoint,
                span: start..cursor.at(),
            });
        }
        Ok(())
    }

    /// Reads the array that KIP-951 and KIP-932 name `NodeEndpoints`.
    fn node_endpoints(&mut self, cursor: &mut Cursor<'_>) -> Result<(), WireError> {
        cursor.each("node endpoints", |cursor| {
            self.endpoint(cursor)?;
            cursor.nullable("rack of a broker")?;
            cursor.skip_tags()
        })
    }

    /// Reads the tagged fields at the end of a Produce or Fetch answer, of which 0 is `NodeEndpoints`.
    fn tagged_endpoints(&mut self, cursor: &mut Cursor<'_>) -> Result<(), WireError> {
        cursor.tags(|tag, size, inside| {
            if tag != 0 {
                return Ok(());
            }
            if self.inside_tag.is_some() {
                return Err(WireError::Malformed {
                    field: "tagged fields",
                });
            }
            let content = inside.at()..inside.at() + inside.left();
            self.node_endpoints(inside)?;
            self.inside_tag = Some(InsideTag { size, content });
            Ok(())
        })
    }
}

/// Finds all addresses of an answer, its response header included.
pub(super) fn find(api_key: i16, api_version: i16, frame: &[u8]) -> Result<Found, WireError> {
    let mut found = Found {
        places: Vec::new(),
        flexible: false,
        inside_tag: None,
    };
    let api = match ApiKey::try_from(api_key) {
        Ok(api) if may_carry(api_key, api_version) => api,
        _ => return Ok(found),
    };
    let (first_flexible, versions) = match api {
        ApiKey::Produce => (9, 10..=13),
        ApiKey::Fetch => (12, 16..=18),
        ApiKey::Metadata => (9, 0..=13),
        ApiKey::FindCoordinator => (3, 0..=6),
        ApiKey::DescribeCluster => (0, 0..=2),
        _ => (0, 1..=2),
    };
    if !versions.contains(&api_version) {
        return Err(WireError::UnknownVersion {
            message: api::name(api_key).unwrap_or("answer"),
            version: api_version,
        });
    }
    found.flexible = api_version >= first_flexible;
    let cursor = &mut Cursor::new(frame, found.flexible);
    cursor.skip(4, "correlation id")?;
    cursor.skip_tags()?;
    match api {
        ApiKey::Produce => produce(&mut found, cursor, api_version),
        ApiKey::Fetch => fetch(&mut found, cursor),
        ApiKey::Metadata => metadata(&mut found, cursor, api_version),
        ApiKey::FindCoordinator => find_coordinator(&mut found, cursor, api_version),
        ApiKey::DescribeCluster => describe_cluster(&mut found, cursor, api_version),
        ApiKey::ShareFetch => share_fetch(&mut found, cursor),
        _ => share_acknowledge(&mut found, cursor, api_version),
    }?;
    Ok(found)
}

/// Brokers stand in front; what follows them has no address.
fn metadata(found: &mut Found, cursor: &mut Cursor<'_>, version: i16) -> Result<(), WireError> {
    if version >= 3 {
        cursor.i32("throttle time")?;
    }
    cursor.each("brokers", |cursor| {
        found.endpoint(cursor)?;
        if version >= 1 {
            cursor.nullable("rack of a broker")?;
        }
        cursor.skip_tags()
    })
}

fn find_coordinator(found: &mut Found, cursor: &mut Cursor<'_>, version: i16) -> Result<(), WireError> {
    if version >= 1 {
        cursor.i32("throttle time")?;
    }
    if version < 4 {
        cursor.i16("error code")?;
        if version >= 1 {
            cursor.nullable("error message")?;
        }
        return found.endpoint(cursor);
    }
    cursor.each("coordinators", |cursor| {
        cursor.string("key of a coordinator")?;
        found.endpoint(cursor)?;
        cursor.i16("error code")?;
        cursor.nullable("error message")?;
        cursor.skip_tags()
    })
}

fn describe_cluster(found: &mut Found, cursor: &mut Cursor<'_>, version: i16) -> Result<(), WireError> {
    cursor.i32("throttle time")?;
    cursor.i16("error code")?;
    cursor.nullable("error message")?;
    if version >= 1 {
        cursor.skip(1, "endpoint type")?;
    }
    cursor.string("cluster id")?;
    cursor.i32("controller id")?;
    cursor.each("brokers", |cursor| {
        found.endpoint(cursor)?;
        cursor.nullable("rack of a broker")?;
        if version >= 2 {
            cursor.skip(1, "fenced")?;
        }
        cursor.skip_tags()
    })
}

fn produce(found: &mut Found, cursor: &mut Cursor<'_>, version: i16) -> Result<(), WireError> {
    cursor.each("topics", |cursor| {
        if version >= 13 {
            cursor.skip(16, "topic id")?;
        } else {
            cursor.string("topic")?;
        }
        cursor.each("partitions", |cursor| {
            // index, error code, base offset, log append time, log start offset
            cursor.skip(4 + 2 + 8 + 8 + 8, "partition")?;
            cursor.each("record errors", |cursor| {
                cursor.i32("index of a record")?;
                cursor.nullable("error message")?;
                cursor.skip_tags()
            })?;
            cursor.nullable("error message")?;
            cursor.skip_tags()
        })?;
        cursor.skip_tags()
    })?;
    cursor.i32("throttle time")?;
    found.tagged_endpoints(cursor)
}

fn fetch(found: &mut Found, cursor: &mut Cursor<'_>) -> Result<(), WireError> {
    cursor.i32("throttle time")?;
    cursor.i16("error code")?;
    cursor.i32("session id")?;
    cursor.each("topics", |cursor| {
        cursor.skip(16, "topic id")?;
        cursor.each("partitions", |cursor| {
            // index, error code, high watermark, last stable offset, log start offset
            cursor.skip(4 + 2 + 8 + 8 + 8, "partition")?;
            cursor.each("aborted transactions", |cursor| {
                cursor.skip(8 + 8, "aborted transaction")?;
                cursor.skip_tags()
            })?;
            cursor.i32("preferred read replica")?;
            cursor.skip_bytes("records")?;
            cursor.skip_tags()
        })?;
        cursor.skip_tags()
    })?;
    found.tagged_endpoints(cursor)
}

fn share_fetch(found: &mut Found, cursor: &mut Cursor<'_>) -> Result<(), WireError> {
    cursor.i32("throttle time")?;
    cursor.i16("error code")?;
    cursor.nullable("error message")?;
    cursor.i32("acquisition lock timeout")?;
    cursor.each("topics", |cursor| {
        cursor.skip(16, "topic id")?;
        cursor.each("partitions", |cursor| {
            cursor.i32("partition")?;
            cursor.i16("error code")?;
            cursor.nullable("error message")?;
            cursor.i16("error code of acknowledgement")?;
            cursor.nullable("error message of acknowledgement")?;
            current_leader(cursor)?;
            cursor.skip_bytes("records")?;
            cursor.each("acquired records", |cursor| {
                cursor.skip(8 + 8 + 2, "acquired records")?;
                cursor.skip_tags()
            })?;
            cursor.skip_tags()
        })?;
        cursor.skip_tags()
    })?;
    found.node_endpoints(cursor)
}

fn share_acknowledge(found: &mut Found, cursor: &mut Cursor<'_>, version: i16) -> Result<(), WireError> {
    cursor.i32("throttle time")?;
    cursor.i16("error code")?;
    cursor.nullable("error message")?;
    if version >= 2 {
        cursor.i32("acquisition lock timeout")?;
    }
    cursor.each("topics", |cursor| {
        cursor.skip(16, "topic id")?;
        cursor.each("partitions", |cursor| {
            cursor.i32("partition")?;
            cursor.i16("error code")?;
            cursor.nullable("error message")?;
            current_leader(cursor)?;
            cursor.skip_tags()
        })?;
        cursor.skip_tags()
    })?;
    found.node_endpoints(cursor)
}

fn current_leader(cursor: &mut Cursor<'_>) -> Result<(), WireError> {
    cursor.skip(4 + 4, "current leader")?;
    cursor.skip_tags()
}
