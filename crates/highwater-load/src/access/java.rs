//! The same file for programs in Java that a run starts: where a value is, instead of the value.
//!
//! Invariant: what a run writes for them refers to the file (KIP-297) and holds none of its secrets.

use std::path::{Path, absolute};

use super::admitted;

/// Java's own reader of such references.
const PROVIDER: &str = "org.apache.kafka.common.config.provider.FileConfigProvider";
/// A worker of Kafka Connect, and the clients in it that work for its connectors.
const CLIENTS: [&str; 4] = ["", "producer.", "consumer.", "admin."];

/// Properties with which a worker of Kafka Connect reaches these servers; none if nothing was noted for them.
#[must_use]
pub fn connect_properties(servers: &str) -> Vec<(String, String)> {
    let Some(access) = admitted(servers) else {
        return Vec::new();
    };
    let file = whole(&access.file);
    let mut properties = vec![
        ("config.providers".to_owned(), "file".to_owned()),
        ("config.providers.file.class".to_owned(), PROVIDER.to_owned()),
    ];
    for client in CLIENTS {
        for (key, location) in &access.java {
            // A worker has another folder, from which a relative path would lead nowhere.
            let value = match location {
                Some(path) => whole(Path::new(path)),
                None => format!("${{file:{file}:{key}}}"),
            };
            properties.push((format!("{client}{key}"), value));
        }
    }
    properties
}

fn whole(path: &Path) -> String {
    absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .display()
        .to_string()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::Access;
    use super::*;

    #[test]
    fn secrets_are_referred_to_and_paths_are_whole() {
        assert_eq!(connect_properties("nobody:2"), []);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(
            b"security.protocol=SASL_SSL\nssl.truststore.location=ca.pem\nssl.truststore.type=PEM\n\
              sasl.mechanism=PLAIN\nacks=all\n\
              sasl.jaas.config=PlainLoginModule required username=\"u\" password=\"hunter2\";",
        )
        .unwrap();
        Access::read(file.path()).unwrap().admit("java:9093");
        let properties = connect_properties("java:9093");
        let of = |name: &str| {
            let found = properties.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone())
        };
        let file = file.path().display();
        assert_eq!(
            of("producer.sasl.jaas.config"),
            Some(format!("${{file:{file}:sasl.jaas.config}}"))
        );
        assert_eq!(
            of("security.protocol"),
            Some(format!("${{file:{file}:security.protocol}}"))
        );
        let trusted = of("consumer.ssl.truststore.location").unwrap();
        assert!(
            trusted.starts_with('/') && trusted.ends_with("/ca.pem"),
            "{trusted}"
        );
        assert_eq!(of("acks"), None);
        assert!(!format!("{properties:?}").contains("hunter2"));
    }
}
