//! `[[rules]]`: what the fault proxy breaks, as people write it, and from there to what the proxy takes.
//!
//! ```text
//! [[rules]] ─▶ Rule (as written) ─▶ specs: names given, parameters and triggers checked ─▶ RuleSpec (the proxy's)
//! ```
//! Invariant: what is wrong with a rule is told with the key that is wrong, before anything is started. Which
//! faults there are and what they take is the proxy's catalogue, not repeated here.

use std::collections::BTreeSet;

use highwater_proxy::{Direction, Entry, Parameters, RuleError, RuleSpec, Scope, Then, Trigger, Watch};
use serde::{Deserialize, Serialize};

use super::error::{ConfigError, Place, SourceFile};
use super::layers::{describe, span_of};
use super::quantity::{ByteRate, Size, Span, Versions};
use super::scenario::one_or_many;

const HELP: &str =
    "`highwater faults` lists every fault with an example, `highwater faults NAME` all its keys";

/// A rule as written in a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name in logs, reports and histories; that of the fault if left out, numbered if it comes again.
    pub name: Option<String>,
    /// The fault; `highwater faults` lists them.
    pub fault: String,
    /// One API or several; left out: every one that the fault makes sense for.
    #[serde(
        default,
        deserialize_with = "one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub api: Vec<String>,
    /// Version of the request, `9` or `"3-11"`.
    pub version: Option<Versions>,
    /// Broker.
    pub node: Option<i32>,
    /// Client id; `*` at the beginning or the end stands for anything, as in all texts here.
    pub client_id: Option<String>,
    /// User of SASL.
    pub principal: Option<String>,
    /// Consumer group.
    pub group: Option<String>,
    /// Member of a group.
    pub member: Option<String>,
    /// Transactional id.
    pub transactional_id: Option<String>,
    /// Producer id.
    pub producer_id: Option<i64>,
    /// Producer epoch.
    pub producer_epoch: Option<i16>,
    /// Topic.
    pub topic: Option<String>,
    /// Partition.
    pub partition: Option<i32>,
    /// Sequence of the first record of a batch.
    pub first_sequence: Option<i32>,
    /// Which transaction of its transactional id, counted from 1.
    pub transaction: Option<u64>,
    /// Only at this match, from 1.
    pub nth: Option<u64>,
    /// At every so many matches.
    pub every: Option<u64>,
    /// With this probability, by the seed of the run.
    pub probability: Option<f64>,
    /// At most this many times.
    pub times: Option<u64>,
    /// Only after this was seen.
    pub after: Option<Event>,
    /// Not before this moment.
    pub from: Option<Span>,
    /// Not from this moment on.
    pub until: Option<Span>,
    /// Kafka's name of an error.
    pub error: Option<String>,
    /// Added to the offsets of an answer.
    pub offset_delta: Option<i64>,
    /// What the client sees in place of its answer.
    pub then: Option<ThenWritten>,
    /// How long something waits.
    pub delay: Option<Span>,
    /// Up to this much longer.
    pub jitter: Option<Span>,
    /// Bytes a second.
    pub rate: Option<ByteRate>,
    /// Size of a piece.
    pub size: Option<Size>,
    /// Which direction.
    pub direction: Option<DirectionWritten>,
    /// How long a network fault stays that fired at a request.
    pub lasting: Option<Span>,
    /// What lets go of a held frame.
    pub release_after: Option<Event>,
}

/// An event on the wire, as written: `{ api = "Produce", nth = 100 }`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are those of a rule")]
pub struct Event {
    #[serde(
        default,
        deserialize_with = "one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub api: Vec<String>,
    pub version: Option<Versions>,
    pub node: Option<i32>,
    pub client_id: Option<String>,
    pub principal: Option<String>,
    pub group: Option<String>,
    pub member: Option<String>,
    pub transactional_id: Option<String>,
    pub producer_id: Option<i64>,
    pub producer_epoch: Option<i16>,
    pub topic: Option<String>,
    pub partition: Option<i32>,
    pub first_sequence: Option<i32>,
    pub transaction: Option<u64>,
    /// Which match, from 1.
    pub nth: Option<u64>,
    /// Its answer instead of the request.
    #[serde(default)]
    pub answered: bool,
}

/// A direction, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum DirectionWritten {
    ToBroker,
    ToClient,
    Both,
}

/// What the client sees in place of its answer, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ThenWritten {
    Close,
    Silence,
}

/// What is wrong with one of several rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrongRule {
    /// Its place, from 0.
    pub(crate) at: usize,
    /// The key in the rule, dotted.
    pub(crate) key: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) help: String,
}

/// A file of rules alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    #[serde(default)]
    rules: Vec<Rule>,
}

/// Keys of a rule that say what it applies to, each with its meaning; those of `after` and `release_after` too.
pub const SCOPE_KEYS: [(&str, &str); 14] = [
    ("api", "API by Kafka's name, \"Produce\", or a list of them"),
    ("version", "version of the request: 9, or \"3-11\""),
    ("node", "id of the broker that the connection leads to"),
    ("client_id", "client.id as sent with each request"),
    ("principal", "user of SASL"),
    ("group", "consumer group"),
    ("member", "member of a group"),
    ("transactional_id", "transactional id"),
    ("producer_id", "producer id"),
    ("producer_epoch", "epoch of a producer id"),
    ("topic", "topic"),
    ("partition", "partition"),
    ("first_sequence", "sequence of the first record of a batch"),
    (
        "transaction",
        "which transaction of its transactional id, counted from 1",
    ),
];

/// Keys of a rule that say when it fires, each with its meaning.
pub const TRIGGER_KEYS: [(&str, &str); 7] = [
    ("nth", "only at this match, from 1"),
    ("every", "at every so many matches"),
    ("probability", "with this probability, by the seed"),
    ("times", "at most so many times"),
    (
        "after",
        "only after an event: { api = \"Produce\", topic = \"orders\", nth = 100, answered = true }",
    ),
    ("from", "not before this moment since the start, e.g. \"10s\""),
    ("until", "not from this moment on, e.g. \"20s\""),
];

/// Keys of a rule that single faults take, each with its meaning.
pub const PARAMETER_KEYS: [(&str, &str); 10] = [
    ("error", "Kafka's name of an error, as NOT_LEADER_OR_FOLLOWER"),
    ("offset_delta", "added to the offsets of an answer"),
    (
        "then",
        "\"close\" the connection (default), or \"silence\" until the client's own timeout",
    ),
    ("delay", "how long something waits, e.g. \"80ms\""),
    ("jitter", "up to so much longer, by the seed"),
    ("rate", "bytes a second, e.g. \"1MB/s\""),
    ("size", "bytes in a piece, e.g. \"7B\""),
    ("direction", "\"to-broker\", \"to-client\" or \"both\""),
    (
        "lasting",
        "how long it stays after it fired at a request, e.g. \"5s\"; without: for good",
    ),
    (
        "release_after",
        "an event that lets go of what is held, as in `after`",
    ),
];

/// Reads a file of rules: `[[rules]]` and nothing else.
///
/// # Errors
/// What is wrong, with its place in the file.
pub fn parse_rules(file: &SourceFile) -> Result<Vec<RuleSpec>, ConfigError> {
    let parsed: RulesFile = toml::from_str(&file.text).map_err(|error| {
        let mut described = describe(&error);
        described.place = error.span().map(|span| Place {
            file: file.clone(),
            span,
        });
        if !described
            .help
            .as_ref()
            .is_some_and(|help| help.starts_with("possible"))
        {
            described.help = Some(HELP.to_owned());
        }
        described
    })?;
    if parsed.rules.is_empty() {
        return Err(ConfigError::new(format!("{} has no rules", file.name))
            .help(format!("a rule begins with [[rules]]; {HELP}")));
    }
    specs(&parsed.rules).map_err(|wrong| {
        let span = span_of(file, &wrong.path()).or_else(|| span_of(file, &wrong.path_of_fault()));
        ConfigError {
            message: wrong.message,
            place: span.map(|span| Place {
                file: file.clone(),
                span,
            }),
            label: None,
            help: Some(wrong.help),
        }
    })
}

impl WrongRule {
    /// The key in the file.
    pub(crate) fn path(&self) -> String {
        format!("rules[{}].{}", self.at, self.key)
    }

    /// A key that every rule has, for what is missing.
    pub(crate) fn path_of_fault(&self) -> String {
        format!("rules[{}].fault", self.at)
    }
}

/// The rules as the proxy takes them, checked.
pub(crate) fn specs(rules: &[Rule]) -> Result<Vec<RuleSpec>, WrongRule> {
    let names = names(rules)?;
    let mut specs = Vec::with_capacity(rules.len());
    for (at, (rule, name)) in rules.iter().zip(names).enumerate() {
        let wrong = |error: RuleError| WrongRule {
            at,
            key: error.key,
            message: error.message,
            help: error.help,
        };
        if let Some(entry) = entry(&rule.fault) {
            check_parameters(rule, entry, at)?;
        }
        let spec = rule.spec(name);
        highwater_proxy::check_rules(std::slice::from_ref(&spec)).map_err(|(_, error)| wrong(error))?;
        specs.push(spec);
    }
    highwater_proxy::check_rules(&specs).map_err(|(at, error)| WrongRule {
        at,
        key: error.key,
        message: error.message,
        help: error.help,
    })?;
    Ok(specs)
}

fn entry(fault: &str) -> Option<&'static Entry> {
    highwater_proxy::catalogue()
        .iter()
        .copied()
        .find(|entry| entry.name == fault)
}

/// A name for each rule; two of the same would be one in a report.
fn names(rules: &[Rule]) -> Result<Vec<String>, WrongRule> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for (at, name) in rules
        .iter()
        .enumerate()
        .filter_map(|(at, rule)| Some((at, rule.name.as_ref()?)))
    {
        let wrong = |message: String| WrongRule {
            at,
            key: "name".to_owned(),
            message,
            help: "names stand in reports and histories: give each rule its own, or leave it out".to_owned(),
        };
        if name.trim().is_empty() {
            return Err(wrong("a rule's name is empty".to_owned()));
        }
        if !taken.insert(name.clone()) {
            return Err(wrong(format!("two rules are named `{name}`")));
        }
    }
    let name = |rule: &Rule| {
        rule.name.clone().unwrap_or_else(|| {
            let free = (1_usize..)
                .map(|number| match number {
                    1 => rule.fault.clone(),
                    number => format!("{}-{number}", rule.fault),
                })
                .find(|name| !taken.contains(name))
                .unwrap_or_default();
            taken.insert(free.clone());
            free
        })
    };
    Ok(rules.iter().map(name).collect())
}

/// A parameter that the fault does not take would do nothing: refused.
fn check_parameters(rule: &Rule, entry: &Entry, at: usize) -> Result<(), WrongRule> {
    let given = [
        ("error", rule.error.is_some()),
        ("offset_delta", rule.offset_delta.is_some()),
        ("then", rule.then.is_some()),
        ("delay", rule.delay.is_some()),
        ("jitter", rule.jitter.is_some()),
        ("rate", rule.rate.is_some()),
        ("size", rule.size.is_some()),
        ("direction", rule.direction.is_some()),
        ("lasting", rule.lasting.is_some()),
        ("release_after", rule.release_after.is_some()),
    ];
    let Some((key, _)) = given
        .into_iter()
        .find(|(key, given)| *given && !entry.takes.contains(key))
    else {
        return Ok(());
    };
    let takes = if entry.takes.is_empty() {
        format!("`{}` takes nothing besides scope and trigger", entry.name)
    } else {
        format!(
            "`{}` takes {}, besides scope and trigger",
            entry.name,
            quoted(entry.takes)
        )
    };
    let others: Vec<&str> = highwater_proxy::catalogue()
        .iter()
        .filter(|other| other.takes.contains(&key))
        .map(|other| other.name)
        .collect();
    Err(WrongRule {
        at,
        key: key.to_owned(),
        message: format!("`{}` takes no `{key}`", entry.name),
        help: match others.as_slice() {
            [] => takes,
            others => format!("{takes}; `{key}` belongs to {}", quoted(others)),
        },
    })
}

fn quoted(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The keys that rules and events have in common.
macro_rules! scope_of {
    ($written:expr) => {
        Scope {
            apis: $written.api.clone(),
            versions: $written.version.map(|versions| (versions.first, versions.last)),
            node: $written.node,
            client_id: $written.client_id.clone(),
            principal: $written.principal.clone(),
            group: $written.group.clone(),
            member: $written.member.clone(),
            transactional_id: $written.transactional_id.clone(),
            producer_id: $written.producer_id,
            producer_epoch: $written.producer_epoch,
            topic: $written.topic.clone(),
            partition: $written.partition,
            first_sequence: $written.first_sequence,
            transaction: $written.transaction,
        }
    };
}

impl Event {
    fn watch(&self) -> Watch {
        Watch {
            scope: scope_of!(self),
            nth: self.nth.unwrap_or(1),
            answered: self.answered,
        }
    }
}

impl Rule {
    fn spec(&self, name: String) -> RuleSpec {
        RuleSpec {
            name,
            fault: self.fault.clone(),
            scope: scope_of!(self),
            trigger: Trigger {
                nth: self.nth,
                every: self.every,
                probability: self.probability,
                after: self.after.as_ref().map(Event::watch),
                from: self.from.map(|span| span.0),
                until: self.until.map(|span| span.0),
                times: self.times,
                by_hand: false,
                also_new: false,
            },
            parameters: Parameters {
                error: self.error.clone(),
                offset_delta: self.offset_delta,
                then: self.then.map(|then| match then {
                    ThenWritten::Close => Then::Close,
                    ThenWritten::Silence => Then::Silence,
                }),
                delay: self.delay.map(|span| span.0),
                jitter: self.jitter.map(|span| span.0),
                bytes_per_second: self.rate.map(|rate| rate.0),
                size: self.size.map(|size| size.0),
                direction: self.direction.map(|direction| match direction {
                    DirectionWritten::ToBroker => Direction::ToBroker,
                    DirectionWritten::ToClient => Direction::ToClient,
                    DirectionWritten::Both => Direction::Both,
                }),
                lasting: self.lasting.map(|span| span.0),
                release_after: self.release_after.as_ref().map(Event::watch),
            },
        }
    }
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
