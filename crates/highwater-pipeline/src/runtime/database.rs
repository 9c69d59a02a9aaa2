//! A database that keeps rows and offsets together.

use std::any::Any;
use std::error::Error;

use thiserror::Error;

/// An error of a database.
pub type DatabaseError = Box<dyn Error + Send + Sync>;

/// Where a partition goes on, as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The topic: the source, or the retry topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The next offset that is not done.
    pub offset: i64,
    /// What is done above it; at most 4,096 bytes of ASCII, to be kept as it is.
    pub metadata: String,
}

/// A place that moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What the database must still have. Another one there: another process has the partition.
    pub before: Option<Place>,
    /// What it has afterwards.
    pub after: Place,
}

/// Why nothing was written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The database takes one of the rows never: its record is given up, the others are written again.
    #[error("row {index} is refused")]
    Row {
        /// Its place among the rows.
        index: usize,
        /// What the database says.
        source: DatabaseError,
    },
    /// The transaction did not happen, or nobody knows. It is found out by reading the places again.
    #[error("the transaction failed")]
    Database(#[source] DatabaseError),
}

/// A database into which a pipeline writes exactly once, as rows and places are in one transaction of it.
///
/// # Implementing it
///
/// One table for places, with `(group, topic, partition)` as its key. [`Database::write`] is one transaction: for each
/// step compare `before` with what is there (and fail if it is another), put `after` there, and write the rows.
pub trait Database<R> {
    /// All places of a group.
    ///
    /// # Errors
    ///
    /// The database does not answer. It is asked again.
    fn places(&mut self, group: &str) -> Result<Vec<Place>, DatabaseError>;

    /// Writes rows and moves places, both or neither.
    ///
    /// # Errors
    ///
    /// Nothing was written, or it is not known whether it was.
    fn write(&mut self, group: &str, rows: Vec<R>, steps: &[Step]) -> Result<(), WriteError>;
}

/// A row whose type only the database knows.
pub(super) type AnyRow = Box<dyn Any + Send>;

/// A database of rows of whichever type.
pub(super) trait Sink {
    fn places(&mut self) -> Result<Vec<Place>, DatabaseError>;
    fn write(&mut self, rows: Vec<AnyRow>, steps: &[Step]) -> Result<(), WriteError>;
}

/// A database and the group that it is asked for.
pub(super) struct Typed<'a, R, B> {
    pub(super) group: &'a str,
    pub(super) database: &'a mut B,
    pub(super) rows: std::marker::PhantomData<fn() -> R>,
}

impl<R: 'static, B: Database<R>> Sink for Typed<'_, R, B> {
    fn places(&mut self) -> Result<Vec<Place>, DatabaseError> {
        self.database.places(self.group)
    }

    fn write(&mut self, rows: Vec<AnyRow>, steps: &[Step]) -> Result<(), WriteError> {
        let rows = rows
            .into_iter()
            .filter_map(|row| row.downcast().ok().map(|row| *row))
            .collect();
        self.database.write(self.group, rows, steps)
    }
}
