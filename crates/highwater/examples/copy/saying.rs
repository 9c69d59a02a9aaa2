//! What the program says about itself: one line for each thing that happened, on standard error.

use std::fmt;

/// Writes a line. That nobody reads it is no reason to stop.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "copy: {text}");
}
