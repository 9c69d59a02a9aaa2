//! `highwater history show`: a table, a sequence diagram, a picture, or the events as JSON lines.

use std::io::Write as _;

use highwater_model::ExitCode;
use highwater_model::history::write_line;
use highwater_report::history::{Follow, Row, Table, Window, sequence, svg};

use super::source::{NAMES, Out, open};
use crate::arguments::{HistoryFormat, HistoryShowArguments};
use crate::failure::Failure;
use crate::screen::Screen;

/// Rows of one diagram; more of them nobody reads, and they would all be in memory.
const MAX_DRAWN: usize = 1_000;
/// A diagram without an event to look at shows the first rows.
const DRAWN: usize = 200;

pub(super) fn show(arguments: &HistoryShowArguments, screen: &Screen) -> Result<(), Failure> {
    let context = arguments.context;
    let drawn = matches!(arguments.format, HistoryFormat::Sequence | HistoryFormat::Svg);
    if drawn && context > MAX_DRAWN / 2 {
        let help = format!(
            "a diagram has at most {MAX_DRAWN} rows: give --context {} or less",
            MAX_DRAWN / 2 - 1
        );
        return Err(Failure::new(
            ExitCode::Usage,
            format!("--context {context} is too much for a diagram"),
        )
        .help(help));
    }
    let around = arguments.around.clone();
    let window = Window::new(around.is_some().then_some(context));
    let mut follow = Follow::new(arguments.filter(), around.clone(), NAMES);
    if arguments.format == HistoryFormat::Json {
        follow.keep_events();
    }
    let mut showing = Showing {
        follow,
        window,
        format: arguments.format,
        table: Table::new(&screen.style()),
        drawn: Vec::new(),
        limit: if around.is_some() { MAX_DRAWN } else { DRAWN },
        left_out: 0,
        shown: 0,
        out: Out::new(),
    };
    let mut events = open(&arguments.file)?;
    let mut stopped = None;
    for event in events.by_ref() {
        match event {
            Ok(event) => showing.follow.event(&event),
            Err(error) => {
                stopped = Some(error);
                break;
            }
        }
        showing.rows()?;
        if showing.window.is_over() || showing.out.is_closed() {
            break;
        }
    }
    showing.follow.finish();
    showing.rows()?;
    showing.end(screen)?;
    if let Some(error) = stopped {
        return Err(super::source::failure(&arguments.file, &error));
    }
    if let Some(around) = around.filter(|_| !showing.window.is_found()) {
        let rules = showing.follow.rules();
        let rules = if rules.is_empty() {
            "it has no rules".to_owned()
        } else {
            format!("its rules: {}", rules.join(", "))
        };
        return Err(Failure::new(ExitCode::Usage, format!("there is no event `{around}` in {}", arguments.file.display()))
            .help(format!("give a sequence number, fault:1, trouble:1, process:1, or a rule and which of its firings; {rules}")));
    }
    Ok(())
}

struct Showing {
    follow: Follow,
    window: Window,
    format: HistoryFormat,
    table: Table,
    drawn: Vec<Row>,
    limit: usize,
    left_out: u64,
    shown: u64,
    out: Out,
}

impl Showing {
    /// Shows the rows that are complete.
    fn rows(&mut self) -> Result<(), Failure> {
        while let Some(row) = self.follow.next_row() {
            for row in self.window.pass(row) {
                self.row(row)?;
            }
        }
        Ok(())
    }

    fn row(&mut self, row: Row) -> Result<(), Failure> {
        match self.format {
            HistoryFormat::Table => {
                if self.shown == 0 {
                    self.out.write(&self.table.head())?;
                }
                self.out.write(&self.table.row(&row))?;
            }
            HistoryFormat::Json => {
                for event in &row.events {
                    self.out.with(|to| write_line(event, to))?;
                }
            }
            HistoryFormat::Sequence | HistoryFormat::Svg if self.drawn.len() < self.limit => {
                self.drawn.push(row);
            }
            HistoryFormat::Sequence | HistoryFormat::Svg => self.left_out += 1,
        }
        self.shown += 1;
        Ok(())
    }

    fn end(&mut self, screen: &Screen) -> Result<(), Failure> {
        match self.format {
            HistoryFormat::Sequence if self.shown > 0 => {
                self.out.write(&sequence(&self.drawn, &screen.style()))?;
            }
            HistoryFormat::Svg => self.out.write(&svg(&self.drawn))?,
            HistoryFormat::Table | HistoryFormat::Sequence | HistoryFormat::Json => {}
        }
        self.out.flush()?;
        let mut notes = std::io::stderr().lock();
        // A note that can't be written is not worth an error.
        if self.left_out > 0 {
            let _ = writeln!(
                notes,
                "{} more rows are not drawn: narrow with --producer, --group, --topic, or look --around an event",
                self.left_out
            );
        }
        if self.shown == 0 && self.window.is_found() {
            let _ = writeln!(notes, "nothing in this history fits the filter");
        }
        Ok(())
    }
}
