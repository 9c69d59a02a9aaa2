//! A model of what transactions promise, run against the coordinator and real partitions.
//!
//! Producers take over, write, commit, abort, are too slow, repeat requests of before, and the broker
//! dies and comes back at any point. The model keeps a list of what each transaction wrote; after every
//! step the partitions must show what the model says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use highwater_wire::BatchBuilder;
use highwater_wire::batch::{BatchHeader, Batches, Step as BatchStep};
use highwater_wire::control::{Marker, MarkerKind};
use kafka_protocol::error::ResponseError;
use proptest::prelude::*;

use super::coordinator::{Ended, Identity, Surroundings, Transactions};
use super::state::{Ending, Phase, Place, Version};
use crate::bugs;
use crate::config::{BrokerConfig, TransactionVersion};
use crate::data_dir::Durability;
use crate::error::BrokerError;
use crate::leadership::Leadership;
use crate::partition::{Admission, AppendError, Isolation, MarkerError, MarkerOrder, Partition};
use crate::topic_config::TopicConfig;

const PARTITIONS: i32 = 3;
const IDS: [&str; 3] = ["a", "b", "c"];
const TIMEOUT_MS: i32 = 10_000;

/// The broker around the coordinator, with a clock of its own.
struct World {
    dir: PathBuf,
    now_ms: AtomicI64,
    next_id: AtomicI64,
    partitions: Vec<Partition>,
    /// Markers until one cannot be written.
    markers_left: AtomicI64,
}

/// Small, so that what survives a crash comes from snapshots of closed segments too.
const SEGMENT_BYTES: u64 = 800;

fn no_bugs() -> bugs::Switches {
    bugs::Switches {
        on: BTreeSet::new(),
        journal: None,
    }
}

fn open_partitions(dir: &Path) -> Vec<Partition> {
    let mut broker = BrokerConfig::new(([127, 0, 0, 1], 0).into(), dir);
    broker.segment_bytes = SEGMENT_BYTES;
    let config = TopicConfig::default().log_config(&broker);
    (0..PARTITIONS)
        .map(|partition| {
            let dir = dir.join(partition.to_string());
            std::fs::create_dir_all(&dir).expect("dir");
            let place = bugs::Place {
                topic: Arc::from("t"),
                partition,
            };
            let leadership = Leadership {
                replicas: Arc::from([1]),
                leader: 1,
                epoch: 0,
            };
            let opened = Partition::open(&dir, place, config, leadership, &no_bugs(), &[]);
            opened.expect("opens")
        })
        .collect()
}

impl Surroundings for World {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn fresh_id(&self) -> Result<i64, ResponseError> {
        Ok(self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    fn end_in(&self, place: &Place, ended: &Ended) -> Result<(), BrokerError> {
        if self.markers_left.fetch_sub(1, Ordering::Relaxed) <= 0 {
            return Err(BrokerError::DataDir {
                action: "write",
                path: self.dir.clone(),
                source: std::io::ErrorKind::StorageFull.into(),
            });
        }
        let kind = match ended.ending {
            Ending::Commit => MarkerKind::Commit,
            Ending::Abort => MarkerKind::Abort,
        };
        let order = MarkerOrder {
            producer_id: ended.producer.producer_id,
            producer_epoch: ended.producer.epoch,
            marker: Marker {
                kind,
                coordinator_epoch: 0,
            },
            raised_epoch: ended.version == Version::Two,
            timestamp_ms: ended.now_ms,
        };
        let index = usize::try_from(place.partition).expect("small");
        match self.partitions[index].append_marker(&order, Duration::ZERO) {
            Ok(()) | Err(MarkerError::Refused(_)) => Ok(()),
            Err(error) => panic!("{error}"),
        }
    }
}

/// What a client instance believes.
#[derive(Debug, Clone)]
struct Instance {
    transactional_id: usize,
    identity: Identity,
    version: Version,
    sequences: BTreeMap<i32, i32>,
    /// Values of the transaction that it has open, as far as they were acknowledged.
    written: Vec<(i32, u32)>,
    /// Its last EndTxn, to be repeated.
    last_end: Option<(Identity, Ending)>,
}

#[derive(Debug, Clone)]
enum Action {
    Init {
        id: usize,
        two: bool,
    },
    Write {
        instance: usize,
        partition: i32,
    },
    End {
        instance: usize,
        commit: bool,
    },
    RepeatEnd {
        instance: usize,
    },
    Wait {
        ms: i64,
    },
    /// Markers fail after so many; the next crash finds a prepared transaction.
    FailMarkers {
        after: i64,
    },
    Crash,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        2 => (0..IDS.len(), any::<bool>()).prop_map(|(id, two)| Action::Init { id, two }),
        8 => (0..8usize, 0..PARTITIONS).prop_map(|(instance, partition)| Action::Write { instance, partition }),
        4 => (0..8usize, any::<bool>()).prop_map(|(instance, commit)| Action::End { instance, commit }),
        1 => (0..8usize).prop_map(|instance| Action::RepeatEnd { instance }),
        1 => (0..12_000i64).prop_map(|ms| Action::Wait { ms }),
        1 => (0..3i64).prop_map(|after| Action::FailMarkers { after }),
        1 => Just(Action::Crash),
    ]
}

struct Run {
    world: World,
    transactions: Option<Transactions>,
    instances: Vec<Instance>,
    /// The instance that each transactional id was last given to.
    owners: BTreeMap<usize, usize>,
    committed: BTreeSet<u32>,
    aborted: BTreeSet<u32>,
    next_value: u32,
}

impl Run {
    fn new(dir: &Path) -> Self {
        let world = World {
            dir: dir.to_owned(),
            now_ms: AtomicI64::new(1_000_000),
            next_id: AtomicI64::new(1),
            partitions: open_partitions(dir),
            markers_left: AtomicI64::new(i64::MAX),
        };
        let mut run = Self {
            world,
            transactions: None,
            instances: Vec::new(),
            owners: BTreeMap::new(),
            committed: BTreeSet::new(),
            aborted: BTreeSet::new(),
            next_value: 0,
        };
        run.open_coordinator();
        run
    }

    fn open_coordinator(&mut self) {
        let opened = Transactions::open(
            &self.world.dir,
            Durability::Process,
            TransactionVersion::Two,
            &no_bugs(),
        );
        let transactions = opened.expect("opens");
        transactions.finish_prepared(&self.world);
        self.transactions = Some(transactions);
    }

    fn transactions(&self) -> &Transactions {
        self.transactions.as_ref().expect("open")
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Init { id, two } => self.init(id, two),
            Action::Write { instance, partition } => self.write(instance, partition),
            Action::End { instance, commit } => self.end(instance, commit),
            Action::RepeatEnd { instance } => self.repeat_end(instance),
            Action::Wait { ms } => {
                self.world.now_ms.fetch_add(ms, Ordering::Relaxed);
                self.transactions().tick(&self.world);
                self.note_timeouts();
            }
            Action::FailMarkers { after } => self.world.markers_left.store(after, Ordering::Relaxed),
            Action::Crash => {
                self.transactions = None;
                self.world.partitions = open_partitions(&self.world.dir);
                self.world.markers_left.store(i64::MAX, Ordering::Relaxed);
                self.open_coordinator();
            }
        }
    }

    /// Whatever the owner had open is aborted.
    fn abort_open(&mut self, id: usize) {
        if let Some(&owner) = self.owners.get(&id) {
            let written = std::mem::take(&mut self.instances[owner].written);
            self.aborted.extend(written.iter().map(|&(_, value)| value));
        }
    }

    fn note_timeouts(&mut self) {
        for (id, name) in IDS.iter().enumerate() {
            let state = self.transactions().get(name);
            let aborted = |phase| {
                matches!(
                    phase,
                    Phase::Prepare(Ending::Abort) | Phase::Complete(Ending::Abort)
                )
            };
            if state.is_some_and(|state| aborted(state.phase)) {
                self.abort_open(id);
            }
        }
    }

    fn init(&mut self, id: usize, two: bool) {
        let given = self.transactions().init(&self.world, IDS[id], TIMEOUT_MS, None);
        match given {
            Err(error) => {
                assert_eq!(error, ResponseError::ConcurrentTransactions);
                self.note_timeouts();
            }
            Ok(identity) => {
                if let Some(&owner) = self.owners.get(&id) {
                    let before = self.instances[owner].identity;
                    assert!(identity.producer_id != before.producer_id || identity.epoch > before.epoch);
                    assert_eq!(
                        self.instances[owner].written,
                        [],
                        "ended before it was given away"
                    );
                }
                self.owners.insert(id, self.instances.len());
                self.instances.push(Instance {
                    transactional_id: id,
                    identity,
                    version: if two { Version::Two } else { Version::Old },
                    sequences: BTreeMap::new(),
                    written: Vec::new(),
                    last_end: None,
                });
            }
        }
    }

    fn is_owner(&self, instance: usize) -> bool {
        self.owners.get(&self.instances[instance].transactional_id) == Some(&instance)
    }

    fn pick(&self, instance: usize) -> Option<usize> {
        (!self.instances.is_empty()).then(|| self.instances.len() - 1 - instance % self.instances.len())
    }

    fn write(&mut self, instance: usize, partition: i32) {
        let Some(instance) = self.pick(instance) else {
            return;
        };
        let value = self.next_value;
        let who = self.instances[instance].clone();
        let sequence = who.sequences.get(&partition).copied().unwrap_or(0);
        let batch = BatchBuilder::new()
            .producer(who.identity.producer_id, who.identity.epoch, sequence)
            .transactional()
            .record(None, Some(&value.to_be_bytes()))
            .build();
        let header = BatchHeader::parse(&batch).expect("a batch");
        let place = Place {
            topic: Arc::from("t"),
            partition,
        };
        let id = IDS[who.transactional_id];
        let two = who.version == Version::Two;
        let places = [place];
        if !two {
            let added = self
                .transactions()
                .add(&self.world, id, who.identity, &places, Version::Old);
            if added.is_err() {
                return;
            }
        }
        let ask = || match who.version {
            Version::Two => self
                .transactions()
                .add(&self.world, id, who.identity, &places, Version::Two),
            Version::Old => self.transactions().verify(id, who.identity, &places[0]),
        };
        let admission = Admission::Transactional {
            first_is_zero: two,
            ask: &ask,
        };
        let index = usize::try_from(partition).expect("small");
        let appended = self.world.partitions[index].append(&header, &batch, Duration::ZERO, &admission);
        match appended {
            Ok(_) => {
                assert!(self.is_owner(instance), "a fenced instance has written");
                self.next_value += 1;
                // Its end is decided and its markers are not written yet: the batch goes with it.
                let state = self.transactions().get(id).expect("known");
                if state.phase == Phase::Prepare(Ending::Abort) {
                    self.aborted.insert(value);
                    return;
                }
                let who = &mut self.instances[instance];
                who.sequences.insert(partition, sequence + 1);
                who.written.push((partition, value));
            }
            Err(
                AppendError::NotAdmitted(_)
                | AppendError::FencedEpoch { .. }
                | AppendError::OutOfOrder { .. },
            ) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn end(&mut self, instance: usize, commit: bool) {
        let Some(instance) = self.pick(instance) else {
            return;
        };
        let who = self.instances[instance].clone();
        let ending = if commit { Ending::Commit } else { Ending::Abort };
        let id = IDS[who.transactional_id];
        let ended = self
            .transactions()
            .end(&self.world, id, who.identity, ending, who.version);
        let Ok(next) = ended else {
            return;
        };
        if self.is_owner(instance) {
            let values = who.written.iter().map(|&(_, value)| value);
            match ending {
                Ending::Commit => self.committed.extend(values),
                Ending::Abort => self.aborted.extend(values),
            }
        }
        let who = &mut self.instances[instance];
        who.written.clear();
        who.last_end = Some((who.identity, ending));
        if who.version == Version::Two {
            if who.identity != next {
                who.sequences.clear();
            }
            who.identity = next;
        }
    }

    /// A late copy of an EndTxn that was answered: it changes nothing, whatever it is answered, unless it
    /// can be taken for the end of what is open now in the old protocol.
    fn repeat_end(&mut self, instance: usize) {
        let Some(instance) = self.pick(instance) else {
            return;
        };
        let who = &self.instances[instance];
        let Some((identity, ending)) = who.last_end.filter(|_| who.version == Version::Two) else {
            return;
        };
        let id = IDS[who.transactional_id];
        let before = self.transactions().get(id);
        let _ = self
            .transactions()
            .end(&self.world, id, identity, ending, Version::Two);
        assert_eq!(
            self.transactions().get(id),
            before,
            "a late end has changed something"
        );
    }

    fn check(&self) {
        for (index, partition) in (0..PARTITIONS).zip(&self.world.partitions) {
            let open: BTreeSet<u32> = self
                .instances
                .iter()
                .flat_map(|who| &who.written)
                .filter(|(place, _)| *place == index)
                .map(|&(_, value)| value)
                .collect();
            let (seen, bounds_hold) = committed_read(partition);
            assert!(bounds_hold, "bounds");
            for value in &seen {
                assert!(!self.aborted.contains(value), "{value} was aborted and is seen");
                assert!(!open.contains(value), "{value} is open and is seen");
                assert!(
                    self.committed.contains(value),
                    "{value} is seen and was never committed"
                );
            }
            let bounds = partition.bounds();
            if bounds.last_stable_offset == bounds.high_watermark {
                assert!(open.is_empty(), "open and below the last stable offset");
                let all = every_value(partition);
                let wanted: BTreeSet<u32> = all.intersection(&self.committed).copied().collect();
                assert_eq!(seen, wanted, "all that was committed is seen");
            }
        }
    }
}

fn all_batches(partition: &Partition, isolation: Isolation) -> Vec<(BatchHeader, Vec<u8>)> {
    let mut found = Vec::new();
    let mut offset = 0;
    loop {
        let (_, readable) = partition.plan_read(offset, isolation).expect("reads");
        let Some(readable) = readable else {
            return found;
        };
        let bytes = readable.read(1 << 20, true).expect("reads");
        for step in Batches::new(&bytes) {
            let BatchStep::Complete(header, batch) = step else {
                panic!("{step:?}");
            };
            offset = header.last_offset() + 1;
            found.push((header, batch.to_vec()));
        }
    }
}

fn value_of(batch: &[u8]) -> u32 {
    let mut batch = bytes::Bytes::copy_from_slice(batch);
    let sets = kafka_protocol::records::RecordBatchDecoder::decode_all(&mut batch).expect("decodes");
    let value = sets[0].records[0].value.clone().expect("a value");
    u32::from_be_bytes(value[..].try_into().expect("four bytes"))
}

fn every_value(partition: &Partition) -> BTreeSet<u32> {
    let batches = all_batches(partition, Isolation::Uncommitted);
    let data = batches.iter().filter(|(header, _)| !header.is_control());
    data.map(|(_, batch)| value_of(batch)).collect()
}

/// What a committed client takes, and whether the last stable offset is within the log.
fn committed_read(partition: &Partition) -> (BTreeSet<u32>, bool) {
    let bounds = partition.bounds();
    let aborted = partition
        .aborted_in(0, bounds.last_stable_offset)
        .expect("no bug");
    let mut seen = BTreeSet::new();
    for (header, batch) in all_batches(partition, Isolation::Committed) {
        let is_aborted = aborted.iter().any(|entry| {
            entry.producer_id == header.producer_id()
                && (entry.first_offset..=entry.last_offset).contains(&header.base_offset())
        });
        if !header.is_control() && !is_aborted {
            seen.insert(value_of(&batch));
        }
    }
    (seen, bounds.last_stable_offset <= bounds.high_watermark)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn transactions_keep_their_promises(actions in proptest::collection::vec(action(), 1..80)) {
        let dir = tempfile::tempdir().expect("dir");
        let mut run = Run::new(dir.path());
        for action in &actions {
            run.act(action);
            run.check();
        }
        // In the end everything can be ended.
        run.world.markers_left.store(i64::MAX, Ordering::Relaxed);
        run.act(&Action::Wait { ms: i64::from(TIMEOUT_MS) + 1 });
        run.check();
        for partition in &run.world.partitions {
            let bounds = partition.bounds();
            prop_assert_eq!(bounds.last_stable_offset, bounds.high_watermark);
        }
    }
}
