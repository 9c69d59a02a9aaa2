use highwater_model::history::{ResponseFacts, ResponseFate};

use crate::history::Outcome;
use crate::outcome::{Api, Applied, Signal, outcome};

/// What a client knows of a request after it is over, and what the proxy knows beyond that.
#[derive(Debug, Clone, Copy)]
pub(super) enum Heard<'a> {
    /// It got the broker's answer.
    Answer(&'a ResponseFacts),
    /// It was refused, and no broker ever got the request.
    Refused,
    /// It got nothing, or something else than the broker said. What the broker said, if it did.
    Nothing(Option<&'a ResponseFacts>),
}

impl<'a> Heard<'a> {
    /// None for an answer that nobody waits for: to the second copy of a request.
    pub(super) fn of(fate: ResponseFate, facts: &'a ResponseFacts) -> Option<Self> {
        match fate {
            ResponseFate::Delivered => Some(Self::Answer(facts)),
            ResponseFate::Made => Some(Self::Refused),
            ResponseFate::Discarded | ResponseFate::Altered | ResponseFate::ClientGone => {
                Some(Self::Nothing(Some(facts)))
            }
            ResponseFate::Surplus => None,
        }
    }

    /// What the broker said, whoever heard it.
    pub(super) fn said(self) -> Option<&'a ResponseFacts> {
        match self {
            Self::Answer(facts) => Some(facts),
            Self::Nothing(facts) => facts,
            Self::Refused => None,
        }
    }

    /// The outcome of the whole request.
    pub(super) fn outcome(self, api: Api) -> Outcome {
        match self {
            Self::Answer(
                ResponseFacts::Error { error }
                | ResponseFacts::Producer { error, .. }
                | ResponseFacts::Partitions { error, .. },
            ) => by_error(api, *error, None),
            Self::Answer(_) | Self::Nothing(_) => Outcome::Unknown,
            Self::Refused => Outcome::Failed,
        }
    }
}

/// What an error code means to a client.
pub(super) fn by_error(api: Api, error: i16, acks: Option<i16>) -> Outcome {
    if error == 0 {
        return Outcome::Ok;
    }
    match outcome(api, Signal::Error(error), acks) {
        Applied::Ok => Outcome::Ok,
        Applied::Failed => Outcome::Failed,
        Applied::Unknown => Outcome::Unknown,
    }
}
