//! The list of hazards, with what goes wrong and what mends it.

use serde::Serialize;

use crate::Style;
use crate::paint::Paint;
use crate::text::{left, wrap};

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

/// All hazards as JSON.
#[must_use]
pub fn hazards_list_json(hazards: &[ListedHazard]) -> String {
    serde_json::to_string_pretty(hazards).unwrap_or_default() + "\n"
}
