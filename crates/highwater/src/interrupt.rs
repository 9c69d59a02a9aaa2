//! Ctrl-C and SIGTERM: the first asks the run to end and clean up, the second ends the process at once; the
//! children end with it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use highwater_model::ExitCode;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::failure::Failure;

/// A flag that is set when the process is asked to end.
pub(crate) fn flag() -> Result<Arc<AtomicBool>, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let fail = |error: std::io::Error| {
        Failure::new(ExitCode::Infrastructure, format!("can't handle signals: {error}"))
    };
    for signal in [SIGINT, SIGTERM] {
        // Order matters: the second signal finds the flag set by the first.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&interrupted)).map_err(fail)?;
        flag::register(signal, Arc::clone(&interrupted)).map_err(fail)?;
    }
    Ok(interrupted)
}
