use highwater_model::LintKind;

use crate::Style;
use crate::paint::Paint;
use crate::text::{left, wrap};

const INDENT: usize = 2;
const LABEL: usize = 19;

/// Every finding that there is, with what shows it, what can go wrong and the setting that mends it.
#[must_use]
pub fn lint_kinds(kinds: &[LintKind], style: &Style) -> String {
    let paint = Paint::new(style.color);
    let width = usize::from(style.width).clamp(80, 120);
    let mut text = String::new();
    for kind in kinds {
        text.push_str(&format!(
            "{}  {} · {}\n",
            paint.bold(kind.name),
            kind.level.name(),
            kind.title
        ));
        for (label, what) in [
            ("shown by", kind.evidence),
            ("what can go wrong", kind.risk),
            ("setting", kind.setting),
        ] {
            for (index, line) in wrap(what, width - INDENT - LABEL).into_iter().enumerate() {
                let label = left(if index == 0 { label } else { "" }, LABEL);
                text.push_str(&format!("{}{}{line}\n", " ".repeat(INDENT), paint.dim(&label)));
            }
        }
        text.push('\n');
    }
    text
}
