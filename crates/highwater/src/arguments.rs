//! Arguments of the command line. The texts here are what `--help` teaches.

mod ab;
mod check;
mod compare;
mod contracts;
mod dlq;
mod hazards;
mod history;
mod knee;
mod lag;
mod member;
mod prove;
mod selftest;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use highwater_broker::Bug;
use highwater_model::LintLevel;
use highwater_report::Format;
use highwater_target::{TargetError, TargetSpec};

pub(crate) use self::ab::AbArguments;
pub(crate) use self::check::{CheckArguments, CheckedFormat, Level};
pub(crate) use self::compare::{CompareArguments, ComparingArguments, ComparisonFormat};
pub(crate) use self::contracts::{ContractsArguments, ContractsFormat};
pub(crate) use self::dlq::{
    DlqCommand, DlqDiscardArguments, DlqListArguments, DlqRedriveArguments, DlqShowArguments, Selected,
};
pub(crate) use self::hazards::HazardsArguments;
pub(crate) use self::history::{
    HistoryCommand, HistoryExportArguments, HistoryFormat, HistoryInfoArguments, HistoryShowArguments,
};
pub(crate) use self::knee::KneeArguments;
pub(crate) use self::lag::{LagArguments, LagAsked, LagCommand, LagCompat, LagServeArguments};
pub(crate) use self::member::{MemberArguments, MemberCommit};
pub(crate) use self::selftest::SelftestArguments;

use self::prove::PROVE_EXAMPLES;
pub(crate) use self::prove::ProveArguments;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Cyan.on_default().bold())
    .usage(AnsiColor::Cyan.on_default().bold())
    .literal(clap::builder::styling::Style::new().bold());

const EXIT_CODES: &str = "\
Exit codes:
  0  holds                           4  infrastructure: something failed or can't be reached
  1  a guarantee or limit is broken  5  inconclusive: a condition for \"holds\" is missing
  2  usage: nothing was started      6  regressed against a baseline
  3  invalid: the measurement can't be trusted";

const FIRST_STEPS: &str = "\
First steps:
  highwater demo                                 a broker is killed under load: what is lost?
  highwater list                                 what else there is
  highwater run broker-restart --target kafka    the same on a real Apache Kafka
  highwater run throughput --target bootstrap:broker:9092 --set load.rate=5000/s";

const BROKER_EXAMPLES: &str = "\
Examples:
  highwater broker                                      one node at 127.0.0.1:9092
  highwater broker --listen 127.0.0.1:0 --data-dir /tmp/x    a free port, named in the first line
  highwater broker --brokers 3                          nodes 1, 2, 3 at ports 9092, 9093, 9094
  highwater cluster move --topic orders --partition 0 --to 2    its clients meet a new leader
  highwater broker --bug ack-before-append              a broker that breaks a promise: does your test see it?";

const CLUSTER_EXAMPLES: &str = "\
Examples:
  highwater cluster show                                        nodes, and who leads which partition
  highwater cluster move --topic orders --partition 0 --to 2    another leader
  highwater cluster move --group billing --to 3                 another coordinator of a group
  highwater cluster move --transactional-id etl-1 --to 1        another coordinator of its transactions";

const PROXY_EXAMPLES: &str = "\
Examples:
  highwater proxy --target bootstrap:127.0.0.1:9092                      watch what an application does
  highwater proxy --target bootstrap:broker:9092 --history app.hwh       and write down what really happened
  highwater proxy --target bootstrap:broker:9092 --rules late.toml       break what the rules name
  highwater proxy --target bootstrap:broker:9093 --upstream-ca ca.pem --tls-ca proxy-ca.pem     TLS on both sides
  highwater faults                                                       what rules can break

Exit codes:
  0  stopped: every rule fired, and what was asked for is complete
  2  usage: nothing was started
  4  the proxy could not start, the history could not be written, or a frame that a rule wanted could not be read
  5  inconclusive: a rule never fired, a client was seen to talk past the proxy, or the history has holes";
const LINT_EXAMPLES: &str = "\
Examples:
  highwater lint -- ./my-pipeline --brokers {bootstrap}        {bootstrap} becomes the address of the proxy
  highwater lint --target bootstrap:broker:9092 -- ./my-pipeline    or it reads $BOOTSTRAP_SERVERS
  highwater lint --restart -- ./my-pipeline                    does its transactional.id stay the same?
  highwater lint --from run.history                            a history that was recorded before
  highwater lint --list                                        all findings, with what shows them";

/// Proves what an event pipeline on Kafka can do and survive.
#[derive(Debug, Parser)]
#[command(name = "highwater", version, styles = STYLES, after_help = format!("{FIRST_STEPS}\n\n{EXIT_CODES}"))]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Whether to use colour; `auto` looks at the terminal and at NO_COLOR.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Kills a broker under load, reads everything back, and shows what that did.
    ///
    /// Starts the dev broker, offers 1,000 change events of 5 KiB per second for 30 s, kills the broker with
    /// SIGKILL in the middle, starts it again, accounts for every record, and writes a report. Needs nothing
    /// installed and takes about 35 seconds.
    Demo(RunArguments),
    /// Runs a suite, a scenario or a file and judges it.
    #[command(after_help = EXIT_CODES)]
    Run {
        /// A suite, a scenario, a scenario with its variant, a TOML file or a directory of them.
        ///
        /// `highwater list` shows what is built in, `highwater show NAME` prints one to start from.
        #[arg(value_name = "SUITE_OR_FILE")]
        what: String,
        /// Only this scenario of the suite, e.g. `stall` or `broker-restart/graceful`.
        #[arg(long, value_name = "NAME")]
        scenario: Option<String>,
        #[command(flatten)]
        run: RunArguments,
    },
    /// Shows a stored run again, in any format; also one that never came to its end.
    Report {
        /// Directory of the run.
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        directory: PathBuf,
        /// terminal, html, md, json, junit, csv or document.
        #[arg(long, value_name = "FORMAT", default_value = "terminal")]
        format: Format,
    },
    /// Compares two sides that were run before: regressed, improved, equivalent or inconclusive.
    ///
    /// Each side is a run or a directory of runs; several repetitions of a scenario in one run count as several. Runs
    /// on different machines, brokers or settings are refused. How the answer is found, and how to use it in
    /// continuous integration: docs/comparing.md.
    #[command(after_help = compare::COMPARE_EXAMPLES)]
    Compare(CompareArguments),
    /// Runs a scenario with two settings in turns, and says whether the second is worse.
    ///
    /// Every run is a process of its own with a new topic (and a new broker, unless the cluster was there before). Rounds
    /// alternate which side goes first, and a second run of A beside the first, in every other round, shows what equal
    /// sides differ by on this machine. How the answer is found: docs/comparing.md.
    #[command(after_help = ab::AB_EXAMPLES)]
    Ab(AbArguments),
    /// Finds the highest rate at which limits hold, with an interval and the curve of latency against load.
    ///
    /// Doubles the rate until a limit breaks, halves the way between, and tries both ends again. The target stays up; each
    /// step has a topic of its own, a warm-up that ends by the steady-state test, and is read back. A step that the
    /// generator could not offer is INVALID and says nothing of the cluster.
    #[command(after_help = knee::KNEE_EXAMPLES)]
    Knee(KneeArguments),
    /// Says what this machine can measure: clock, scheduler, and the rates that the generator can offer.
    ///
    /// Takes about 20 seconds and needs nothing installed: the records go to the dev broker. Exit code 3 if the machine
    /// is not good enough for figures that can be believed.
    Calibrate {
        /// text or json.
        #[arg(long, value_enum, default_value_t = TextFormat::Text, value_name = "FORMAT")]
        format: TextFormat,
        /// Shows nothing while it measures.
        #[arg(short, long)]
        quiet: bool,
    },
    /// Looks at dead letters, sends them back, or lets them be.
    ///
    /// Reads the headers of this project's pipelines, Spring Kafka, Kafka Connect and SmallRye. Nothing is taken out of a
    /// dead-letter topic: which letters were seen to is kept as the offsets of the group `highwater-dlq`, so that a
    /// redrive that was stopped goes on where it was.
    #[command(subcommand)]
    Dlq(DlqCommand),
    /// Shows how far consumer groups are behind, and whether they move.
    ///
    /// Asks the brokers and no application: committed offsets first, then the ends of the logs. An offset that retention
    /// took, one beyond the end, and a partition that a group never committed in are told apart from a lag; what an open
    /// transaction holds back is no lag either. No group is joined, no record is read.
    #[command(after_help = lag::LAG_EXAMPLES)]
    Lag(LagArguments),
    /// Lists suites and scenarios.
    List,
    /// Prints what an answer, or its absence, says about whether a request was applied.
    ///
    /// For each API that changes something: error, timeout and disconnect, and whether they mean ok, failed (certainly
    /// not applied) or unknown.
    Outcomes {
        /// text, json or md (the same as docs/outcomes.md, with the source of each line).
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: OutcomesFormat,
    },
    /// Proves the checkers without a broker: clean histories, planted defects, controls, equivalents.
    ///
    /// Thousands of simulated histories in which everything odd and nothing wrong happens must raise no alarm; a defect
    /// planted first, in the middle or last must be found by its name with exactly its records. Exit code 0 only when
    /// the proof is complete, 1 otherwise.
    Selftest(SelftestArguments),
    /// Prints what each contract says about each anomaly: forbidden, expected and bounded, or not spoken of.
    ///
    /// A contract is at-most-once, at-least-once or exactly-once, for a cluster alone no-acknowledged-loss, and
    /// optionally ordered-per-key and ordered-per-partition.
    Contracts(ContractsArguments),
    /// Prints a scenario as commented TOML, which is also its documentation.
    Show {
        /// A scenario; `metrics` for what thresholds can name, `schema` for the JSON schema of report.json.
        name: String,
    },
    /// Starts a real Apache Kafka on this machine and leaves it running.
    Up {
        /// What to start.
        #[arg(value_enum)]
        what: Upable,
        #[command(flatten)]
        kafka: KafkaArguments,
    },
    /// Stops what `up` started.
    Down,
    /// Says what is there, what is missing, and which command installs it.
    Doctor,
    /// Runs the dev broker in the foreground: Kafka's protocol in one process, for laptops, CI and proofs.
    ///
    /// Nothing needs to be installed, any Kafka client can be pointed at it, and it is there in milliseconds.
    /// What was acknowledged survives the death of the process, with --fsync that of the machine. Replication is
    /// not simulated; for real work use Apache Kafka. Ctrl-C ends it.
    #[command(after_help = BROKER_EXAMPLES)]
    Broker(BrokerArguments),
    /// Shows who leads and coordinates what in a cluster, and moves it to another node.
    ///
    /// Speaks Kafka's protocol to any broker: the dev broker with several nodes as well as Apache Kafka.
    #[command(subcommand, after_help = CLUSTER_EXAMPLES)]
    Cluster(ClusterCommand),
    /// Stands between an application and a cluster: sees every frame, writes down what happened, breaks what rules name.
    ///
    /// Needs no change to the application but its bootstrap address, in any language. Without rules every byte passes
    /// as it came, apart from the addresses of brokers. Ctrl-C or SIGTERM stops it and prints what passed.
    #[command(after_help = PROXY_EXAMPLES)]
    Proxy(ProxyArguments),
    /// Lists what the fault proxy can break, with an example of each.
    Faults {
        /// Shows this one with every key that it takes.
        name: Option<String>,
        /// text or json.
        #[arg(long, value_enum, default_value_t = TextFormat::Text, value_name = "FORMAT")]
        format: TextFormat,
    },
    /// Runs an application behind a proxy and says what its settings really guarantee; breaks nothing.
    ///
    /// Reads acks, idempotence, isolation level, transactions, commits and their order from the wire, in any
    /// language, and names each setting in the words of the client library in use. Exit code 1 with findings at or
    /// above --level, 5 if there was nothing to see.
    #[command(after_help = LINT_EXAMPLES)]
    Lint(LintArguments),
    /// Reproduces the hazards of Kafka on purpose, each with the setting that mends it, as lessons to read.
    ///
    /// A late EndTxn, a zombie, a lost answer, an abort, a rebalance: what each does to the log, read back, and the same
    /// once more with the mend, which must come out the other way.
    #[command(after_help = hazards::HAZARDS_EXAMPLES)]
    Hazards(HazardsArguments),
    /// Puts a pipeline to the test: does it keep its contract when things break?
    ///
    /// Starts it behind the fault proxy, feeds it records that can be told apart, places faults at the moments that its
    /// contract fears (SIGKILL while commits are ahead of outputs, thrown away answers, a zombie, a killed broker),
    /// restarts what died, waits until it has caught up, reads the outputs back and leads each to its input.
    #[command(after_help = PROVE_EXAMPLES)]
    Prove(ProveArguments),
    /// Checks a stored history against a contract: Highwater's own, Jepsen's, or that of Kafka's verifiable clients.
    ///
    /// Needs no broker. Finds every anomaly of docs/checking.md in one pass, and says for each whether the contract
    /// forbids it.
    #[command(after_help = check::CHECK_EXAMPLES)]
    Check(CheckArguments),
    /// Shows, sums up or exports a wire history: what really happened between clients and brokers.
    ///
    /// The fault proxy writes it: every request, what became of it, and every fault, on one clock. The format is
    /// documented in docs/history.md.
    #[command(subcommand)]
    History(HistoryCommand),
    /// Prints a completion script for a shell.
    ///
    /// For bash: `highwater completions bash > ~/.local/share/bash-completion/completions/highwater`.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Waits until its standard input ends, then ends the PostgreSQL of this folder and clears away what is left of it.
    #[command(hide = true)]
    CleanUpAfter {
        /// The data directory.
        #[arg(long)]
        data: PathBuf,
        /// A folder that goes with it.
        #[arg(long)]
        remove: Option<PathBuf>,
    },
    /// A member of a consumer group: writes what it processed into a file, which outlives it.
    #[command(hide = true)]
    Member(MemberArguments),
    /// Becomes another program that ends when its parent ends.
    #[command(hide = true)]
    ExecWithParent {
        /// Process id of the parent.
        #[arg(long)]
        parent: u32,
        /// As this user, UID:GID; only for root.
        #[arg(long)]
        user: Option<highwater_target::SystemUser>,
        /// The program and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<std::ffi::OsString>,
    },
}

/// How `outcomes` prints its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutcomesFormat {
    /// Columns for a terminal.
    Text,
    /// A list with an object for each line.
    Json,
    /// Markdown, with sources.
    Md,
}

/// What `up` can start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Upable {
    /// Apache Kafka, one node.
    #[value(alias = "kafka:1")]
    Kafka,
    /// Apache Kafka, three nodes; 4 GB of free memory.
    #[value(name = "kafka:3")]
    KafkaThree,
    /// Change data capture: Apache Kafka, PostgreSQL with sample tables, Kafka Connect with Debezium on them.
    Cdc,
}

#[derive(Debug, Args)]
pub(crate) struct KafkaArguments {
    /// An installed Kafka distribution to use; otherwise it is fetched once through Maven.
    #[arg(long, value_name = "DIR", env = "HIGHWATER_KAFKA_HOME", value_hint = ValueHint::DirPath)]
    pub(crate) kafka_home: Option<PathBuf>,
}

/// How a cluster that is there is reached.
#[derive(Debug, Args)]
pub(crate) struct AccessArguments {
    /// How a cluster with TLS or logins is reached: a `client.properties` as Kafka's own tools take it, for
    /// `--target bootstrap:HOST:PORT`.
    ///
    /// TLS with certificates in PEM, SASL with PLAIN and SCRAM. What it says about anything else is left to the scenario.
    /// Nothing of its values is shown or written down.
    #[arg(long, value_name = "FILE", env = "HIGHWATER_KAFKA_CONFIG", value_hint = ValueHint::FilePath)]
    pub(crate) kafka_config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// What to run against: `dev` (the built-in broker), `kafka` (Apache Kafka, started for the run), `kafka:3` (three
    /// nodes of it; faults hit the first), or `bootstrap:HOST:PORT` (a cluster that is there; nothing is touched that the run did not make).
    #[arg(long, value_name = "TARGET", default_value = "dev", env = "HIGHWATER_TARGET", value_parser = target)]
    pub(crate) target: TargetSpec,
    #[command(flatten)]
    pub(crate) access: AccessArguments,
    /// Directory for the results [default: ./highwater-runs/TIME-NAME/].
    #[arg(short, long, value_name = "DIR", env = "HIGHWATER_OUT", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Runs the same again: everything random comes from this hexadecimal number.
    #[arg(long, value_name = "SEED", value_parser = seed)]
    pub(crate) seed: Option<u64>,
    /// Sets a key for this run, e.g. `--set load.rate=500/s`; can be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Runs each scenario so many times, one round after the other; reports show median and spread.
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) repeat: u32,
    /// The shortened form of each scenario, for a laptop: reports say so, and judge only what its length allows.
    #[arg(long)]
    pub(crate) quick: bool,
    /// A command of yours for a fault on a cluster that is there, e.g. `--hook broker.restart='systemctl restart kafka'`.
    ///
    /// Names: broker.kill, broker.stop, broker.start, broker.restart, broker.pause, broker.resume. `sh -c` runs it, with
    /// HIGHWATER_LEADER (id of the broker that leads partition 0 of the run's topic), HIGHWATER_TOPIC and
    /// HIGHWATER_BOOTSTRAP; an exit code other than 0 fails the run. What no hook can do is told as not run.
    #[arg(long, value_name = "NAME=COMMAND", value_parser = hook)]
    pub(crate) hook: Vec<(String, String)>,
    /// Keeps the topics of the run and the data of brokers that it started.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Prints each setting with where it came from, and does not run.
    #[arg(long)]
    pub(crate) explain_config: bool,
    /// What to print at the end: terminal, html, md, json, junit, csv or document. All are also in the directory of the run.
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    pub(crate) format: Format,
    /// Shows nothing while it runs.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) kafka: KafkaArguments,
}

#[derive(Debug, Args)]
pub(crate) struct BrokerArguments {
    /// Address to listen on; port 0 takes a free one.
    ///
    /// The first line on standard output is `ready HOST:PORT` as soon as clients are served, with all addresses
    /// separated by commas if there are several nodes.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9092")]
    pub(crate) listen: SocketAddr,
    /// Where the log is stored; made if it is not there. One broker at a time can have it.
    #[arg(long, value_name = "DIR", default_value = "./highwater-broker", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: PathBuf,
    /// Nodes in this one process, at most 32, with the ids 1, 2, 3, … and a port each: that of --listen and those
    /// after it, or free ones if it is 0.
    ///
    /// Leaders and coordinators are spread over the nodes, and `highwater cluster move` moves them, so that
    /// clients meet leaders that are not there any more. Nothing is copied: every node sees the same log.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) brokers: u16,
    /// Forces everything to the disk before it is acknowledged: survives the death of the machine too, and is
    /// slower.
    #[arg(long)]
    pub(crate) fsync: bool,
    /// Milliseconds between two looks at what compaction may remove (Kafka: `log.cleaner.backoff.ms`).
    #[arg(long, value_name = "MS", default_value_t = 15_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) cleaner_interval_ms: u64,
    /// Milliseconds between two looks at what retention may remove (Kafka: `log.retention.check.interval.ms`).
    #[arg(long, value_name = "MS", default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) retention_interval_ms: u64,
    /// Partitions of a topic whose creator does not say how many.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) default_partitions: i32,
    /// Whether asking for an unknown topic makes it.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) auto_create_topics: bool,
    /// The protocol of transactions that clients are told to use: 2 is that of Kafka 4 (KIP-890), 1 the one before,
    /// in which a late EndTxn can hit the next transaction.
    #[arg(long, value_name = "1|2", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(crate) transaction_version: u8,
    /// Whether a transactional batch is taken only if its partition is in an open transaction (Kafka:
    /// `transaction.partition.verification.enable`); false leaves late batches open for ever, as before Kafka 3.6.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) transaction_partition_verification: bool,
    /// A planted defect, to see that a checker finds it; can be given several times. `help` lists them.
    #[arg(long, value_name = "NAME", value_parser = bug)]
    pub(crate) bug: Vec<BugArgument>,
    /// Ends when the process that started it ends.
    #[arg(long, hide = true)]
    pub(crate) exit_with_parent: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ProxyArguments {
    /// The cluster behind the proxy: `bootstrap:HOST:PORT`, several addresses separated by commas.
    #[arg(long, value_name = "TARGET", env = "HIGHWATER_TARGET", value_parser = target)]
    pub(crate) target: TargetSpec,
    /// Where applications connect first; port 0 takes a free one. Each broker gets a listener of its own at a free
    /// port of the same address.
    ///
    /// The first line on standard output is `ready HOST:PORT` as soon as applications are served.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Host that applications are told to connect to, if it is not the address of --listen.
    #[arg(long, value_name = "HOST")]
    pub(crate) advertise: Option<String>,
    /// What to break: a TOML file of rules; `highwater faults` shows what can stand in it.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) rules: Option<PathBuf>,
    /// Seed of the rules, hexadecimal [default: a new one, printed at the end].
    #[arg(long, value_name = "SEED", value_parser = seed)]
    pub(crate) seed: Option<u64>,
    /// Writes what happened into this file, which must not exist: hashes of records, not their values.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) history: Option<PathBuf>,
    /// Keeps the value of this record header in the history; can be given several times.
    #[arg(long, value_name = "NAME", requires = "history")]
    pub(crate) keep_header: Vec<String>,
    /// Stops after this long, e.g. 60s.
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub(crate) r#for: Option<Duration>,
    /// What to print at the beginning and at the end: text, or one line of JSON each.
    #[arg(long, value_enum, default_value_t = TextFormat::Text, value_name = "FORMAT")]
    pub(crate) format: TextFormat,
    /// Shows nothing while it runs.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) tls: tls::TlsArguments,
}

/// For people, or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct LintArguments {
    /// What the application works with: `dev`, `kafka` or `bootstrap:HOST:PORT`.
    #[arg(long, value_name = "TARGET", default_value = "dev", env = "HIGHWATER_TARGET", value_parser = target)]
    pub(crate) target: TargetSpec,
    /// How long to watch at most, from each start of the application.
    #[arg(long = "for", value_name = "SPAN", default_value = "30s", value_parser = span)]
    pub(crate) watch_for: Duration,
    /// Ends sooner if nothing was written, read or committed for so long, once something was.
    #[arg(long, value_name = "SPAN", default_value = "5s", value_parser = span)]
    pub(crate) idle: Duration,
    /// The mildest finding that makes the exit code 1.
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = LintLevelArgument::Warning)]
    pub(crate) level: LintLevelArgument,
    /// Stops the application and starts it once more, to see what changes from start to start.
    #[arg(long)]
    pub(crate) restart: bool,
    /// What to print: text or json.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = TextFormat::Text)]
    pub(crate) format: TextFormat,
    /// Keeps the wire history in this file, which must not exist.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) history: Option<PathBuf>,
    /// Reads a recorded history instead of running an application.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["command", "restart", "history"])]
    pub(crate) from: Option<PathBuf>,
    /// All clients in the history belong to one application, wherever they connect from.
    #[arg(long, requires = "from")]
    pub(crate) one_application: bool,
    /// Prints every finding with what shows it, what can go wrong and the setting that mends it.
    #[arg(long, conflicts_with_all = ["command", "from"])]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) kafka: KafkaArguments,
    /// The application and its arguments; `{bootstrap}` becomes the address to connect to.
    #[arg(last = true, value_name = "COMMAND", required_unless_present_any = ["from", "list"])]
    pub(crate) command: Vec<std::ffi::OsString>,
}

/// Level of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LintLevelArgument {
    Error,
    Warning,
    Note,
}

impl From<LintLevelArgument> for LintLevel {
    fn from(level: LintLevelArgument) -> Self {
        match level {
            LintLevelArgument::Error => Self::Error,
            LintLevelArgument::Warning => Self::Warning,
            LintLevelArgument::Note => Self::Note,
        }
    }
}

/// What `cluster` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Lists the nodes, and who leads each partition of the topics.
    Show {
        #[command(flatten)]
        bootstrap: BootstrapArguments,
        /// Only this topic, e.g. an internal one, which are left out otherwise.
        #[arg(long, value_name = "TOPIC")]
        topic: Option<String>,
    },
    /// Has another node lead a partition, or coordinate a group or a transactional id.
    ///
    /// The node becomes the first replica of the partition and is elected leader. Clients find out by errors that
    /// they retry, e.g. NOT_LEADER_OR_FOLLOWER. With Apache Kafka the partition is copied to the node if it has no
    /// replica there, in place of the leader's.
    #[command(after_help = CLUSTER_EXAMPLES)]
    Move(MoveArguments),
}

#[derive(Debug, Args)]
pub(crate) struct BootstrapArguments {
    /// A broker of the cluster.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9092")]
    pub(crate) bootstrap: String,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["topic", "group", "transactional_id"])))]
pub(crate) struct MoveArguments {
    #[command(flatten)]
    pub(crate) bootstrap: BootstrapArguments,
    /// The topic of the partition that is moved.
    #[arg(long, value_name = "TOPIC")]
    pub(crate) topic: Option<String>,
    /// The number of the partition.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "topic")]
    pub(crate) partition: i32,
    /// The group whose coordinator is moved: its partition of `__consumer_offsets`, with all groups that share it.
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// The transactional id whose coordinator is moved: its partition of `__transaction_state`.
    #[arg(long, value_name = "ID")]
    pub(crate) transactional_id: Option<String>,
    /// The id of the node to move to.
    #[arg(long, value_name = "NODE")]
    pub(crate) to: i32,
}

/// A bug switch, or the wish to see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BugArgument {
    Help,
    Bug(Bug),
}

fn bug(text: &str) -> Result<BugArgument, String> {
    match text {
        "help" => Ok(BugArgument::Help),
        name => name
            .parse()
            .map(BugArgument::Bug)
            .map_err(|error: <Bug as std::str::FromStr>::Err| error.to_string()),
    }
}

fn target(text: &str) -> Result<TargetSpec, String> {
    text.parse().map_err(|error: TargetError| match error.remedy() {
        Some(remedy) => format!("{error}; {remedy}"),
        None => error.to_string(),
    })
}

/// A span of time as in scenario files.
fn span(text: &str) -> Result<Duration, String> {
    text.parse::<highwater_scenario::config::Span>()
        .map(|span| span.0)
}

/// A seed as it is printed: hexadecimal, with or without `0x`.
fn hook(text: &str) -> Result<(String, String), String> {
    let known = highwater_scenario::HOOKS.map(|(name, _)| name);
    let (name, command) = text
        .split_once('=')
        .ok_or_else(|| format!("write NAME='COMMAND'; names: {}", known.join(", ")))?;
    if !known.contains(&name) {
        return Err(format!("there is no hook `{name}`; names: {}", known.join(", ")));
    }
    if command.trim().is_empty() {
        return Err(format!("the hook {name} has no command"));
    }
    Ok((name.to_owned(), command.to_owned()))
}

fn seed(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u64::from_str_radix(digits, 16)
        .map_err(|_| "a seed is a hexadecimal number of at most 16 digits, e.g. 7f3a91".into())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_exit_code_is_in_the_help() {
        for (code, _) in highwater_model::ExitCode::ALL {
            assert!(EXIT_CODES.contains(&format!("{}  ", u8::from(code))), "{code:?}");
        }
    }

    #[test]
    fn seeds_are_hexadecimal() {
        assert_eq!(seed("7f3a91"), Ok(0x7f_3a91));
        assert_eq!(seed("0x10"), Ok(16));
        assert!(seed("hello").is_err());
    }
}
