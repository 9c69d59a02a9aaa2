//! `highwater history info`: what a history holds, in a screenful.

use highwater_report::history::Summary;

use super::source::{NAMES, Out, failure, open};
use crate::arguments::HistoryInfoArguments;
use crate::failure::Failure;
use crate::screen::Screen;

pub(super) fn info(arguments: &HistoryInfoArguments, screen: &Screen) -> Result<(), Failure> {
    let mut events = open(&arguments.file)?;
    let mut summary = Summary::default();
    let mut stopped = None;
    for event in events.by_ref() {
        match event {
            Ok(event) => summary.event(&event),
            Err(error) => stopped = Some(error),
        }
    }
    let mut out = Out::new();
    out.write(&summary.text(events.good_to(), NAMES, &screen.style()))?;
    out.flush()?;
    match stopped {
        Some(error) => Err(failure(&arguments.file, &error)),
        None => Ok(()),
    }
}
