//! The work that every tool offers.

/// Most records that wait in a client, and most bytes; the same for every tool that can be told.
pub(crate) const QUEUE_RECORDS: u64 = 20_000;
pub(crate) const QUEUE_KIB: u64 = 1 << 20;
/// How long a client waits for a batch to fill.
pub(crate) const LINGER_MS: u64 = 5;

/// Records of 100 bytes in a saturating measurement: some seconds on a small machine.
const SMALL_RECORDS: f64 = 5_000_000.0;
/// Records of 5 KiB: 1.5 GB, so that the broker's disk is not all that is measured.
const LARGE_RECORDS: f64 = 300_000.0;

/// One piece of work.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) records: u64,
    /// None for as fast as possible.
    pub(crate) per_s: Option<u64>,
    pub(crate) partitions: u32,
}

/// Every case in the order in which it is measured.
pub(crate) fn all(seconds: u64, scale: f64) -> Vec<Case> {
    let saturating = |name: &str, bytes, records: f64| Case {
        name: format!("max × {name}"),
        bytes,
        records: (records * scale) as u64,
        per_s: None,
        partitions: 3,
    };
    let paced = |per_s, name: &str, bytes| Case {
        name: format!("{per_s}/s × {name}"),
        bytes,
        records: per_s * seconds,
        per_s: Some(per_s),
        partitions: 3,
    };
    vec![
        saturating("100 B", 100, SMALL_RECORDS),
        saturating("5 KiB", 5 * 1_024, LARGE_RECORDS),
        paced(1_000, "5 KiB", 5 * 1_024),
        paced(5_000, "5 KiB", 5 * 1_024),
        paced(50_000, "100 B", 100),
    ]
}
