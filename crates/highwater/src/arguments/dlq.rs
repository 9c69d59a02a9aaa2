//! Arguments of `highwater dlq`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::{AccessArguments, BootstrapArguments};

const LIST_EXAMPLES: &str = "\
Examples:
  highwater dlq list                                      dead-letter topics by their names: *-dlt, *.dead-letters, *dlq, …
  highwater dlq list orders.errors --bootstrap broker:9092";

const SHOW_EXAMPLES: &str = "\
Examples:
  highwater dlq show orders-dlt                           letters that nobody has seen to
  highwater dlq show orders-dlt --partition 2 --offset 17 one of them, whole
  highwater dlq show orders-dlt --error 'no such account' --all --json";

const REDRIVE_EXAMPLES: &str = "\
Examples:
  highwater dlq redrive orders-dlt --dry-run              how many would go where, and which would stay
  highwater dlq redrive orders-dlt --rate 100
  highwater dlq redrive orders-dlt --error timeout --to orders.again";

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum DlqCommand {
    /// Counts the letters that wait, by where they come from and what went wrong.
    #[command(after_help = LIST_EXAMPLES)]
    List(DlqListArguments),
    /// Shows letters: where they were, what went wrong, key and value.
    #[command(after_help = SHOW_EXAMPLES)]
    Show(DlqShowArguments),
    /// Sends letters back to the topics that they come from, in the order of each key.
    ///
    /// A letter that stays keeps the later ones of its key. Headers that made it a dead letter are left out, all others
    /// are kept, and `highwater.redriven-from` says where it was. What was done is written into a file, a line of JSON
    /// for each letter.
    #[command(after_help = REDRIVE_EXAMPLES)]
    Redrive(DlqRedriveArguments),
    /// Takes letters off the list of those that wait, and sends nothing. They stay in their topic.
    Discard(DlqDiscardArguments),
}

/// Where, and how it is reached.
#[derive(Debug, Args)]
pub(crate) struct DlqListArguments {
    /// Dead-letter topics; those whose names say so if there is none.
    #[arg(value_name = "TOPIC")]
    pub(crate) topics: Vec<String>,
    #[command(flatten)]
    pub(crate) bootstrap: BootstrapArguments,
    #[command(flatten)]
    pub(crate) access: AccessArguments,
    /// Prints JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which letters.
#[derive(Debug, Args)]
pub(crate) struct Selected {
    /// The dead-letter topic.
    #[arg(value_name = "TOPIC")]
    pub(crate) topic: String,
    /// Only this partition of it; can be given several times.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) partition: Vec<i32>,
    /// Only this offset.
    #[arg(long, value_name = "OFFSET", requires = "partition")]
    pub(crate) offset: Option<i64>,
    /// Only this key.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Only those that were in this topic first.
    #[arg(long, value_name = "TOPIC")]
    pub(crate) source: Option<String>,
    /// Only those with this text in their error.
    #[arg(long, value_name = "TEXT")]
    pub(crate) error: Option<String>,
    #[command(flatten)]
    pub(crate) bootstrap: BootstrapArguments,
    #[command(flatten)]
    pub(crate) access: AccessArguments,
}

/// What is shown.
#[derive(Debug, Args)]
pub(crate) struct DlqShowArguments {
    #[command(flatten)]
    pub(crate) selected: Selected,
    /// Also letters that were redriven or discarded.
    #[arg(long)]
    pub(crate) all: bool,
    /// So many, at most.
    #[arg(long, value_name = "LETTERS", default_value_t = 10)]
    pub(crate) limit: u64,
    /// Prints JSON, a line for each letter; keys and values as lists of bytes.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How letters are sent back.
#[derive(Debug, Args)]
pub(crate) struct DlqRedriveArguments {
    #[command(flatten)]
    pub(crate) selected: Selected,
    /// To this topic, and not to where each letter was first.
    #[arg(long, value_name = "TOPIC")]
    pub(crate) to: Option<String>,
    /// Letters a second, at most.
    #[arg(long, value_name = "PER_SECOND", value_parser = per_second)]
    pub(crate) rate: Option<f64>,
    /// So many, at most.
    #[arg(long, value_name = "LETTERS")]
    pub(crate) limit: Option<u64>,
    /// Says what would be done, and does nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// File for what was done [default: ./highwater-dlq-TIME.jsonl].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) journal: Option<PathBuf>,
}

/// What is let be.
#[derive(Debug, Args)]
pub(crate) struct DlqDiscardArguments {
    #[command(flatten)]
    pub(crate) selected: Selected,
    /// Says how many, and does nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// File for what was done [default: ./highwater-dlq-TIME.jsonl].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) journal: Option<PathBuf>,
}

fn per_second(text: &str) -> Result<f64, String> {
    match text.trim_end_matches("/s").parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("expected letters a second, for instance 100".to_owned()),
    }
}
