//! What a person sees while a run goes on.
//!
//! Invariant: the terminal is left as it was on every way out: the view is cleared and the cursor shown again by
//! [`Live::finish`] and by dropping. Never uses the alternate screen nor raw mode, so what was on the screen
//! before stays, and an interrupt works as everywhere. A broken output ends the view, never the run.

mod lines;
mod panel;
mod sparkline;
mod view;

use std::io::{self, Write};

use highwater_model::{Event, EventBody, NoticeLevel};

use crate::Replay;
use lines::PlainLines;
pub use panel::Panel;
pub use view::live_lines;

/// How the view is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveMode {
    /// Redrawn in place.
    Terminal {
        /// Columns.
        width: u16,
        /// Use bold, dim and the one colour for trouble.
        color: bool,
    },
    /// One plain line a second and one for each notable event: right for a file or a pipe.
    Lines,
    /// Nothing.
    Silent,
}

/// The live view of a run.
pub struct Live {
    panel: Panel,
    mode: LiveMode,
    replay: Replay,
    lines: PlainLines,
}

impl Live {
    /// A view that shows nothing until the first event or [`Live::refresh`].
    pub fn new(out: Box<dyn Write + Send>, mode: LiveMode) -> Self {
        Self {
            panel: Panel::new(out),
            mode,
            replay: Replay::default(),
            lines: PlainLines::default(),
        }
    }

    /// Takes the next event in and shows it.
    pub fn event(&mut self, event: &Event) {
        if self.mode == LiveMode::Silent {
            return;
        }
        self.replay.apply(event);
        let shown = match self.mode {
            LiveMode::Silent => Ok(()),
            LiveMode::Lines => self
                .lines
                .event(&self.replay, event)
                .iter()
                .try_for_each(|line| self.panel.line(line)),
            LiveMode::Terminal { width, color } => match &event.body {
                EventBody::Notice { level, text } => self.keep(*level, text, width, color),
                EventBody::RunFinished { .. } => self.panel.clear(),
                _ => self.redraw_if_due(width, color),
            },
        };
        self.give_up_on(&shown);
    }

    /// Moves the clock on while no event comes, e.g. while a target is installed; call it a few times a second
    /// with the time since the start of the run.
    pub fn refresh(&mut self, now_ns: u64) {
        self.replay.advance(now_ns);
        let shown = match self.mode {
            LiveMode::Silent => Ok(()),
            LiveMode::Lines => match self.lines.waiting(&self.replay) {
                Some(line) => self.panel.line(&line),
                None => Ok(()),
            },
            LiveMode::Terminal { width, color } => self.redraw_if_due(width, color),
        };
        self.give_up_on(&shown);
    }

    /// Tells that the terminal has another width now.
    pub fn resize(&mut self, columns: u16) {
        if let LiveMode::Terminal { width, .. } = &mut self.mode {
            *width = columns;
        }
    }

    /// Clears the view and shows the cursor; what is written next starts where the view began.
    pub fn finish(&mut self) {
        let shown = self.panel.clear();
        self.give_up_on(&shown);
    }

    fn give_up_on(&mut self, shown: &io::Result<()>) {
        if shown.is_err() {
            self.mode = LiveMode::Silent;
        }
    }

    fn redraw_if_due(&mut self, width: u16, color: bool) -> io::Result<()> {
        if self.replay.report.is_some() || !self.panel.is_due() {
            return Ok(());
        }
        let lines = live_lines(&self.replay, width, color);
        self.panel.draw(&lines)
    }

    /// Writes a notice that stays on the screen, above the view.
    fn keep(&mut self, level: NoticeLevel, text: &str, width: u16, color: bool) -> io::Result<()> {
        self.panel.keep(&view::notice(level, text, width, color))?;
        let lines = live_lines(&self.replay, width, color);
        self.panel.draw(&lines)
    }
}
