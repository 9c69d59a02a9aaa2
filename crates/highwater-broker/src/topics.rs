//! The topics there are.
//!
//! Invariant: a topic exists when its `<name>.json` does. It is written after the partitions'
//! directories and removed before them, so a death in between leaves directories without a topic, which
//! are moved aside (never deleted) when the name is used again.

mod growing;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::bugs::journal::JournalEntry;
use crate::bugs::{Place, Switches};
use crate::config::BrokerConfig;
use crate::data_dir::{Durability, create_dir, read_json, write_json};
use crate::error::BrokerError;
use crate::leadership::{Leadership, Placement, Roster};
use crate::lock::LockExt;
use crate::partition::Partition;
use crate::topic_config::TopicConfig;

/// Partitions that one broker holds: each costs a descriptor and a few hundred bytes.
const MAX_PARTITIONS: usize = 20_000;

/// Longest topic name, as in Kafka: names become file names.
const MAX_NAME_BYTES: usize = 249;

const EXTENSION: &str = "json";

#[derive(Debug, Serialize, Deserialize)]
struct TopicFile {
    name: String,
    id: Uuid,
    partitions: i32,
    #[serde(default)]
    config: TopicConfig,
    /// Index = partition number; one that is missing is led round robin since the first start.
    #[serde(default)]
    placements: Vec<Placement>,
}

#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: Arc<str>,
    pub(crate) id: Uuid,
    pub(crate) config: TopicConfig,
    /// Index = partition number.
    pub(crate) partitions: Vec<Arc<Partition>>,
}

impl Topic {
    pub(crate) fn partition(&self, index: i32) -> Option<&Arc<Partition>> {
        self.partitions.get(usize::try_from(index).ok()?)
    }
}

/// Why a topic is not created or deleted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TopicError {
    #[error("topic '{0}' exists")]
    Exists(String),
    #[error("topic name '{0}' is not 1 to 249 letters, digits, '.', '_' or '-'")]
    Name(String),
    #[error("topic '{0}' collides with topic '{1}': '.' and '_' count as the same")]
    Collision(String, String),
    #[error("topic '{topic}' has {before} partitions, {wanted} would not be more")]
    NoGrowth {
        topic: String,
        before: usize,
        wanted: i32,
    },
    #[error("{0}")]
    Assignments(String),
    #[error("{0} partitions, a topic has 1 to {MAX_PARTITIONS}, and so have all topics together")]
    Partitions(i64),
    #[error("keep the topic in the data directory")]
    Storage(#[from] BrokerError),
}

#[derive(Debug, Default)]
struct Tables {
    by_name: BTreeMap<Arc<str>, Arc<Topic>>,
    by_id: BTreeMap<Uuid, Arc<Topic>>,
    partitions: usize,
}

#[derive(Debug)]
pub(crate) struct Topics {
    dir: PathBuf,
    orphaned: PathBuf,
    config: BrokerConfig,
    roster: Roster,
    switches: Switches,
    tables: RwLock<Tables>,
    /// Held while a topic is made or deleted, so that files and tables change together.
    changing: Mutex<()>,
}

impl Topics {
    /// Opens every topic in the data directory.
    pub(crate) fn open(
        config: &BrokerConfig,
        roster: Roster,
        switches: Switches,
        journal_entries: &[JournalEntry],
    ) -> Result<Self, BrokerError> {
        let topics = Self {
            dir: config.data_dir.join("topics"),
            orphaned: config.data_dir.join("orphaned"),
            config: config.clone(),
            roster,
            switches,
            tables: RwLock::default(),
            changing: Mutex::new(()),
        };
        create_dir(&topics.dir)?;
        for path in topic_files(&topics.dir)? {
            let Some(file) = read_json::<TopicFile>(&path)? else {
                continue;
            };
            check_topic_file(&path, &file)?;
            let topic = topics.open_topic(file, journal_entries)?;
            topics.insert(topic);
        }
        Ok(topics)
    }

    fn open_topic(&self, file: TopicFile, journal_entries: &[JournalEntry]) -> Result<Topic, BrokerError> {
        let name: Arc<str> = file.name.as_str().into();
        let mut partitions = Vec::new();
        for turn in 0..usize::try_from(file.partitions).unwrap_or(0) {
            partitions.push(self.open_partition(&name, turn, &file, journal_entries)?);
        }
        Ok(Topic {
            name,
            id: file.id,
            config: file.config,
            partitions,
        })
    }

    fn open_partition(
        &self,
        topic: &Arc<str>,
        turn: usize,
        file: &TopicFile,
        journal_entries: &[JournalEntry],
    ) -> Result<Arc<Partition>, BrokerError> {
        let log_config = file.config.log_config(&self.config);
        let founded = || self.roster.found(self.roster.deal(turn, 1));
        let placement = file.placements.get(turn).cloned().unwrap_or_else(founded);
        let place = Place {
            topic: Arc::clone(topic),
            partition: i32::try_from(turn).unwrap_or(i32::MAX),
        };
        let opened = Partition::open(
            &self.partition_dir(topic, place.partition),
            place,
            log_config,
            self.roster.leadership(&placement, turn),
            &self.switches,
            journal_entries,
        )?;
        Ok(Arc::new(opened))
    }

    pub(super) fn durability(&self) -> Durability {
        Durability::of(&self.config)
    }

    fn partition_dir(&self, name: &str, partition: i32) -> PathBuf {
        self.dir.join(format!("{name}-{partition}"))
    }

    fn file_of(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.{EXTENSION}"))
    }

    fn insert(&self, topic: Topic) -> Arc<Topic> {
        let topic = Arc::new(topic);
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.partitions += topic.partitions.len();
        tables.by_name.insert(Arc::clone(&topic.name), Arc::clone(&topic));
        tables.by_id.insert(topic.id, Arc::clone(&topic));
        topic
    }

    fn tables(&self) -> std::sync::RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Topic>> {
        self.tables().by_name.get(name).cloned()
    }

    pub(crate) fn get_by_id(&self, id: Uuid) -> Option<Arc<Topic>> {
        self.tables().by_id.get(&id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Topic>> {
        self.tables().by_name.values().cloned().collect()
    }

    /// Whether [`Topics::create`] would work, without doing it.
    pub(crate) fn check_new(&self, name: &str, partitions: i32) -> Result<(), TopicError> {
        check_name(name)?;
        let tables = self.tables();
        if tables.by_name.contains_key(name) {
            return Err(TopicError::Exists(name.to_owned()));
        }
        if let Some(other) = tables.by_name.keys().find(|other| collide(name, other)) {
            return Err(TopicError::Collision(name.to_owned(), other.to_string()));
        }
        let refused = TopicError::Partitions(i64::from(partitions));
        match usize::try_from(partitions) {
            Ok(0) | Err(_) => Err(refused),
            Ok(more) if tables.partitions + more > MAX_PARTITIONS => Err(refused),
            Ok(_) => Ok(()),
        }
    }

    /// Makes a topic with one replica of each partition, leaders dealt round robin.
    pub(crate) fn create(
        &self,
        name: &str,
        partitions: i32,
        config: TopicConfig,
    ) -> Result<Arc<Topic>, TopicError> {
        self.create_on(name, self.deal(partitions, 1), config)
    }

    /// The replicas of as many new partitions.
    pub(crate) fn deal(&self, partitions: i32, factor: i16) -> Vec<Vec<i32>> {
        let dealt = self.tables().partitions;
        let wanted = usize::try_from(partitions).unwrap_or(0).min(MAX_PARTITIONS + 1);
        (dealt..dealt + wanted)
            .map(|turn| self.roster.deal(turn, factor))
            .collect()
    }

    /// Makes a topic with a partition for each list of replicas, which were checked.
    pub(crate) fn create_on(
        &self,
        name: &str,
        replicas: Vec<Vec<i32>>,
        config: TopicConfig,
    ) -> Result<Arc<Topic>, TopicError> {
        let _changing = self.changing.guard();
        let partitions = i32::try_from(replicas.len()).unwrap_or(i32::MAX);
        self.check_new(name, partitions)?;
        let placements = replicas.into_iter().map(|replicas| self.roster.found(replicas));
        let file = TopicFile {
            name: name.to_owned(),
            id: Uuid::new_v4(),
            partitions,
            config,
            placements: placements.collect(),
        };
        for partition in 0..partitions {
            let dir = self.partition_dir(name, partition);
            self.move_orphan_aside(&dir)?;
            create_dir(&dir)?;
        }
        write_json(&self.file_of(name), &file, self.durability())?;
        let topic = self.open_topic(file, &[])?;
        Ok(self.insert(topic))
    }

    /// Changes who leads a partition, first on file. `change` says how, or that nothing changes.
    ///
    /// # Errors
    /// [`BrokerError`]; nothing has changed then. `Ok(false)` when the topic or partition is gone.
    pub(crate) fn lead(
        &self,
        topic: &str,
        partition: i32,
        change: impl FnOnce(&Leadership) -> Option<Leadership>,
    ) -> Result<bool, BrokerError> {
        let _changing = self.changing.guard();
        let Some(topic) = self.get(topic) else {
            return Ok(false);
        };
        let Some(partition) = topic.partition(partition) else {
            return Ok(false);
        };
        let Some(leadership) = change(&partition.leadership()) else {
            return Ok(true);
        };
        let path = self.file_of(&topic.name);
        let Some(mut file) = read_json::<TopicFile>(&path)? else {
            return Ok(false);
        };
        let index = usize::try_from(partition.place.partition).unwrap_or(0);
        for turn in file.placements.len()..=index {
            file.placements.push(self.roster.found(self.roster.deal(turn, 1)));
        }
        file.placements[index] = self.roster.placement(&leadership);
        write_json(&path, &file, self.durability())?;
        partition.lead(leadership);
        Ok(true)
    }

    /// Gives a topic other settings, which take effect at once; `None` when it is not there.
    pub(crate) fn configure(
        &self,
        name: &str,
        config: TopicConfig,
    ) -> Result<Option<Arc<Topic>>, TopicError> {
        let _changing = self.changing.guard();
        let Some(topic) = self.get(name) else {
            return Ok(None);
        };
        let path = self.file_of(name);
        let Some(mut file) = read_json::<TopicFile>(&path)? else {
            return Ok(None);
        };
        file.config = config.clone();
        write_json(&path, &file, self.durability())?;
        let log_config = config.log_config(&self.config);
        for partition in &topic.partitions {
            partition.configure(log_config);
        }
        let topic = Arc::new(Topic {
            config,
            name: Arc::clone(&topic.name),
            id: topic.id,
            partitions: topic.partitions.clone(),
        });
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.by_name.insert(Arc::clone(&topic.name), Arc::clone(&topic));
        tables.by_id.insert(topic.id, Arc::clone(&topic));
        Ok(Some(topic))
    }

    fn move_orphan_aside(&self, dir: &Path) -> Result<(), BrokerError> {
        if !dir.exists() {
            return Ok(());
        }
        create_dir(&self.orphaned)?;
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        let aside = self.orphaned.join(format!("{name}.{}", Uuid::new_v4().simple()));
        tracing::warn!(from = %dir.display(), to = %aside.display(), "moved a directory without a topic aside");
        fs::rename(dir, &aside).map_err(|source| BrokerError::DataDir {
            action: "move",
            path: dir.to_owned(),
            source,
        })
    }

    /// Deletes a topic and its data. What of the data can't be removed now is moved aside when the name is
    /// used again; `false` when it is not there.
    pub(crate) fn delete(&self, name: &str) -> Result<bool, TopicError> {
        let _changing = self.changing.guard();
        let Some(topic) = self.get(name) else {
            return Ok(false);
        };
        let path = self.file_of(name);
        fs::remove_file(&path).map_err(|source| BrokerError::DataDir {
            action: "remove",
            path,
            source,
        })?;
        {
            let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
            tables.by_name.remove(name);
            tables.by_id.remove(&topic.id);
            tables.partitions -= topic.partitions.len();
        }
        for partition in &topic.partitions {
            partition.close();
        }
        for partition in &topic.partitions {
            let dir = self.partition_dir(name, partition.place.partition);
            if let Err(error) = fs::remove_dir_all(&dir) {
                tracing::warn!(%error, path = %dir.display(), "left data of a deleted topic behind");
            }
        }
        Ok(true)
    }
}

/// Whether Kafka takes this as the name of a topic.
pub(crate) fn is_topic_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fits = (1..=MAX_NAME_BYTES).contains(&name.len());
    fits && name != "." && name != ".." && name.bytes().all(allowed)
}

/// Whether two names are the same in Kafka's metrics, where '.' becomes '_'.
fn collide(one: &str, other: &str) -> bool {
    let plain = |byte: u8| if byte == b'.' { b'_' } else { byte };
    one.len() == other.len() && one.bytes().map(plain).eq(other.bytes().map(plain))
}

fn check_name(name: &str) -> Result<(), TopicError> {
    if is_topic_name(name) {
        Ok(())
    } else {
        Err(TopicError::Name(name.to_owned()))
    }
}

fn check_topic_file(path: &Path, file: &TopicFile) -> Result<(), BrokerError> {
    let count = usize::try_from(file.partitions).unwrap_or(0);
    let same_name = path.file_stem().and_then(|stem| stem.to_str()) == Some(&file.name);
    if same_name && (1..=MAX_PARTITIONS).contains(&count) && check_name(&file.name).is_ok() {
        return Ok(());
    }
    Err(BrokerError::Damaged {
        path: path.to_owned(),
        reason: format!("topic '{}' with {} partitions", file.name, file.partitions),
    })
}

fn topic_files(dir: &Path) -> Result<Vec<PathBuf>, BrokerError> {
    let error = |source| BrokerError::DataDir {
        action: "list",
        path: dir.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(error)? {
        let entry = entry.map_err(error)?;
        let path = entry.path();
        let is_file = entry.file_type().map_err(error)?.is_file();
        if is_file && path.extension().is_some_and(|extension| extension == EXTENSION) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
