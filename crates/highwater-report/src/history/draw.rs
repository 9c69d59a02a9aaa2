//! A line of text that is drawn on: later marks lie over earlier ones.

use unicode_width::UnicodeWidthChar;

/// A line of columns. A wide character takes two, of which the second holds none.
#[derive(Debug)]
pub(super) struct Canvas {
    columns: Vec<Option<char>>,
}

impl Canvas {
    pub(super) fn new(width: usize) -> Self {
        Self {
            columns: vec![Some(' '); width],
        }
    }

    pub(super) fn put(&mut self, column: usize, mark: char) {
        if let Some(place) = self.columns.get_mut(column) {
            *place = Some(mark);
        }
    }

    /// Fills from one column up to and without another.
    pub(super) fn fill(&mut self, from: usize, to: usize, mark: char) {
        for column in from..to {
            self.put(column, mark);
        }
    }

    /// Writes from a column on; what does not fit is left out.
    pub(super) fn write(&mut self, mut column: usize, text: &str) {
        for mark in text.chars() {
            let width = mark.width().unwrap_or(0);
            if width == 0 || column + width > self.columns.len() {
                continue;
            }
            self.put(column, mark);
            if width == 2 {
                self.columns[column + 1] = None;
            }
            column += width;
        }
    }

    pub(super) fn into_text(self) -> String {
        let text: String = self.columns.into_iter().flatten().collect();
        text.trim_end().to_owned()
    }
}
