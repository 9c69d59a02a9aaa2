//! A table in Markdown. Invariant: whatever a cell holds, the table stays one.

use crate::markdown::escape;

/// A table with these columns; the first is text, the others are figures.
pub(super) fn table(lines: &mut Vec<String>, columns: &[&str], rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    lines.push(format!("| {} |", columns.join(" | ")));
    lines.push(format!("|---|{}", "--:|".repeat(columns.len().saturating_sub(1))));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
        lines.push(format!("| {} |", cells.join(" | ")));
    }
    lines.push(String::new());
}
