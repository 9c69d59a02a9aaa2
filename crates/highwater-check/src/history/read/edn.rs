//! Jepsen's histories of its workload for Kafka.
//!
//! Every entry is a map with `:type` (`:invoke`, `:ok`, `:fail`, `:info`), `:process`, `:f` and `:value`, optionally
//! `:index` and `:time`; other keys do no harm. A key is a partition. Operations are all or nothing, as Jepsen sees
//! them; `:fail` certainly did not happen, `:info`, and what never ended, may have.

use std::collections::HashMap;
use std::io::BufRead;

use super::error::excerpt;
use super::form::{Form, Maps, parse};
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
        tally: Tally::default(),
        next: 0,
        text: String::new(),
    };
    let mut maps = Maps::new(input);
    while let Some((line, bytes)) = maps.next()? {
        let form = parse(line, bytes)?;
        reader.entry(line, &form)?;
    }
    reader.end();
    Ok(reader.tally)
}

/// An operation that began.
struct Begun {
    index: u64,
    at_ns: i64,
    actions: Vec<Action>,
}

struct Reader<'a> {
    isolation: Isolation,
    names: &'a mut Names,
    each: &'a mut dyn FnMut(Step),
    pending: HashMap<Process, Begun>,
    tally: Tally,
    /// Index of the next entry that names none.
    next: u64,
    text: String,
}

const AN_ENTRY: &str =
    "an entry is a map like {:index 1, :type :ok, :process 0, :f :send, :value [[:send :x [0 1]]]}";
const MICRO_OPERATION: &str = "the workload for Kafka has [:send key value], [:send key [offset value]] and [:poll {key [[offset value]]}]";

impl Reader<'_> {
    fn entry(&mut self, line: u64, entry: &Form<'_>) -> Result<(), ReadError> {
        let word = |key| entry.get(key).and_then(Form::word);
        let (Some(of_type), Some(process)) = (word(":type"), word(":process")) else {
            return Err(ReadError::malformed(
                line,
                "an entry without :type or :process",
                AN_ENTRY,
            ));
        };
        let index = entry.get(":index").and_then(Form::integer);
        let index = index
            .and_then(|index| u64::try_from(index).ok())
            .unwrap_or(self.next);
        self.next = index + 1;
        let at_ns = entry.get(":time").and_then(Form::integer).unwrap_or(-1);
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
                let actions = self.actions(line, entry.get(":value"))?;
                let begun = Begun {
                    index,
                    at_ns,
                    actions,
                };
                if let Some(before) = self.pending.insert(process, begun) {
                    self.unfinished(process, before);
                }
            }
            (Some(":send" | ":poll" | ":txn"), Some(outcome)) => {
                let begun = self.pending.remove(&process);
                let began = begun.as_ref().map_or(index, |begun| begun.index);
                let value = entry.get(":value").filter(|value| !value.is_nil());
                let mut actions = match (value, begun) {
                    (None, Some(begun)) => begun.actions,
                    (value, _) => self.actions(line, value)?,
                };
                if let Some(repositioned) = self.rebalanced(entry) {
                    actions.insert(0, repositioned);
                }
                self.operation(index, at_ns, (began, process, outcome), actions);
            }
            (Some(":subscribe" | ":assign"), Some(Outcome::Ok | Outcome::Unknown)) => {
                let keys = entry.get(":value").and_then(Form::sequence).unwrap_or_default();
                let partitions = keys
                    .iter()
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

    fn unfinished(&mut self, process: Process, begun: Begun) {
        self.tally.unfinished += 1;
        let told = (begun.index, process, Outcome::Unknown);
        self.operation(begun.index, begun.at_ns, told, begun.actions);
    }

    /// What began and never ended is unknown.
    fn end(&mut self) {
        let mut pending: Vec<_> = std::mem::take(&mut self.pending).into_iter().collect();
        pending.sort_by_key(|(_, begun)| begun.index);
        for (process, begun) in pending {
            self.unfinished(process, begun);
        }
    }

    /// Partitions that were given out anew while the operation went on.
    fn rebalanced(&mut self, entry: &Form<'_>) -> Option<Action> {
        let log = entry.get(":rebalance-log")?.sequence()?;
        let keys = log.iter().filter_map(|entry| entry.get(":keys")?.sequence());
        let partitions: Vec<Partition> = keys
            .flatten()
            .filter_map(|key| Some(self.names.partition(key.word()?)))
            .collect();
        (!partitions.is_empty()).then_some(Action::Repositioned { partitions })
    }

    fn actions(&mut self, line: u64, value: Option<&Form<'_>>) -> Result<Vec<Action>, ReadError> {
        let Some(value) = value.filter(|value| !value.is_nil()) else {
            return Ok(Vec::new());
        };
        let wrong = |form: &Form<'_>| {
            let what = format!("the micro-operation {}", excerpt(&format!("{form:?}")));
            ReadError::malformed(line, what, MICRO_OPERATION)
        };
        let micro = value.sequence().ok_or_else(|| wrong(value))?;
        let mut actions = Vec::with_capacity(micro.len());
        for form in micro {
            let action = match form.sequence() {
                Some([name, key, value]) if name.word() == Some(":send") => self.send(key, value),
                Some([name]) if name.word() == Some(":poll") => continue,
                Some([name, reads]) if name.word() == Some(":poll") => self.poll(reads),
                _ => None,
            };
            actions.push(action.ok_or_else(|| wrong(form))?);
        }
        Ok(actions)
    }

    fn send(&mut self, key: &Form<'_>, value: &Form<'_>) -> Option<Action> {
        let partition = self.names.partition(key.word()?);
        let (offset, value) = match value.sequence() {
            Some([offset, value]) if offset.is_nil() => (None, value),
            Some([offset, value]) => (Some(offset.integer()?), value),
            Some(_) => return None,
            None => (None, value),
        };
        Some(Action::Send {
            partition,
            value: self.value(value)?,
            offset: offset.filter(|offset| *offset >= 0),
        })
    }

    fn poll(&mut self, reads: &Form<'_>) -> Option<Action> {
        let Form::Map(keys) = reads else {
            return None;
        };
        let mut by_partition = Vec::with_capacity(keys.len());
        for (key, records) in keys {
            let partition = self.names.partition(key.word()?);
            let mut reads = Vec::new();
            for record in records.sequence()? {
                let [offset, value] = record.sequence()? else {
                    return None;
                };
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

    fn value(&mut self, value: &Form<'_>) -> Option<Value> {
        let word = value.word()?;
        // Numbers stand for themselves, if they are written as they are shown.
        if let Some(number) = value.integer().and_then(|number| u64::try_from(number).ok()) {
            self.text.clear();
            use std::fmt::Write;
            let _ = write!(self.text, "{number}");
            if self.text == word {
                return Some(Value(number));
            }
        }
        Some(self.names.value(word))
    }
}
