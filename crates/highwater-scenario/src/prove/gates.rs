//! The rules of the fault proxy with which faults are aimed: armed and lifted by hand.
//!
//! Invariant: at most one fault is armed at a time, and every gate that was armed is lifted when its round ends.

use std::time::Duration;

use highwater_proxy::{Parameters, Proxy, RuleSpec, Scope, Then, Trigger};

/// Longer than any run: what is held back this long never arrives.
const FOR_EVER: Duration = Duration::from_secs(24 * 3_600);

const OFFSET_COMMITS: [&str; 2] = ["OffsetCommit", "TxnOffsetCommit"];
const COORDINATED: [&str; 3] = ["OffsetCommit", "TxnOffsetCommit", "EndTxn"];

/// Something that the proxy does while it is armed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gate {
    /// Outputs don't get to the broker.
    HoldOutputs,
    /// Outputs are kept until they are released.
    KeepOutputs,
    /// Commits of offsets don't get to the broker.
    HoldCommits,
    /// Ends of transactions don't get to the broker.
    HoldEnds,
    /// The next commit of offsets is kept until it is released.
    KeepCommit,
    /// Answers to three Produce requests are thrown away.
    DropProduceAnswers,
    /// The answer to a commit of offsets is thrown away.
    DropCommitAnswer,
    /// The answer to an EndTxn is thrown away.
    DropEndAnswer,
    /// The same, and the connection stays silent.
    SilenceEnd,
    /// The offsets of a transaction are refused.
    RefuseOffsets,
    /// Commits are sent to another coordinator.
    MoveCoordinator,
    /// Nothing gets through.
    BlackHole,
}

/// All of them.
pub(super) const GATES: [Gate; 12] = [
    Gate::HoldOutputs,
    Gate::KeepOutputs,
    Gate::HoldCommits,
    Gate::HoldEnds,
    Gate::KeepCommit,
    Gate::DropProduceAnswers,
    Gate::DropCommitAnswer,
    Gate::DropEndAnswer,
    Gate::SilenceEnd,
    Gate::RefuseOffsets,
    Gate::MoveCoordinator,
    Gate::BlackHole,
];

/// Which rules of the proxy a gate is.
#[derive(Debug, Default)]
pub(super) struct Gates {
    rules: Vec<(Gate, RuleSpec)>,
}

impl Gates {
    pub(super) fn new(outputs: &[String]) -> Self {
        let rules = GATES
            .into_iter()
            .flat_map(|gate| specs(gate, outputs).into_iter().map(move |spec| (gate, spec)));
        Self {
            rules: rules.collect(),
        }
    }

    /// The rules, in the order in which the proxy must have them.
    pub(super) fn rules(&self) -> Vec<RuleSpec> {
        self.rules.iter().map(|(_, spec)| spec.clone()).collect()
    }

    pub(super) fn arm(&self, proxy: &Proxy, gate: Gate) {
        self.numbers(gate).for_each(|rule| {
            proxy.arm(rule);
        });
    }

    pub(super) fn lift(&self, proxy: &Proxy, gate: Gate) {
        self.numbers(gate).for_each(|rule| {
            proxy.lift(rule);
        });
    }

    /// Lets go what a gate has kept.
    pub(super) fn release(&self, proxy: &Proxy, gate: Gate) {
        self.numbers(gate).for_each(|rule| {
            proxy.release(rule);
        });
    }

    /// How many times a gate fired so far.
    pub(super) fn fired(&self, proxy: &Proxy, gate: Gate) -> u64 {
        let counts = proxy.snapshot().rules;
        self.numbers(gate)
            .filter_map(|rule| counts.get(usize::from(rule)))
            .map(|count| count.fired)
            .sum()
    }

    fn numbers(&self, gate: Gate) -> impl Iterator<Item = u16> {
        (0..)
            .zip(&self.rules)
            .filter(move |(_, (one, _))| *one == gate)
            .map(|(number, _)| number)
    }
}

fn specs(gate: Gate, outputs: &[String]) -> Vec<RuleSpec> {
    let rule =
        |name: &str, fault: &str, apis: &[&str], times: Option<u64>, parameters: Parameters| RuleSpec {
            name: name.to_owned(),
            fault: fault.to_owned(),
            scope: Scope {
                apis: apis.iter().map(|&api| api.to_owned()).collect(),
                ..Scope::default()
            },
            trigger: Trigger {
                times,
                by_hand: true,
                ..Trigger::default()
            },
            parameters,
        };
    let held = |delay| Parameters {
        delay: Some(delay),
        ..Parameters::default()
    };
    let to_outputs = |spec: &RuleSpec| -> Vec<RuleSpec> {
        let of = |topic: &String| RuleSpec {
            scope: Scope {
                topic: Some(topic.clone()),
                ..spec.scope.clone()
            },
            ..spec.clone()
        };
        outputs.iter().map(of).collect()
    };
    match gate {
        Gate::HoldOutputs => to_outputs(&rule("hold-outputs", "hold", &["Produce"], None, held(FOR_EVER))),
        Gate::KeepOutputs => to_outputs(&rule("keep-outputs", "hold", &["Produce"], None, held(FOR_EVER))),
        Gate::HoldCommits => vec![rule(
            "hold-commits",
            "hold",
            &OFFSET_COMMITS,
            None,
            held(FOR_EVER),
        )],
        Gate::HoldEnds => vec![rule("hold-ends", "hold", &["EndTxn"], None, held(FOR_EVER))],
        Gate::KeepCommit => vec![rule(
            "keep-commit",
            "hold",
            &OFFSET_COMMITS,
            Some(1),
            held(FOR_EVER),
        )],
        Gate::DropProduceAnswers => to_outputs(&rule(
            "drop-produce-answers",
            "drop-ack",
            &["Produce"],
            Some(3),
            Parameters::default(),
        )),
        Gate::DropCommitAnswer => vec![rule(
            "drop-commit-answer",
            "drop-ack",
            &OFFSET_COMMITS,
            Some(1),
            Parameters::default(),
        )],
        Gate::DropEndAnswer => {
            vec![rule(
                "drop-end-answer",
                "drop-ack",
                &["EndTxn"],
                Some(1),
                Parameters::default(),
            )]
        }
        Gate::SilenceEnd => vec![rule(
            "silence-end",
            "drop-ack",
            &["EndTxn"],
            Some(1),
            Parameters {
                then: Some(Then::Silence),
                ..Parameters::default()
            },
        )],
        Gate::RefuseOffsets => vec![rule(
            "refuse-offsets",
            "reject",
            &["TxnOffsetCommit"],
            Some(1),
            Parameters {
                error: Some("ILLEGAL_GENERATION".to_owned()),
                ..Parameters::default()
            },
        )],
        Gate::MoveCoordinator => vec![rule(
            "move-coordinator",
            "move-coordinator",
            &COORDINATED,
            Some(2),
            Parameters::default(),
        )],
        Gate::BlackHole => vec![rule("black-hole", "black-hole", &[], None, Parameters::default())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gate_is_made_of_rules_that_the_proxy_takes() {
        let gates = Gates::new(&["a".to_owned(), "b".to_owned()]);
        assert!(highwater_proxy::check_rules(&gates.rules()).is_ok());
        for gate in GATES {
            assert!(gates.numbers(gate).count() > 0, "{gate:?}");
        }
        assert_eq!(gates.numbers(Gate::HoldOutputs).collect::<Vec<_>>(), [0, 1]);
    }
}
