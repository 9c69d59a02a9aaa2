//! All groups of a cluster, in a handful of requests to each broker.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use highwater_model::{LAG_SCHEMA_VERSION, LagGroup, LagPartition, LagSample, LagSurvey};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::{
    BrokerId, DescribeConfigsRequest, DescribeGroupsRequest, FindCoordinatorRequest, GroupId,
    ListGroupsRequest, ListOffsetsRequest, OffsetFetchRequest, TopicName,
};

use super::ages::Ages;
use crate::log::LogError;
use crate::log::cluster::{Cluster, text};

/// With the state of each group; Kafka 2.6 and later.
const LIST_GROUPS_VERSION: i16 = 4;
/// Flexible; Kafka 2.4 and later.
const DESCRIBE_GROUPS_VERSION: i16 = 5;
/// The first with many groups in one request; Kafka 3.0 and later.
const OFFSET_FETCH_VERSION: i16 = 8;
/// The first with many keys in one request; Kafka 3.0 and later.
const COORDINATOR_VERSION: i16 = 4;
pub(super) const LIST_OFFSETS_VERSION: i16 = 5;
const DESCRIBE_CONFIGS_VERSION: i16 = 4;
const GROUP: i8 = 0;
const TOPIC_RESOURCE: i8 = 2;
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const COMMITTED_ONLY: i8 = 1;
/// What a topic keeps and whether is asked for again after this time.
const SETTINGS_LAST: Duration = Duration::from_mins(5);

/// A partition by topic and number.
pub(super) type Place = (String, i32);

/// What is looked at.
#[derive(Debug, Clone, Default)]
pub struct SurveyOptions {
    /// These groups, by name or with `*` for any text; all if there are none.
    pub groups: Vec<String>,
    /// Whether the age of what a group reads next is looked for. It takes some more requests.
    pub ages: bool,
}

/// Asks again and again over the same connections.
#[derive(Debug)]
pub struct Survey {
    cluster: Cluster,
    options: SurveyOptions,
    ages: Ages,
    retention: BTreeMap<String, (Instant, Option<i64>)>,
    requests: u64,
}

/// What was committed in a partition, or the error instead.
type Committed = BTreeMap<Place, Result<i64, i16>>;

impl Survey {
    /// Connects; `bootstrap` is `host:port`, or several with commas.
    ///
    /// # Errors
    /// No broker answers.
    pub fn open(bootstrap: &str, options: SurveyOptions) -> Result<Self, LogError> {
        Ok(Self {
            cluster: Cluster::open(bootstrap)?,
            options,
            ages: Ages::default(),
            retention: BTreeMap::new(),
            requests: 0,
        })
    }

    /// One reading of all groups.
    ///
    /// # Errors
    /// A broker does not answer or refuses. A partition that can't be read is no error: its reading says so.
    pub fn read(&mut self) -> Result<LagSurvey, LogError> {
        let began = Instant::now();
        let at_ms = now_ms();
        self.requests = 0;
        let mut groups = self.groups()?;
        let coordinators = self.coordinators(groups.keys())?;
        let mut committed: BTreeMap<String, Committed> = BTreeMap::new();
        for (node, names) in &coordinators {
            self.describe(*node, names, &mut groups)?;
            committed.extend(self.committed(*node, names)?);
        }
        let places: BTreeSet<Place> = committed.values().flat_map(|one| one.keys().cloned()).collect();
        let leaders = self.leaders(&places)?;
        // After the committed offsets, and the start last: so no lag is negative.
        let stable = self.offsets(&leaders, LATEST, COMMITTED_ONLY)?;
        let ends = self.offsets(&leaders, LATEST, 0)?;
        let starts = self.offsets(&leaders, EARLIEST, 0)?;
        let topics: BTreeSet<&String> = places.iter().map(|(topic, _)| topic).collect();
        let retention = self.retention(&topics)?;
        let behind = if self.options.ages {
            let wanted = committed.values().flatten().filter_map(|(place, offset)| {
                let offset = *offset.as_ref().ok()?;
                let left = stable.get(place)?.as_ref().ok()? > &offset;
                left.then(|| (place.clone(), offset))
            });
            let wanted: BTreeSet<(Place, i64)> = wanted.collect();
            self.ages
                .of(&mut self.cluster, &leaders, &wanted, at_ms, &mut self.requests)?
        } else {
            BTreeMap::new()
        };
        for (name, group) in &mut groups {
            for (place, offset) in committed.remove(name).unwrap_or_default() {
                let sample = sample(&place, offset, [&stable, &ends, &starts]).map(|sample| LagSample {
                    at_ms,
                    behind_ms: offset
                        .ok()
                        .and_then(|offset| behind.get(&(place.clone(), offset)).copied()),
                    retention_ms: retention.get(&place.0).copied().flatten(),
                    members: group.members,
                    ..sample
                });
                let sample = sample.unwrap_or_else(|reason| LagSample {
                    at_ms,
                    unreadable: Some(reason),
                    ..LagSample::default()
                });
                group.partitions.push(LagPartition {
                    topic: place.0,
                    partition: place.1,
                    state: sample.state(),
                    sample,
                    judgement: None,
                });
            }
        }
        Ok(LagSurvey {
            schema_version: LAG_SCHEMA_VERSION,
            at_ms,
            took_ns: u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX),
            requests: self.requests,
            groups: groups.into_values().collect(),
        })
    }

    fn groups(&mut self) -> Result<BTreeMap<String, LagGroup>, LogError> {
        let mut groups = BTreeMap::new();
        for node in self.cluster.nodes() {
            let request = ListGroupsRequest::default();
            self.requests += 1;
            let answer = self
                .cluster
                .call("ListGroups", node, &request, LIST_GROUPS_VERSION)?;
            accepted("ListGroups", &format!("node {node}"), answer.error_code)?;
            for group in answer.groups {
                let name = group.group_id.0.to_string();
                let wanted = &self.options.groups;
                if wanted.is_empty() || wanted.iter().any(|pattern| matches(pattern, &name)) {
                    groups.insert(
                        name.clone(),
                        LagGroup {
                            name,
                            state: group.group_state.to_string(),
                            ..LagGroup::default()
                        },
                    );
                }
            }
        }
        Ok(groups)
    }

    fn coordinators<'a>(
        &mut self,
        names: impl Iterator<Item = &'a String>,
    ) -> Result<BTreeMap<i32, Vec<String>>, LogError> {
        let keys: Vec<_> = names.map(|name| text(name)).collect();
        let mut coordinators: BTreeMap<i32, Vec<String>> = BTreeMap::new();
        let Some(node) = self.cluster.nodes().first().copied().filter(|_| !keys.is_empty()) else {
            return Ok(coordinators);
        };
        let request = FindCoordinatorRequest::default()
            .with_key_type(GROUP)
            .with_coordinator_keys(keys);
        self.requests += 1;
        let answer = self
            .cluster
            .call("FindCoordinator", node, &request, COORDINATOR_VERSION)?;
        for one in answer.coordinators {
            accepted("FindCoordinator", &one.key, one.error_code)?;
            coordinators
                .entry(one.node_id.0)
                .or_default()
                .push(one.key.to_string());
        }
        Ok(coordinators)
    }

    fn describe(
        &mut self,
        node: i32,
        names: &[String],
        groups: &mut BTreeMap<String, LagGroup>,
    ) -> Result<(), LogError> {
        let request = DescribeGroupsRequest::default()
            .with_groups(names.iter().map(|name| GroupId(text(name))).collect());
        self.requests += 1;
        let answer = self
            .cluster
            .call("DescribeGroups", node, &request, DESCRIBE_GROUPS_VERSION)?;
        for described in answer.groups {
            let Some(group) = groups.get_mut(described.group_id.0.as_str()) else {
                continue;
            };
            // Groups of KIP-848 are told to be dead to those who ask in the classic way.
            if described.error_code == 0 && &*described.group_state != "Dead" {
                group.members = u32::try_from(described.members.len()).ok();
                group.state = described.group_state.to_string();
            }
        }
        Ok(())
    }

    fn committed(&mut self, node: i32, names: &[String]) -> Result<BTreeMap<String, Committed>, LogError> {
        let groups = names.iter().map(|name| {
            // No topics: all that the group committed in.
            OffsetFetchRequestGroup::default()
                .with_group_id(GroupId(text(name)))
                .with_topics(None)
        });
        let request = OffsetFetchRequest::default().with_groups(groups.collect());
        self.requests += 1;
        let answer = self
            .cluster
            .call("OffsetFetch", node, &request, OFFSET_FETCH_VERSION)?;
        let mut all = BTreeMap::new();
        for group in answer.groups {
            let name = group.group_id.0.to_string();
            accepted("OffsetFetch", &name, group.error_code)?;
            let mut committed = Committed::new();
            for topic in group.topics {
                for partition in topic.partitions {
                    let place = (topic.name.0.to_string(), partition.partition_index);
                    let offset = match partition.error_code {
                        0 => Ok(partition.committed_offset),
                        code => Err(code),
                    };
                    committed.insert(place, offset);
                }
            }
            all.insert(name, committed);
        }
        Ok(all)
    }

    /// The places by their leaders. What has no leader or is gone is left out.
    fn leaders(&mut self, places: &BTreeSet<Place>) -> Result<BTreeMap<i32, Vec<Place>>, LogError> {
        let topics: BTreeSet<&str> = places.iter().map(|(topic, _)| topic.as_str()).collect();
        let topics: Vec<&str> = topics.into_iter().collect();
        let mut leaders: BTreeMap<i32, Vec<Place>> = BTreeMap::new();
        if topics.is_empty() {
            return Ok(leaders);
        }
        self.requests += 1;
        for (place, leader) in self.cluster.metadata_of_those_there(&topics)? {
            if leader >= 0 && places.contains(&place) {
                leaders.entry(leader).or_default().push(place);
            }
        }
        Ok(leaders)
    }

    fn offsets(
        &mut self,
        leaders: &BTreeMap<i32, Vec<Place>>,
        timestamp: i64,
        isolation: i8,
    ) -> Result<BTreeMap<Place, Result<i64, i16>>, LogError> {
        let mut offsets = BTreeMap::new();
        for (node, places) in leaders {
            let asked = places.iter().map(|place| (place, timestamp));
            self.requests += 1;
            let answer = list_offsets(&mut self.cluster, *node, asked, isolation)?;
            offsets.extend(
                answer
                    .into_iter()
                    .map(|(place, found)| (place, found.map(|found| found.offset))),
            );
        }
        Ok(offsets)
    }

    fn retention(&mut self, topics: &BTreeSet<&String>) -> Result<BTreeMap<String, Option<i64>>, LogError> {
        let known = &self.retention;
        let stale = |topic: &str| {
            known
                .get(topic)
                .is_none_or(|(at, _)| at.elapsed() > SETTINGS_LAST)
        };
        let asked: Vec<&&String> = topics.iter().filter(|topic| stale(topic)).collect();
        if let Some(node) = self
            .cluster
            .nodes()
            .first()
            .copied()
            .filter(|_| !asked.is_empty())
        {
            let resources = asked.iter().map(|topic| {
                DescribeConfigsResource::default()
                    .with_resource_type(TOPIC_RESOURCE)
                    .with_resource_name(text(topic))
                    .with_configuration_keys(Some(vec![text("retention.ms"), text("cleanup.policy")]))
            });
            let request = DescribeConfigsRequest::default().with_resources(resources.collect());
            self.requests += 1;
            let answer = self
                .cluster
                .call("DescribeConfigs", node, &request, DESCRIBE_CONFIGS_VERSION)?;
            let now = Instant::now();
            for result in answer.results {
                let setting = |name: &str| {
                    let one = result.configs.iter().find(|config| &*config.name == name);
                    one.and_then(|config| config.value.as_ref())
                        .map(ToString::to_string)
                };
                // Who may not see settings gets an error for the topic: then it is not known.
                let deleted = setting("cleanup.policy").is_none_or(|policy| policy.contains("delete"));
                let kept = setting("retention.ms").and_then(|text| text.parse::<i64>().ok());
                let kept = kept.filter(|ms| *ms >= 0 && deleted);
                self.retention
                    .insert(result.resource_name.to_string(), (now, kept));
            }
        }
        let of = |topic: &&String| {
            let known = self.retention.get(*topic).and_then(|(_, ms)| *ms);
            ((*topic).clone(), known)
        };
        Ok(topics.iter().map(of).collect())
    }
}

/// What stands at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct FoundOffset {
    pub(super) offset: i64,
    /// Of the record there; -1 if it was asked for an end.
    pub(super) timestamp: i64,
}

/// For each place the first offset at or after a timestamp, or an end. One request.
pub(super) fn list_offsets<'a>(
    cluster: &mut Cluster,
    node: i32,
    asked: impl Iterator<Item = (&'a Place, i64)>,
    isolation: i8,
) -> Result<BTreeMap<Place, Result<FoundOffset, i16>>, LogError> {
    let mut topics: BTreeMap<&str, Vec<ListOffsetsPartition>> = BTreeMap::new();
    for ((topic, partition), timestamp) in asked {
        topics.entry(topic).or_default().push(
            ListOffsetsPartition::default()
                .with_partition_index(*partition)
                .with_timestamp(timestamp),
        );
    }
    let topics = topics.into_iter().map(|(topic, partitions)| {
        ListOffsetsTopic::default()
            .with_name(TopicName(text(topic)))
            .with_partitions(partitions)
    });
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_isolation_level(isolation)
        .with_topics(topics.collect());
    let answer = cluster.call("ListOffsets", node, &request, LIST_OFFSETS_VERSION)?;
    let mut found = BTreeMap::new();
    for topic in answer.topics {
        for partition in topic.partitions {
            let place = (topic.name.0.to_string(), partition.partition_index);
            let result = match partition.error_code {
                0 => Ok(FoundOffset {
                    offset: partition.offset,
                    timestamp: partition.timestamp,
                }),
                code => Err(code),
            };
            found.insert(place, result);
        }
    }
    Ok(found)
}

/// A reading without what holds for the whole group; or why there is none.
fn sample(
    place: &Place,
    committed: Result<i64, i16>,
    [stable, ends, starts]: [&BTreeMap<Place, Result<i64, i16>>; 3],
) -> Result<LagSample, String> {
    let refused = |api: &str, code: i16| match highwater_wire::api::error_name(code) {
        Some(name) => format!("{api}: {name}"),
        None => format!("{api}: error {code}"),
    };
    let committed = committed.map_err(|code| refused("OffsetFetch", code))?;
    let of = |offsets: &BTreeMap<Place, Result<i64, i16>>| match offsets.get(place) {
        Some(Ok(offset)) => Ok(*offset),
        Some(Err(code)) => Err(refused("ListOffsets", *code)),
        None => Err("the partition is gone, or has no leader".to_owned()),
    };
    Ok(LagSample {
        committed: (committed >= 0).then_some(committed),
        log_start: of(starts)?,
        high_watermark: of(ends)?,
        last_stable: of(stable)?,
        ..LagSample::default()
    })
}

fn accepted(api: &'static str, subject: &str, code: i16) -> Result<(), LogError> {
    if code == 0 {
        return Ok(());
    }
    Err(LogError::Refused {
        api,
        subject: subject.to_owned(),
        code,
    })
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Whether a name fits a pattern, in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("billing", "billing", true),
            ("billing", "billing-2", false),
            ("billing*", "billing-2", true),
            ("*ing", "billing", true),
            ("b*l*g", "billing", true),
            ("b*x*g", "billing", false),
            ("*", "", true),
            ("a*a", "a", false),
            ("a**b", "a-b", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
