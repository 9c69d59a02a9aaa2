//! Jepsen's histories of its workload for Kafka.
//!
//! Every entry is a map with `:type` (`:invoke`, `:ok`, `:fail`, `:info`), `:process`, `:f` and `:value`, optionally
//! `:index` and `:time`; other keys do no harm. A key is a partition. Operations are all or nothing, as Jepsen sees
//! them; `:fail` certainly did not happen, `:info`, and what never ended, may have.

use std::collections::HashMap;
use std::io::BufRead;

use super::error::excerpt;
use super::form::{Form, Tape, plain_number};
use super::maps::Maps;
use super::{ReadError, Tally};
use crate::history::{
    Action, Isolation, Kind, Names, Operation, Outcome, Partition, Process, Read, Step, Value, What,
};

/// Reads a history. `isolation` is what its readers may see: Jepsen does not write it down.
///
/// # Errors
/// Bytes that are no EDN, and operations of the workload whose value is not understood.
pub fn edn(
    input: &mut impl BufRead,
    isolation: Isolation,
    names: &mut Names,
    each: &mut dyn FnMut(Step),
) -> Result<Tally, ReadError> {
    let mut reader = Reader {
        isolation,
        names,
        each,
        pending: HashMap::new(),
        spare: Vec::new(),
        tally: Tally::default(),
        next: 0,
    };
    let (mut maps, mut tape) = (Maps::new(input), Tape::default());
    while let Some((line, bytes)) = maps.next()? {
        reader.entry(line, bytes, &mut tape)?;
    }
    reader.end(&mut tape)?;
    Ok(reader.tally)
}

/// An operation that began. What it was to do is understood only if its end does not say what it did.
struct Begun {
    index: u64,
    at_ns: i64,
    line: u64,
    entry: Vec<u8>,
}

struct Reader<'a> {
    isolation: Isolation,
    names: &'a mut Names,
    each: &'a mut dyn FnMut(Step),
    pending: HashMap<Process, Begun>,
    /// Bytes of entries that ended, to be written over.
    spare: Vec<Vec<u8>>,
    tally: Tally,
    /// Index of the next entry that names none.
    next: u64,
}

const AN_ENTRY: &str =
    "an entry is a map like {:index 1, :type :ok, :process 0, :f :send, :value [[:send :x [0 1]]]}";
const MICRO_OPERATION: &str = "the workload for Kafka has [:send key value], [:send key [offset value]] and [:poll {key [[offset value]]}]";

impl Reader<'_> {
    fn entry(&mut self, line: u64, bytes: &mut Vec<u8>, tape: &mut Tape) -> Result<(), ReadError> {
        let entry = tape.read(line, bytes)?;
        let word = |key| entry.get(key).and_then(|form| form.word());
        let (Some(of_type), Some(process)) = (word(":type"), word(":process")) else {
            return Err(ReadError::malformed(
                line,
                "an entry without :type or :process",
                AN_ENTRY,
            ));
        };
        let index = entry.get(":index").and_then(|form| form.integer());
        let index = index
            .and_then(|index| u64::try_from(index).ok())
            .unwrap_or(self.next);
        self.next = index + 1;
        let at_ns = entry.get(":time").and_then(|form| form.integer()).unwrap_or(-1);
        let outcome = match of_type {
            ":invoke" => None,
            ":ok" => Some(Outcome::Ok),
            ":fail" => Some(Outcome::Failed),
            ":info" => Some(Outcome::Unknown),
            other => {
                let what = format!("the type {}", excerpt(other));
                return Err(ReadError::malformed(
                    line,
                    what,
                    "types are :invoke, :ok, :fail, :info",
                ));
            }
        };
        if process == ":nemesis" {
            self.step(index, at_ns, What::Disturbed);
            return Ok(());
        }
        let process = self.names.process(process);
        match (word(":f"), outcome) {
            (Some(":send" | ":poll" | ":txn"), None) => {
                let begun = Begun {
                    index,
                    at_ns,
                    line,
                    entry: std::mem::replace(bytes, self.spare.pop().unwrap_or_default()),
                };
                if let Some(before) = self.pending.insert(process, begun) {
                    self.unfinished(process, before, tape)?;
                }
            }
            (Some(":send" | ":poll" | ":txn"), Some(outcome)) => {
                let begun = self.pending.remove(&process);
                let began = begun.as_ref().map_or(index, |begun| begun.index);
                let repositioned = self.rebalanced(entry);
                let value = entry.get(":value").filter(|value| !value.is_nil());
                let mut actions = match (value, &begun) {
                    (None, Some(begun)) => self.begun(begun, tape)?,
                    (value, _) => self.actions(line, value)?,
                };
                if let Some(repositioned) = repositioned {
                    actions.insert(0, repositioned);
                }
                self.operation(index, at_ns, (began, process, outcome), actions);
                self.spare.extend(begun.map(|begun| begun.entry));
            }
            (Some(":subscribe" | ":assign"), Some(Outcome::Ok | Outcome::Unknown)) => {
                let keys = entry.get(":value").and_then(|value| value.sequence());
                let partitions = keys
                    .into_iter()
                    .flatten()
                    .filter_map(|key| Some(self.names.partition(key.word()?)))
                    .collect();
                let subscribed = What::Subscribed {
                    process,
                    partitions,
                    repositioned: false,
                };
                self.step(index, at_ns, subscribed);
            }
            (Some(":subscribe" | ":assign"), _) => {}
            _ => self.tally.passed_over += 1,
        }
        Ok(())
    }

    fn step(&mut self, index: u64, at_ns: i64, what: What) {
        self.tally.steps += 1;
        (self.each)(Step { index, at_ns, what });
    }

    fn operation(
        &mut self,
        index: u64,
        at_ns: i64,
        (began, process, outcome): (u64, Process, Outcome),
        actions: Vec<Action>,
    ) {
        let sends = actions.iter().any(|action| matches!(action, Action::Send { .. }));
        let operation = Operation {
            began,
            process,
            outcome,
            kind: if sends { Kind::Transaction } else { Kind::Plain },
            producer: None,
            actions,
        };
        self.step(index, at_ns, What::Operation(operation));
    }

    /// What an operation was to do.
    fn begun(&mut self, begun: &Begun, tape: &mut Tape) -> Result<Vec<Action>, ReadError> {
        let entry = tape.read(begun.line, &begun.entry)?;
        self.actions(begun.line, entry.get(":value"))
    }

    fn unfinished(&mut self, process: Process, begun: Begun, tape: &mut Tape) -> Result<(), ReadError> {
        self.tally.unfinished += 1;
        let told = (begun.index, process, Outcome::Unknown);
        let actions = self.begun(&begun, tape)?;
        self.operation(begun.index, begun.at_ns, told, actions);
        self.spare.push(begun.entry);
        Ok(())
    }

    /// What began and never ended is unknown.
    fn end(&mut self, tape: &mut Tape) -> Result<(), ReadError> {
        let mut pending: Vec<_> = std::mem::take(&mut self.pending).into_iter().collect();
        pending.sort_by_key(|(_, begun)| begun.index);
        for (process, begun) in pending {
            self.unfinished(process, begun, tape)?;
        }
        Ok(())
    }

    /// Partitions that were given out anew while the operation went on.
    fn rebalanced(&mut self, entry: Form<'_>) -> Option<Action> {
        let log = entry.get(":rebalance-log")?.sequence()?;
        let keys = log.filter_map(|entry| entry.get(":keys")?.sequence());
        let partitions: Vec<Partition> = keys
            .flatten()
            .filter_map(|key| Some(self.names.partition(key.word()?)))
            .collect();
        (!partitions.is_empty()).then_some(Action::Repositioned { partitions })
    }

    fn actions(&mut self, line: u64, value: Option<Form<'_>>) -> Result<Vec<Action>, ReadError> {
        let Some(value) = value.filter(|value| !value.is_nil()) else {
            return Ok(Vec::new());
        };
        let wrong = |form: Form<'_>| {
            let what = format!("the micro-operation {}", excerpt(form.written()));
            ReadError::malformed(line, what, MICRO_OPERATION)
        };
        let mut actions = Vec::new();
        for form in value.sequence().ok_or_else(|| wrong(value))? {
            match self.action(form) {
                Some(Some(action)) => actions.push(action),
                Some(None) => {}
                None => return Err(wrong(form)),
            }
        }
        Ok(actions)
    }

    /// A micro-operation; `Some(None)` is a poll of which nothing is told, `None` one that is not understood.
    fn action(&mut self, form: Form<'_>) -> Option<Option<Action>> {
        let mut forms = form.sequence()?;
        match forms.next()?.word()? {
            ":send" => {
                let (key, value) = forms.two()?;
                self.send(key, value).map(Some)
            }
            ":poll" => match (forms.next(), forms.next()) {
                (None, _) => Some(None),
                (Some(reads), None) => self.poll(reads).map(Some),
                _ => None,
            },
            _ => None,
        }
    }

    fn send(&mut self, key: Form<'_>, value: Form<'_>) -> Option<Action> {
        let partition = self.names.partition(key.word()?);
        let (offset, value) = match value.sequence() {
            Some(acknowledged) => {
                let (offset, value) = acknowledged.two()?;
                let offset = match offset.is_nil() {
                    true => None,
                    false => Some(offset.integer()?),
                };
                (offset, value)
            }
            None => (None, value),
        };
        Some(Action::Send {
            partition,
            value: self.value(value)?,
            offset: offset.filter(|offset| *offset >= 0),
            key: None,
        })
    }

    fn poll(&mut self, reads: Form<'_>) -> Option<Action> {
        let mut by_partition = Vec::new();
        for (key, records) in reads.entries()? {
            let partition = self.names.partition(key.word()?);
            let mut reads = Vec::new();
            for record in records.sequence()? {
                let (offset, value) = record.sequence()?.two()?;
                let offset = match offset.is_nil() {
                    true => -1,
                    false => offset.integer()?,
                };
                reads.push(Read {
                    offset,
                    value: self.value(value)?,
                });
            }
            by_partition.push((partition, reads));
        }
        Some(Action::Poll {
            isolation: self.isolation,
            reads: by_partition,
        })
    }

    /// Numbers stand for themselves, if they are written as they are shown.
    fn value(&mut self, value: Form<'_>) -> Option<Value> {
        let word = value.word()?;
        Some(match plain_number(word) {
            Some(number) => Value(number),
            None => self.names.value(word),
        })
    }
}
