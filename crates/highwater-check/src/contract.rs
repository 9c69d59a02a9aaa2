//! What is promised about every record.

use std::fmt;

use thiserror::Error;

/// How often an acknowledged record may be in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Never twice; acknowledged records may be missing.
    AtMostOnce,
    /// Never missing; a retry may write a record again.
    AtLeastOnce,
    /// Never missing, never twice.
    ExactlyOnce,
    /// What the cluster acknowledged can be read as it was acknowledged; nothing about readers and pipelines.
    NoAcknowledgedLoss,
}

impl Delivery {
    /// All of them: those of a pipeline, weakest first, and that of a cluster.
    pub const ALL: [Self; 4] = [
        Self::AtMostOnce,
        Self::AtLeastOnce,
        Self::ExactlyOnce,
        Self::NoAcknowledgedLoss,
    ];

    /// The name as it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AtMostOnce => "at-most-once",
            Self::AtLeastOnce => "at-least-once",
            Self::ExactlyOnce => "exactly-once",
            Self::NoAcknowledgedLoss => "no-acknowledged-loss",
        }
    }
}

const PER_PARTITION: &str = "ordered-per-partition";
const PER_KEY: &str = "ordered-per-key";

/// A contract: one delivery promise, and whether order is promised too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    /// How often a record may be delivered.
    pub delivery: Delivery,
    /// Records of one producer stand in a partition in the order in which they were due.
    pub ordered_per_partition: bool,
    /// Records with the same key stay in order, and in one partition.
    pub ordered_per_key: bool,
}

/// Why a contract can't be understood; the message says what to write.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ContractError {
    /// Not a promise.
    #[error(
        "unknown promise `{name}`{}; a contract is one of at-most-once, at-least-once, exactly-once, \
         no-acknowledged-loss, and optionally ordered-per-key, ordered-per-partition",
        did_you_mean(nearest)
    )]
    Unknown {
        /// What was written.
        name: String,
        /// The promise it is nearest to.
        nearest: Option<&'static str>,
    },
    /// Two promises that exclude each other.
    #[error("the contract promises both {first} and {second}; keep one")]
    Conflict {
        /// The first one.
        first: &'static str,
        /// The one that does not go with it.
        second: &'static str,
    },
    /// The same promise again.
    #[error("the contract promises {name} twice; write it once")]
    Repeated {
        /// The promise.
        name: &'static str,
    },
    /// No delivery promise.
    #[error("the contract does not say how often a record is delivered; add at-least-once or exactly-once")]
    NoDelivery,
}

fn did_you_mean(nearest: &Option<&'static str>) -> String {
    nearest.map_or(String::new(), |name| format!(", did you mean `{name}`?"))
}

/// How alike a word must be to be suggested, from 0 to 1: a letter or two amiss.
const ALIKE: f64 = 0.85;

impl Contract {
    /// Reads promises separated by commas: `exactly-once, ordered-per-partition`.
    ///
    /// # Errors
    /// An unknown, repeated or contradictory promise, or none about delivery.
    pub fn parse(text: &str) -> Result<Self, ContractError> {
        let mut delivery: Option<Delivery> = None;
        let (mut ordered_per_partition, mut ordered_per_key) = (false, false);
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let order = match name {
                PER_PARTITION => Some((PER_PARTITION, &mut ordered_per_partition)),
                PER_KEY => Some((PER_KEY, &mut ordered_per_key)),
                _ => None,
            };
            if let Some((name, promised)) = order {
                if std::mem::replace(promised, true) {
                    return Err(ContractError::Repeated { name });
                }
                continue;
            }
            let Some(named) = Delivery::ALL.into_iter().find(|known| known.name() == name) else {
                return Err(unknown(name));
            };
            match delivery {
                Some(first) if first == named => {
                    return Err(ContractError::Repeated { name: first.name() });
                }
                Some(first) => {
                    return Err(ContractError::Conflict {
                        first: first.name(),
                        second: named.name(),
                    });
                }
                None => delivery = Some(named),
            }
        }
        Ok(Self {
            delivery: delivery.ok_or(ContractError::NoDelivery)?,
            ordered_per_partition,
            ordered_per_key,
        })
    }

    /// Its promises, as reports list them.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = vec![self.delivery.name().to_owned()];
        if self.ordered_per_key {
            names.push(PER_KEY.to_owned());
        }
        if self.ordered_per_partition {
            names.push(PER_PARTITION.to_owned());
        }
        names
    }
}

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(", "))
    }
}

fn unknown(name: &str) -> ContractError {
    let nearest = Delivery::ALL
        .map(Delivery::name)
        .into_iter()
        .chain([PER_KEY, PER_PARTITION])
        .map(|known| (strsim::jaro_winkler(known, &name.to_lowercase()), known))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known);
    ContractError::Unknown {
        name: name.to_owned(),
        nearest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contract_is_read_back_from_its_words() {
        for delivery in Delivery::ALL {
            for (ordered_per_partition, ordered_per_key) in
                [(false, false), (true, false), (false, true), (true, true)]
            {
                let contract = Contract {
                    delivery,
                    ordered_per_partition,
                    ordered_per_key,
                };
                assert_eq!(Contract::parse(&contract.to_string()), Ok(contract));
            }
        }
        let spaced = Contract::parse(" ordered-per-partition ,exactly-once,").unwrap();
        assert_eq!(spaced.to_string(), "exactly-once, ordered-per-partition");
    }

    #[test]
    fn contracts_that_say_nothing_or_too_much() {
        let cases = [
            ("", "add at-least-once"),
            ("ordered-per-partition", "add at-least-once"),
            ("exactly-onse", "did you mean `exactly-once`?"),
            ("durable", "unknown promise `durable`; a contract is"),
            (
                "at-least-once, exactly-once",
                "both at-least-once and exactly-once",
            ),
            ("exactly-once, exactly-once", "exactly-once twice"),
            (
                "exactly-once, ordered-per-partition, ordered-per-partition",
                "twice",
            ),
        ];
        for (text, message) in cases {
            let error = Contract::parse(text).expect_err(text).to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
