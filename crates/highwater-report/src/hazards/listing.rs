//! The list of hazards, with what goes wrong and what mends it: for a terminal, as JSON, and as `docs/hazards.md`.

use serde::Serialize;

use crate::Style;
use crate::paint::Paint;
use crate::text::{left, wrap};

const INTRODUCTION: &str = "\
# Hazards

`highwater hazards` reproduces what goes wrong with Kafka although every component works as documented, each with the
setting that mends it:

```sh
highwater hazards                            # on the built-in broker, about a minute
highwater hazards --target kafka             # on an Apache Kafka 4.3.1, started for it
highwater hazards late-end-txn --format json # one of them, for a program
highwater hazards --target kafka:3 acks-1-leader-killed
highwater hazards --disarm                   # without the faults: nothing may be found, exit code 1
```

Each hazard is run twice with the same fault: once with the setting that is open to it, once with the control. The body
is the same, the setting that is named differs, and what an application does because of it. What was done, what was
answered, the records by offset, and the exchange on the wire around the fault are printed as a lesson to read.

- Both arms are judged by what is read back from the broker afterwards: the log with its markers, what a committed
  reader gets, committed offsets, and not by what was expected. Harm must be there in the open arm; the control must be
  whole, which is more than the absence of harm: everything that should be there is there.
- Exit code 0: every hazard was reproduced and every control held. 1: one did not appear, or a control did not hold; it
  is named. 5: one that was asked for by name can't be done with the target.
- Faults are rules of the [fault proxy](fault-proxy.md), or something that an application or an administrator does: a
  stall, a crash, a rebalance, an expiry. `--disarm` leaves them out.
- Clients are librdkafka where its behaviour is what is shown, and otherwise a raw client that speaks the version of the
  protocol that is named and retries nothing by itself.
- Timeouts are short, so that a lesson takes seconds: a transaction timeout of a second stands for one of a minute, and
  the deletion of offsets or records for their expiry. On Apache Kafka `producer.id.expiration.ms` is lowered for a moment
  and set back; the dev broker forgets producer ids by number and not by time. `close-blocks` waits four seconds for what
  never comes.
- What one broker can't show needs `--target kafka:3`. Clusters that are there already are never broken.

This table is written from the program (`highwater hazards --list` prints the same).

| hazard | what goes wrong | mend | source |
|---|---|---|---|
";
const INDENT: usize = 2;
const LABEL: usize = 12;

/// A hazard as it is listed.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ListedHazard {
    /// As it is typed.
    pub name: &'static str,
    /// Heading.
    pub title: &'static str,
    /// What goes wrong, and when.
    pub risk: &'static str,
    /// What mends it.
    pub mend: &'static str,
    /// Where it is described.
    pub sources: &'static [&'static str],
    /// Why it can't be done with the target that was asked about, if it can't.
    pub absent: Option<&'static str>,
}

/// All hazards, to be read.
#[must_use]
pub fn hazards_list(hazards: &[ListedHazard], style: &Style) -> String {
    let paint = Paint::new(style.color);
    let width = usize::from(style.width).clamp(80, 120);
    let mut text = String::new();
    for hazard in hazards {
        text += &format!("{}  {}\n", paint.bold(hazard.name), hazard.title);
        let sources = hazard.sources.join(", ");
        let mut lines = vec![
            ("goes wrong", hazard.risk),
            ("mend", hazard.mend),
            ("source", &sources),
        ];
        lines.extend(hazard.absent.map(|why| ("not here", why)));
        for (label, what) in lines {
            for (index, line) in wrap(what, width - INDENT - LABEL).into_iter().enumerate() {
                let label = left(if index == 0 { label } else { "" }, LABEL);
                text += &format!("{}{}{line}\n", " ".repeat(INDENT), paint.dim(&label));
            }
        }
        text.push('\n');
    }
    text
}

/// All hazards as they are in `docs/hazards.md`.
#[must_use]
pub fn hazards_markdown(hazards: &[ListedHazard]) -> String {
    let mut text = INTRODUCTION.to_owned();
    for hazard in hazards {
        let sources = hazard.sources.join(", ");
        text += &format!(
            "| `{}`: {} | {} | {} | {sources} |\n",
            hazard.name, hazard.title, hazard.risk, hazard.mend
        );
    }
    text
}

/// All hazards as JSON.
#[must_use]
pub fn hazards_list_json(hazards: &[ListedHazard]) -> String {
    serde_json::to_string_pretty(hazards).unwrap_or_default() + "\n"
}
