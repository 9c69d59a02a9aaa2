//! SASL: who logs in. Only names of users are read, never a password, token or proof.

use bytes::Bytes;
use highwater_model::history::ResponseFacts;
use kafka_protocol::messages::{
    ApiKey, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};

use super::dispatch::answer;
use crate::bounded;
use crate::error::WireError;
use crate::frame::RequestHeader;

/// Longest name of a user that is kept, in bytes.
const MAX_USER_BYTES: usize = 256;

/// The mechanism that a SaslHandshake asks for.
pub fn sasl_mechanism(header: &RequestHeader, mut body: Bytes) -> Option<String> {
    if header.api() != Some(ApiKey::SaslHandshake) {
        return None;
    }
    let request: SaslHandshakeRequest = bounded::decode(&mut body, header.api_version).ok()?;
    Some(request.mechanism.to_string())
}

/// The user that logs in with a SaslAuthenticate request, by the mechanism of the handshake before it: of
/// PLAIN, and of the first message of SCRAM. `None` for other mechanisms, and for SCRAM's later messages.
pub fn principal(header: &RequestHeader, mut body: Bytes, mechanism: &str) -> Option<String> {
    if header.api() != Some(ApiKey::SaslAuthenticate) {
        return None;
    }
    let request: SaslAuthenticateRequest = bounded::decode(&mut body, header.api_version).ok()?;
    let user = if mechanism.eq_ignore_ascii_case("PLAIN") {
        plain_user(&request.auth_bytes)
    } else if mechanism
        .get(..6)
        .is_some_and(|front| front.eq_ignore_ascii_case("SCRAM-"))
    {
        scram_user(&request.auth_bytes)
    } else {
        None
    };
    user.filter(|user| !user.is_empty() && user.len() <= MAX_USER_BYTES)
}

/// `[authorization id] NUL user NUL password` (RFC 4616).
fn plain_user(message: &[u8]) -> Option<String> {
    let mut parts = message.split(|&byte| byte == 0);
    let (_, user, _) = (parts.next()?, parts.next()?, parts.next()?);
    String::from_utf8(user.to_vec()).ok()
}

/// `n,[a=authorization id],n=user,r=nonce`, with `=2C` for a comma and `=3D` for an equals sign (RFC 5802).
fn scram_user(message: &[u8]) -> Option<String> {
    let message = std::str::from_utf8(message).ok()?;
    let mut parts = message.split(',');
    let binding = parts.next()?;
    if !(matches!(binding, "n" | "y") || binding.starts_with("p=")) {
        return None;
    }
    parts.next()?;
    let user = parts.next()?.strip_prefix("n=")?;
    Some(user.replace("=2C", ",").replace("=3D", "="))
}

pub(super) fn handshaken(frame: Bytes, version: i16) -> Result<ResponseFacts, WireError> {
    let response: SaslHandshakeResponse = answer::<SaslHandshakeRequest>(frame, version)?;
    Ok(ResponseFacts::Error {
        error: response.error_code,
    })
}

pub(super) fn authenticated(frame: Bytes, version: i16) -> Result<ResponseFacts, WireError> {
    let response: SaslAuthenticateResponse = answer::<SaslAuthenticateRequest>(frame, version)?;
    Ok(ResponseFacts::Error {
        error: response.error_code,
    })
}

#[cfg(test)]
mod tests {
    use kafka_protocol::protocol::Encodable;

    use super::*;

    fn login(message: &'static [u8], mechanism: &str) -> Option<String> {
        let request = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from_static(message));
        let mut body = bytes::BytesMut::new();
        request.encode(&mut body, 2).expect("encodes");
        let header = RequestHeader {
            api_key: ApiKey::SaslAuthenticate as i16,
            api_version: 2,
            correlation_id: 1,
            client_id: None,
        };
        principal(&header, body.freeze(), mechanism)
    }

    #[test]
    fn only_the_user_is_read() {
        let cases: [(&str, &str, &'static [u8], Option<&str>); 10] = [
            ("plain", "PLAIN", b"\0alice\0secret", Some("alice")),
            ("plain, in lower case", "plain", b"\0alice\0secret", Some("alice")),
            (
                "plain, for somebody else",
                "PLAIN",
                b"bob\0alice\0secret",
                Some("alice"),
            ),
            ("plain, without a password", "PLAIN", b"\0alice", None),
            ("plain, without a user", "PLAIN", b"\0\0secret", None),
            (
                "scram, first message",
                "SCRAM-SHA-256",
                b"n,,n=alice,r=fyko+d2lbbFgONRv9qkxdawL",
                Some("alice"),
            ),
            (
                "scram, with a comma",
                "SCRAM-SHA-512",
                b"n,a=bob,n=a=2Cb=3Dc,r=1",
                Some("a,b=c"),
            ),
            (
                "scram, last message",
                "SCRAM-SHA-256",
                b"c=biws,r=nonce,p=proof",
                None,
            ),
            (
                "a token",
                "OAUTHBEARER",
                b"n,,\x01auth=Bearer token\x01\x01",
                None,
            ),
            ("a ticket", "GSSAPI", b"\x60\x82\x01\x02", None),
        ];
        for (name, mechanism, message, expected) in cases {
            assert_eq!(login(message, mechanism).as_deref(), expected, "{name}");
        }
    }
}
