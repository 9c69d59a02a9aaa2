//! SASL over Kafka's frames: PLAIN (RFC 4616) and SCRAM (RFC 5802, RFC 7677).
//!
//! Invariant: with SCRAM the broker proves that it knows the password too, before anything else is asked of it; what it
//! demands is bounded.

use std::io::{self, Read, Write};

use highwater_wire::{Connection, WireError};
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslHandshakeRequest};
use kafka_protocol::protocol::StrBytes;
use openssl::base64::{decode_block, encode_block};
use openssl::hash::{MessageDigest, hash};
use openssl::memcmp;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::PKey;
use openssl::sign::Signer;

/// The version with frames for the tokens.
const HANDSHAKE_VERSION: i16 = 1;
const AUTHENTICATE_VERSION: i16 = 1;
/// Kafka's own least, and more than any broker asks for: beyond it a login would take seconds.
const ITERATIONS: std::ops::RangeInclusive<usize> = 4096..=1_000_000;
const NONCE_BYTES: usize = 24;
/// The beginning of the first message: no channel binding, no other identity.
const GS2: &str = "n,,";
/// The same in base64.
const BINDING: &str = "biws";

/// Logs in.
///
/// # Errors
/// The broker refuses, in its words; it does not offer the mechanism; its proof is wrong.
pub(super) fn log_in<S: Read + Write>(
    connection: &mut Connection<S>,
    mechanism: &str,
    user: &str,
    password: &str,
) -> io::Result<()> {
    let request = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_string(mechanism.to_owned()));
    let answer = connection.call(&request, HANDSHAKE_VERSION).map_err(told)?;
    if answer.error_code != 0 {
        let offered: Vec<&str> = answer.mechanisms.iter().map(StrBytes::as_str).collect();
        let offered = offered.join(", ");
        return Err(io::Error::other(format!(
            "the broker does not offer {mechanism}; it offers {offered}"
        )));
    }
    let digest = match mechanism {
        "PLAIN" => {
            send(connection, format!("\0{user}\0{password}").into_bytes())?;
            return Ok(());
        }
        "SCRAM-SHA-256" => MessageDigest::sha256(),
        _ => MessageDigest::sha512(),
    };
    let mut random = [0; NONCE_BYTES];
    openssl::rand::rand_bytes(&mut random)?;
    let scram = Scram {
        digest,
        password,
        first: format!("n={},r={}", escaped(user), encode_block(&random)),
        nonce: encode_block(&random),
    };
    let challenge = send(connection, format!("{GS2}{}", scram.first).into_bytes())?;
    let (answer, proof) = scram.answer(&challenge)?;
    let last = send(connection, answer.into_bytes())?;
    if last
        .strip_prefix("v=")
        .and_then(|text| decode_block(text).ok())
        .is_some_and(|found| found.len() == proof.len() && memcmp::eq(&found, &proof))
    {
        return Ok(());
    }
    Err(io::Error::other(
        "the broker does not know the password either: its proof is wrong",
    ))
}

/// A name as it stands in a message: `=` and `,` are written otherwise.
fn escaped(user: &str) -> String {
    user.replace('=', "=3D").replace(',', "=2C")
}

fn told(error: WireError) -> io::Error {
    match error {
        WireError::Io { source, .. } => source,
        other => io::Error::other(other.to_string()),
    }
}

fn send<S: Read + Write>(connection: &mut Connection<S>, token: Vec<u8>) -> io::Result<String> {
    let request = SaslAuthenticateRequest::default().with_auth_bytes(token.into());
    let answer = connection.call(&request, AUTHENTICATE_VERSION).map_err(told)?;
    if answer.error_code != 0 {
        let words = answer
            .error_message
            .map(|text| text.to_string())
            .unwrap_or_default();
        return Err(io::Error::other(format!("the login was refused: {words}")));
    }
    String::from_utf8(answer.auth_bytes.to_vec()).map_err(io::Error::other)
}

struct Scram<'a> {
    digest: MessageDigest,
    password: &'a str,
    /// The first message without its beginning.
    first: String,
    nonce: String,
}

impl Scram<'_> {
    /// The answer to the broker's first message, and the proof that the broker has to give.
    fn answer(&self, challenge: &str) -> io::Result<(String, Vec<u8>)> {
        let wrong = |what: &str| io::Error::other(format!("the broker's challenge makes no sense: {what}"));
        let part = |name: &str| challenge.split(',').find_map(|part| part.strip_prefix(name));
        let nonce = part("r=").ok_or_else(|| wrong("no nonce"))?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(wrong("another nonce"));
        }
        let salt = part("s=").and_then(|salt| decode_block(salt).ok());
        let salt = salt.ok_or_else(|| wrong("no salt"))?;
        let iterations = part("i=").and_then(|count| count.parse().ok());
        let iterations = iterations
            .filter(|count| ITERATIONS.contains(count))
            .ok_or_else(|| wrong("iterations"))?;
        let mut salted = vec![0; self.digest.size()];
        pbkdf2_hmac(
            self.password.as_bytes(),
            &salt,
            iterations,
            self.digest,
            &mut salted,
        )?;
        let client_key = self.hmac(&salted, b"Client Key")?;
        let stored = hash(self.digest, &client_key)?;
        let without_proof = format!("c={BINDING},r={nonce}");
        let all = format!("{},{challenge},{without_proof}", self.first);
        let signature = self.hmac(&stored, all.as_bytes())?;
        let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        let server_key = self.hmac(&salted, b"Server Key")?;
        let expected = self.hmac(&server_key, all.as_bytes())?;
        Ok((format!("{without_proof},p={}", encode_block(&proof)), expected))
    }

    fn hmac(&self, key: &[u8], data: &[u8]) -> io::Result<Vec<u8>> {
        let key = PKey::hmac(key)?;
        let mut signer = Signer::new(self.digest, &key)?;
        signer.update(data)?;
        Ok(signer.sign_to_vec()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677, section 3.
    #[test]
    fn the_example_of_the_standard_is_computed() {
        let scram = Scram {
            digest: MessageDigest::sha256(),
            password: "pencil",
            first: "n=user,r=rOprNGfwEbeRWgbNEkqO".to_owned(),
            nonce: "rOprNGfwEbeRWgbNEkqO".to_owned(),
        };
        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let (answer, proof) = scram
            .answer(&format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"))
            .unwrap();
        assert_eq!(
            answer,
            format!("c=biws,r={nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
        );
        assert_eq!(
            encode_block(&proof),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
        for challenge in [
            "",
            "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "r=another,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "r=rOprNGfwEbeRWgbNEkqOx,s=?,i=4096",
            "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4000000000",
        ] {
            let told = scram.answer(challenge).unwrap_err().to_string();
            assert!(
                told.contains("makes no sense") && !told.contains("pencil"),
                "{told}"
            );
        }
    }
}
