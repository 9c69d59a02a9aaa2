//! Java's settings become those of librdkafka.
//!
//! Invariant: what can't be obeyed is refused; nothing that makes a connection safer is left out in silence.

use std::collections::BTreeMap;

use super::error::Wrong;
use super::jaas;
use super::keys::{Meaning, meaning, nearest};
use super::properties::Entry;
use super::secret::Secret;

/// Settings of librdkafka, and what of the file was left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Translated {
    pub(super) settings: BTreeMap<&'static str, Secret>,
    /// Names of settings that have no say here, in the order of the file.
    pub(super) left_out: Vec<String>,
    /// Java's names of what says how a cluster is reached; with the value if it is the path of a file.
    pub(super) java: BTreeMap<String, Option<String>>,
}

/// How a cluster is reached: by key of Java's, with its line.
type Found = BTreeMap<String, (usize, Secret)>;

/// Translates all entries; the last of a name counts, as in Java.
pub(super) fn translate(entries: Vec<Entry>) -> Result<Translated, Wrong> {
    let mut found = Found::new();
    let mut translated = Translated::default();
    for entry in entries {
        let Entry { line, key, value } = entry;
        match meaning(&key) {
            Some(Meaning::Access) => {
                found.insert(key, (line, value));
            }
            Some(Meaning::Named(name)) => {
                translated.settings.insert(name, value);
            }
            Some(Meaning::LeftOut) => translated.left_out.push(key),
            Some(Meaning::Refused(why)) => return Err(Wrong::at(line, format!("{key} {why}"))),
            None => return Err(unknown(line, &key)),
        }
    }
    for (key, (_, value)) in &found {
        let path = key.ends_with(".location").then(|| value.reveal().to_owned());
        translated.java.insert(key.clone(), path);
    }
    let protocol = protocol(&mut translated, &found)?;
    if protocol.sasl {
        sasl(&mut translated, &found)?;
    } else if let Some((line, _)) = found.get("sasl.mechanism").or(found.get("sasl.jaas.config")) {
        let reason = "sasl.* has no effect without security.protocol=SASL_SSL or SASL_PLAINTEXT";
        return Err(Wrong::at(*line, reason));
    }
    if protocol.tls {
        truststore(&mut translated, &found)?;
        keystore(&mut translated, &found)?;
        identification(&mut translated, &found)?;
    } else if let Some((key, (line, _))) = found.iter().find(|(key, _)| key.starts_with("ssl.")) {
        let reason = format!("{key} has no effect without security.protocol=SSL or SASL_SSL");
        return Err(Wrong::at(*line, reason));
    }
    Ok(translated)
}

fn unknown(line: usize, key: &str) -> Wrong {
    // A line that is no setting may be part of a secret that was broken into lines: then it is not shown.
    let plain = key.len() <= 60
        && key.contains('.')
        && key
            .chars()
            .all(|c| c.is_ascii_lowercase() || matches!(c, '.' | '_' | '-'));
    Wrong::at(
        line,
        match (plain, nearest(key)) {
            (_, Some(near)) => format!("unknown setting `{key}`; did you mean `{near}`?"),
            (true, None) => format!("unknown setting `{key}`"),
            (false, None) => "this is no setting of a client".to_owned(),
        },
    )
}

#[derive(Clone, Copy)]
struct Protocol {
    tls: bool,
    sasl: bool,
}

fn protocol(translated: &mut Translated, found: &Found) -> Result<Protocol, Wrong> {
    let Some((line, value)) = found.get("security.protocol") else {
        let plaintext = Protocol {
            tls: false,
            sasl: false,
        };
        return Ok(plaintext);
    };
    let (name, protocol) = match value.reveal() {
        "PLAINTEXT" => ("plaintext", (false, false)),
        "SSL" => ("ssl", (true, false)),
        "SASL_PLAINTEXT" => ("sasl_plaintext", (false, true)),
        "SASL_SSL" => ("sasl_ssl", (true, true)),
        _ => {
            let reason = "security.protocol is PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL";
            return Err(Wrong::at(*line, reason));
        }
    };
    translated
        .settings
        .insert("security.protocol", Secret::new(name.to_owned()));
    Ok(Protocol {
        tls: protocol.0,
        sasl: protocol.1,
    })
}

fn sasl(translated: &mut Translated, found: &Found) -> Result<(), Wrong> {
    let missing = |key: &str, example: &str| Wrong::whole(format!("{key} is missing, e.g. {key}={example}"));
    let (line, mechanism) = found
        .get("sasl.mechanism")
        .ok_or_else(|| missing("sasl.mechanism", "SCRAM-SHA-512"))?;
    let module = match mechanism.reveal() {
        "PLAIN" => "PlainLoginModule",
        "SCRAM-SHA-256" | "SCRAM-SHA-512" => "ScramLoginModule",
        _ => {
            let reason = "sasl.mechanism can be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 here";
            return Err(Wrong::at(*line, reason));
        }
    };
    translated.settings.insert("sasl.mechanism", mechanism.clone());
    let example = format!("org.apache.kafka.….{module} required username=\"…\" password=\"…\";");
    let (line, config) = found
        .get("sasl.jaas.config")
        .ok_or_else(|| missing("sasl.jaas.config", &example))?;
    let login =
        jaas::parse(config).map_err(|reason| Wrong::at(*line, format!("sasl.jaas.config: {reason}")))?;
    if login.module != module {
        let reason = format!("sasl.jaas.config: {} logs in with {module}", mechanism.reveal());
        return Err(Wrong::at(*line, reason));
    }
    translated.settings.insert("sasl.username", login.username);
    translated.settings.insert("sasl.password", login.password);
    Ok(())
}

/// The kind of a store, and the line that says so; a location without a kind tells it by its name, or is a JKS.
fn kind(found: &Found, store: &str) -> Option<(usize, String, Option<Secret>)> {
    let location = found.get(&format!("ssl.{store}.location"));
    let told = found.get(&format!("ssl.{store}.type"));
    let (line, file) = match (location, told) {
        (Some((line, file)), _) => (*line, Some(file.clone())),
        (None, Some((line, _))) => (*line, None),
        (None, None) => return None,
    };
    let kind = match (told, &file) {
        (Some((_, kind)), _) => kind.reveal().to_uppercase(),
        (None, Some(file)) => {
            let name = file.reveal().to_lowercase();
            let is = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
            let kind = match () {
                () if is(&[".pem", ".crt", ".cer"]) => "PEM",
                () if is(&[".p12", ".pfx"]) => "PKCS12",
                () => "JKS",
            };
            kind.to_owned()
        }
        (None, None) => "PEM".to_owned(),
    };
    Some((line, kind, file))
}

fn truststore(translated: &mut Translated, found: &Found) -> Result<(), Wrong> {
    if let Some((_, certificates)) = found.get("ssl.truststore.certificates") {
        translated.settings.insert("ssl.ca.pem", certificates.clone());
        return Ok(());
    }
    match kind(found, "truststore") {
        None => Ok(()),
        Some((line, kind, Some(file))) => {
            if kind != "PEM" {
                let file = file.reveal();
                return Err(Wrong::at(
                    line,
                    format!(
                        "a truststore of type {kind} can't be read here; write its certificates into a PEM file with \
                         `keytool -list -rfc -keystore {file} > truststore.pem`, and say \
                         ssl.truststore.location=truststore.pem and ssl.truststore.type=PEM"
                    ),
                ));
            }
            translated.settings.insert("ssl.ca.location", file);
            Ok(())
        }
        Some((line, ..)) => Err(Wrong::at(
            line,
            "ssl.truststore.location or ssl.truststore.certificates is missing",
        )),
    }
}

fn keystore(translated: &mut Translated, found: &Found) -> Result<(), Wrong> {
    let value = |key: &str| found.get(key).map(|(_, value)| value.clone());
    if let Some(password) = value("ssl.key.password") {
        translated.settings.insert("ssl.key.password", password);
    }
    if let (Some(chain), Some(key)) = (value("ssl.keystore.certificate.chain"), value("ssl.keystore.key")) {
        translated.settings.insert("ssl.certificate.pem", chain);
        translated.settings.insert("ssl.key.pem", key);
        return Ok(());
    }
    for (one, other) in [
        ("ssl.keystore.certificate.chain", "ssl.keystore.key"),
        ("ssl.keystore.key", "ssl.keystore.certificate.chain"),
    ] {
        if let Some((line, _)) = found.get(one) {
            return Err(Wrong::at(*line, format!("{one} needs {other}")));
        }
    }
    match kind(found, "keystore") {
        None => Ok(()),
        Some((_, kind, Some(file))) if kind == "PEM" => {
            // One file with the key and the certificates.
            translated
                .settings
                .insert("ssl.certificate.location", file.clone());
            translated.settings.insert("ssl.key.location", file);
            Ok(())
        }
        Some((_, kind, Some(file))) if kind == "PKCS12" => {
            translated.settings.insert("ssl.keystore.location", file);
            if let Some(password) = value("ssl.keystore.password") {
                translated.settings.insert("ssl.keystore.password", password);
            }
            Ok(())
        }
        Some((line, kind, Some(file))) => {
            let file = file.reveal();
            Err(Wrong::at(
                line,
                format!(
                    "a keystore of type {kind} can't be read here; convert it with `keytool -importkeystore \
                     -srckeystore {file} -destkeystore keystore.p12 -deststoretype PKCS12`, and say \
                     ssl.keystore.location=keystore.p12 and ssl.keystore.type=PKCS12"
                ),
            ))
        }
        Some((line, ..)) => Err(Wrong::at(line, "ssl.keystore.location is missing")),
    }
}

fn identification(translated: &mut Translated, found: &Found) -> Result<(), Wrong> {
    let algorithm = match found.get("ssl.endpoint.identification.algorithm") {
        None => "https",
        Some((line, value)) => match value.reveal().to_lowercase().as_str() {
            "https" => "https",
            "" => "none",
            _ => {
                let reason = "ssl.endpoint.identification.algorithm is https, or empty for none";
                return Err(Wrong::at(*line, reason));
            }
        },
    };
    translated.settings.insert(
        "ssl.endpoint.identification.algorithm",
        Secret::new(algorithm.to_owned()),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::properties;
    use super::*;

    fn read(text: &str) -> Result<Translated, Wrong> {
        properties::parse(text).and_then(translate)
    }

    fn settings(text: &str) -> Vec<String> {
        let told = read(text).expect(text).settings;
        told.iter()
            .map(|(name, value)| format!("{name}={}", value.reveal()))
            .collect()
    }

    const SCRAM: &str = "sasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=\
        org.apache.kafka.common.security.scram.ScramLoginModule required username=\"alice\" password=\"hunter2\";\n";

    #[test]
    fn settings_are_translated() {
        let sasl_ssl = format!(
            "security.protocol=SASL_SSL\nssl.truststore.type=PEM\nssl.truststore.location=/ca\n{SCRAM}"
        );
        let cases: [(&str, &[&str]); 6] = [
            ("acks=all\nclient.id=x", &[]),
            ("security.protocol=PLAINTEXT", &["security.protocol=plaintext"]),
            (
                "security.protocol=SSL\nssl.truststore.location=ca.pem\nssl.endpoint.identification.algorithm=",
                &[
                    "security.protocol=ssl",
                    "ssl.ca.location=ca.pem",
                    "ssl.endpoint.identification.algorithm=none",
                ],
            ),
            (
                "security.protocol=SSL\nssl.keystore.location=me.p12\nssl.keystore.password=hunter2",
                &[
                    "security.protocol=ssl",
                    "ssl.endpoint.identification.algorithm=https",
                    "ssl.keystore.location=me.p12",
                    "ssl.keystore.password=hunter2",
                ],
            ),
            (
                "security.protocol=SSL\nssl.keystore.key=K\nssl.keystore.certificate.chain=C\nrequest.timeout.ms=5",
                &[
                    "security.protocol=ssl",
                    "socket.timeout.ms=5",
                    "ssl.certificate.pem=C",
                    "ssl.endpoint.identification.algorithm=https",
                    "ssl.key.pem=K",
                ],
            ),
            (
                &sasl_ssl,
                &[
                    "sasl.mechanism=SCRAM-SHA-512",
                    "sasl.password=hunter2",
                    "sasl.username=alice",
                    "security.protocol=sasl_ssl",
                    "ssl.ca.location=/ca",
                    "ssl.endpoint.identification.algorithm=https",
                ],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(settings(text), expected, "{text}");
        }
        assert_eq!(
            read("acks=all\nclient.id=x").unwrap().left_out,
            ["acks", "client.id"]
        );
    }

    #[test]
    fn what_can_not_be_obeyed_is_refused_with_its_line_and_without_secrets() {
        let plain = SCRAM.replace("SCRAM-SHA-512", "PLAIN");
        let cases: [(&str, Option<usize>, &str); 14] = [
            ("a.b=1\nsasl.mechanizm=PLAIN", Some(1), "unknown setting `a.b`"),
            ("\nsasl.mechanizm=PLAIN", Some(2), "did you mean `sasl.mechanism`"),
            ("hunter2hunter2hunter2", Some(1), "this is no setting"),
            ("security.protocol=TLS", Some(1), "SASL_SSL"),
            (SCRAM, Some(1), "security.protocol=SASL_SSL"),
            ("security.protocol=SASL_SSL", None, "sasl.mechanism is missing"),
            (
                "security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI",
                Some(2),
                "PLAIN, SCRAM-SHA-256",
            ),
            (
                "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN",
                None,
                "PlainLoginModule",
            ),
            (
                &format!("security.protocol=SASL_SSL\n{plain}"),
                Some(3),
                "PLAIN logs in with PlainLoginModule",
            ),
            ("ssl.key.password=hunter2", Some(1), "security.protocol=SSL"),
            (
                "security.protocol=SSL\nssl.truststore.location=/t.jks\nssl.truststore.password=hunter2",
                Some(2),
                "keytool -list -rfc -keystore /t.jks",
            ),
            (
                "security.protocol=SSL\nssl.keystore.location=/k\nssl.keystore.type=JKS",
                Some(2),
                "-deststoretype PKCS12",
            ),
            ("ssl.enabled.protocols=TLSv1.3", Some(1), "OpenSSL"),
            (
                "security.protocol=SSL\nssl.keystore.key=hunter2",
                Some(2),
                "ssl.keystore.certificate.chain",
            ),
        ];
        for (text, line, reason) in cases {
            let told = read(text).expect_err(text);
            assert_eq!(told.line, line, "{text}: {told:?}");
            assert!(told.reason.contains(reason), "{text}: {}", told.reason);
            assert!(!told.reason.contains("hunter2"), "{}", told.reason);
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let translated = read(&format!("security.protocol=SASL_PLAINTEXT\n{SCRAM}")).unwrap();
        let shown = format!("{translated:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("alice"), "{shown}");
    }
}
