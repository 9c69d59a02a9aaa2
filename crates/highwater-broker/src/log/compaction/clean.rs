//! A segment is written again, beside the old one: `<base offset>.log.cleaned`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use highwater_wire::batch::BatchHeader;

use super::super::error::LogError;
use super::super::scan;
use super::super::segment::{self, Segment};
use super::keys::{Keys, damaged, read};
use super::survey::Survey;
use super::{Cleaned, CompactionPlan, Planned, is_data};

const SUFFIX: &str = "log.cleaned";

/// Whether a file is what a death in a pass left behind.
pub(in super::super) fn is_half_written(file_name: &str) -> bool {
    file_name
        .strip_suffix(SUFFIX)
        .and_then(|front| front.strip_suffix('.'))
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

pub(super) fn remove(path: &Path) -> Result<(), LogError> {
    fs::remove_file(path).map_err(|source| failed("remove", path, source))
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> LogError {
    LogError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

/// The new file under construction, removed again unless it is finished.
struct Output {
    path: PathBuf,
    file: BufWriter<File>,
    segment: Segment,
    finished: bool,
}

impl Output {
    fn create(planned: &Planned) -> Result<Self, LogError> {
        let path = planned.path.with_extension(SUFFIX);
        let file = File::create(&path).map_err(|source| failed("create", &path, source))?;
        let dir = planned.path.parent().unwrap_or(Path::new("."));
        Ok(Self {
            path,
            file: BufWriter::new(file),
            segment: Segment::new(dir, planned.base_offset),
            finished: false,
        })
    }

    fn put(&mut self, batch: &[u8]) -> Result<(), LogError> {
        let header = BatchHeader::parse(batch)?;
        self.file
            .write_all(batch)
            .map_err(|source| failed("write", &self.path, source))?;
        self.segment.add(&header);
        Ok(())
    }

    /// On the disk: the old file, which may be there already, is about to go.
    fn finish(mut self, planned: &Planned) -> Result<Cleaned, LogError> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(|source| failed("write", &self.path, source))?;
        self.finished = true;
        let mut summary = self.segment.summary();
        summary.next_offset = planned.next_offset;
        Ok(Cleaned {
            path: self.path.clone(),
            old_length: planned.length,
            index: self.segment.index().cloned().unwrap_or_default(),
            summary,
        })
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.finished {
            // Left behind it does no harm: the next pass writes over it, the next start removes it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl CompactionPlan {
    /// Writes a segment again; `None` when nothing would change.
    pub(super) fn clean(
        &self,
        planned: &Planned,
        survey: &Survey,
        keys: &Keys,
    ) -> Result<Option<Cleaned>, LogError> {
        let Some(file) = segment::open(&planned.path, planned.length)? else {
            return Ok(None);
        };
        let mut output = Output::create(planned)?;
        let mut changed = false;
        scan::each_batch(&file, &planned.path, planned.length, |header, batch| {
            let is_last = header.last_offset() + 1 == planned.next_offset;
            if header.base_offset() >= keys.end() || header.is_control() {
                return output.put(batch);
            }
            let needed = is_last || survey.is_needed(header);
            if !is_data(header) {
                changed |= !needed;
                return if needed { output.put(batch) } else { Ok(()) };
            }
            let Judged { kept, horizon_ms } = self.judge(planned, header, batch, survey, keys)?;
            let all = kept.iter().all(|kept| *kept);
            if all && horizon_ms.is_none() {
                return output.put(batch);
            }
            changed = true;
            if !needed && !kept.contains(&true) {
                return Ok(());
            }
            let mut kept = kept.into_iter();
            let rewritten = read(planned, batch)?
                .rewrite(batch, horizon_ms, |_| kept.next().unwrap_or(true))
                .map_err(|error| damaged(planned, error))?;
            output.put(&rewritten)
        })?;
        if changed {
            output.finish(planned).map(Some)
        } else {
            Ok(None)
        }
    }

    fn judge(
        &self,
        planned: &Planned,
        header: &BatchHeader,
        batch: &[u8],
        survey: &Survey,
        keys: &Keys,
    ) -> Result<Judged, LogError> {
        let aborted = survey.is_aborted(header);
        let records = read(planned, batch)?;
        let horizon_ms = records.delete_horizon_ms();
        let is_over = horizon_ms.is_some_and(|horizon| self.now_ms > horizon);
        let (mut kept, mut tombstones) = (Vec::new(), false);
        for record in records.iter() {
            let record = record.map_err(|error| damaged(planned, error))?;
            let is_tombstone = record.value.is_none();
            let stays = !aborted && keys.is_last(&record) && !(is_tombstone && is_over);
            tombstones |= stays && is_tombstone;
            kept.push(stays);
        }
        let begins = tombstones && horizon_ms.is_none();
        Ok(Judged {
            kept,
            horizon_ms: begins.then(|| self.now_ms.saturating_add(self.delete_retention_ms)),
        })
    }
}

/// What becomes of a batch.
struct Judged {
    /// For each record whether it stays.
    kept: Vec<bool>,
    /// From when on its tombstones may go, if that is to be set now.
    horizon_ms: Option<i64>,
}
