//! The loops that look through all logs for what may go: retention, and compaction.
//!
//! Invariant: one log at a time and never two passes over the same one at once, so that a pass costs
//! the memory of one log. An error concerns one log, is told, and tried again the next time.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cluster::Cluster;
use crate::log::LogError;
use crate::partition::Partition;

/// Milliseconds since 1970.
pub(crate) fn time_of_day_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Applies retention to every log, again and again.
pub(crate) async fn run_retention(cluster: Arc<Cluster>) {
    let interval = cluster.config.retention_interval;
    run(cluster, interval, |partition, now_ms| {
        partition.retain(now_ms).map(|removed| {
            if removed > 0 {
                tracing::info!(topic = %partition.place.topic, partition = partition.place.partition, removed, "segments were removed");
            }
        })
    })
    .await;
}

/// Compacts every log that is worth it, again and again.
pub(crate) async fn run_compaction(cluster: Arc<Cluster>) {
    let interval = cluster.config.cleaner_interval;
    run(cluster, interval, |partition, now_ms| {
        partition.compact(now_ms).map(|compacted| {
            if compacted {
                tracing::info!(topic = %partition.place.topic, partition = partition.place.partition, "compacted");
            }
        })
    })
    .await;
}

async fn run(cluster: Arc<Cluster>, interval: Duration, work: fn(&Partition, i64) -> Result<(), LogError>) {
    loop {
        tokio::time::sleep(interval).await;
        let cluster = Arc::clone(&cluster);
        // Files are read and removed: not on a thread that serves connections.
        let pass = tokio::task::spawn_blocking(move || {
            for topic in cluster.topics.all() {
                for partition in &topic.partitions {
                    if let Err(error) = work(partition, time_of_day_ms()) {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(topic = %topic.name, partition = partition.place.partition, error, "cleaning failed");
                    }
                }
            }
        });
        if let Err(error) = pass.await {
            tracing::error!(%error, "cleaning failed");
        }
    }
}
