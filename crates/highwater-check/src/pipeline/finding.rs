//! What was found, and what could be judged at all.

use super::Place;
use crate::Anomaly;

/// One occurrence of an anomaly, with the exact records.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PipelineFinding {
    /// Which.
    pub anomaly: Anomaly,
    /// The inputs: of a reorder the one that is late, then one behind it in the input whose output came before. Of an
    /// aggregate that only counts, none: the key is all that is known.
    pub inputs: Vec<Place>,
    /// The outputs: of a duplicate all of them in their order; of a reorder the late one, then the one that stands in
    /// front of it; of a moved key the first of its first partition, then the first of the other one.
    pub outputs: Vec<Place>,
    /// Key of the input, or of the output if there is no input.
    pub key: Option<Vec<u8>>,
    /// Whether the input may be processed again, for duplicates, if it is known when something happened.
    pub inside_window: Option<bool>,
    /// More than the records say: `2 of 3 outputs`, `count 7, fed 9`.
    pub note: Option<String>,
}

impl PipelineFinding {
    /// Nothing known but which one.
    #[must_use]
    pub fn new(anomaly: Anomaly) -> Self {
        Self {
            anomaly,
            inputs: Vec::new(),
            outputs: Vec::new(),
            key: None,
            inside_window: None,
            note: None,
        }
    }
}

/// All that was found about a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PipelineFindings {
    /// Each occurrence once, in order: by anomaly, then by place.
    pub findings: Vec<PipelineFinding>,
    /// Inputs without an output that may be hidden among the outputs that could not be traced: there are no more of
    /// them than of those. No violation, and no proof that nothing is lost.
    pub possibly_lost: Vec<Place>,
    /// Outputs that name no input.
    pub untraceable: Untraceable,
    /// Inputs that are named like another one, so that their outputs can't be told apart. They are not judged, and
    /// the run proves nothing about them.
    pub ambiguous: Vec<Place>,
    /// Committed inputs.
    pub inputs: u64,
    /// Outputs.
    pub outputs: u64,
    /// What could be judged, and what could not.
    pub judged: Vec<Judged>,
}

impl PipelineFindings {
    /// How often something was found.
    #[must_use]
    pub fn count(&self, anomaly: Anomaly) -> u64 {
        self.findings
            .iter()
            .filter(|finding| finding.anomaly == anomaly)
            .count() as u64
    }

    /// Whether all that the rule asks for was judged, for every input and output.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.untraceable.count == 0
            && self.ambiguous.is_empty()
            && self
                .judged
                .iter()
                .all(|judged| matches!(judged.extent, Extent::Whole | Extent::NotAsked(_)))
    }
}

/// Outputs that name no input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Untraceable {
    /// How many.
    pub count: u64,
    /// The first few.
    pub examples: Vec<Untraced>,
}

impl Untraceable {
    /// Examples that are kept.
    pub const MOST_EXAMPLES: usize = 3;
}

/// An output that names no input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untraced {
    /// Where it stands.
    pub place: Place,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// The beginning of its value, at most [`Untraced::MOST_BYTES`].
    pub value: Option<Vec<u8>>,
    /// What is missing, as in `no header order-id`.
    pub why: String,
}

impl Untraced {
    /// Bytes of a value that are kept.
    pub const MOST_BYTES: usize = 120;
}

/// Something that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Inputs without outputs.
    Loss,
    /// Inputs with too many.
    Duplicate,
    /// Outputs in another order than their inputs.
    Reorder,
    /// Outputs without inputs.
    Phantom,
    /// Keys in two partitions.
    KeyMoved,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Loss,
        Self::Duplicate,
        Self::Reorder,
        Self::Phantom,
        Self::KeyMoved,
    ];

    /// The anomaly that it finds.
    #[must_use]
    pub fn anomaly(self) -> Anomaly {
        match self {
            Self::Loss => Anomaly::PipelineLoss,
            Self::Duplicate => Anomaly::PipelineDuplicate,
            Self::Reorder => Anomaly::PipelineReorder,
            Self::Phantom => Anomaly::PipelinePhantom,
            Self::KeyMoved => Anomaly::KeyMoved,
        }
    }
}

/// Whether something could be looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What.
    pub check: Check,
    /// How far.
    pub extent: Extent,
}

/// How far something could be looked for. Where it was not, why, as the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// In all inputs and outputs.
    Whole,
    /// The rule says that it means nothing here.
    NotAsked(&'static str),
    /// Only in what could be traced.
    Partly(String),
    /// Not at all.
    Not(String),
}
