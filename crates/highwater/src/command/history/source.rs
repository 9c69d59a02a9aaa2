//! Where events come from, where text goes, and what is said when either fails.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use highwater_model::ExitCode;
use highwater_model::history::{Events, HistoryError};
use highwater_report::history::Names;

use crate::failure::Failure;

/// Kafka's names for its numbers.
pub(crate) const NAMES: Names = Names {
    api: highwater_wire::api::name,
    error: highwater_wire::api::error_name,
};

/// How much is read at once.
const BUFFER_BYTES: usize = 1 << 18;

/// Begins to read a history, or an export of one.
pub(in crate::command) fn open(path: &Path) -> Result<Events<BufReader<File>>, Failure> {
    let file = File::open(path).and_then(|file| {
        // A directory opens, and fails only when it is read.
        if file.metadata()?.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
        }
        Ok(file)
    });
    let file = file.map_err(|error| {
        Failure::new(ExitCode::Usage, format!("can't read {}: {error}", path.display()))
            .help("a history is the file that `highwater proxy --history FILE` writes")
    })?;
    Events::new(BufReader::with_capacity(BUFFER_BYTES, file)).map_err(|error| failure(path, &error))
}

/// What is wrong with a history, with what was seen of it before.
pub(crate) fn failure(path: &Path, error: &HistoryError) -> Failure {
    let mut message = format!("{}: {error}", path.display());
    if let Some(source) = std::error::Error::source(error) {
        message += &format!(": {source}");
    }
    let failure = Failure::new(ExitCode::Usage, message);
    match error {
        HistoryError::NotAHistory { .. } => {
            failure.help("a history is the file that `highwater proxy --history FILE` writes, or its export as JSON lines")
        }
        HistoryError::OtherVersion { .. } => {
            failure.help("read it with the highwater that wrote it, and export it as JSON lines: `highwater history export FILE`")
        }
        HistoryError::Cut { .. } => {
            failure.help("everything up to there was read; whoever wrote it was killed, or is still writing")
        }
        HistoryError::Damaged { .. } | HistoryError::NotAnEvent { .. } => {
            failure.help("everything up to there was read; bytes behind it were changed, lost or added")
        }
        HistoryError::Read { .. } => failure,
    }
}

/// Standard output or a file. A closed pipe is no error: who reads has seen enough.
pub(super) struct Out {
    to: BufWriter<Box<dyn Write>>,
    name: String,
    closed: bool,
}

impl Out {
    /// Standard output.
    pub(super) fn new() -> Self {
        Self {
            to: BufWriter::new(Box::new(io::stdout())),
            name: "standard output".into(),
            closed: false,
        }
    }

    /// A file, which must not be there yet.
    pub(super) fn file(path: &PathBuf) -> Result<Self, Failure> {
        let file = File::create_new(path).map_err(|error| {
            let failure = Failure::new(
                ExitCode::Usage,
                format!("can't write {}: {error}", path.display()),
            );
            if error.kind() == io::ErrorKind::AlreadyExists {
                failure.help("nothing is overwritten: give another name")
            } else {
                failure
            }
        })?;
        Ok(Self {
            to: BufWriter::with_capacity(BUFFER_BYTES, Box::new(file)),
            name: path.display().to_string(),
            closed: false,
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.with(|to| to.write_all(text.as_bytes()))
    }

    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.with(Write::flush)
    }

    /// Writes in any way.
    pub(super) fn with(
        &mut self,
        write: impl FnOnce(&mut BufWriter<Box<dyn Write>>) -> io::Result<()>,
    ) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        match write(&mut self.to) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => Err(Failure::new(
                ExitCode::Infrastructure,
                format!("can't write to {}: {error}", self.name),
            )),
        }
    }
}
