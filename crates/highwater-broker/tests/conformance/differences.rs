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
const SENTENCE: &str = "a sentence says what is wrong, where Kafka gives the code alone";
const FIXED: &str = "here it changes nothing, and so it cannot be changed";

const SESSION: &str = "fetch sessions save bytes on the network, of which one machine has enough: they are declined \
    with session id 0, and every client then names its partitions in each request";

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
    Difference {
        body: "fetch::sessions",
        what: "full, new session",
        kafka: "None session=one true [\"None records=true\"]",
        ours: "None session=one false [\"None records=true\"]",
        reason: SESSION,
    },
    Difference {
        body: "fetch::sessions",
        what: "the same offsets again",
        kafka: "None session=the same true [\"None records=true\"]",
        ours: "FetchSessionIdNotFound session=the same true []",
        reason: SESSION,
    },
    Difference {
        body: "fetch::sessions",
        what: "at the end",
        kafka: "None session=the same true []",
        ours: "FetchSessionIdNotFound session=the same true []",
        reason: SESSION,
    },
    Difference {
        body: "fetch::sessions",
        what: "something new",
        kafka: "None session=the same true [\"None records=true\"]",
        ours: "FetchSessionIdNotFound session=the same true []",
        reason: SESSION,
    },
    Difference {
        body: "fetch::sessions",
        what: "another partition",
        kafka: "None session=the same true [\"None records=true\", \"None records=false\"]",
        ours: "FetchSessionIdNotFound session=the same true []",
        reason: SESSION,
    },
    Difference {
        body: "fetch::sessions",
        what: "an epoch again",
        kafka: "InvalidFetchSessionEpoch session=the same false []",
        ours: "FetchSessionIdNotFound session=the same true []",
        reason: SESSION,
    },
    Difference {
        body: "fetch::sessions",
        what: "an epoch to come",
        kafka: "InvalidFetchSessionEpoch session=the same false []",
        ours: "FetchSessionIdNotFound session=the same true []",
        reason: SESSION,
    },
    Difference {
        body: "fetch::sessions",
        what: "forgotten",
        kafka: "None session=the same true []",
        ours: "FetchSessionIdNotFound session=the same true []",
        reason: SESSION,
    },
    Difference {
        body: "produce::damaged_batches",
        what: "a length of 2 GiB",
        kafka: "UnknownServerError base=-1 start=-1 record errors=[]",
        ours: "CorruptMessage base=-1 start=-1 record errors=[]",
        reason: "the error that says what is wrong, as for a negative length",
    },
    Difference {
        body: "transactions::additions_that_can_not_be",
        what: "described",
        kafka: "None state=Ongoing p0 epoch=0 timeout=60000 began=true topics=[\"transactions-additions_that_can_not_be-t[1, 0]\"]",
        ours: "None state=Ongoing p0 epoch=0 timeout=60000 began=true topics=[\"transactions-additions_that_can_not_be-t[0, 1]\"]",
        reason: "the partitions are a set, here in their order",
    },
    Difference {
        body: "configs::alterations_refused",
        what: "an unknown operation",
        kafka: "UnknownServerError message=false",
        ours: "InvalidRequest message=true",
        reason: "the request is at fault, not the server",
    },
    Difference {
        body: "configs::described",
        what: "min.insync.replicas",
        kafka: r#"None ["min.insync.replicas=\"1\" source=3 type=3 read only=false sensitive=false"]"#,
        ours: r#"None ["min.insync.replicas=\"1\" source=5 type=3 read only=true sensitive=false"]"#,
        reason: FIXED,
    },
    Difference {
        body: "configs::described",
        what: "segment.bytes",
        kafka: r#"None ["segment.bytes=\"1073741824\" source=5 type=3 read only=false sensitive=false"]"#,
        ours: r#"None ["segment.bytes=\"134217728\" source=5 type=3 read only=false sensitive=false"]"#,
        reason: "a start reads less, and what is retained goes away sooner",
    },
    Difference {
        body: "topics::described",
        what: "nil",
        kafka: "UnknownServerError  id=false internal=false operations=-2147483648 []",
        ours: "UnknownTopicId null id=false internal=false operations=-2147483648 []",
        reason: "an id of zeros is an id that no topic has",
    },
    Difference {
        body: "topics::partitions_added",
        what: "unknown topic",
        kafka: "UnknownTopicOrPartition message=false",
        ours: "UnknownTopicOrPartition message=true",
        reason: SENTENCE,
    },
];
