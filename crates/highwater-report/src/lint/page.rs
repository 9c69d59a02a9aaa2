use highwater_model::{LintClient, LintFinding, LintLevel, LintReport};

use crate::Style;
use crate::number::{count, counted, duration};
use crate::paint::Paint;
use crate::text::{left, plain, wrap};

/// A narrower terminal wraps by itself.
const WIDTH_MIN: usize = 80;
/// Longer lines are hard to read.
const WIDTH_MAX: usize = 120;
/// Columns in front of the text of a finding.
const INDENT: usize = 6;
/// Columns of the labels of a finding.
const LABEL: usize = 20;

/// The report for a terminal; `subject` is the program, or the file, that was looked at.
#[must_use]
pub fn lint(report: &LintReport, subject: &str, style: &Style) -> String {
    let mut page = Page {
        lines: Vec::new(),
        width: usize::from(style.width).clamp(WIDTH_MIN, WIDTH_MAX),
        paint: Paint::new(style.color),
    };
    let clients: Vec<String> = report.clients.iter().filter_map(client).collect();
    let who = if clients.is_empty() {
        String::new()
    } else {
        format!(" ({})", clients.join(", "))
    };
    let heading = format!(
        "highwater lint · {subject}{who} · watched {} · {}",
        duration(report.watched_ns),
        counted(report.requests, "request")
    );
    page.text(0, &heading);
    page.lines.push(String::new());
    for finding in &report.findings {
        page.finding(finding);
    }
    page.marked("✓", &report.good);
    page.marked(
        "–",
        &report
            .not_seen
            .iter()
            .map(|what| format!("not seen: {what}"))
            .collect::<Vec<_>>(),
    );
    page.lines.push(String::new());
    for caveat in &report.caveats {
        page.text(0, &format!("incomplete: {caveat}"));
    }
    page.text(
        0,
        &match report.caveats.is_empty() {
            true => format!("{}. Nothing was broken to find this out.", report.guarantee),
            false => format!("{}.", report.guarantee),
        },
    );
    let mut text = page.lines.join("\n");
    text.push('\n');
    text
}

/// `librdkafka 2.12.1, via confluent-kafka-python`
fn client(client: &LintClient) -> Option<String> {
    let version = client.software_version.as_deref().unwrap_or_default();
    let name = match (&client.library, &client.software_name) {
        (Some(library), Some(software)) if is_wrapper(library, software) => {
            format!("{library}, via {software} {version}")
        }
        (Some(name), _) | (None, Some(name)) => format!("{name} {version}"),
        (None, None) => return None,
    };
    Some(name.trim_end().to_owned())
}

/// Libraries whose software name is their own in other letters.
fn is_wrapper(library: &str, software: &str) -> bool {
    library == "librdkafka" && software != library
}

/// Lines as they are set.
struct Page {
    lines: Vec<String>,
    width: usize,
    paint: Paint,
}

impl Page {
    fn finding(&mut self, finding: &LintFinding) {
        let mark = match finding.level {
            LintLevel::Error => "✗",
            LintLevel::Warning => "!",
            LintLevel::Note => "·",
        };
        let mark = if finding.level == LintLevel::Note {
            mark.to_owned()
        } else {
            self.paint.trouble(mark)
        };
        let title = self.paint.bold(&plain(&finding.title));
        let name = format!("{} {}", finding.level.name(), plain(&finding.name));
        self.lines
            .push(format!("  {mark} {title}  {}", self.paint.dim(&name)));
        let mut seen = finding.seen.clone();
        if finding.times > 1 {
            seen.push_str(&format!(" (the first of {})", count(finding.times)));
        }
        for (label, text) in [
            ("seen", seen.as_str()),
            ("what can go wrong", &finding.risk),
            ("setting", &finding.setting),
        ] {
            self.labelled(label, text);
        }
    }

    fn labelled(&mut self, label: &str, text: &str) {
        for (index, line) in wrap(&plain(text), self.width - INDENT - LABEL)
            .into_iter()
            .enumerate()
        {
            let label = if index == 0 { label } else { "" };
            let label = self.paint.dim(&left(label, LABEL));
            self.lines.push(format!("{}{label}{line}", " ".repeat(INDENT)));
        }
    }

    /// Short things beside each other, each with its mark; one that does not fit begins a line.
    fn marked(&mut self, mark: &str, things: &[String]) {
        let mut line = String::new();
        for thing in things {
            let thing = format!("{mark} {}", plain(thing));
            let together = crate::text::width(&line) + 3 + crate::text::width(&thing);
            if !line.is_empty() && together + 2 <= self.width {
                line.push_str("   ");
                line.push_str(&thing);
                continue;
            }
            self.indented(&line);
            line = thing;
        }
        self.indented(&line);
    }

    fn indented(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if crate::text::width(text) + 2 <= self.width {
            self.lines.push(format!("  {text}"));
            return;
        }
        for (index, line) in wrap(text, self.width - 4).into_iter().enumerate() {
            let indent = if index == 0 { "  " } else { "    " };
            self.lines.push(format!("{indent}{line}"));
        }
    }

    fn text(&mut self, indent: usize, text: &str) {
        for line in wrap(&plain(text), self.width - indent) {
            self.lines.push(format!("{}{line}", " ".repeat(indent)));
        }
    }
}
