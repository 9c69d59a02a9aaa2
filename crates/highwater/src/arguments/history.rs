//! Arguments of `highwater history`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use highwater_report::history::{Around, Filter, Producer, TopicFilter};

const SHOW_EXAMPLES: &str = "\
Examples:
  highwater history show run.hwh                                     everything, a few lines for each exchange
  highwater history show run.hwh --topic orders/2 --producer 4000    what this producer wrote to this partition
  highwater history show run.hwh --around fault:1 --format sequence  a diagram of the first fault that fired
  highwater history show run.hwh --around lost-ack:3 --context 40    more of it, around the third firing of a rule
  highwater history show run.hwh --producer etl-1 --format svg > etl-1.svg";

#[derive(Debug, Subcommand)]
pub(crate) enum HistoryCommand {
    /// Shows what happened, as a table or as a sequence diagram.
    ///
    /// A row is a request with what the proxy did with it and its answer, or another event: a connection, a fault,
    /// a process. `event` is the number that --around takes. Filters can be combined; all of them must be true.
    #[command(after_help = SHOW_EXAMPLES)]
    Show(HistoryShowArguments),
    /// Writes every event as a line of JSON, for other tools; `show` and `info` read that too.
    Export(HistoryExportArguments),
    /// Sums up: how long, who, which requests, what was broken, whether it is whole.
    Info(HistoryInfoArguments),
}

/// How a history is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HistoryFormat {
    /// A few lines for each exchange.
    Table,
    /// A sequence diagram as text.
    Sequence,
    /// A sequence diagram as a picture, for a browser or a report.
    Svg,
    /// The events themselves, as JSON lines, those of an exchange one after the other.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryShowArguments {
    /// A history, or an export of one.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Only what this producer did, by producer id or transactional id, and who read its records.
    #[arg(long, value_name = "ID")]
    pub(crate) producer: Option<Producer>,
    /// Only what this group did: joins, heartbeats, commits.
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// Only what concerns this topic, or with `/2` this partition of it.
    #[arg(long, value_name = "TOPIC[/PARTITION]")]
    pub(crate) topic: Option<TopicFilter>,
    /// Only this connection, by the number in the column `client`.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) connection: Option<u32>,
    /// Only requests of this API, e.g. `Produce` or `EndTxn`.
    #[arg(long, value_name = "NAME", value_parser = api)]
    pub(crate) api: Option<i16>,
    /// Only what is around an event: its number, `fault:1`, `trouble:1`, `process:1`, or the name of a rule and which
    /// of its firings, `lost-ack:1`.
    #[arg(long, value_name = "EVENT")]
    pub(crate) around: Option<Around>,
    /// How many rows before and after it.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) context: usize,
    /// table, sequence, svg or json.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = HistoryFormat::Table)]
    pub(crate) format: HistoryFormat,
}

impl HistoryShowArguments {
    /// What is looked at.
    pub(crate) fn filter(&self) -> Filter {
        Filter {
            producer: self.producer.clone(),
            group: self.group.clone(),
            topic: self.topic.clone(),
            connection: self.connection,
            api_key: self.api,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct HistoryExportArguments {
    /// A history.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// A file that is not there yet, instead of standard output.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryInfoArguments {
    /// A history, or an export of one.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
}

/// The number of an API by its name, or as a number.
fn api(text: &str) -> Result<i16, String> {
    highwater_wire::api::by_name(text)
        .or_else(|| text.parse().ok())
        .ok_or_else(|| "no such API: give a name of Kafka's protocol, e.g. Produce, Fetch, OffsetCommit, EndTxn, or its number".into())
}
