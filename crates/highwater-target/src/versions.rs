//! What a broker has to speak, so that a run against it can begin.
//!
//! Invariant: whatever is missing is named with the version of Kafka that has it; nothing is tried that would fail later.

use kafka_protocol::messages::ApiKey;
use kafka_protocol::messages::api_versions_response::ApiVersion;

/// A request that runs send, the version in which they send it, and the first Kafka that speaks that.
struct Needed(ApiKey, i16, &'static str);

/// The client library comes down to what a broker speaks; these are what the harness itself asks, and what the library
/// can't do without.
const NEEDED: [Needed; 10] = [
    Needed(ApiKey::Metadata, 9, "2.4"),
    Needed(ApiKey::Produce, 3, "0.11"),
    Needed(ApiKey::InitProducerId, 0, "0.11"),
    Needed(ApiKey::Fetch, 4, "0.11"),
    Needed(ApiKey::ListOffsets, 2, "0.11"),
    Needed(ApiKey::FindCoordinator, 0, "0.9"),
    Needed(ApiKey::OffsetFetch, 1, "0.9"),
    Needed(ApiKey::CreateTopics, 0, "0.10.1"),
    Needed(ApiKey::DeleteTopics, 0, "0.10.1"),
    Needed(ApiKey::DeleteGroups, 0, "1.1"),
];

/// What is missing in what a broker says it speaks; none if nothing is.
pub(crate) fn missing(spoken: &[ApiVersion]) -> Option<String> {
    NEEDED.iter().find_map(|Needed(api, version, since)| {
        let range = spoken.iter().find(|range| range.api_key == *api as i16);
        match range {
            None => Some(format!("it has no {api:?}, which Kafka {since} and newer have")),
            Some(range) if range.max_version < *version => Some(format!(
                "it speaks {api:?} only up to version {}; version {version} is needed, which Kafka {since} and newer \
                 speak",
                range.max_version
            )),
            Some(_) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<ApiVersion> {
        let range = |Needed(api, version, _): &Needed| {
            ApiVersion::default()
                .with_api_key(*api as i16)
                .with_max_version(*version)
        };
        NEEDED.iter().map(range).collect()
    }

    #[test]
    fn what_is_missing_is_named_with_the_kafka_that_has_it() {
        assert_eq!(missing(&all()), None);
        let mut spoken = all();
        spoken[0].max_version = 5;
        assert_eq!(
            missing(&spoken).as_deref(),
            Some(
                "it speaks Metadata only up to version 5; version 9 is needed, which Kafka 2.4 and newer speak"
            )
        );
        spoken.remove(0);
        assert_eq!(
            missing(&spoken).as_deref(),
            Some("it has no Metadata, which Kafka 2.4 and newer have")
        );
        let mut spoken = all();
        spoken.pop();
        assert_eq!(
            missing(&spoken).as_deref(),
            Some("it has no DeleteGroups, which Kafka 1.1 and newer have")
        );
    }
}
