//! Arguments of `highwater lag`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::{AccessArguments, BootstrapArguments, span};

pub(crate) const LAG_EXAMPLES: &str = "\
Examples:
  highwater lag                                          all groups of the cluster at 127.0.0.1:9092, once
  highwater lag --bootstrap broker:9092 --watch          again every 10 s: is it stuck, slow, or catching up?
  highwater lag --group 'billing*' --partitions          each partition of some groups
  highwater lag --watch --json | jq .groups              one line of JSON for each reading
  highwater lag serve --bootstrap broker:9092            for Prometheus, at http://127.0.0.1:9308/metrics
  highwater lag rules > lag-rules.yml                    alert rules for it; highwater lag dashboard for Grafana";

const SERVE_EXAMPLES: &str = "\
Examples:
  highwater lag serve --bootstrap broker:9092
  highwater lag serve --listen 0.0.0.0:9308 --compat kafka-exporter     under the names of kafka_exporter, too";

/// What is asked of which cluster.
#[derive(Debug, Args)]
pub(crate) struct LagAsked {
    #[command(flatten)]
    pub(crate) bootstrap: BootstrapArguments,
    #[command(flatten)]
    pub(crate) access: AccessArguments,
    /// Only this group; `*` stands for any text. Can be given several times.
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Vec<String>,
    /// Leaves out how old the record is that a group reads next, which takes some requests more.
    #[arg(long)]
    pub(crate) no_ages: bool,
}

/// What is shown.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct LagArguments {
    #[command(subcommand)]
    pub(crate) command: Option<LagCommand>,
    #[command(flatten)]
    pub(crate) asked: LagAsked,
    /// A line for each partition, and not only for those with trouble.
    #[arg(long)]
    pub(crate) partitions: bool,
    /// Reads again and again, and judges what the readings say together, until Ctrl-C.
    #[arg(long)]
    pub(crate) watch: bool,
    /// Time between two readings.
    #[arg(long, value_name = "SPAN", default_value = "10s", value_parser = span)]
    pub(crate) every: Duration,
    /// Readings that count for a verdict; a verdict takes five of them, and a minute.
    #[arg(long, value_name = "SPAN", default_value = "10min", value_parser = span)]
    pub(crate) window: Duration,
    /// Prints JSON, a line for each reading.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a monitoring system needs.
#[derive(Debug, Subcommand)]
pub(crate) enum LagCommand {
    /// Serves the readings to Prometheus: /metrics and /health.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(LagServeArguments),
    /// Prints alert rules for Prometheus.
    Rules,
    /// Prints a dashboard for Grafana.
    Dashboard,
    /// Prints the table of metrics, as Markdown.
    Metrics,
}

/// How it is served.
#[derive(Debug, Args)]
pub(crate) struct LagServeArguments {
    #[command(flatten)]
    pub(crate) asked: LagAsked,
    /// Where to listen.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9308")]
    pub(crate) listen: SocketAddr,
    /// Time between two readings; a scrape gets the last one.
    #[arg(long, value_name = "SPAN", default_value = "15s", value_parser = span)]
    pub(crate) every: Duration,
    /// Readings that count for a verdict.
    #[arg(long, value_name = "SPAN", default_value = "10min", value_parser = span)]
    pub(crate) window: Duration,
    /// Also under the names of another exporter, for dashboards that are there. Can be given several times.
    #[arg(long, value_enum, value_name = "EXPORTER")]
    pub(crate) compat: Vec<LagCompat>,
}

/// Exporters whose names are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LagCompat {
    /// `kafka_consumergroup_lag`, …
    KafkaExporter,
    /// `kafka_consumergroup_group_lag`, …
    KafkaLagExporter,
    /// `kminion_kafka_consumer_group_topic_partition_lag`, …
    Kminion,
}
