//! Addresses of brokers in answers: found, and replaced in place.
//!
//! ```text
//! answer ─▶ places (node, host, port, where) ─▶ map ─▶ the same bytes with other hosts and ports
//! ```
//!
//! Invariant: every byte that is not a host, a port, or the size of a tagged field around them stays
//! as it came, fields of later versions included; an answer whose layout is not known here is an
//! error, never an answer that was passed on with an address in it.
//!
//! It knows the answers that a *client* connects by. What voters of the controller quorum tell each
//! other (Vote, BeginQuorumEpoch, EndQuorumEpoch, FetchSnapshot, DescribeQuorum) names the
//! controllers' own listeners and is left alone. A DescribeCluster answer about controllers carries
//! their addresses: the map is asked for these too, so it must judge by host and port and not by the
//! number of the node alone.

mod places;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use kafka_protocol::messages::ApiKey;

use crate::cursor::put_varint;
use crate::error::WireError;
use places::{Found, Place};

/// An address in an answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The broker's number.
    pub node: i32,
    /// Host name or address, as the cluster advertises it.
    pub host: String,
    /// Port as it came; a sound one is 1 to 65,535.
    pub port: i32,
}

impl Endpoint {
    /// "No broker": how a coordinator that is not known or an unavailable node is told.
    fn is_none(&self) -> bool {
        self.node < 0 || self.host.is_empty() || self.port < 0
    }
}

/// Whether an answer of this API and version may name brokers by address: Metadata, FindCoordinator
/// and DescribeCluster always, Produce from version 10 and Fetch from 16 (KIP-951), ShareFetch and
/// ShareAcknowledge (KIP-932).
pub fn may_carry(api_key: i16, api_version: i16) -> bool {
    match ApiKey::try_from(api_key) {
        Ok(ApiKey::Produce) => api_version >= 10,
        Ok(ApiKey::Fetch) => api_version >= 16,
        Ok(
            ApiKey::Metadata
            | ApiKey::FindCoordinator
            | ApiKey::DescribeCluster
            | ApiKey::ShareFetch
            | ApiKey::ShareAcknowledge,
        ) => true,
        _ => false,
    }
}

/// Replaces every address in an answer (content of a frame, response header included) by what `map`
/// says. `None`: nothing in it changes, the bytes can be passed on as they came. Endpoints that mean
/// "none" (node -1, no host, port -1) are left alone and not shown to `map`.
///
/// # Errors
/// [`WireError::UnknownVersion`] for a version whose layout is not known; [`WireError::Truncated`] or
/// [`WireError::Malformed`] for bytes that do not have that layout; [`WireError::Encode`] for a host
/// that the version has no room for.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a frame is handed over, as everywhere in this crate"
)]
pub fn rewrite(
    api_key: i16,
    api_version: i16,
    frame: Bytes,
    map: &mut dyn FnMut(&Endpoint) -> (String, i32),
) -> Result<Option<Bytes>, WireError> {
    let found = places::find(api_key, api_version, &frame)?;
    let mut changed = false;
    let mut addresses = Vec::with_capacity(found.places.len());
    for place in &found.places {
        let address = map(&place.endpoint);
        changed |= address.0 != place.endpoint.host || address.1 != place.endpoint.port;
        addresses.push(address);
    }
    if !changed {
        return Ok(None);
    }
    splice(&frame, &found, &addresses)
        .map(Some)
        .ok_or_else(|| WireError::Encode {
            message: "host of a broker",
            version: api_version,
            reason: "longer than a string may be".to_owned(),
        })
}

/// Every address in an answer, in its order, those that mean "none" left out.
///
/// # Errors
/// As [`rewrite`].
#[expect(
    clippy::needless_pass_by_value,
    reason = "a frame is handed over, as everywhere in this crate"
)]
pub fn endpoints(api_key: i16, api_version: i16, frame: Bytes) -> Result<Vec<Endpoint>, WireError> {
    let found = places::find(api_key, api_version, &frame)?;
    Ok(found.places.into_iter().map(|place| place.endpoint).collect())
}

/// Copies `frame` with other addresses; `None` when a host or a tagged field is too long.
fn splice(frame: &[u8], found: &Found, addresses: &[(String, i32)]) -> Option<Bytes> {
    let Some(tag) = &found.inside_tag else {
        let mut out = Vec::with_capacity(frame.len() + 16 * addresses.len());
        copy(frame, 0..frame.len(), found, addresses, &mut out)?;
        return Some(out.into());
    };
    let mut content = Vec::with_capacity(tag.content.len() + 16 * addresses.len());
    copy(frame, tag.content.clone(), found, addresses, &mut content)?;
    let mut out = Vec::with_capacity(frame.len() + 16 * addresses.len());
    out.extend_from_slice(&frame[..tag.size.start]);
    put_varint(&mut out, u32::try_from(content.len()).ok()?);
    out.extend_from_slice(&content);
    out.extend_from_slice(&frame[tag.content.end..]);
    Some(out.into())
}

/// Copies `range` of `frame`, in which all places lie.
fn copy(
    frame: &[u8],
    range: std::ops::Range<usize>,
    found: &Found,
    addresses: &[(String, i32)],
    out: &mut Vec<u8>,
) -> Option<()> {
    let mut copied = range.start;
    for (Place { span, .. }, (host, port)) in found.places.iter().zip(addresses) {
        out.extend_from_slice(&frame[copied..span.start]);
        let length = i16::try_from(host.len()).ok()?;
        if found.flexible {
            put_varint(out, u32::from(length.unsigned_abs()) + 1);
        } else {
            out.extend_from_slice(&length.to_be_bytes());
        }
        out.extend_from_slice(host.as_bytes());
        out.extend_from_slice(&port.to_be_bytes());
        copied = span.end;
    }
    out.extend_from_slice(&frame[copied..range.end]);
    Some(())
}
