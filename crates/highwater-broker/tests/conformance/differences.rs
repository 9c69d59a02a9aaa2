//! Where the dev broker answers otherwise than Apache Kafka, on purpose.
//!
//! Both sides are asserted: `kafka` must be what Kafka was recorded with (and what it answers when the suite
//! runs against it), `ours` what the dev broker answers. A row that is no longer true fails its test.

/// One line of one transcript that differs.
pub(crate) struct Difference {
    /// The test.
    pub(crate) body: &'static str,
    /// The line.
    pub(crate) what: &'static str,
    /// What Apache Kafka answers.
    pub(crate) kafka: &'static str,
    /// What the dev broker answers.
    pub(crate) ours: &'static str,
    /// Why.
    #[expect(dead_code, reason = "for the reader, and for the table in the documentation")]
    pub(crate) reason: &'static str,
}

const WHOLE: &str = "what does not fit whole is not sent: clients throw half a batch away";
const NEGATIVE: &str = "a negative limit is taken as none, instead of an error that tells nothing";

pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        body: "fetch::limits",
        what: "partition: one batch and a half",
        kafka: "None high=5 stable=5 start=0 aborted=null batches=[0-0 torn]",
        ours: "None high=5 stable=5 start=0 aborted=null batches=[0-0]",
        reason: WHOLE,
    },
    Difference {
        body: "fetch::limits",
        what: "partition: a byte less",
        kafka: "None high=5 stable=5 start=0 aborted=null batches=[0-0 torn]",
        ours: "None high=5 stable=5 start=0 aborted=null batches=[0-0]",
        reason: WHOLE,
    },
    Difference {
        body: "fetch::limits",
        what: "request: one batch and a half",
        kafka: "None high=5 stable=5 start=0 aborted=null batches=[0-0 torn]",
        ours: "None high=5 stable=5 start=0 aborted=null batches=[0-0]",
        reason: WHOLE,
    },
    Difference {
        body: "fetch::limits",
        what: "request: a byte less",
        kafka: "None high=5 stable=5 start=0 aborted=null batches=[0-0 torn]",
        ours: "None high=5 stable=5 start=0 aborted=null batches=[0-0]",
        reason: WHOLE,
    },
    Difference {
        body: "fetch::limits",
        what: "partition: negative",
        kafka: "UnknownServerError high=-1 stable=-1 start=-1 aborted=null batches=[]",
        ours: "None high=5 stable=5 start=0 aborted=null batches=[0-0]",
        reason: NEGATIVE,
    },
    Difference {
        body: "fetch::limits",
        what: "request: negative",
        kafka: "UnknownServerError high=-1 stable=-1 start=-1 aborted=null batches=[]",
        ours: "None high=5 stable=5 start=0 aborted=null batches=[0-0]",
        reason: NEGATIVE,
    },
];
