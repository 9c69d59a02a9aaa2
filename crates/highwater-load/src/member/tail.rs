//! Reading a member's file while it is written.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Line, LineError};

/// A line is some 60 bytes; one with an error of the client library may be longer.
const LONGEST_LINE: usize = 64 << 10;

/// The reader of one file. A last line without its end is left for later: its writer may be dead, or about to go on.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    file: Option<File>,
    rest: Vec<u8>,
}

impl Tail {
    /// A reader of a file that need not be there yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            file: None,
            rest: Vec::new(),
        }
    }

    /// The lines written since the last call.
    ///
    /// # Errors
    /// The file can't be read; a line that is none, as [`io::ErrorKind::InvalidData`].
    pub fn read(&mut self, mut visit: impl FnMut(Line)) -> io::Result<()> {
        if self.file.is_none() {
            self.file = match File::open(&self.path) {
                Ok(file) => Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            };
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut chunk = [0; 64 << 10];
        loop {
            let read = file.read(&mut chunk)?;
            let Some(read) = chunk.get(..read).filter(|read| !read.is_empty()) else {
                return Ok(());
            };
            self.rest.extend_from_slice(read);
            let mut from = 0;
            while let Some(length) = self.rest[from..].iter().position(|byte| *byte == b'\n') {
                let text = String::from_utf8_lossy(&self.rest[from..from + length]).into_owned();
                let line = text
                    .parse()
                    .map_err(|error: LineError| io::Error::new(io::ErrorKind::InvalidData, error))?;
                visit(line);
                from += length + 1;
            }
            self.rest.drain(..from);
            if self.rest.len() > LONGEST_LINE {
                let long = format!(
                    "{} has a line of more than {LONGEST_LINE} bytes",
                    self.path.display()
                );
                return Err(io::Error::new(io::ErrorKind::InvalidData, long));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::What;
    use super::*;

    #[test]
    fn a_line_is_read_once_and_only_when_it_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("member");
        let mut tail = Tail::new(&path);
        let mut seen = Vec::new();
        tail.read(|line| seen.push(line)).unwrap();
        let mut file = File::create(&path).unwrap();
        file.write_all(b"1 left\n2 assig").unwrap();
        tail.read(|line| seen.push(line)).unwrap();
        assert_eq!(seen.len(), 1);
        file.write_all(b"ned 4\n").unwrap();
        tail.read(|line| seen.push(line)).unwrap();
        assert_eq!(seen[1].what, What::Assigned(vec![4]));
        file.write_all(b"nonsense\n").unwrap();
        assert!(tail.read(|line| seen.push(line)).is_err());
    }
}
