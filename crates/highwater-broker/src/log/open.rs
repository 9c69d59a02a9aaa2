//! Opening a log: what closed segments say in their seals is believed, everything behind is looked at.
//!
//! Invariant: a torn tail of the last segment is cut; nothing else is changed before the whole log was
//! found to be in order, except that missing seals are written.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use highwater_wire::batch::BatchHeader;
use highwater_wire::control::Marker;

use super::compaction;
use super::config::LogConfig;
use super::error::LogError;
use super::kept::KeptOffsets;
use super::recovery::{Recovery, SnapshotError};
use super::scan::{self, Depth, ScanEnd};
use super::seal::{self, Seal};
use super::segment::{self, Segment};
use super::store::{LastBatch, Log};

impl Log {
    /// Opens the log in `dir`, cuts a torn tail, and lets `recovery` become the state after the last
    /// batch.
    ///
    /// # Errors
    /// [`LogError::Damaged`] or [`LogError::Offsets`] when something before the tail is wrong; nothing
    /// of the segments is changed then.
    pub(crate) fn open(
        dir: &Path,
        config: LogConfig,
        recovery: &mut impl Recovery,
    ) -> Result<Self, LogError> {
        let mut log = Self::unopened(dir, config);
        log.kept = KeptOffsets::read(dir)?;
        let names = names_in(dir)?;
        remove_half_written(dir, &names)?;
        let bases = offsets_of(&names, segment::base_offset_of);
        let closed = bases.len().saturating_sub(1);
        let mut seals: Vec<Option<Seal>> = Vec::new();
        for &base_offset in &bases[..closed] {
            seals.push(trusted_seal(&Segment::new(dir, base_offset)));
        }
        log.inherit(&offsets_of(&names, seal::base_offset_of), &bases)?;
        let restored = restore(&seals, recovery);
        if restored.is_none()
            && let Some(segment) = &log.inherited
        {
            restore(&[trusted_heirloom(segment, &bases)], recovery);
        }
        for (position, &base_offset) in bases.iter().enumerate() {
            let is_covered = restored.is_some_and(|last| position <= last);
            match seals.get(position).and_then(Option::as_ref) {
                Some(seal) if is_covered => log.push_sealed(seal)?,
                _ if is_covered => log.scan_segment(base_offset, false, &mut Covered)?,
                _ => log.scan_segment(base_offset, position == closed, recovery)?,
            }
        }
        if log.segments.is_empty() {
            log.segments.push(Segment::new(dir, 0));
        }
        log.configure(config);
        // Nothing below the first segment is there, nothing behind the last batch was ever readable.
        log.kept.start = log.kept.start.min(log.end_offset);
        Ok(log)
    }

    /// Finds the seals of segments that were removed: the newest is kept, see [`super::retention`].
    fn inherit(&mut self, seals: &[i64], bases: &[i64]) -> Result<(), LogError> {
        for &base_offset in seals {
            if bases.contains(&base_offset) {
                continue;
            }
            let segment = Segment::new(&self.dir, base_offset);
            if bases.first().is_none_or(|first| base_offset > *first) {
                return Err(LogError::Missing { path: segment.path });
            }
            if let Some(older) = self.inherited.replace(segment) {
                older.remove_seal()?;
            }
        }
        Ok(())
    }

    fn push_sealed(&mut self, seal: &Seal) -> Result<(), LogError> {
        let segment = Segment::sealed(&self.dir, &seal.summary);
        if segment.base_offset < self.end_offset {
            return Err(LogError::Offsets {
                path: segment.path,
                position: 0,
                found: segment.base_offset,
                expected: self.end_offset,
            });
        }
        self.end_offset = segment.next_offset;
        self.last_batch = None;
        self.segments.push(segment);
        Ok(())
    }

    fn scan_segment(
        &mut self,
        base_offset: i64,
        is_last: bool,
        recovery: &mut impl Recovery,
    ) -> Result<(), LogError> {
        let mut segment = Segment::new(&self.dir, base_offset);
        let path = segment.path.clone();
        let file = File::open(&path).map_err(|source| segment.error("open", source))?;
        let metadata = file.metadata().map_err(|source| segment.error("read", source))?;
        let length = metadata.len();
        let depth = if is_last { Depth::Checksums } else { Depth::Headers };
        let mut next_offset = self.end_offset.max(base_offset);
        let mut last_batch = self.last_batch;
        let end = scan::scan(&file, &path, length, depth, |header, position, control| {
            if header.base_offset() < next_offset {
                return Err(LogError::Offsets {
                    path: path.clone(),
                    position,
                    found: header.base_offset(),
                    expected: next_offset,
                });
            }
            segment.add(header);
            next_offset = header.last_offset() + 1;
            last_batch = Some(LastBatch {
                header: *header,
                position,
            });
            recovery.batch(header, control.and_then(|batch| Marker::decode(batch).ok()));
            Ok(())
        })?;
        if let ScanEnd::Bad(position, source) = end {
            let torn = is_last && !scan::intact_batch_follows(&file, &path, length, position, next_offset)?;
            if !torn {
                return Err(LogError::Damaged {
                    path,
                    position,
                    source,
                });
            }
            self.cut_bytes = length - position;
            segment.truncate(position)?;
        }
        if !is_last {
            segment.seal(recovery.snapshot().as_deref());
            segment.unload_index();
        }
        self.end_offset = next_offset;
        self.last_batch = last_batch;
        self.segments.push(segment);
        Ok(())
    }
}

/// Stands in where a later snapshot says it all.
struct Covered;

impl Recovery for Covered {
    fn restore(&mut self, _: &[u8]) -> Result<(), SnapshotError> {
        Ok(())
    }

    fn batch(&mut self, _: &BatchHeader, _: Option<Marker>) {}

    fn snapshot(&self) -> Option<Vec<u8>> {
        None
    }
}

/// The seal of a segment, if it is intact and speaks of the file that is there.
fn trusted_seal(segment: &Segment) -> Option<Seal> {
    let path = seal::path_of(&segment.path);
    let refuse = |reason: &str| {
        tracing::warn!(seal = %path.display(), reason, "looking at the segment instead of its seal");
    };
    let length = fs::metadata(&segment.path).map(|metadata| metadata.len());
    match Seal::open(&segment.path) {
        Ok(Some(seal)) => {
            let summary = &seal.summary;
            let fits = summary.base_offset == segment.base_offset && length.ok() == Some(summary.length);
            if !fits {
                refuse("it belongs to another file");
            }
            fits.then_some(seal)
        }
        Ok(None) => None,
        Err(error) => {
            refuse(&error.to_string());
            None
        }
    }
}

/// The seal of a segment that was removed, if it is intact and what is there follows right behind it.
fn trusted_heirloom(segment: &Segment, bases: &[i64]) -> Option<Seal> {
    match Seal::open(&segment.path) {
        Ok(Some(seal)) => {
            let follows = bases.first() == Some(&seal.summary.next_offset);
            if !follows {
                tracing::warn!(segment = %segment.path.display(), "the seal of a removed segment does not fit");
            }
            follows.then_some(seal)
        }
        Ok(None) => None,
        Err(error) => {
            tracing::warn!(%error, segment = %segment.path.display(), "the seal of a removed segment is damaged");
            None
        }
    }
}

/// Restores the newest snapshot that can be used; gives the position of its segment.
fn restore(seals: &[Option<Seal>], recovery: &mut impl Recovery) -> Option<usize> {
    for (position, seal) in seals.iter().enumerate().rev() {
        let Some(seal) = seal else { continue };
        match seal.snapshot() {
            Ok(None) => {}
            Ok(Some(snapshot)) => match recovery.restore(&snapshot) {
                Ok(()) => return Some(position),
                Err(error) => tracing::warn!(%error, "looking at batches instead of a snapshot"),
            },
            Err(error) => tracing::warn!(%error, "looking at batches instead of a snapshot"),
        }
    }
    None
}

/// Removes what a death left half written.
fn remove_half_written(dir: &Path, names: &[String]) -> Result<(), LogError> {
    for name in names {
        if seal::is_half_written(name) || compaction::is_half_written(name) {
            segment::remove(&dir.join(name))?;
        }
    }
    Ok(())
}

/// The offsets that `offset_of` reads from names of files, in order.
fn offsets_of(names: &[String], offset_of: impl Fn(&str) -> Option<i64>) -> Vec<i64> {
    let mut offsets: Vec<i64> = names.iter().filter_map(|name| offset_of(name)).collect();
    offsets.sort_unstable();
    offsets
}

/// The names of the files in `dir`; one that is no text is none of ours.
fn names_in(dir: &Path) -> Result<Vec<String>, LogError> {
    let error = |source: io::Error| LogError::Io {
        action: "list",
        path: dir.to_owned(),
        source,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(error)? {
        if let Ok(name) = entry.map_err(error)?.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}
