//! Rules of the fault proxy, as hazards need them.

use std::time::Duration;

use highwater_proxy::{Parameters, RuleSpec, Scope, Trigger, Watch};

/// A fault at the n-th request of an API.
pub(super) fn at(fault: &str, api: &str, nth: u64) -> RuleSpec {
    RuleSpec {
        name: format!("the {fault}"),
        fault: fault.to_owned(),
        scope: scope(api),
        trigger: Trigger {
            nth: Some(nth),
            ..Trigger::default()
        },
        parameters: Parameters::default(),
    }
}

pub(super) fn scope(api: &str) -> Scope {
    Scope {
        apis: vec![api.to_owned()],
        ..Scope::default()
    }
}

/// Keeps the n-th request of an API back until the n-th answer of another.
pub(super) fn held_until_answer(api: &str, nth: u64, other: &str, answer: u64) -> RuleSpec {
    let mut rule = at("hold", api, nth);
    rule.parameters.release_after = Some(Watch {
        scope: scope(other),
        nth: answer,
        answered: true,
    });
    rule
}

/// Keeps the n-th request of an API back for some time.
pub(super) fn held_for(api: &str, nth: u64, delay: Duration) -> RuleSpec {
    let mut rule = at("hold", api, nth);
    rule.parameters.delay = Some(delay);
    rule
}

/// Answers the n-th request of an API with an error, without the broker or after it.
pub(super) fn error(fault: &str, api: &str, nth: u64, error: &str) -> RuleSpec {
    let mut rule = at(fault, api, nth);
    rule.parameters.error = Some(error.to_owned());
    rule
}
