//! Whole requests to start from: one or more for every API and version that the broker says it serves.

use bytes::{Bytes, BytesMut};
use highwater_wire::frame::{self, LENGTH_BYTES};
use kafka_protocol::messages::ApiKey;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::Request;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use super::batches;
use super::error::FuzzError;
use super::requests::{self, TOPICS};
use super::subject::Subject;

/// Room in front of the records of a Produce request, to be filled with other records.
const PRODUCE_VERSION: i16 = 9;

/// Share of bombs among batches.
const BOMBS: f64 = 0.000_5;

/// Frames without their length, and batches.
pub(crate) struct Corpus {
    frames: Vec<Bytes>,
    batches: Vec<Bytes>,
    bombs: Vec<Bytes>,
}

/// Encodes those of several requests that exist in a version: fields come and go.
macro_rules! frames {
    ($frames:ident, $version:ident: $($request:expr),+ $(,)?) => {{
        $( $frames.push_encoded(&$request, $version); )+
    }};
}

/// The default of each API about which [`requests`] has nothing to say.
macro_rules! defaults {
    ($frames:ident, $api:ident, $version:ident: $($key:ident $request:ty),+ $(,)?) => {
        match $api {
            $( ApiKey::$key => $frames.push_encoded(&<$request>::default(), $version), )+
            _ => {}
        }
    };
}

#[derive(Default)]
struct Frames(Vec<Bytes>);

impl Frames {
    /// Left out where the version does not have one of the fields.
    fn push_encoded<R: Request>(&mut self, request: &R, version: i16) {
        let encoded = frame::encode_request(request, version, 7, "fuzz");
        self.0
            .extend(encoded.map(|frame| frame.freeze().slice(LENGTH_BYTES..)));
    }
}

impl Corpus {
    /// Makes the topics that the requests speak of, and the requests.
    pub(crate) fn of(subject: &Subject) -> Result<Self, FuzzError> {
        let served = subject.ask(&requests::api_versions(), 3)?.api_keys;
        let created = subject.ask(&requests::create_topics(&TOPICS, false), 7)?;
        if let Some(refused) = created.topics.iter().find(|topic| topic.error_code != 0) {
            // A setting may not exist yet; the topic without it does as well.
            let plain = requests::create_topics(&[(TOPICS[0].0, &[])], false);
            let made = subject.ask(&plain, 7)?.topics[0].error_code;
            if refused.name.as_str() == TOPICS[0].0 && made != 0 {
                return Err(FuzzError::Corpus(format!("CreateTopics: error {made}")));
            }
        }
        let id = created
            .topics
            .first()
            .map_or_else(Uuid::nil, |topic| topic.topic_id);
        let batches = batches::all()?;
        let mut frames = Frames::default();
        for entry in served {
            let Ok(api) = ApiKey::try_from(entry.api_key) else {
                continue;
            };
            let before = frames.0.len();
            for version in entry.min_version..=entry.max_version {
                push(&mut frames, api, version, id, &batches);
            }
            if frames.0.len() == before {
                return Err(FuzzError::Corpus(format!("nothing to start from for {api:?}")));
            }
        }
        Ok(Self {
            frames: frames.0,
            batches,
            bombs: batches::bombs()?,
        })
    }

    /// All requests to start from.
    pub(crate) fn frames(&self) -> &[Bytes] {
        &self.frames
    }

    pub(crate) fn frame(&self, random: &mut ChaCha8Rng) -> &Bytes {
        &self.frames[random.random_range(0..self.frames.len())]
    }

    /// A bomb now and then: noticing one takes a thousand times as long as anything else.
    pub(crate) fn batch(&self, random: &mut ChaCha8Rng) -> &Bytes {
        let batches = if random.random_bool(BOMBS) {
            &self.bombs
        } else {
            &self.batches
        };
        &batches[random.random_range(0..batches.len())]
    }

    /// A good Produce request with a batch as it is.
    pub(crate) fn produce(&self, random: &mut ChaCha8Rng, batch: Bytes) -> Bytes {
        let topic = TOPICS[random.random_range(0..TOPICS.len())].0;
        let request = requests::produce(topic, Some(batch));
        frame::encode_request(&request, PRODUCE_VERSION, 7, "fuzz").map_or_else(
            |_| Bytes::new(),
            |frame| BytesMut::freeze(frame).slice(LENGTH_BYTES..),
        )
    }

    /// Writes a record and reads it.
    pub(crate) fn write_and_read(&self, subject: &Subject) -> Result<(), FuzzError> {
        let wrong = |what: String| Err(FuzzError::Corpus(what));
        let name = "fuzz-afterwards";
        let created = subject.ask(&requests::create_topics(&[(name, &[])], false), 7)?;
        if created.topics[0].error_code != 0 {
            return wrong(format!("CreateTopics: {:?}", created.topics[0]));
        }
        let produced = subject.ask(
            &requests::produce(name, Some(self.batches[0].clone())),
            PRODUCE_VERSION,
        )?;
        let partition = &produced.responses[0].partition_responses[0];
        if (partition.error_code, partition.base_offset) != (0, 0) {
            return wrong(format!("Produce: {partition:?}"));
        }
        let fetched = subject.ask(&requests::fetch(name, Uuid::nil()), 12)?;
        let partition = &fetched.responses[0].partitions[0];
        let same = partition
            .records
            .as_ref()
            .is_some_and(|records| records.len() == self.batches[0].len());
        if partition.error_code != 0 || !same {
            return wrong(format!("Fetch: {partition:?}"));
        }
        Ok(())
    }
}

fn push(frames: &mut Frames, api: ApiKey, version: i16, id: Uuid, batches: &[Bytes]) {
    let topic = TOPICS[0].0;
    match api {
        ApiKey::Produce => {
            for batch in batches.iter().filter(|batch| batch.len() < 1 << 10) {
                frames!(frames, version: requests::produce(topic, Some(batch.clone())), requests::produce_by_id(id, batch.clone()));
            }
        }
        ApiKey::Fetch => frames!(frames, version: requests::fetch(topic, id), requests::fetch_by_id(id)),
        ApiKey::Metadata => frames!(frames, version: requests::metadata(topic), MetadataRequest::default()),
        ApiKey::CreateTopics => {
            frames!(frames, version: requests::create_topics(&TOPICS, false), requests::create_topics(&[("fuzz-new", &[])], true));
        }
        ApiKey::DeleteTopics => {
            frames!(frames, version: requests::delete_topics("fuzz-new"), requests::delete_topics_by_id(id));
        }
        ApiKey::ListOffsets => frames!(frames, version: requests::list_offsets(topic)),
        ApiKey::OffsetForLeaderEpoch => frames!(frames, version: requests::leader_epoch(topic)),
        ApiKey::FindCoordinator => {
            frames!(frames, version: requests::coordinator(), requests::coordinators());
        }
        ApiKey::InitProducerId => {
            frames!(frames, version: requests::init_producer(), InitProducerIdRequest::default());
        }
        ApiKey::JoinGroup => frames!(frames, version: requests::join_group()),
        ApiKey::SyncGroup => frames!(frames, version: requests::sync_group()),
        ApiKey::Heartbeat => frames!(frames, version: requests::heartbeat()),
        ApiKey::LeaveGroup => {
            frames!(frames, version: requests::leave_group(), requests::leave_group_together());
        }
        ApiKey::OffsetCommit => frames!(frames, version: requests::offset_commit(topic)),
        ApiKey::OffsetFetch => {
            frames!(frames, version: requests::offset_fetch(topic), requests::offset_fetch_of_groups(topic));
        }
        ApiKey::OffsetDelete => frames!(frames, version: requests::offset_delete(topic)),
        ApiKey::AddPartitionsToTxn => {
            frames!(frames, version: requests::add_partitions(topic), requests::add_partitions_together(topic));
        }
        ApiKey::AddOffsetsToTxn => frames!(frames, version: requests::add_offsets()),
        ApiKey::TxnOffsetCommit => frames!(frames, version: requests::txn_offset_commit(topic)),
        ApiKey::EndTxn => frames!(frames, version: requests::end_txn()),
        ApiKey::DeleteRecords => frames!(frames, version: requests::delete_records(topic)),
        ApiKey::DescribeConfigs => frames!(frames, version: requests::describe_configs(topic)),
        ApiKey::AlterConfigs => frames!(frames, version: requests::alter_configs(topic)),
        ApiKey::IncrementalAlterConfigs => {
            frames!(frames, version: requests::incremental_alter_configs(topic));
        }
        ApiKey::CreatePartitions => frames!(frames, version: requests::create_partitions(topic)),
        ApiKey::ApiVersions => frames!(frames, version: requests::api_versions()),
        ApiKey::DescribeGroups => frames!(frames, version: requests::describe_groups()),
        ApiKey::DeleteGroups => frames!(frames, version: requests::delete_groups()),
        ApiKey::DescribeProducers => frames!(frames, version: requests::describe_producers(topic)),
        ApiKey::DescribeTransactions => frames!(frames, version: requests::describe_transactions()),
        ApiKey::AlterPartitionReassignments => frames!(frames, version: requests::reassign(topic)),
        _ => defaults!(frames, api, version:
            ListGroups ListGroupsRequest,
            ListTransactions ListTransactionsRequest,
            ListPartitionReassignments ListPartitionReassignmentsRequest,
            DescribeCluster DescribeClusterRequest,
            DescribeTopicPartitions DescribeTopicPartitionsRequest,
            DescribeLogDirs DescribeLogDirsRequest,
            DescribeAcls DescribeAclsRequest,
            DescribeQuorum DescribeQuorumRequest,
            DescribeClientQuotas DescribeClientQuotasRequest,
            ElectLeaders ElectLeadersRequest,
            WriteTxnMarkers WriteTxnMarkersRequest,
            ConsumerGroupHeartbeat ConsumerGroupHeartbeatRequest,
            ConsumerGroupDescribe ConsumerGroupDescribeRequest,
            GetTelemetrySubscriptions GetTelemetrySubscriptionsRequest,
            ListConfigResources ListConfigResourcesRequest,
            UpdateFeatures UpdateFeaturesRequest,
            SaslHandshake SaslHandshakeRequest,
        ),
    }
}
