//! Programs that can't be judged: what they do instead of copying, or beside it.

use std::error::Error;
use std::io::Write as _;
use std::thread;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};

use crate::arguments::Arguments;
use crate::defect::Defect;
use crate::saying;
use crate::stopping::Stopping;

const GLANCE: Duration = Duration::from_secs(1);
const CALL: Duration = Duration::from_secs(5);

/// What is done instead of copying, if anything.
pub(crate) fn instead(arguments: &Arguments, stopping: &Stopping) -> Option<Result<u64, Box<dyn Error>>> {
    if arguments.has(Defect::ExitsAtOnce) {
        return Some(Err("can't read its configuration, exits at once".into()));
    }
    if arguments.has(Defect::NeverJoins) {
        return Some(look_on(arguments, stopping));
    }
    None
}

/// Connects and asks about the topic from time to time.
fn look_on(arguments: &Arguments, stopping: &Stopping) -> Result<u64, Box<dyn Error>> {
    let client: BaseConsumer = arguments.client(None).create()?;
    saying::line(format_args!("looks on and never joins"));
    while !stopping.now() {
        if let Err(error) = client.fetch_metadata(Some(&arguments.input), CALL) {
            saying::line(format_args!("{error}"));
        }
        stopping.pause(GLANCE);
    }
    Ok(0)
}

/// What is done beside copying.
pub(crate) fn beside(arguments: &Arguments, stopping: &Stopping) {
    if arguments.has(Defect::PrintsGigabytes) {
        let stopping = stopping.clone();
        thread::spawn(move || print(&stopping));
    }
}

fn print(stopping: &Stopping) {
    let line = format!("{}\n", "a line that nobody asked for ".repeat(10));
    let lines = line.repeat(200);
    let mut out = std::io::stdout().lock();
    while !stopping.now() && out.write_all(lines.as_bytes()).is_ok() {}
}
