//! The rule by which an output names its inputs, and how it is written.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use regex::bytes::Regex;

/// How outputs name their inputs, and how many outputs an input has.
///
/// Written as `SOURCE[,CARDINALITY]`: `same`, `header:order-id`, `json:/order/id,fan-out=3`, `regex:order-(\d+),filter`.
#[derive(Debug, Clone, PartialEq)]
pub struct Lineage {
    /// Where in an output its inputs are named.
    pub source: Source,
    /// How many outputs belong to an input.
    pub cardinality: Cardinality,
}

/// Where in an output its inputs are named.
#[derive(Debug, Clone)]
pub enum Source {
    /// Key and value are those of the input. No other trace is needed.
    Same,
    /// The value of this header is the id of the input.
    Header(String),
    /// What this JSON pointer (RFC 6901) finds in the value is the id of the input.
    Json(String),
    /// The key is the id of the input. Every input needs a key of its own.
    Key,
    /// What this expression finds in the value, its first group if it has one, is the id of the input.
    Regex(Regex),
}

/// How many outputs belong to an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cardinality {
    /// One each.
    #[default]
    OneToOne,
    /// One or none.
    Filter,
    /// Several that differ in key or value: at least one, or exactly that many.
    FanOut(Option<NonZeroU32>),
    /// Several inputs in one output.
    Aggregate(Aggregate),
}

/// What an aggregating output says about its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// The ids of all inputs in it.
    List,
    /// How many inputs there were with its key. The last output of a key counts.
    Count,
    /// The sum of the ids of the inputs with its key, as whole numbers. The last output of a key counts.
    Sum,
    /// The id of the last input with its key. The last output of a key counts.
    Last,
}

/// Why a rule can't be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// No such way to name an input.
    #[error(
        "unknown lineage `{given}`{}: an output names its input by `same` (key and value), `header:NAME`, \
         `json:/pointer`, `key`, or `regex:EXPRESSION`",
        near(nearest)
    )]
    Source {
        /// As written.
        given: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// Something is missing after the colon.
    #[error("`{0}:` needs {1} after the colon, as in `{0}:{2}`")]
    Empty(&'static str, &'static str, &'static str),
    /// Something stands after a source that takes nothing.
    #[error(
        "`{0}` takes nothing after it; how many outputs an input has is said after a comma, as in `{0},filter`"
    )]
    Surplus(&'static str),
    /// Not a JSON pointer.
    #[error(
        "`{0}` is no JSON pointer: it begins with `/` and names each step, as in `json:/order/id` or `json:/items/0`"
    )]
    Pointer(String),
    /// Not a regular expression.
    #[error("`{given}` is no regular expression: {why}")]
    Regex {
        /// As written.
        given: String,
        /// In one line.
        why: String,
    },
    /// No such cardinality.
    #[error(
        "unknown cardinality `{given}`{}: an input has its outputs `one-to-one`, `filter` (one or none), \
         `fan-out` or `fan-out=N`, or is in an `aggregate` (also `aggregate=count`, `=sum`, `=last`)",
        near(nearest)
    )]
    Cardinality {
        /// As written.
        given: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// Not a number of outputs.
    #[error("`fan-out={0}` needs a whole number from 1 on, as in `fan-out=3`")]
    FanOut(String),
    /// No such aggregate.
    #[error(
        "unknown aggregate `{0}`: an output lists its inputs (`aggregate`), or tells their `count`, `sum` or `last` id"
    )]
    Aggregate(String),
    /// Key and value can't be those of several inputs.
    #[error(
        "`same` and `{0}` exclude each other: {1}; name the inputs by `header:NAME`, `json:/pointer` or `regex:EXPRESSION`"
    )]
    Same(&'static str, &'static str),
}

fn near(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!(" (did you mean `{nearest}`?)"))
}

const SOURCES: [&str; 5] = ["same", "header:", "json:", "key", "regex:"];
const CARDINALITIES: [&str; 4] = ["one-to-one", "filter", "fan-out", "aggregate"];
/// Below this likeness nothing is proposed.
const LIKENESS: f64 = 0.7;

fn nearest(given: &str, all: &[&'static str]) -> Option<&'static str> {
    let likeness = |name: &str| strsim::jaro_winkler(&given.to_lowercase(), name);
    let best = all
        .iter()
        .copied()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) >= LIKENESS).then_some(best)
}

impl FromStr for Lineage {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let text = text.trim();
        let (source, cardinality) = match text.rsplit_once(',') {
            None => (text, Cardinality::default()),
            Some((source, words)) => match words.trim().parse() {
                Ok(cardinality) => (source, cardinality),
                // An expression may have commas of its own.
                Err(_) if text.starts_with("regex:") => (text, Cardinality::default()),
                Err(error) => return Err(error),
            },
        };
        let lineage = Self {
            source: source.trim().parse()?,
            cardinality,
        };
        match (&lineage.source, cardinality) {
            (Source::Same, Cardinality::FanOut(_)) => Err(RuleError::Same(
                "fan-out",
                "outputs that are all alike can't be told from duplicates",
            )),
            (Source::Same, Cardinality::Aggregate(_)) => Err(RuleError::Same(
                "aggregate",
                "an output can't be like several inputs",
            )),
            _ => Ok(lineage),
        }
    }
}

impl FromStr for Source {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (kind, Some(rest)),
            None => (text, None),
        };
        let named = |kind, what, example| {
            rest.filter(|rest| !rest.is_empty())
                .ok_or(RuleError::Empty(kind, what, example))
        };
        let bare = |kind, source| rest.map_or(Ok(source), |_| Err(RuleError::Surplus(kind)));
        match kind {
            "same" => bare("same", Self::Same),
            "key" => bare("key", Self::Key),
            "header" => {
                named("header", "the name of a header", "order-id").map(|name| Self::Header(name.to_owned()))
            }
            "json" => pointer(named("json", "a JSON pointer", "/order/id")?).map(Self::Json),
            "regex" => expression(named("regex", "an expression", "order-(\\d+)")?).map(Self::Regex),
            _ => Err(RuleError::Source {
                given: text.to_owned(),
                nearest: nearest(kind, &SOURCES),
            }),
        }
    }
}

fn pointer(text: &str) -> Result<String, RuleError> {
    // A tilde stands for itself only as `~0`, and for a slash as `~1`.
    let escaped = text
        .match_indices('~')
        .all(|(place, _)| matches!(text.as_bytes().get(place + 1), Some(b'0' | b'1')));
    if text.starts_with('/') && escaped {
        Ok(text.to_owned())
    } else {
        Err(RuleError::Pointer(text.to_owned()))
    }
}

fn expression(text: &str) -> Result<Regex, RuleError> {
    Regex::new(text).map_err(|error| RuleError::Regex {
        given: text.to_owned(),
        // The last line of many says what is wrong; those before it draw where.
        why: error
            .to_string()
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned(),
    })
}

impl FromStr for Cardinality {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let unknown = || RuleError::Cardinality {
            given: text.to_owned(),
            nearest: nearest(name, &CARDINALITIES).filter(|nearest| *nearest != text),
        };
        match (name, value) {
            ("one-to-one", None) => Ok(Self::OneToOne),
            ("filter", None) => Ok(Self::Filter),
            ("fan-out", None) => Ok(Self::FanOut(None)),
            ("fan-out", Some(number)) => number
                .parse()
                .map(|number| Self::FanOut(Some(number)))
                .map_err(|_| RuleError::FanOut(number.to_owned())),
            ("aggregate", None) => Ok(Self::Aggregate(Aggregate::List)),
            ("aggregate", Some("count")) => Ok(Self::Aggregate(Aggregate::Count)),
            ("aggregate", Some("sum")) => Ok(Self::Aggregate(Aggregate::Sum)),
            ("aggregate", Some("last")) => Ok(Self::Aggregate(Aggregate::Last)),
            ("aggregate", Some(other)) => Err(RuleError::Aggregate(other.to_owned())),
            _ => Err(unknown()),
        }
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("same"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Json(pointer) => write!(f, "json:{pointer}"),
            Self::Key => f.write_str("key"),
            Self::Regex(expression) => write!(f, "regex:{expression}"),
        }
    }
}

impl fmt::Display for Cardinality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneToOne => f.write_str("one-to-one"),
            Self::Filter => f.write_str("filter"),
            Self::FanOut(None) => f.write_str("fan-out"),
            Self::FanOut(Some(number)) => write!(f, "fan-out={number}"),
            Self::Aggregate(Aggregate::List) => f.write_str("aggregate"),
            Self::Aggregate(Aggregate::Count) => f.write_str("aggregate=count"),
            Self::Aggregate(Aggregate::Sum) => f.write_str("aggregate=sum"),
            Self::Aggregate(Aggregate::Last) => f.write_str("aggregate=last"),
        }
    }
}

/// As it is written, in full: read again it is the same rule.
impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.source, self.cardinality)
    }
}

impl Default for Lineage {
    fn default() -> Self {
        Self {
            source: Source::Same,
            cardinality: Cardinality::OneToOne,
        }
    }
}
