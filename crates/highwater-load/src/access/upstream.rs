//! A cluster with TLS behind the fault proxy: the proxy speaks TLS with it, clients log in through the proxy.
//!
//! Invariant: what the proxy could not do as the file says is refused here, and never done less strictly.

use std::path::PathBuf;

use super::{Secret, admitted};

/// How TLS is spoken with brokers, as the files that say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Authorities that are trusted, in PEM form; none: those of the system.
    pub authorities: Option<PathBuf>,
    /// The client's own certificate and its key, in one file in PEM form.
    pub certificate: Option<PathBuf>,
}

/// How a proxy speaks TLS with these servers; none if they want none.
///
/// # Errors
/// What of the file the proxy can't do, and what to do instead.
pub fn upstream(servers: &str) -> Result<Option<Upstream>, String> {
    let Some(access) = admitted(servers) else {
        return Ok(None);
    };
    let value = |name: &str| access.settings.get(name).map(Secret::reveal);
    if !matches!(value("security.protocol"), Some("ssl" | "sasl_ssl")) {
        return Ok(None);
    }
    let file = access.file.display();
    for (name, said, instead) in [
        (
            "ssl.ca.pem",
            "ssl.truststore.certificates",
            "ssl.truststore.location",
        ),
        (
            "ssl.key.pem",
            "ssl.keystore.key",
            "ssl.keystore.location with a PEM file",
        ),
        (
            "ssl.keystore.location",
            "a keystore of type PKCS12",
            "one of type PEM",
        ),
        (
            "ssl.key.password",
            "a key with a password",
            "one without in a PEM file",
        ),
    ] {
        if value(name).is_some() {
            return Err(format!("{file}: the fault proxy can't use {said}; use {instead}"));
        }
    }
    if value("ssl.endpoint.identification.algorithm") == Some("none") {
        return Err(format!(
            "{file}: the fault proxy always looks whether a certificate is for the broker's name; leave \
             ssl.endpoint.identification.algorithm out"
        ));
    }
    Ok(Some(Upstream {
        authorities: value("ssl.ca.location").map(PathBuf::from),
        certificate: value("ssl.certificate.location").map(PathBuf::from),
    }))
}

/// From now on clients of a proxy log in as those of the servers behind it do.
pub fn admit_behind(servers: &str, proxy: &str) {
    if let Some(access) = admitted(servers) {
        access.without_tls().admit(proxy);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::Access;
    use super::*;

    fn noted(servers: &str, text: &str) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Access::read(file.path()).unwrap().admit(servers);
    }

    #[test]
    fn the_proxy_does_as_the_file_says_or_refuses() {
        assert_eq!(upstream("nobody:1"), Ok(None));
        for (at, (text, expected)) in [
            ("security.protocol=PLAINTEXT", Ok(None)),
            (
                "security.protocol=SSL\nssl.truststore.location=/ca.pem\nssl.keystore.location=/me.pem",
                Ok(Some(("/ca.pem", "/me.pem"))),
            ),
            (
                "security.protocol=SSL\nssl.keystore.location=/me.p12\nssl.keystore.password=hunter2",
                Err("PKCS12"),
            ),
            (
                "security.protocol=SSL\nssl.endpoint.identification.algorithm=",
                Err("broker's name"),
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let servers = format!("upstream-{at}:9093");
            noted(&servers, text);
            match (upstream(&servers), expected) {
                (Ok(found), Ok(expected)) => {
                    let expected = expected.map(|(authorities, certificate)| Upstream {
                        authorities: Some(authorities.into()),
                        certificate: Some(certificate.into()),
                    });
                    assert_eq!(found, expected, "{text}");
                }
                (Err(told), Err(word)) => {
                    assert!(told.contains(word) && !told.contains("hunter2"), "{told}");
                }
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn clients_of_a_proxy_log_in_without_tls() {
        let login = "security.protocol=SASL_SSL\nssl.truststore.location=/ca.pem\nsasl.mechanism=PLAIN\n\
                     sasl.jaas.config=PlainLoginModule required username=\"u\" password=\"p\";";
        noted("behind:9093", login);
        admit_behind("behind:9093", "127.0.0.1:55555");
        let access = admitted("127.0.0.1:55555").unwrap();
        let settings: Vec<_> = access.settings().collect();
        assert_eq!(
            settings,
            [
                ("sasl.mechanism", "PLAIN"),
                ("sasl.password", "p"),
                ("sasl.username", "u"),
                ("security.protocol", "sasl_plaintext"),
            ]
        );
    }
}
