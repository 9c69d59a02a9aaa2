use highwater_model::history::HistoryEvent;

/// A piece of text and whether it is trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The text, harmless.
    pub text: String,
    /// Shown in the colour for trouble.
    pub trouble: bool,
}

impl Part {
    pub(super) fn calm(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            trouble: false,
        }
    }

    pub(super) fn trouble(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            trouble: true,
        }
    }
}

/// An exchange, or another event.
#[derive(Debug, Clone)]
pub struct Row {
    /// Sequence number of its first event.
    pub sequence: u64,
    /// Sequence numbers of all of its events.
    pub sequences: Vec<u64>,
    /// Moment of its first event.
    pub at_ns: u64,
    /// The connection, and who uses it; empty for what belongs to none.
    pub client: String,
    /// API and version, or what kind of event it is.
    pub api: String,
    /// What is asked, or what happened.
    pub what: String,
    /// What became of it.
    pub outcome: Vec<Part>,
    /// How it is drawn, event by event.
    pub steps: Vec<Step>,
    /// Its events, if they are kept.
    pub events: Vec<HistoryEvent>,
    /// It is the one that was asked for.
    pub marked: bool,
}

/// An event in a diagram.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its sequence number.
    pub sequence: u64,
    /// Its moment.
    pub at_ns: u64,
    /// What is drawn.
    pub shape: Shape,
    /// Shown in the colour for trouble.
    pub trouble: bool,
}

/// What is drawn.
#[derive(Debug, Clone)]
pub enum Shape {
    /// From one place to another.
    Arrow {
        /// Where it starts.
        from: Place,
        /// Where it ends.
        to: Place,
        /// What it says.
        label: String,
        /// It waits where it ends.
        held: bool,
    },
    /// At a place.
    Note {
        /// Where.
        at: Place,
        /// What.
        text: String,
    },
    /// Across everything.
    Bar {
        /// What.
        text: String,
    },
}

/// A place in a diagram.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A client by its name.
    Client(String),
    /// The proxy.
    Proxy,
    /// A broker by its number; none as long as it is unknown.
    Broker(Option<i32>),
}
