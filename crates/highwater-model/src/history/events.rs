use std::io::BufRead;

use super::{Decoder, GoodTo, HistoryError, HistoryEvent, Lines};

/// The events of a history in either form: the file of a recorder, or an export as JSON lines.
#[derive(Debug)]
pub enum Events<R> {
    /// The file of a recorder.
    File(Decoder<R>),
    /// An export.
    Lines(Lines<R>),
}

impl<R: BufRead> Events<R> {
    /// Looks at the first byte and begins to read.
    ///
    /// # Errors
    /// As [`Decoder::new`].
    pub fn new(mut source: R) -> Result<Self, HistoryError> {
        let front = source.fill_buf().map_err(|source| HistoryError::Read {
            good: GoodTo::default(),
            source,
        })?;
        if front.first() == Some(&b'{') {
            Ok(Self::Lines(Lines::new(source)))
        } else {
            Decoder::new(source).map(Self::File)
        }
    }

    /// Up to where it was good so far.
    #[must_use]
    pub fn good_to(&self) -> GoodTo {
        match self {
            Self::File(decoder) => decoder.good_to(),
            Self::Lines(lines) => lines.good_to(),
        }
    }
}

impl<R: BufRead> Iterator for Events<R> {
    type Item = Result<HistoryEvent, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::File(decoder) => decoder.next(),
            Self::Lines(lines) => lines.next(),
        }
    }
}
