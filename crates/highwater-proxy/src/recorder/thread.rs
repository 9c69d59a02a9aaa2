//! The thread behind the queue.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use bytes::Bytes;
use highwater_model::history::{
    Encoder, ExchangeId, HistoryBody, HistoryEvent, RequestFacts, ResponseFacts, Trouble,
};
use highwater_wire::observe::{self, Depth};
use tokio::sync::Semaphore;

use super::{Item, Level, Observer, PIECE, QUEUE_BYTES, Recorder, Timed};
use crate::clock::Clock;
use crate::counters::Counters;
use crate::topics::Topics;

/// Bytes collected before they are written.
const WRITE_BYTES: usize = 256 << 10;

/// Where events go.
pub(crate) struct Output {
    pub(crate) file: Option<PathBuf>,
    pub(crate) observer: Option<Observer>,
    /// Record headers that are kept in the history.
    pub(crate) headers: Vec<String>,
}

/// How the recorder ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) events: u64,
    pub(crate) waited_ns: u64,
    pub(crate) failure: Option<io::Error>,
}

/// Starts the recorder; it ends when every [`Recorder`] is dropped.
pub(crate) fn start(
    output: Output,
    clock: Clock,
    topics: Arc<Topics>,
    counters: Arc<Counters>,
    began: HistoryBody,
) -> io::Result<(Recorder, JoinHandle<Finished>)> {
    let level = if output.file.is_some() || output.observer.is_some() {
        Level::Full
    } else {
        Level::Errors
    };
    let file = output.file.map(File::create_new).transpose()?;
    let (sender, receiver) = mpsc::channel();
    let room = Arc::new(Semaphore::new(QUEUE_BYTES / PIECE));
    let waited_ns = Arc::new(AtomicU64::new(0));
    let failed = Arc::new(AtomicBool::new(false));
    let mut writer = Writer {
        file,
        observer: output.observer,
        headers: output.headers,
        encoder: Encoder::new(),
        pending: Encoder::header().to_vec(),
        sequence: 0,
        asked: HashMap::new(),
        requests: 0,
        responses: 0,
        level,
        topics,
        counters: Arc::clone(&counters),
        failed: Arc::clone(&failed),
        failure: None,
    };
    writer.emit(clock.now_ns(), began);
    let (thread_room, thread_waited) = (Arc::clone(&room), Arc::clone(&waited_ns));
    let thread = std::thread::Builder::new()
        .name("history".to_owned())
        .spawn(move || writer.run(&receiver, clock, &thread_room, &thread_waited))?;
    let recorder = Recorder {
        sender,
        room,
        clock,
        level,
        counters,
        waited_ns,
        failed,
    };
    Ok((recorder, thread))
}

struct Asked {
    facts: RequestFacts,
    answers: u8,
}

struct Writer {
    file: Option<File>,
    observer: Option<Observer>,
    headers: Vec<String>,
    encoder: Encoder,
    pending: Vec<u8>,
    sequence: u64,
    asked: HashMap<ExchangeId, Asked>,
    requests: u64,
    responses: u64,
    level: Level,
    topics: Arc<Topics>,
    counters: Arc<Counters>,
    failed: Arc<AtomicBool>,
    failure: Option<io::Error>,
}

impl Writer {
    fn run(
        mut self,
        receiver: &mpsc::Receiver<Timed>,
        clock: Clock,
        room: &Semaphore,
        waited_ns: &AtomicU64,
    ) -> Finished {
        loop {
            let timed = match receiver.try_recv() {
                Ok(timed) => timed,
                Err(mpsc::TryRecvError::Disconnected) => break,
                Err(mpsc::TryRecvError::Empty) => {
                    // Idle: what is known so far must survive the end of the process.
                    self.write_out();
                    match receiver.recv() {
                        Ok(timed) => timed,
                        Err(mpsc::RecvError) => break,
                    }
                }
            };
            self.take(timed.at_ns, timed.item);
            room.add_permits(timed.permits as usize);
        }
        let waited_ns = waited_ns.load(Ordering::Relaxed);
        let ended = HistoryBody::Ended {
            requests: self.requests,
            responses: self.responses,
            waited_ns,
        };
        self.emit(clock.now_ns(), ended);
        self.write_out();
        if let Some(Err(error)) = self.file.as_ref().map(File::sync_data) {
            self.fail(error);
        }
        Finished {
            events: self.sequence,
            waited_ns,
            failure: self.failure,
        }
    }

    fn take(&mut self, at_ns: u64, item: Item) {
        match item {
            Item::Event(body) => {
                if let HistoryBody::Unanswered { exchange, .. } = body {
                    self.asked.remove(&exchange);
                }
                self.emit(at_ns, body);
            }
            Item::Request {
                connection,
                exchange,
                header,
                body,
                fate,
                rule,
                answers,
            } => {
                self.requests += 1;
                let bytes = u32::try_from(body.len()).unwrap_or(u32::MAX);
                let facts = self.request_facts(at_ns, exchange, &header, body);
                if answers > 0 {
                    let facts = without_records(&facts);
                    self.asked.insert(exchange, Asked { facts, answers });
                }
                if self.level == Level::Full {
                    let event = HistoryBody::Request {
                        connection,
                        exchange,
                        api_key: header.api_key,
                        api_version: header.api_version,
                        bytes,
                        fate,
                        rule,
                        facts,
                    };
                    self.emit(at_ns, event);
                }
            }
            Item::Response {
                exchange,
                api_key,
                api_version,
                frame,
                fate,
                rule,
            } => {
                self.responses += 1;
                let bytes = u32::try_from(frame.len()).unwrap_or(u32::MAX);
                let asked = self.question(exchange);
                let facts = self.response_facts(at_ns, exchange, (api_key, api_version), frame, &asked);
                for error in errors(&facts) {
                    self.counters.error(api_key, error);
                }
                if self.level == Level::Full {
                    let event = HistoryBody::Response {
                        exchange,
                        bytes,
                        fate,
                        rule,
                        facts,
                    };
                    self.emit(at_ns, event);
                }
            }
        }
    }

    /// The question to an answer; forgotten when the last answer is there.
    fn question(&mut self, exchange: ExchangeId) -> RequestFacts {
        let Some(asked) = self.asked.get_mut(&exchange) else {
            return RequestFacts::Other;
        };
        asked.answers = asked.answers.saturating_sub(1);
        if asked.answers > 0 {
            return asked.facts.clone();
        }
        self.asked
            .remove(&exchange)
            .map_or(RequestFacts::Other, |asked| asked.facts)
    }

    fn depth(&self) -> Depth<'_> {
        match self.level {
            Level::Full => Depth::Records {
                headers: &self.headers,
            },
            Level::Errors => Depth::Batches,
        }
    }

    fn request_facts(
        &mut self,
        at_ns: u64,
        exchange: ExchangeId,
        header: &highwater_wire::frame::RequestHeader,
        body: Bytes,
    ) -> RequestFacts {
        if !observe::needed(header.api_key) {
            return RequestFacts::Other;
        }
        match observe::request(header, body.clone(), &*self.topics, self.depth()) {
            Ok(facts) => facts,
            Err(error) => {
                self.undecoded(at_ns, exchange, (header.api_key, header.api_version), &error);
                // A batch whose records are damaged still says whose it is.
                let batches = observe::request(header, body, &*self.topics, Depth::Batches);
                batches.unwrap_or(RequestFacts::Other)
            }
        }
    }

    fn response_facts(
        &mut self,
        at_ns: u64,
        exchange: ExchangeId,
        (api_key, api_version): (i16, i16),
        frame: Bytes,
        asked: &RequestFacts,
    ) -> ResponseFacts {
        if !observe::needed(api_key) {
            return ResponseFacts::Other;
        }
        let read = |frame, depth| observe::response(api_key, api_version, frame, asked, &*self.topics, depth);
        match read(frame.clone(), self.depth()) {
            Ok(facts) => facts,
            Err(error) => {
                let batches = read(frame, Depth::Batches);
                self.undecoded(at_ns, exchange, (api_key, api_version), &error);
                batches.unwrap_or(ResponseFacts::Other)
            }
        }
    }

    fn undecoded(
        &mut self,
        at_ns: u64,
        exchange: ExchangeId,
        (api_key, api_version): (i16, i16),
        error: &highwater_wire::WireError,
    ) {
        let trouble = Trouble::Undecoded {
            exchange,
            api_key,
            api_version,
            wanted_by_rule: false,
            reason: crate::error::chain(error),
        };
        self.counters.trouble(&trouble);
        self.emit(at_ns, HistoryBody::Trouble(trouble));
    }

    fn emit(&mut self, at_ns: u64, body: HistoryBody) {
        if self.level == Level::Errors {
            return;
        }
        let event = HistoryEvent {
            sequence: self.sequence,
            at_ns,
            body,
        };
        self.sequence += 1;
        if self.file.is_some() {
            self.encoder.encode(&event, &mut self.pending);
            if self.pending.len() >= WRITE_BYTES {
                self.write_out();
            }
        }
        if let Some(observer) = &mut self.observer {
            observer(&event);
        }
    }

    fn write_out(&mut self) {
        let Some(file) = &mut self.file else { return };
        let written = file.write_all(&self.pending);
        self.pending.clear();
        if let Err(error) = written {
            self.fail(error);
        }
    }

    /// The history ends here; what passes afterwards is not in it, and the run is told.
    fn fail(&mut self, error: io::Error) {
        tracing::error!(%error, "the history can't be written any more");
        self.failed.store(true, Ordering::Relaxed);
        self.file = None;
        self.failure.get_or_insert(error);
    }
}

/// What an answer needs to know of its question.
fn without_records(facts: &RequestFacts) -> RequestFacts {
    match facts {
        // Its answer names everything itself.
        RequestFacts::Produce(_) => RequestFacts::Other,
        other => other.clone(),
    }
}

/// Errors of an answer.
fn errors(facts: &ResponseFacts) -> Vec<i16> {
    let mut found = match facts {
        ResponseFacts::Partitions { error, results } => {
            let mut errors: Vec<_> = results.iter().map(|result| result.error).collect();
            errors.push(*error);
            errors
        }
        ResponseFacts::Fetched {
            error, partitions, ..
        } => {
            let mut errors: Vec<_> = partitions.iter().map(|partition| partition.error).collect();
            errors.push(*error);
            errors
        }
        ResponseFacts::Joined(joined) => vec![joined.error],
        ResponseFacts::Assigned { error, .. }
        | ResponseFacts::CommittedOffsets { error, .. }
        | ResponseFacts::Producer { error, .. }
        | ResponseFacts::Error { error } => vec![*error],
        ResponseFacts::Other => Vec::new(),
    };
    found.retain(|error| *error != 0);
    found
}
