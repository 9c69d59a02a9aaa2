//! What it can be told on the command line.

use std::fmt;
use std::time::Duration;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, ValueEnum};
use rdkafka::ClientConfig;

use crate::defect::Defect;

/// What is promised for every record of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(clippy::enum_variant_names, reason = "the names that everybody uses")]
pub(crate) enum Guarantee {
    /// Once: outputs and offsets in one transaction, read by read_committed readers.
    ExactlyOnce,
    /// Once or more: offsets are committed when the outputs are acknowledged.
    AtLeastOnce,
    /// Once or never: offsets are committed first, and nothing is tried twice.
    AtMostOnce,
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExactlyOnce => "exactly-once",
            Self::AtLeastOnce => "at-least-once",
            Self::AtMostOnce => "at-most-once",
        })
    }
}

/// Where a record goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Placement {
    /// To the partition of the output with the number that it has in the input.
    Same,
    /// By the hash of its key, as Kafka's Java clients do it; without a key, anywhere.
    Keyed,
}

/// Copies every record of one topic to another: key, value, headers and timestamp unchanged.
///
/// An example of a pipeline that keeps its promise when brokers die, answers are lost, coordinators move, and
/// partitions go from one instance to the other, and of what breaks if one thing is left out (--defect).
#[derive(Debug, Parser)]
#[command(name = "copy", max_term_width = 100)]
pub(crate) struct Arguments {
    /// The topic that is read.
    #[arg(long, value_name = "TOPIC")]
    pub(crate) input: String,
    /// The topic that is written. It must exist.
    #[arg(long, value_name = "TOPIC")]
    pub(crate) output: String,
    /// The consumer group. All instances of one pipeline name the same.
    #[arg(long, value_name = "NAME", default_value = "copy")]
    pub(crate) group: String,
    /// Brokers to begin with; also from BOOTSTRAP_SERVERS or HIGHWATER_BOOTSTRAP.
    #[arg(long, value_name = "HOST:PORT,…")]
    bootstrap: Option<String>,
    /// Name of this instance, the same at every start, and no two at a time with the same: the transactional.id is
    /// made of the group and of it, so that a new start ends what the last one left open.
    #[arg(long, value_name = "NAME", default_value = "1", env = "HIGHWATER_INSTANCE")]
    pub(crate) instance: String,
    /// What is promised. Without it exactly-once, or what the defect is built into.
    #[arg(long, value_name = "GUARANTEE")]
    guarantee: Option<Guarantee>,
    /// Where records go.
    #[arg(long, value_name = "HOW", default_value = "same")]
    pub(crate) placement: Placement,
    /// One thing to do wrongly; all are listed below by --help.
    #[arg(long, value_name = "NAME", hide_possible_values = true)]
    defect: Option<Defect>,
    /// The broker behind the proxy, for the defect bypasses-proxy.
    #[arg(long, value_name = "HOST:PORT", required_if_eq("defect", "bypasses-proxy"))]
    pub(crate) direct: Option<String>,
    /// How long the work on a batch takes, between reading and writing.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 20)]
    work_ms: u64,
    /// Records of a batch, at most.
    #[arg(long, value_name = "RECORDS", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) batch: u32,
    /// A setting of librdkafka for all clients, for instance debug=eos; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected NAME=VALUE, for instance session.timeout.ms=10000".to_owned())
}

impl Arguments {
    /// Reads them, or ends the program with a hint.
    pub(crate) fn read() -> Self {
        let command = Self::command().after_long_help(Defect::table());
        let matches = command.get_matches();
        let mut arguments = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        if arguments.bootstrap.is_none() {
            let from = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
            arguments.bootstrap = from("BOOTSTRAP_SERVERS").or_else(|| from("HIGHWATER_BOOTSTRAP"));
        }
        if arguments.bootstrap.is_none() {
            Self::command()
                .error(
                    clap::error::ErrorKind::MissingRequiredArgument,
                    "no brokers: give --bootstrap HOST:PORT, or set BOOTSTRAP_SERVERS",
                )
                .exit();
        }
        arguments
    }

    /// Whether this is done wrongly.
    pub(crate) fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// What is promised.
    pub(crate) fn guarantee(&self) -> Guarantee {
        let default = self.defect.map_or(Guarantee::ExactlyOnce, Defect::guarantee);
        self.guarantee.unwrap_or(default)
    }

    /// Time that the work on a batch takes.
    pub(crate) fn work(&self) -> Duration {
        Duration::from_millis(self.work_ms)
    }

    /// What all clients have in common.
    pub(crate) fn client(&self, bootstrap: Option<&str>) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set(
                "bootstrap.servers",
                bootstrap.or(self.bootstrap.as_deref()).unwrap_or_default(),
            )
            .set("client.id", format!("{}-{}", self.group, self.instance))
            // An answer that is lost is missed after this time, and the request is sent again.
            .set("socket.timeout.ms", "6000")
            // A broker that comes back is found soon.
            .set("reconnect.backoff.max.ms", "1000")
            .set("log.connection.close", "false");
        config
    }

    /// Puts the settings of the command line on top.
    pub(crate) fn finish(&self, mut config: ClientConfig) -> ClientConfig {
        for (name, value) in &self.settings {
            config.set(name, value);
        }
        config
    }
}
