//! The way of a record over the wire, from the history.
//!
//! Invariant: one pass over the history, whatever is asked; nothing is told that is not in it.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use highwater_model::history::{
    ContentHash, Events, ExchangeId, HistoryBody, RequestFacts, RequestFate, ResponseFacts, ResponseFate,
};

/// Times an output was sent that a story tells.
const MOST_TOLD: usize = 4;

/// A record whose way is asked for.
pub(super) struct Asked {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) value: Vec<u8>,
    pub(super) outputs: Vec<String>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) story: String,
    /// The event that shows it best, by its sequence number.
    pub(super) event: Option<u64>,
}

#[derive(Default)]
struct Way {
    /// Moment and event.
    read: Vec<(u64, u64)>,
    written: Vec<Written>,
    committed: Option<(u64, u64)>,
}

struct Written {
    at_ns: u64,
    event: u64,
    exchange: ExchangeId,
    word: &'static str,
}

/// Requests that are waited for.
enum Open {
    Written(Vec<usize>),
    Commits(Vec<usize>),
}

/// Reads the history once.
pub(super) fn look(history: &Path, asked: &[Asked]) -> Vec<Told> {
    if asked.is_empty() {
        return Vec::new();
    }
    let Ok(file) = File::open(history) else {
        return Vec::new();
    };
    let Ok(events) = Events::new(BufReader::new(file)) else {
        return Vec::new();
    };
    let hashes: Vec<ContentHash> = asked
        .iter()
        .map(|one| ContentHash(xxhash_rust::xxh3::xxh3_64(&one.value)))
        .collect();
    let mut ways: Vec<Way> = asked.iter().map(|_| Way::default()).collect();
    let mut open: HashMap<ExchangeId, Open> = HashMap::new();
    for event in events.map_while(Result::ok) {
        match &event.body {
            HistoryBody::Request {
                exchange,
                fate,
                facts: RequestFacts::Produce(produce),
                ..
            } => {
                let mut hit = Vec::new();
                for part in &produce.partitions {
                    for (at, _) in asked
                        .iter()
                        .enumerate()
                        .filter(|(_, one)| one.outputs.contains(&part.topic))
                    {
                        let here = part.batches.iter().flat_map(|batch| &batch.records);
                        if here.into_iter().any(|record| record.value == Some(hashes[at])) {
                            hit.push(at);
                        }
                    }
                }
                for at in &hit {
                    let word = match fate {
                        RequestFate::Held => "held back and never forwarded",
                        RequestFate::Rejected => "refused",
                        _ => "sent, without an answer",
                    };
                    ways[*at].written.push(Written {
                        at_ns: event.at_ns,
                        event: event.sequence,
                        exchange: *exchange,
                        word,
                    });
                }
                if !hit.is_empty() {
                    open.insert(*exchange, Open::Written(hit));
                }
            }
            HistoryBody::Request {
                exchange,
                facts: RequestFacts::OffsetCommit(commit),
                ..
            } => {
                let covers = |one: &Asked| {
                    commit.offsets.iter().any(|offset| {
                        offset.topic == one.topic
                            && offset.partition == one.partition
                            && offset.offset > one.offset
                    })
                };
                let hit: Vec<usize> = (0..asked.len())
                    .filter(|at| ways[*at].committed.is_none() && covers(&asked[*at]))
                    .collect();
                if !hit.is_empty() {
                    open.insert(*exchange, Open::Commits(hit));
                }
            }
            HistoryBody::Response {
                exchange,
                facts,
                fate,
                ..
            } => match (open.remove(exchange), facts) {
                (Some(Open::Written(hit)), ResponseFacts::Partitions { results, .. }) => {
                    let refused = results.iter().any(|result| result.error != 0);
                    let word = match (refused, fate) {
                        (true, _) => "refused",
                        (_, ResponseFate::Discarded) => "written, and its answer thrown away",
                        _ => "written",
                    };
                    for at in hit {
                        let written = &mut ways[at].written;
                        if let Some(last) = written.iter_mut().find(|one| one.exchange == *exchange) {
                            last.word = word;
                        }
                    }
                }
                (Some(Open::Commits(hit)), ResponseFacts::Partitions { results, .. })
                    if results.iter().all(|result| result.error == 0) =>
                {
                    for at in hit {
                        ways[at].committed.get_or_insert((event.at_ns, event.sequence));
                    }
                }
                (_, ResponseFacts::Fetched { partitions, .. }) => {
                    for part in partitions {
                        for (at, one) in asked.iter().enumerate() {
                            let here = part.topic == one.topic
                                && part.partition == one.partition
                                && part.batches.iter().any(|batch| {
                                    (batch.base_offset
                                        ..=batch.base_offset + i64::from(batch.last_offset_delta))
                                        .contains(&one.offset)
                                });
                            if here {
                                ways[at].read.push((event.at_ns, event.sequence));
                            }
                        }
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    ways.iter().map(told).collect()
}

fn told(way: &Way) -> Told {
    let at = |ns: u64| format!("{:.3} s", ns as f64 / 1e9);
    let mut parts = Vec::new();
    match way.read.as_slice() {
        [] => parts.push("never read".to_owned()),
        [(ns, _)] => parts.push(format!("read at {}", at(*ns))),
        [(ns, _), more @ ..] => parts.push(format!("read at {} and {} times more", at(*ns), more.len())),
    }
    match way.written.as_slice() {
        [] => parts.push("its output was never sent".to_owned()),
        all => {
            let written = all.iter().take(MOST_TOLD);
            parts.extend(written.map(|one| format!("output {} at {}", one.word, at(one.at_ns))));
        }
    }
    match way.committed {
        Some((ns, _)) => parts.push(format!("its offset committed at {}", at(ns))),
        None => parts.push("its offset was not seen committed".to_owned()),
    }
    let event = match way.written.as_slice() {
        [] | [_] => way.committed.map(|(_, event)| event),
        [.., last] => Some(last.event),
    };
    Told {
        story: parts.join(", "),
        event: event.or(way.read.first().map(|(_, event)| *event)),
    }
}
