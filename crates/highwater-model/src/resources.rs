use serde::{Deserialize, Serialize};

/// What a process is for in the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessRole {
    /// Highwater itself: producers, consumers, bookkeeping.
    Generator,
    /// A Kafka broker.
    Broker,
    /// The program under test.
    Pipeline,
    /// A database whose changes are captured.
    Database,
    /// A Kafka Connect worker with its connectors.
    Connector,
}

/// One reading of one process, from `/proc`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceSample {
    /// Moment of the reading.
    pub at_ns: u64,
    /// Name of the process in the run, e.g. `dev broker`.
    pub process: String,
    /// Role of the process.
    pub role: ProcessRole,
    /// Process id; changes when the process is started again.
    pub pid: u32,
    /// CPU used since the previous reading, in cores (1.0 = one core fully used); none in the first reading.
    pub cpu_cores: Option<f64>,
    /// CPU seconds used since the process started, user and system.
    pub cpu_seconds_total: f64,
    /// Resident memory.
    pub resident_bytes: u64,
    /// Bytes that reached the disk since the process started (`write_bytes`); none where not readable.
    pub disk_written_bytes: Option<u64>,
    /// Bytes fetched from the disk since the process started (`read_bytes`); none where not readable.
    pub disk_read_bytes: Option<u64>,
    /// Open file descriptors; none where not readable.
    pub descriptors: Option<u64>,
}

/// All readings of one process with their summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessResources {
    /// Name of the process in the run.
    pub process: String,
    /// Role of the process.
    pub role: ProcessRole,
    /// Mean CPU over the load, in cores.
    pub cpu_cores_mean: Option<f64>,
    /// Highest reading of CPU, in cores.
    pub cpu_cores_peak: Option<f64>,
    /// CPU seconds used during the load window, over all incarnations of the process.
    pub cpu_seconds: f64,
    /// Mean resident memory.
    pub resident_bytes_mean: Option<u64>,
    /// Highest resident memory.
    pub resident_bytes_peak: Option<u64>,
    /// Bytes written to disk, over all incarnations.
    pub disk_written_bytes: Option<u64>,
    /// Bytes read from disk, over all incarnations.
    pub disk_read_bytes: Option<u64>,
    /// Highest number of open descriptors.
    pub descriptors_peak: Option<u64>,
    /// What its garbage collector did during the load; none of a process that is no JVM of Highwater's own.
    #[serde(default)]
    pub collector: Option<Collector>,
}

/// What the garbage collector of a JVM did during the load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Collector {
    /// Pauses.
    pub pauses: u64,
    /// Time of all of them.
    pub paused_ns: u64,
    /// Longest pause.
    pub longest_ns: u64,
    /// Share of the load's time that the JVM stood still.
    pub share: f64,
    /// Most of the heap that was in use after a pause: what is really needed.
    pub heap_after_peak_bytes: u64,
    /// Size of the heap, as of the last pause.
    pub heap_bytes: u64,
}

/// One pause of a JVM's garbage collector, from its log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GcPause {
    /// When it ended.
    pub at_ns: u64,
    /// Name of the process in the run.
    pub process: String,
    /// What kind of pause, in the collector's words: `Young (Normal) (G1 Evacuation Pause)`.
    pub kind: String,
    /// How long the JVM stood still.
    pub pause_ns: u64,
    /// Heap in use before.
    pub heap_before_bytes: u64,
    /// Heap in use after.
    pub heap_after_bytes: u64,
    /// Size of the heap.
    pub heap_bytes: u64,
}

/// Network of the whole host within the second before the moment: what `/proc` knows of single processes is the
/// network of all that share their namespace, so it is not told as theirs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSample {
    /// Moment of the reading.
    pub at_ns: u64,
    /// Bytes per second over loopback.
    pub loopback_bytes_per_s: u64,
    /// Bytes per second received over all other interfaces.
    pub received_bytes_per_s: u64,
    /// Bytes per second sent over all other interfaces.
    pub sent_bytes_per_s: u64,
}

/// Resources of everything that took part.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// One entry for each process, in order of first appearance.
    pub processes: Vec<ProcessResources>,
    /// The readings themselves, in order of time.
    pub samples: Vec<ResourceSample>,
    /// Bytes received over all network interfaces of the host, loopback included, during the run.
    pub host_network_received_bytes: Option<u64>,
    /// Bytes sent over all network interfaces of the host, loopback included, during the run.
    pub host_network_sent_bytes: Option<u64>,
    /// Network of the host, each second.
    #[serde(default)]
    pub network: Vec<NetworkSample>,
    /// Pauses of the garbage collectors of supervised JVMs, in order of time.
    #[serde(default)]
    pub pauses: Vec<GcPause>,
    /// CPU that all this reading took itself, in cores.
    #[serde(default)]
    pub sampler_cpu_cores: Option<f64>,
}
