use highwater_model::FingerprintDifference;

/// Why two sides are not compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// They were not made alike, so that a difference would not be one of what is compared.
    #[error("the two sides were not run alike: {}", in_words(.0))]
    NotAlike(Vec<FingerprintDifference>),
    /// No scenario that both have.
    #[error("nothing in common: {base} has {base_scenarios}, {candidate} has {candidate_scenarios}")]
    NothingInCommon {
        /// Name of the base.
        base: String,
        /// Its scenarios.
        base_scenarios: String,
        /// Name of the candidate.
        candidate: String,
        /// Its scenarios.
        candidate_scenarios: String,
    },
    /// A metric that does not exist.
    #[error("there is no metric `{0}`")]
    UnknownMetric(String),
    /// A metric for which more is neither better nor worse.
    #[error("`{0}` is set and not measured, so it can't get worse")]
    NotComparable(String),
    /// A metric that stands in the list twice.
    #[error("the metric `{0}` is named twice")]
    Twice(String),
    /// More runs than the exact tests take.
    #[error("{given} runs on both sides; at most {most} can be compared")]
    TooMany {
        /// Runs given.
        given: usize,
        /// Most that can be compared.
        most: usize,
    },
}

/// Differences named one by one; more than this are counted.
const NAMED: usize = 4;

fn in_words(differences: &[FingerprintDifference]) -> String {
    let named = differences.iter().take(NAMED).map(|difference| {
        format!(
            "{} is {} and {}",
            difference.what, difference.base, difference.candidate
        )
    });
    let mut text = named.collect::<Vec<_>>().join("; ");
    if differences.len() > NAMED {
        text += &format!("; and {} more", differences.len() - NAMED);
    }
    text
}
