//! Small histories with one thing wrong, and their twins with nothing wrong.

mod controls;
mod judging;
mod log;
mod reading;
mod sends;
mod story;
mod transactions;
mod unended;

pub(super) use story::Story;
