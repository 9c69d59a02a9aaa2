//! What was seen, and its comparison with the table.

use highwater_check::outcome::{Api, Applied, Row, Signal, line, outcome, rows};

struct One {
    api: Api,
    signal: Signal,
    acks: Option<i16>,
    applied: bool,
}

/// Everything that was brought about.
#[derive(Default)]
pub(crate) struct Seen(Vec<One>);

impl Seen {
    /// An error was to be brought about, was, and this became of the request.
    pub(crate) fn error(&mut self, api: Api, expected: i16, code: i16, applied: bool) {
        assert_eq!(
            code,
            expected,
            "{}: another error than the one to be tried",
            api.name()
        );
        self.signal(api, Signal::Error(code), None, applied);
    }

    pub(crate) fn signal(&mut self, api: Api, signal: Signal, acks: Option<i16>, applied: bool) {
        eprintln!("{} {signal:?} acks={acks:?} applied={applied}", api.name());
        self.0.push(One {
            api,
            signal,
            acks,
            applied,
        });
    }

    /// No outcome contradicts the table, and the table says of each row truly whether it was tried.
    pub(crate) fn compare(&self) {
        for one in &self.0 {
            let (said, name) = (outcome(one.api, one.signal, one.acks), one.api.name());
            match said {
                Applied::Ok => assert!(one.applied, "{name} {:?} is not applied", one.signal),
                Applied::Failed => assert!(!one.applied, "{name} {:?} is applied", one.signal),
                Applied::Unknown => {}
            }
        }
        let tried = |row: &Row| {
            let mut lines = self.0.iter().map(|one| line(one.api, one.signal, one.acks));
            lines.any(|line| line == Some(row))
        };
        for row in rows() {
            let api = row.api.map_or("every API", Api::name);
            assert_eq!(row.provoked, tried(row), "{api} {}: marked as tried", row.name);
        }
    }
}
