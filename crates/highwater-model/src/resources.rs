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
}
