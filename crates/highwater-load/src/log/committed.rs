use std::collections::BTreeMap;

use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{GroupId, OffsetFetchRequest, TopicName};

use super::LogError;
use super::cluster::{Cluster, text};

/// The last version with one group for each request.
const OFFSET_FETCH_VERSION: i16 = 7;

/// What a group committed in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The offset that it goes on from.
    pub offset: i64,
    /// What it wrote beside it.
    pub metadata: String,
}

/// What a group committed in partitions of a topic; those without a commit are left out.
///
/// # Errors
/// No broker answers; the coordinator refuses.
pub fn committed(
    bootstrap: &str,
    group: &str,
    topic: &str,
    partitions: &[i32],
) -> Result<BTreeMap<i32, Committed>, LogError> {
    let mut cluster = Cluster::open(bootstrap)?;
    let node = cluster.coordinator(group)?;
    let asked = OffsetFetchRequestTopic::default()
        .with_name(TopicName(text(topic)))
        .with_partition_indexes(partitions.to_vec());
    let request = OffsetFetchRequest::default()
        .with_group_id(GroupId(text(group)))
        .with_topics(Some(vec![asked]))
        .with_require_stable(true);
    let answer = cluster.call("OffsetFetch", node, &request, OFFSET_FETCH_VERSION)?;
    let refused = |code| LogError::Refused {
        api: "OffsetFetch",
        subject: group.to_owned(),
        code,
    };
    if answer.error_code != 0 {
        return Err(refused(answer.error_code));
    }
    let mut all = BTreeMap::new();
    for found in answer.topics.into_iter().flat_map(|topic| topic.partitions) {
        if found.error_code != 0 {
            return Err(refused(found.error_code));
        }
        if found.committed_offset >= 0 {
            let committed = Committed {
                offset: found.committed_offset,
                metadata: found.metadata.map(|text| text.to_string()).unwrap_or_default(),
            };
            all.insert(found.partition_index, committed);
        }
    }
    Ok(all)
}
