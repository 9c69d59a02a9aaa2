//! Which faults are placed, in which order: data, from a contract or from a file.
//!
//! Invariant: the faults that a contract fears most come first, so that a small budget is spent where it matters.

use std::time::Duration;

use highwater_check::{Contract, Delivery};
use serde::Deserialize;

use crate::config::SourceFile;

/// A fault of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// SIGKILL while commits go on and outputs are held back.
    KillCommitsAhead,
    /// SIGKILL while outputs are written and commits are held back.
    KillOutputsAhead,
    /// SIGKILL between the last record of a transaction and its end.
    KillBeforeEnd,
    /// SIGKILL with outputs under way, which arrive when it has been started again.
    LateOutputs,
    /// Answers to Produce are thrown away.
    LostProduceAnswers,
    /// Answers to OffsetCommit and TxnOffsetCommit are thrown away.
    LostCommitAnswers,
    /// The answer to EndTxn is thrown away.
    LostEndAnswer,
    /// The answer to EndTxn does not come, and the connection stays open.
    SilentEnd,
    /// A transaction can't be committed and has to be aborted.
    AbortedTransaction,
    /// SIGSTOP late in its usual time of work, with records in hand, while others take over; then SIGCONT.
    Zombie,
    /// SIGSTOP with a commit under way, which arrives when others have taken over.
    LateCommit,
    /// A second instance joins; the first is killed while partitions are handed over; the second stays, then leaves.
    SecondInstance,
    /// SIGKILL of a broker.
    BrokerKill,
    /// SIGKILL of the pipeline and of a broker at once, as when the power of a machine with both fails.
    PowerCut,
    /// The coordinators of group and transaction are somewhere else.
    MovedCoordinator,
    /// Nothing gets through for a while.
    BlackHole,
    /// SIGKILL at a random moment.
    RandomKill,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::KillCommitsAhead,
        Self::KillOutputsAhead,
        Self::KillBeforeEnd,
        Self::LateOutputs,
        Self::LostProduceAnswers,
        Self::LostCommitAnswers,
        Self::LostEndAnswer,
        Self::SilentEnd,
        Self::AbortedTransaction,
        Self::Zombie,
        Self::LateCommit,
        Self::SecondInstance,
        Self::BrokerKill,
        Self::PowerCut,
        Self::MovedCoordinator,
        Self::BlackHole,
        Self::RandomKill,
    ];

    /// Its name in schedules and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// What it does, in a sentence.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.words().1
    }

    /// The fault of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::KillCommitsAhead => (
                "kill-commits-ahead",
                "outputs are held back, commits go on; SIGKILL when a commit is ahead of the outputs",
            ),
            Self::KillOutputsAhead => (
                "kill-outputs-ahead",
                "outputs are written, commits are held back; SIGKILL when outputs are ahead of the commits",
            ),
            Self::KillBeforeEnd => (
                "kill-before-end",
                "SIGKILL between the last record of a transaction and its end",
            ),
            Self::LateOutputs => (
                "late-outputs",
                "SIGKILL with outputs under way, which arrive when it has been started again and works",
            ),
            Self::LostProduceAnswers => (
                "lost-produce-answers",
                "the broker writes outputs, and the client never hears of it",
            ),
            Self::LostCommitAnswers => (
                "lost-commit-answers",
                "the broker commits offsets, and the client never hears of it",
            ),
            Self::LostEndAnswer => (
                "lost-end-answer",
                "the broker ends a transaction, and the connection breaks before the client hears of it",
            ),
            Self::SilentEnd => (
                "silent-end",
                "the broker ends a transaction, and the client waits for an answer until it gives up",
            ),
            Self::AbortedTransaction => (
                "aborted-transaction",
                "the offsets of a transaction are refused, so that it has to be aborted and done again",
            ),
            Self::Zombie => (
                "zombie",
                "SIGSTOP with records in hand, until others have taken over; then SIGCONT: it goes on with what it had",
            ),
            Self::LateCommit => (
                "late-commit",
                "SIGSTOP with a commit under way, which arrives when others have taken over",
            ),
            Self::SecondInstance => (
                "second-instance",
                "a second instance joins; SIGKILL of the first while partitions are handed over; the second leaves",
            ),
            Self::BrokerKill => (
                "broker-kill",
                "SIGKILL of a broker, and its start on the same data",
            ),
            Self::PowerCut => (
                "power-cut",
                "SIGKILL of the pipeline and of a broker at once; both start again",
            ),
            Self::MovedCoordinator => (
                "moved-coordinator",
                "commits are told that their coordinator is somewhere else",
            ),
            Self::BlackHole => (
                "black-hole",
                "nothing gets through for three seconds, then everything does",
            ),
            Self::RandomKill => ("random-kill", "SIGKILL at a random moment"),
        }
    }
}

/// A fault and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Which.
    pub fault: Fault,
    /// How long the pipeline works undisturbed before.
    pub after: Duration,
}

/// Time without faults between two rounds, if a schedule does not say.
const BETWEEN: Duration = Duration::from_millis(500);

/// Faults one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// In this order.
    pub rounds: Vec<Round>,
    /// What fills the time that is left, over and over; nothing if empty.
    pub fill: Vec<Fault>,
}

impl Schedule {
    /// What a contract fears most comes first.
    #[must_use]
    pub fn for_contract(contract: Contract) -> Self {
        use Fault as F;
        let order: &[Fault] = match contract.delivery {
            Delivery::ExactlyOnce => &[
                F::KillOutputsAhead,
                F::KillCommitsAhead,
                F::KillBeforeEnd,
                F::LostProduceAnswers,
                F::Zombie,
                F::LateOutputs,
                F::AbortedTransaction,
                F::LateCommit,
                F::LostEndAnswer,
                F::SilentEnd,
                F::LostCommitAnswers,
                F::BrokerKill,
                F::PowerCut,
                F::SecondInstance,
                F::MovedCoordinator,
                F::BlackHole,
            ],
            Delivery::AtLeastOnce | Delivery::NoAcknowledgedLoss => &[
                F::KillCommitsAhead,
                F::BrokerKill,
                F::PowerCut,
                F::KillOutputsAhead,
                F::AbortedTransaction,
                F::Zombie,
                F::LostProduceAnswers,
                F::LostCommitAnswers,
                F::LateCommit,
                F::LostEndAnswer,
                F::SecondInstance,
                F::MovedCoordinator,
                F::BlackHole,
            ],
            Delivery::AtMostOnce => &[
                F::KillOutputsAhead,
                F::LostProduceAnswers,
                F::Zombie,
                F::LateCommit,
                F::LostCommitAnswers,
                F::BrokerKill,
                F::PowerCut,
                F::SecondInstance,
                F::MovedCoordinator,
                F::BlackHole,
            ],
        };
        Self {
            rounds: order
                .iter()
                .map(|fault| Round {
                    fault: *fault,
                    after: BETWEEN,
                })
                .collect(),
            fill: match contract.delivery {
                // A zombie hits only if it is halted in the right moment of its work: the more often the better.
                Delivery::ExactlyOnce => vec![F::RandomKill, F::Zombie],
                _ => vec![F::RandomKill],
            },
        }
    }

    /// Reads a schedule: TOML with `[[round]]`, each with `fault` and optionally `after`.
    ///
    /// # Errors
    /// What is wrong, with the line, for people.
    pub fn parse(source: &SourceFile) -> Result<Self, String> {
        let file: File = toml::from_str(&source.text).map_err(|error| error.to_string())?;
        let Some(written) = file.round else {
            return Err("no [[round]]: a schedule is a list of rounds, each with a `fault`".to_owned());
        };
        let rounds = written.iter().enumerate().map(|(at, written)| {
            let fault = Fault::named(&written.fault).ok_or_else(|| {
                let near =
                    crate::config::nearest(&written.fault, Fault::ALL.iter().map(|fault| fault.name()));
                let near = near.map_or(String::new(), |near| format!(", did you mean `{near}`?"));
                let all: Vec<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
                format!(
                    "round {}: unknown fault `{}`{near} possible: {}",
                    at + 1,
                    written.fault,
                    all.join(", ")
                )
            })?;
            let after = written.after_ms.map_or(BETWEEN, Duration::from_millis);
            Ok(Round { fault, after })
        });
        Ok(Self {
            rounds: rounds.collect::<Result<_, String>>()?,
            fill: Vec::new(),
        })
    }

    /// As a file that [`Schedule::parse`] reads.
    #[must_use]
    pub fn written(&self) -> String {
        if self.rounds.is_empty() {
            return "# no fault is needed\nround = []\n".to_owned();
        }
        self.rounds
            .iter()
            .map(|round| {
                format!(
                    "[[round]]\nfault = \"{}\"\nafter_ms = {}\n\n",
                    round.fault.name(),
                    round.after.as_millis()
                )
            })
            .collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    round: Option<Vec<Written>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    fault: String,
    after_ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> SourceFile {
        SourceFile {
            name: "faults.toml".into(),
            text: text.into(),
        }
    }

    #[test]
    fn every_schedule_is_read_back_from_its_words() {
        for delivery in ["at-most-once", "at-least-once", "exactly-once"] {
            let schedule = Schedule::for_contract(Contract::parse(delivery).unwrap());
            let read = Schedule::parse(&source(&schedule.written())).unwrap();
            assert_eq!(read.rounds, schedule.rounds);
        }
    }

    #[test]
    fn every_fault_is_in_a_schedule_or_random() {
        let placed = |fault: Fault| {
            ["at-most-once", "at-least-once", "exactly-once"]
                .iter()
                .any(|contract| {
                    let schedule = Schedule::for_contract(Contract::parse(contract).unwrap());
                    schedule.rounds.iter().any(|round| round.fault == fault)
                })
        };
        let missing: Vec<_> = Fault::ALL.into_iter().filter(|fault| !placed(*fault)).collect();
        assert_eq!(missing, [Fault::RandomKill]);
    }

    #[test]
    fn every_fault_is_documented() {
        let docs = include_str!("../../../../docs/prove.md");
        for fault in Fault::ALL {
            assert!(
                docs.contains(&format!("| `{}` |", fault.name())),
                "{}",
                fault.name()
            );
        }
    }

    #[test]
    fn wrong_schedules_are_told() {
        let cases = [
            ("", "no [[round]]"),
            ("[[round]]\nfault = \"zombi\"", "did you mean `zombie`"),
            ("[[round]]\nfalt = \"zombie\"", "unknown field `falt`"),
            ("[[round]]\n", "missing field `fault`"),
        ];
        for (text, message) in cases {
            let error = Schedule::parse(&source(text)).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
