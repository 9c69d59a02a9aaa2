//! Small histories with one thing wrong, and their twins with nothing wrong.

mod judging;
mod log;
mod reading;
mod story;

pub(super) use story::Story;
