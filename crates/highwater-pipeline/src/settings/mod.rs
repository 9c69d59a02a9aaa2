//! librdkafka's settings: what this library sets and why, and which overrides it refuses.
//!
//! Invariant: a pipeline that states a guarantee runs with settings under which the guarantee can hold; what would
//! break it is refused before anything connects, with a sentence that says what to do.
//! Not here: settings of connections (addresses, TLS, SASL), which are passed on as they are.

mod rules;
mod table;

pub use table::{Client, DEFAULTS, Default as SettingDefault};

use std::collections::BTreeMap;

use thiserror::Error;

/// What a pipeline promises for each record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guarantee {
    /// The effect of every record happens, after a failure perhaps again. Deduplication is offered.
    AtLeastOnce,
    /// The effect happens once: it and the offset are in one Kafka transaction.
    ExactlyOnceKafka,
    /// The effect happens once: it and the offset are in one transaction of a database; the commit to Kafka follows
    /// and may repeat.
    ExactlyOnceDatabase,
}

impl std::fmt::Display for Guarantee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AtLeastOnce => "at-least-once",
            Self::ExactlyOnceKafka => "exactly-once (Kafka transaction)",
            Self::ExactlyOnceDatabase => "exactly-once (database transaction)",
        })
    }
}

/// An override that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The setting would break what the pipeline promises.
    #[error("`{key} = {value}` breaks {guarantee}: {reason}; {instead}")]
    BreaksGuarantee {
        /// The setting, by the name under which it was given.
        key: String,
        /// Its value.
        value: String,
        /// What it breaks.
        guarantee: Guarantee,
        /// How it breaks it.
        reason: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// Two settings do not go together.
    #[error("`{key} = {value}` and `{other} = {other_value}` do not go together: {reason}; {instead}")]
    Contradiction {
        /// One of the settings.
        key: String,
        /// Its value.
        value: String,
        /// The other one.
        other: String,
        /// Its value.
        other_value: String,
        /// Why they contradict each other.
        reason: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// The value of a setting that is judged here cannot be read.
    #[error("`{key} = {value}` is not {expected}")]
    Unreadable {
        /// The setting.
        key: String,
        /// Its value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The same setting under two names, with two values.
    #[error("`{key}` is the same setting as `{other}`, and they have different values; give one of them")]
    TwoNames {
        /// One name.
        key: String,
        /// The other name.
        other: String,
    },
}

/// The settings of one client, ready for librdkafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What to give to librdkafka, by name.
    pub settings: BTreeMap<String, String>,
    /// What is allowed and worth a line in the log.
    pub warnings: Vec<String>,
}

/// Puts a user's settings over this library's, for a client of a pipeline with this guarantee.
///
/// `drain` is how long a revoked partition may take to finish; `max.poll.interval.ms` must be above it.
///
/// ```
/// use std::time::Duration;
/// use highwater_pipeline::settings::{Client, Guarantee, check};
///
/// let mine = [("bootstrap.servers", "localhost:9092"), ("enable.auto.commit", "true")];
/// let refusal = check(Client::Consumer, Guarantee::AtLeastOnce, mine, Duration::from_secs(5)).unwrap_err();
/// assert!(refusal.to_string().starts_with("`enable.auto.commit = true` breaks at-least-once"));
/// ```
///
/// # Errors
///
/// The first override that breaks the guarantee, contradicts another one, or cannot be read.
pub fn check<'a>(
    client: Client,
    guarantee: Guarantee,
    overrides: impl IntoIterator<Item = (&'a str, &'a str)>,
    drain: std::time::Duration,
) -> Result<Checked, Refusal> {
    let mut settings: BTreeMap<String, String> = DEFAULTS
        .iter()
        .filter(|default| default.applies(client, guarantee))
        .map(|default| (default.key.to_owned(), default.value.to_owned()))
        .collect();
    let mut given: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for (key, value) in overrides {
        let name = table::one_name(key);
        if let Some((other, _)) = given
            .insert(name, (key, value))
            .filter(|(_, before)| *before != value)
        {
            return Err(Refusal::TwoNames {
                key: key.to_owned(),
                other: other.to_owned(),
            });
        }
        settings.insert(name.to_owned(), value.to_owned());
    }
    let warnings = rules::judge(client, guarantee, &settings, drain)?;
    Ok(Checked { settings, warnings })
}

#[cfg(test)]
mod tests;
