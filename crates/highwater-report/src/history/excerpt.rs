//! The diagram around one event of a history, for a report.

use highwater_model::history::{HistoryError, HistoryEvent};

use super::{Around, Filter, Follow, Names, Row, Window, svg};

/// Rows before and after the event: what fits on a page.
const CONTEXT: usize = 12;
/// Rows of one diagram.
const MAX_ROWS: usize = 60;

/// The diagram of the rows around an event; none if the history does not have it, or can't be read that far.
pub fn excerpt(
    events: impl Iterator<Item = Result<HistoryEvent, HistoryError>>,
    around: &Around,
    names: Names,
) -> Option<String> {
    rows(events, around, CONTEXT, names).map(|rows| svg(&rows))
}

/// The rows around an event, as many before as after it; none if the history does not have it.
pub fn rows(
    events: impl Iterator<Item = Result<HistoryEvent, HistoryError>>,
    around: &Around,
    context: usize,
    names: Names,
) -> Option<Vec<Row>> {
    let mut window = Window::new(Some(context));
    let mut follow = Follow::new(Filter::default(), Some(around.clone()), names);
    let mut rows: Vec<Row> = Vec::new();
    let mut take = |follow: &mut Follow, window: &mut Window| {
        while let Some(row) = follow.next_row() {
            rows.extend(window.pass(row));
        }
    };
    for event in events.map_while(Result::ok) {
        follow.event(&event);
        take(&mut follow, &mut window);
        if window.is_over() {
            break;
        }
    }
    follow.finish();
    take(&mut follow, &mut window);
    rows.truncate(MAX_ROWS);
    window.is_found().then_some(rows)
}
