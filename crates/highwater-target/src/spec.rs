//! What a person may ask for as a target, and how it is written. Starts and reaches nothing.

use std::fmt;
use std::str::FromStr;

use crate::error::TargetError;

/// How close a word must be to a known one to be suggested (Damerau-Levenshtein over the length, 0 to 1): two
/// slips in `kafka`, one in `dev`. Below that a suggestion is more often wrong than helpful.
const CLOSE_ENOUGH: f64 = 0.6;

/// What a run is pointed at. Written `dev`, `kafka`, `kafka:3` or `bootstrap:HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetSpec {
    /// The dev broker, a child of Highwater.
    Dev,
    /// Apache Kafka, one node, a child of Highwater for the time of the run.
    Kafka,
    /// Apache Kafka, three nodes, children of Highwater for the time of the run. Topics get three replicas.
    KafkaThree,
    /// A cluster that exists: `HOST:PORT`, or several separated by commas.
    Bootstrap(String),
    /// As `Bootstrap`, and it wants TLS or a login, which this crate does not speak: only its port is looked at.
    Secured(String),
}

impl TargetSpec {
    /// Whether somebody else runs it: it can't be killed, and its disk is not ours.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        matches!(self, Self::Bootstrap(_) | Self::Secured(_))
    }
}

impl FromStr for TargetSpec {
    type Err = TargetError;

    fn from_str(given: &str) -> Result<Self, TargetError> {
        match given {
            "dev" => Ok(Self::Dev),
            "kafka" | "kafka:1" => Ok(Self::Kafka),
            "kafka:3" => Ok(Self::KafkaThree),
            _ => match given.strip_prefix("bootstrap:") {
                Some(servers) => check_servers(given, servers).map(|()| Self::Bootstrap(servers.to_owned())),
                None => Err(TargetError::UnknownTarget {
                    given: given.to_owned(),
                    suggestion: nearest(given),
                }),
            },
        }
    }
}

impl TargetSpec {
    /// For people, before anything of it runs: `Apache Kafka`. A target that runs says more of itself.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Dev => "dev broker".to_owned(),
            Self::Kafka => "Apache Kafka".to_owned(),
            Self::KafkaThree => "Apache Kafka (three brokers)".to_owned(),
            Self::Bootstrap(servers) | Self::Secured(servers) => format!("cluster at {servers}"),
        }
    }
}

impl fmt::Display for TargetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dev => f.write_str("dev"),
            Self::Kafka => f.write_str("kafka"),
            Self::KafkaThree => f.write_str("kafka:3"),
            Self::Bootstrap(servers) | Self::Secured(servers) => write!(f, "bootstrap:{servers}"),
        }
    }
}

fn check_servers(given: &str, servers: &str) -> Result<(), TargetError> {
    servers.split(',').try_for_each(|server| {
        check_server(server).map_err(|reason| TargetError::BadBootstrap {
            given: given.to_owned(),
            reason: reason.to_owned(),
        })
    })
}

fn check_server(server: &str) -> Result<(), &'static str> {
    let (host, port) = server.rsplit_once(':').ok_or("the port is missing")?;
    if host.is_empty() {
        return Err("the host is missing");
    }
    if host.contains(char::is_whitespace) || host.contains('/') {
        return Err("a host has no spaces and no slashes");
    }
    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        return Err("an IPv6 address is written in brackets");
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok(()),
        _ => Err("a port is a number from 1 to 65535"),
    }
}

fn nearest(given: &str) -> Option<String> {
    // A number of nodes, and not the port of a host with that name.
    let nodes = given.to_lowercase().strip_prefix("kafka:").map(str::parse::<u16>);
    if nodes.is_some_and(|nodes| nodes.is_ok_and(|nodes| (2..100).contains(&nodes))) {
        return Some("kafka:3".to_owned());
    }
    if check_server(given).is_ok() {
        return Some(format!("bootstrap:{given}"));
    }
    let (word, rest) = given
        .split_once(':')
        .map_or((given, None), |(word, rest)| (word, Some(rest)));
    let word = word.to_lowercase();
    let (name, closeness) = ["dev", "kafka", "bootstrap"]
        .map(|name| (name, strsim::normalized_damerau_levenshtein(&word, name)))
        .into_iter()
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    if closeness < CLOSE_ENOUGH {
        return None;
    }
    Some(match (name, rest) {
        ("bootstrap", Some(rest)) => format!("bootstrap:{rest}"),
        ("bootstrap", None) => "bootstrap:HOST:PORT".to_owned(),
        (name, _) => name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_reads_back_as_written() {
        for (given, expected) in [
            ("dev", TargetSpec::Dev),
            ("kafka", TargetSpec::Kafka),
            ("kafka:3", TargetSpec::KafkaThree),
            (
                "bootstrap:localhost:9092",
                TargetSpec::Bootstrap("localhost:9092".to_owned()),
            ),
            (
                "bootstrap:[::1]:9092",
                TargetSpec::Bootstrap("[::1]:9092".to_owned()),
            ),
            (
                "bootstrap:a:1,b:65535",
                TargetSpec::Bootstrap("a:1,b:65535".to_owned()),
            ),
        ] {
            let spec: TargetSpec = given.parse().unwrap();
            assert_eq!(spec, expected);
            assert_eq!(spec.to_string(), given);
        }
    }

    #[test]
    fn one_node_of_kafka_is_kafka() {
        assert_eq!("kafka:1".parse::<TargetSpec>().unwrap(), TargetSpec::Kafka);
    }

    #[test]
    fn a_slip_gets_the_nearest_spelling() {
        for (given, expected) in [
            ("kafak", Some("kafka")),
            ("Kafka", Some("kafka")),
            ("kafka:4.3", Some("kafka")),
            ("kafka:2", Some("kafka:3")),
            ("Kafka:3", Some("kafka:3")),
            ("kafka:9092", Some("bootstrap:kafka:9092")),
            ("dve", Some("dev")),
            ("localhost:9092", Some("bootstrap:localhost:9092")),
            ("boostrap:h:9092", Some("bootstrap:h:9092")),
            ("bootstrap", Some("bootstrap:HOST:PORT")),
            ("redpanda", None),
            ("", None),
        ] {
            match given.parse::<TargetSpec>() {
                Err(TargetError::UnknownTarget { suggestion, .. }) => {
                    assert_eq!(suggestion.as_deref(), expected, "{given}");
                }
                other => panic!("{given}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_bootstrap_that_cannot_be_one_says_why() {
        for (given, expected) in [
            ("bootstrap:", "port is missing"),
            ("bootstrap:localhost", "port is missing"),
            ("bootstrap::9092", "host is missing"),
            ("bootstrap:localhost:0", "1 to 65535"),
            ("bootstrap:localhost:66000", "1 to 65535"),
            ("bootstrap:::1:9092", "brackets"),
            ("bootstrap:a:1,", "port is missing"),
            ("bootstrap:http://a:1", "slashes"),
        ] {
            let error = given.parse::<TargetSpec>().unwrap_err();
            assert!(error.to_string().contains(expected), "{given}: {error}");
        }
    }
}
