use crate::history::{Step, What};

/// Where the steps of one event go.
pub(super) struct Out<'a> {
    pub(super) index: u64,
    pub(super) at_ns: i64,
    pub(super) steps: &'a mut dyn FnMut(Step),
}

impl Out<'_> {
    pub(super) fn push(&mut self, what: What) {
        (self.steps)(Step {
            index: self.index,
            at_ns: self.at_ns,
            what,
        });
    }
}
