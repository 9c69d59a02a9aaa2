//! Ctrl-C, SIGTERM and SIGHUP: the first asks the run to end and clean up, the second ends the process at once; the
//! children end with it.

use std::io::{IsTerminal, Write, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use highwater_model::ExitCode;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::Failure;

/// Shows the cursor, which the live view hides.
const SHOW_CURSOR: &[u8] = b"\x1b[?25h";

/// A flag that is set when the process is asked to end.
pub(crate) fn flag() -> Result<Arc<AtomicBool>, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let fail = |error: std::io::Error| {
        Failure::new(ExitCode::Infrastructure, format!("can't handle signals: {error}"))
    };
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(fail)?;
    let flag = Arc::clone(&interrupted);
    let handle = move || {
        for signal in signals.forever() {
            if flag.swap(true, Ordering::Relaxed) {
                end_at_once(signal);
            }
        }
    };
    thread::Builder::new()
        .name("signals".into())
        .spawn(handle)
        .map_err(fail)?;
    Ok(interrupted)
}

/// As a shell expects it of a program that a signal ended.
fn end_at_once(signal: i32) -> ! {
    if stderr().is_terminal() {
        // The process ends in any case.
        let _ = stderr().write_all(SHOW_CURSOR);
    }
    std::process::exit(128 + signal)
}
