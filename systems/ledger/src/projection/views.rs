//! The files of projections: the one that is read, and the one that is being made beside it.
//!
//! ```text
//!  current ─▶ "3"      projections-3.db  read and written
//!                      projections-4.db  made from the start of the log; then "4" takes the place of "3"
//! ```
//!
//! Invariant: the file that `current` names is whole. What is in no name is deleted at the next start.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::reading::Reader;
use super::store::{Projection, ProjectionError};

const POINTER: &str = "current";
const LOCK: &str = "lock";
/// SQLite's own files beside a database.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];

/// The directory of projections, and the file that is read.
#[derive(Debug)]
pub struct Views {
    directory: PathBuf,
    live: Mutex<Live>,
    /// Held as long as this is open; the system lets go of it when the process ends, however it does.
    _lock: fs::File,
}

#[derive(Debug)]
struct Live {
    generation: u64,
    reader: Reader,
}

/// A file that is being made beside the one that is read.
#[derive(Debug)]
pub struct Building {
    generation: u64,
    /// The writing side.
    pub projection: Projection,
}

impl Views {
    /// Opens what is there, or begins. A file of another version of the tables is left behind: an empty one takes its
    /// place, and fills from the log.
    ///
    /// # Errors
    /// [`ProjectionError`]
    pub fn open(directory: &Path) -> Result<(Self, Projection), ProjectionError> {
        let failed = |what| {
            move |source| ProjectionError::Files {
                what,
                path: directory.to_owned(),
                source,
            }
        };
        fs::create_dir_all(directory).map_err(failed("make"))?;
        let lock = lock(directory)?;
        let mut generation = fs::read_to_string(directory.join(POINTER))
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(1);
        let projection = match Projection::open(&file(directory, generation)) {
            Err(ProjectionError::Schema { .. }) => {
                generation += 1;
                remove(directory, generation);
                Projection::open(&file(directory, generation))?
            }
            opened => opened?,
        };
        point_to(directory, generation)?;
        for entry in fs::read_dir(directory).map_err(failed("list"))? {
            let entry = entry.map_err(failed("list"))?;
            let stale = entry
                .file_name()
                .to_str()
                .and_then(generation_of)
                .filter(|found| *found != generation);
            if let Some(stale) = stale {
                remove(directory, stale);
            }
        }
        let reader = Reader::open(projection.path())?;
        let views = Self {
            directory: directory.to_owned(),
            live: Mutex::new(Live { generation, reader }),
            _lock: lock,
        };
        Ok((views, projection))
    }

    /// Reads from the file that is current.
    ///
    /// # Errors
    /// What `read` says.
    pub fn read<T>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, ProjectionError>,
    ) -> Result<T, ProjectionError> {
        read(&self.live.lock().unwrap_or_else(PoisonError::into_inner).reader)
    }

    /// Begins a file beside the one that is read.
    ///
    /// # Errors
    /// [`ProjectionError`]
    pub fn build(&self) -> Result<Building, ProjectionError> {
        let generation = self.generation() + 1;
        remove(&self.directory, generation);
        let projection = Projection::open(&file(&self.directory, generation))?;
        Ok(Building {
            generation,
            projection,
        })
    }

    /// From now on this file is read; the one before is deleted. Who writes to that one must have ended.
    ///
    /// # Errors
    /// [`ProjectionError`]; the file before is still read then.
    pub fn switch(&self, built: Building) -> Result<Projection, ProjectionError> {
        let Building {
            generation,
            projection,
        } = built;
        let reader = Reader::open(projection.path())?;
        point_to(&self.directory, generation)?;
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *live, Live { generation, reader });
        drop(live);
        drop(before.reader);
        remove(&self.directory, before.generation);
        Ok(projection)
    }

    /// The number of the file that is read.
    pub fn generation(&self) -> u64 {
        self.live
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .generation
    }
}

/// Two that write to one directory would be in each other's way.
fn lock(directory: &Path) -> Result<fs::File, ProjectionError> {
    let path = directory.join(LOCK);
    let failed = |source| ProjectionError::Files {
        what: "lock",
        path: path.clone(),
        source,
    };
    let file = fs::File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(ProjectionError::InUse {
            directory: directory.to_owned(),
        }),
        Err(fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn file(directory: &Path, generation: u64) -> PathBuf {
    directory.join(format!("projections-{generation}.db"))
}

fn generation_of(name: &str) -> Option<u64> {
    let number = name.strip_prefix("projections-")?.split(".db").next()?;
    number.parse().ok()
}

/// What can't be deleted now is deleted at the next start.
fn remove(directory: &Path, generation: u64) {
    for ending in BESIDE {
        let _ = fs::remove_file(directory.join(format!("projections-{generation}.db{ending}")));
    }
}

/// Writes the pointer beside and renames it: it names the one or the other, whatever happens.
fn point_to(directory: &Path, generation: u64) -> Result<(), ProjectionError> {
    let beside = directory.join(format!("{POINTER}.new"));
    let write = || -> std::io::Result<()> {
        let mut pointer = fs::File::create(&beside)?;
        writeln!(pointer, "{generation}")?;
        pointer.sync_all()?;
        fs::rename(&beside, directory.join(POINTER))
    };
    write().map_err(|source| ProjectionError::Files {
        what: "write",
        path: directory.join(POINTER),
        source,
    })
}
