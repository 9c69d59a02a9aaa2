use serde::{Deserialize, Serialize};

/// What the brokers said of themselves beside the load, once a second, over connections of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClusterReport {
    /// One entry for each broker, by node id.
    pub brokers: Vec<BrokerReport>,
    /// What was seen of the partitions of the topic, each time that it differed, and the first.
    pub partitions: Vec<PartitionsSample>,
    /// Answers to the canaries, in order of time.
    pub canaries: Vec<CanarySample>,
    /// What brokers told producers about throttling, in order of time; seconds without are left out.
    pub throttles: Vec<ThrottleSample>,
    /// Times that a partition was seen with fewer in-sync replicas than before.
    pub isr_shrunk: u64,
    /// Times that a partition was seen with another leader or leader epoch.
    pub leader_changed: u64,
    /// Why brokers could not be asked, if they could not.
    pub unasked: Option<String>,
}

/// One broker. Its canary is a small question on a connection of its own, due once a second; its answer is timed from
/// the moment the question was due.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BrokerReport {
    /// Node id.
    pub node: i32,
    /// Address that it tells clients.
    pub address: String,
    /// Questions that were due during the load.
    pub asked: u64,
    /// Those that got no answer: refused connections, broken ones, silence.
    pub unanswered: u64,
    /// Median answer.
    pub canary_p50_ns: Option<u64>,
    /// 99th percentile, with at least 100 answers.
    pub canary_p99_ns: Option<u64>,
    /// Longest answer.
    pub canary_max_ns: Option<u64>,
    /// Time for which it told producers that it throttles them, summed over its answers.
    pub throttled_ns: u64,
    /// Answers in which it did.
    pub throttled_answers: u64,
}

/// The answer of one broker to one question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanarySample {
    /// When the question was due.
    pub at_ns: u64,
    /// Node id.
    pub node: i32,
    /// How long after that its answer came; none if none came.
    pub answered_ns: Option<u64>,
}

/// The partitions of the topic at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionsSample {
    /// When it was seen.
    pub at_ns: u64,
    /// In-sync replicas of all partitions together.
    pub in_sync: u32,
    /// In-sync replicas of the partition that has fewest.
    pub in_sync_fewest: u32,
    /// Replicas of all partitions together.
    pub replicas: u32,
    /// Partitions without a leader.
    pub leaderless: u32,
    /// What changed, in words: `partition 0: leader 1 → 2, epoch 3 → 4`.
    pub changes: Vec<String>,
}

/// What one broker told one producer about throttling within a second.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThrottleSample {
    /// End of the second.
    pub at_ns: u64,
    /// Node id.
    pub node: i32,
    /// Sum over the answers.
    pub total_ns: u64,
    /// Longest.
    pub longest_ns: u64,
    /// Answers that said so.
    pub answers: u64,
}

/// Whether a figure drifted over the load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrendReport {
    /// The metric that a limit can be set on: `ack.p50.trend`.
    pub metric: String,
    /// The process, where the metric is about one.
    pub process: Option<String>,
    /// Slope as a share of the median for each minute: 0.01 is one percent more each minute.
    pub per_min: Option<f64>,
    /// Lower end of its interval at a confidence of 99 %.
    pub low_per_min: Option<f64>,
    /// Upper end.
    pub high_per_min: Option<f64>,
    /// Whether it is certain enough that there is a slope.
    pub shown: bool,
    /// Windows that the test rests on.
    pub windows: u64,
    /// Why there is no answer, if there is none.
    pub note: Option<String>,
}
