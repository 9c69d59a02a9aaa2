//! TLS at the proxy, as arguments.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use highwater_model::history::NodeAddress;
use highwater_proxy::{BrokerTls, Certificate, ClientTls, PassListener, Tls, Trust};

/// TLS at the proxy.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsArguments {
    /// Has clients speak TLS, with a certificate made for this run; its authority is written here for them to
    /// trust (PEM).
    #[arg(long, value_name = "FILE", conflicts_with = "tls_cert", value_hint = ValueHint::FilePath)]
    tls_ca: Option<PathBuf>,
    /// Has clients speak TLS, with this certificate (PEM, followed by its chain).
    #[arg(long, value_name = "FILE", requires = "tls_key", value_hint = ValueHint::FilePath)]
    tls_cert: Option<PathBuf>,
    /// Its private key (PEM, without a password).
    #[arg(long, value_name = "FILE", requires = "tls_cert", value_hint = ValueHint::FilePath)]
    tls_key: Option<PathBuf>,
    /// TLS with the brokers: `on` trusts the authorities of this system or of --upstream-ca, `insecure` anybody
    /// [default: on with --upstream-ca or --upstream-cert, else off].
    #[arg(long, value_name = "WHICH", value_enum)]
    upstream_tls: Option<UpstreamTls>,
    /// Trusts the authorities in this file for brokers, and no others (PEM).
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    upstream_ca: Option<PathBuf>,
    /// The proxy's own certificate, for brokers that ask for one (PEM).
    #[arg(long, value_name = "FILE", requires = "upstream_key", value_hint = ValueHint::FilePath)]
    upstream_cert: Option<PathBuf>,
    /// Its private key (PEM, without a password).
    #[arg(long, value_name = "FILE", requires = "upstream_cert", value_hint = ValueHint::FilePath)]
    upstream_key: Option<PathBuf>,
    /// Passes TLS as bytes: a listener for each broker, network faults only, no history of what is said. The brokers
    /// must advertise these addresses. Can be given several times; clients start from the first.
    #[arg(
        long,
        value_name = "LISTEN=BROKER[#NODE]",
        value_parser = pass_listener,
        conflicts_with_all = ["tls_ca", "tls_cert", "upstream_tls", "upstream_ca", "upstream_cert"]
    )]
    tls_pass: Vec<PassListener>,
}

/// Whether brokers speak TLS, and who vouches for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum UpstreamTls {
    Off,
    On,
    Insecure,
}

impl TlsArguments {
    /// What the proxy is told.
    pub(crate) fn tls(&self) -> Tls {
        if !self.tls_pass.is_empty() {
            return Tls::Passes {
                listeners: self.tls_pass.clone(),
            };
        }
        let pair = |chain: &Option<PathBuf>, key: &Option<PathBuf>| {
            let both = chain.clone().zip(key.clone());
            both.map(|(chain, key)| Certificate { chain, key })
        };
        let clients = match (&self.tls_ca, pair(&self.tls_cert, &self.tls_key)) {
            (Some(authority), _) => ClientTls::Made {
                authority: authority.clone(),
            },
            (None, Some(given)) => ClientTls::Given(given),
            (None, None) => ClientTls::Off,
        };
        let certificate = pair(&self.upstream_cert, &self.upstream_key);
        let trust = match (self.upstream_tls, &self.upstream_ca) {
            (Some(UpstreamTls::Insecure), _) => Some(Trust::Insecure),
            (Some(UpstreamTls::Off), _) => None,
            (_, Some(file)) => Some(Trust::Authorities(file.clone())),
            (Some(UpstreamTls::On), None) => Some(Trust::System),
            (None, None) => certificate.is_some().then_some(Trust::System),
        };
        let brokers = trust.map_or(BrokerTls::Off, |trust| BrokerTls::On { trust, certificate });
        Tls::Ends { clients, brokers }
    }
}

/// `127.0.0.1:19092=broker1:9092#1`.
fn pass_listener(text: &str) -> Result<PassListener, String> {
    let wrong = || format!("`{text}` is not LISTEN=BROKER[#NODE], e.g. 127.0.0.1:19092=broker1:9092#1");
    let (listen, behind) = text.split_once('=').ok_or_else(wrong)?;
    let (broker, node) = match behind.split_once('#') {
        Some((broker, node)) => (broker, Some(node.parse().map_err(|_| wrong())?)),
        None => (behind, None),
    };
    let (host, port) = broker.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return Err(wrong());
    }
    Ok(PassListener {
        listen: listen.parse::<SocketAddr>().map_err(|_| wrong())?,
        upstream: NodeAddress {
            host: host.to_owned(),
            port: port.parse().map_err(|_| wrong())?,
        },
        node,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        tls: TlsArguments,
    }

    fn of(arguments: &[&str]) -> Tls {
        let words = std::iter::once("proxy").chain(arguments.iter().copied());
        Only::try_parse_from(words).unwrap().tls.tls()
    }

    #[test]
    fn what_is_asked_for_is_what_the_proxy_is_told() {
        let plain = Tls::default();
        let on = |trust| Tls::Ends {
            clients: ClientTls::Off,
            brokers: BrokerTls::On {
                trust,
                certificate: None,
            },
        };
        let cases: [(&[&str], Tls); 7] = [
            (&[], plain.clone()),
            (&["--upstream-tls", "on"], on(Trust::System)),
            (&["--upstream-tls", "insecure"], on(Trust::Insecure)),
            (
                &["--upstream-ca", "ca.pem"],
                on(Trust::Authorities("ca.pem".into())),
            ),
            (&["--upstream-tls", "off", "--upstream-ca", "ca.pem"], plain),
            (
                &["--tls-ca", "made.pem"],
                Tls::Ends {
                    clients: ClientTls::Made {
                        authority: "made.pem".into(),
                    },
                    brokers: BrokerTls::Off,
                },
            ),
            (
                &["--tls-pass", "127.0.0.1:1=broker:2#3"],
                Tls::Passes {
                    listeners: vec![PassListener {
                        listen: "127.0.0.1:1".parse().unwrap(),
                        upstream: NodeAddress {
                            host: "broker".to_owned(),
                            port: 2,
                        },
                        node: Some(3),
                    }],
                },
            ),
        ];
        for (arguments, expected) in cases {
            assert_eq!(of(arguments), expected, "{arguments:?}");
        }
    }

    #[test]
    fn a_listener_that_makes_no_sense_is_told() {
        for text in [
            "127.0.0.1:1",
            "broker:1=broker:2",
            "127.0.0.1:1=broker",
            "127.0.0.1:1=:2",
            "127.0.0.1:1=b:2#x",
        ] {
            assert!(
                pass_listener(text).unwrap_err().contains("is not LISTEN=BROKER"),
                "{text}"
            );
        }
    }
}
