//! The exchange on the wire around the fault of an arm.

use highwater_model::history::{FaultChange, HistoryBody, HistoryEvent};

use crate::Style;
use crate::history::{Around, Filter, Follow, Names, Row, Window, sequence};

/// Rows before and after the moment at which the fault fired.
const CONTEXT: usize = 6;
/// What a client asks to find its way; left out of the diagram.
const WAYFINDING: [&str; 5] = [
    "ApiVersions",
    "Metadata",
    "GetTelemetrySubscriptions",
    "PushTelemetry",
    "Fetch",
];

/// Rows of a history that are no exchange and no fault.
const COMINGS_AND_GOINGS: [&str; 6] = [
    "history",
    "connected",
    "client",
    "broker",
    "proxy",
    "disconnected",
];

/// A diagram of what passed around the fault; around nothing in particular if no fault fired.
pub(super) fn diagram(events: &[HistoryEvent], names: Names, style: &Style) -> String {
    let wayfinding: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.body {
            HistoryBody::Request {
                exchange,
                api_key,
                rule: None,
                ..
            } => {
                let name = (names.api)(*api_key).unwrap_or_default();
                WAYFINDING.contains(&name).then_some(*exchange)
            }
            _ => None,
        })
        .collect();
    let dull = |event: &HistoryEvent| match &event.body {
        HistoryBody::Request { exchange, .. }
        | HistoryBody::Response { exchange, .. }
        | HistoryBody::Forwarded { exchange, .. }
        | HistoryBody::Unanswered { exchange, .. } => wayfinding.contains(exchange),
        _ => false,
    };
    let events: Vec<&HistoryEvent> = events.iter().filter(|event| !dull(event)).collect();
    // A fault that fired at a request rather than at a connection, if there is one.
    let at_request = |event: &&&HistoryEvent| {
        matches!(
            event.body,
            HistoryBody::Fault {
                change: FaultChange::Fired,
                exchange: Some(_),
                ..
            }
        )
    };
    let fired = match events.iter().find(at_request) {
        Some(event) => Around::Event(event.sequence),
        None => Around::Nth {
            what: "fault".to_owned(),
            ordinal: 1,
        },
    };
    let rows = rows(&events, Some(fired), names).or_else(|| rows(&events, None, names));
    rows.map_or_else(String::new, |rows| sequence(&rows, style))
}

/// The rows around an event, or the last ones; none if there are none.
fn rows(events: &[&HistoryEvent], around: Option<Around>, names: Names) -> Option<Vec<Row>> {
    let mut window = Window::new(around.is_some().then_some(CONTEXT));
    let sought = around.is_some();
    let mut follow = Follow::new(Filter::default(), around, names);
    let mut rows: Vec<Row> = Vec::new();
    let mut take = |row: Row| {
        if !COMINGS_AND_GOINGS.contains(&row.api.as_str()) {
            rows.extend(window.pass(row));
        }
    };
    for event in events {
        follow.event(event);
        while let Some(row) = follow.next_row() {
            take(row);
        }
    }
    follow.finish();
    while let Some(row) = follow.next_row() {
        take(row);
    }
    let first = rows.len().saturating_sub(2 * CONTEXT + 1);
    let found = if sought {
        window.is_found()
    } else {
        !rows.is_empty()
    };
    found.then(|| rows.split_off(first))
}
