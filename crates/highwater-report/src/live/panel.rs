//! Lines that are redrawn in place.
//!
//! Invariant: the terminal is left as it was on every way out: lines are cleared and the cursor shown again by
//! [`Panel::clear`] and by dropping. Never uses the alternate screen nor raw mode, so what was on the screen before
//! stays, and an interrupt works as everywhere.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crossterm::cursor::{Hide, MoveToColumn, MoveUp, Show};
use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};

/// Ten times a second: more is not seen, and would cost the load.
const REDRAW_INTERVAL: Duration = Duration::from_millis(100);

/// Lines that are redrawn in place. None may be wider than the terminal.
pub struct Panel {
    out: Box<dyn Write + Send>,
    drawn_lines: u16,
    drawn_at: Option<Instant>,
    cursor_hidden: bool,
}

impl Panel {
    /// A panel that shows nothing yet.
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self {
            out,
            drawn_lines: 0,
            drawn_at: None,
            cursor_hidden: false,
        }
    }

    /// Whether a redraw would be seen.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.drawn_at.is_none_or(|at| at.elapsed() >= REDRAW_INTERVAL)
    }

    /// Shows these lines in place of the last ones.
    ///
    /// # Errors
    /// The output is gone.
    pub fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        self.drawn_at = Some(Instant::now());
        queue!(self.out, BeginSynchronizedUpdate)?;
        if !self.cursor_hidden {
            queue!(self.out, Hide)?;
            self.cursor_hidden = true;
        }
        self.move_to_top()?;
        for line in lines {
            write!(self.out, "{line}")?;
            queue!(self.out, Clear(ClearType::UntilNewLine))?;
            writeln!(self.out)?;
        }
        queue!(self.out, Clear(ClearType::FromCursorDown), EndSynchronizedUpdate)?;
        self.drawn_lines = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        self.out.flush()
    }

    /// Writes lines that stay on the screen, where the panel began; draw it again afterwards.
    pub(super) fn keep(&mut self, lines: &[String]) -> io::Result<()> {
        self.move_to_top()?;
        queue!(self.out, Clear(ClearType::FromCursorDown))?;
        for line in lines {
            writeln!(self.out, "{line}")?;
        }
        self.drawn_lines = 0;
        Ok(())
    }

    /// Writes a line and nothing else, for outputs that are no terminal.
    ///
    /// # Errors
    /// The output is gone.
    pub fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}")?;
        self.out.flush()
    }

    /// Takes the lines away and shows the cursor; what is written next starts where the panel began.
    ///
    /// # Errors
    /// The output is gone.
    pub fn clear(&mut self) -> io::Result<()> {
        if self.drawn_lines > 0 {
            self.move_to_top()?;
            queue!(self.out, Clear(ClearType::FromCursorDown))?;
            self.drawn_lines = 0;
        }
        if self.cursor_hidden {
            queue!(self.out, Show)?;
            self.cursor_hidden = false;
        }
        self.out.flush()
    }

    fn move_to_top(&mut self) -> io::Result<()> {
        if self.drawn_lines > 0 {
            queue!(self.out, MoveUp(self.drawn_lines), MoveToColumn(0))?;
        }
        Ok(())
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.clear();
    }
}
