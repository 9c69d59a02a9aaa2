//! What is known of the terminal: whether there is one, how wide, whether colour is wanted.

use std::io::{IsTerminal, stderr, stdout};

use highwater_report::{LiveMode, Style};

use crate::arguments::Color;

/// Width of output that is no terminal.
const DEFAULT_WIDTH: u16 = 100;

/// The terminal.
pub(crate) struct Screen {
    color: Color,
}

impl Screen {
    pub(crate) fn new(color: Color) -> Self {
        Self { color }
    }

    fn colored(&self, terminal: bool) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                terminal && !unwanted && !dumb
            }
        }
    }

    pub(crate) fn errors_in_color(&self) -> bool {
        self.colored(stderr().is_terminal())
    }

    /// How results are written to standard output.
    pub(crate) fn style(&self) -> Style {
        Style {
            color: self.colored(stdout().is_terminal()),
            width: width(stdout().is_terminal()),
        }
    }

    /// Whether standard output can be written over.
    pub(crate) fn redraws() -> bool {
        stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// How a run is shown on standard error while it goes on.
    pub(crate) fn live(&self, quiet: bool) -> LiveMode {
        let terminal = stderr().is_terminal();
        match (quiet, terminal) {
            (true, _) => LiveMode::Silent,
            (false, true) => LiveMode::Terminal {
                width: width(true),
                color: self.colored(true),
            },
            (false, false) => LiveMode::Lines,
        }
    }
}

fn width(terminal: bool) -> u16 {
    let size = terminal
        .then(|| rustix::termios::tcgetwinsize(stderr()).ok())
        .flatten();
    size.map(|size| size.ws_col)
        .filter(|columns| *columns > 0)
        .unwrap_or(DEFAULT_WIDTH)
}
