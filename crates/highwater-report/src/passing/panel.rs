//! What passes, on a terminal.
//!
//! Invariant: no line is wider than the terminal, so that redrawing in place finds its top again.

use super::{Passing, errors};
use crate::number::{bytes, clock, count, counted, significant};
use crate::paint::Paint;
use crate::text::{cut, left, plain, right};

/// APIs shown by themselves; further ones are summed up, so that the view fits a small terminal.
const MOST_APIS: usize = 8;
/// Rules shown by themselves.
const MOST_RULES: usize = 8;
/// Columns of names.
const NAME: usize = 24;

/// The view at its moment, for a terminal of `width` columns (fewer than 40 are treated as 40); rates are since
/// `before`.
#[must_use]
pub fn panel(now: &Passing, before: &Passing, width: u16, color: bool) -> Vec<String> {
    let width = usize::from(width.max(40));
    let paint = Paint::new(color);
    let mut lines = vec![heading(now, width, paint), String::new()];
    let mut row = |label: &str, text: &str| {
        lines.push(format!(
            "  {}{}",
            paint.dim(&left(label, 13)),
            cut(&plain(text), width - 15)
        ));
    };
    let rate = |counter: fn(&Passing) -> u64| now.per_s(before, counter).unwrap_or(0.0);
    row(
        "connections",
        &format!(
            "{} open · {} in all",
            count(now.connections_open),
            count(now.connections)
        ),
    );
    row(
        "bytes",
        &format!(
            "{}/s to the brokers · {}/s to the clients",
            bytes(rate(|now| now.bytes_to_brokers) as u64),
            bytes(rate(|now| now.bytes_to_clients) as u64)
        ),
    );
    row(
        "requests",
        &format!(
            "{}/s · {} in all, {} answered",
            significant(rate(Passing::requests)),
            count(now.requests()),
            count(now.responses)
        ),
    );
    if now.unknown_requests > 0 {
        row(
            "unknown",
            &format!("{} passed untouched", counted(now.unknown_requests, "request")),
        );
    }
    lines.push(String::new());
    lines.extend(apis(now, before, width, paint));
    lines.extend(rules(now, width, paint));
    if let Some(last) = now.troubles.last() {
        lines.push(String::new());
        let told = format!(
            "{}, the last: {}",
            counted(now.troubles_total, "trouble"),
            plain(last)
        );
        lines.push(format!("  {}", paint.trouble(&cut(&told, width - 2))));
    }
    lines
}

fn heading(now: &Passing, width: usize, paint: Paint) -> String {
    let name = "highwater proxy";
    let rest = format!(
        " · {} ─▶ {} · seed {} · {}",
        now.bootstrap,
        now.target,
        now.seed,
        clock(now.elapsed_ns)
    );
    format!("{}{}", paint.bold(name), cut(&plain(&rest), width - name.len()))
}

fn apis(now: &Passing, before: &Passing, width: usize, paint: Paint) -> Vec<String> {
    if now.apis.is_empty() {
        let text = format!(
            "nothing has passed yet: point the application at {}",
            now.bootstrap
        );
        return vec![format!("  {}", cut(&plain(&text), width - 2))];
    }
    let mut lines: Vec<String> = now
        .apis
        .iter()
        .take(MOST_APIS)
        .map(|api| {
            let rate = now.per_s(before, |at| at.requests_of(&api.api)).unwrap_or(0.0);
            let counts = format!(
                "{}{}{}",
                left(&api.api, NAME),
                right(&format!("{}/s", significant(rate)), 10),
                right(&count(api.requests), 13)
            );
            let counts = cut(&counts, width - 2);
            let room = (width - 2).saturating_sub(NAME + 26);
            let errors = match errors(api) {
                none if none.is_empty() || room < 8 => String::new(),
                errors => format!("   {}", paint.trouble(&cut(&plain(&errors), room))),
            };
            format!("  {counts}{errors}")
        })
        .collect();
    let others = now.apis.len().saturating_sub(MOST_APIS);
    if others > 0 {
        let requests = now.apis.iter().skip(MOST_APIS).map(|api| api.requests).sum();
        let sum = format!(
            "{}{}",
            left(&counted(others as u64, "other API"), NAME),
            right(&count(requests), 23)
        );
        lines.push(format!("  {}", cut(&sum, width - 2)));
    }
    lines
}

fn rules(now: &Passing, width: usize, paint: Paint) -> Vec<String> {
    if now.rules.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![
        String::new(),
        format!(
            "  {}",
            paint.dim(&cut(
                &format!(
                    "{}{}{}",
                    left("rule", NAME),
                    right("matched", 10),
                    right("fired", 13)
                ),
                width - 2
            ))
        ),
    ];
    lines.extend(now.rules.iter().take(MOST_RULES).map(|rule| {
        let counts = format!(
            "{}{}{}",
            left(&cut(&plain(&rule.name), NAME - 1), NAME),
            right(&count(rule.matched), 10),
            right(&count(rule.fired), 13)
        );
        format!("  {}", cut(&counts, width - 2))
    }));
    let others = now.rules.len().saturating_sub(MOST_RULES);
    if others > 0 {
        let fired = now.rules.iter().skip(MOST_RULES).map(|rule| rule.fired).sum();
        let sum = format!(
            "{}{}",
            left(&counted(others as u64, "other rule"), NAME),
            right(&count(fired), 23)
        );
        lines.push(format!("  {}", cut(&sum, width - 2)));
    }
    lines
}
