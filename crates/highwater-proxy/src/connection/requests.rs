//! From the client to the broker.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use highwater_model::history::{
    ExchangeId, HistoryBody, RequestFacts, RequestFate, ResponseFate, Side, Trouble,
};
use highwater_wire::frame::RequestHeader;
use highwater_wire::observe::{self, Depth};
use highwater_wire::{WireError, answer, api};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

use super::frames::{Frames, Mode, Next};
use super::outlet::Outlet;
use super::stream::{Reader, Writer};
use super::wire::{InFlight, Slot};
use super::{AFTERLIFE, Connection, Ending, MAX_KEPT_FRAME};
use crate::error::chain;
use crate::fault::OnRequest;
use crate::recorder::Item;
use crate::rule::Direction;
use crate::rule::engine::Firing;
use crate::rule::scope::Seen;

const PRODUCE: i16 = 0;
const SASL_HANDSHAKE: i16 = 17;
const API_VERSIONS: i16 = 18;
const SASL_AUTHENTICATE: i16 = 36;

/// Enough of a frame to hold its header and the acks of a Produce: client id and transactional id of 32 KiB each.
const FRONT_BYTES: usize = 72 << 10;
/// What nearly every front fits into: as much is copied of each frame at first.
const USUAL_FRONT_BYTES: usize = 1 << 10;
/// Longest request that is believed: beyond it what comes is not Kafka.
const MAX_REQUEST: i64 = 1 << 30;
const LENGTH: usize = 4;

/// A request that a rule keeps back.
struct HeldFrame {
    frame: Bytes,
    in_flight: InFlight,
}

/// The pump.
pub(super) struct Requests {
    connection: Arc<Connection>,
    client: Reader,
    outlet: Outlet,
    frames: Frames,
    released: mpsc::UnboundedReceiver<HeldFrame>,
    release: mpsc::UnboundedSender<HeldFrame>,
    /// Mechanism of SASL, while a client authenticates.
    mechanism: Option<String>,
    /// Nothing after the frame that is being passed will be understood.
    opaque_next: bool,
    /// What the answers of a frame that is being passed need to know.
    passing: Option<(ExchangeId, RequestHeader)>,
}

impl Requests {
    pub(super) fn new(connection: Arc<Connection>, client: Reader, broker: Writer) -> Self {
        let (release, released) = mpsc::unbounded_channel();
        let frames = Frames::new(connection.shared.tls.passes);
        Self {
            outlet: Outlet::new(broker, Arc::clone(&connection), Direction::ToBroker),
            connection,
            client,
            frames,
            released,
            release,
            mechanism: None,
            opaque_next: false,
            passing: None,
        }
    }

    /// Passes requests until the connection ends; gives why the client's side ended, if it did.
    pub(super) async fn run(mut self) -> Option<Ending> {
        let connection = Arc::clone(&self.connection);
        let ending = tokio::select! {
            ending = self.pump() => Some(ending),
            () = connection.link.over.cancelled() => None,
        };
        // Let go, and too late to be sent.
        while let Ok(held) = self.released.try_recv() {
            connection.shared.recorder.event(HistoryBody::Unanswered {
                exchange: held.in_flight.exchange,
                forwarded: false,
            });
        }
        ending
    }

    async fn pump(&mut self) -> Ending {
        let connection = Arc::clone(&self.connection);
        let ending = tokio::select! {
            // A client whose side a rule has closed may close it as well.
            biased;
            () = connection.link.client_over.cancelled() => {
                connection.client_gone.store(true, Ordering::Relaxed);
                self.outlive_client().await;
                // The broker is not told: it ends the connection when it likes.
                connection.link.over.cancelled().await;
                return Ending::by_rule("a rule closed the client's side");
            }
            () = connection.link.broker_over.cancelled() => {
                self.outlet.close().await;
                return self.pretend().await;
            }
            ending = self.until_client_ends() => ending,
        };
        connection.client_gone.store(true, Ordering::Relaxed);
        let close_delay = connection.effects(Direction::ToBroker).close_delay;
        tokio::time::sleep(close_delay).await;
        self.outlive_client().await;
        self.outlet.close().await;
        ending
    }

    async fn until_client_ends(&mut self) -> Ending {
        loop {
            if let Err(ending) = self.pass_on().await {
                return ending;
            }
            let room = self.frames.room();
            tokio::select! {
                read = self.client.read_buf(room) => match read {
                    Ok(0) if self.frames.is_inside() => {
                        return Ending::new(Side::Client, "closed in the middle of a request");
                    }
                    Ok(0) => return Ending::new(Side::Client, "closed"),
                    Ok(_) => self.frames.was_read(),
                    Err(error) => return Ending::of(Side::Client, &error),
                },
                Some(held) = self.released.recv() => {
                    if let Err(ending) = self.go_on(held).await {
                        return ending;
                    }
                }
            }
        }
    }

    /// Deals with everything in the buffer.
    async fn pass_on(&mut self) -> Result<(), Ending> {
        loop {
            match self.frames.next() {
                Next::Read => return Ok(()),
                Next::Front => self.begin()?,
                Next::Chunk(range) => {
                    let sent = self.outlet.send(self.frames.bytes(range.clone())).await;
                    sent.map_err(|error| Ending::of(Side::Broker, &error))?;
                    if self.frames.passed(&range) {
                        self.passing = None;
                    }
                }
                Next::Last(frame, from) => {
                    if let Some((exchange, header)) = self.passing.take() {
                        self.learn(&header, frame.slice(LENGTH..));
                        let expects = expects_answer(&header, frame.get(LENGTH..).unwrap_or_default());
                        self.record(
                            exchange,
                            header,
                            &frame,
                            RequestFate::Forwarded,
                            None,
                            u8::from(expects),
                        )
                        .await;
                    }
                    let sent = self.outlet.send(frame.get(from..).unwrap_or_default()).await;
                    sent.map_err(|error| Ending::of(Side::Broker, &error))?;
                    self.turn_opaque_if_due();
                }
                Next::Frame(frame) => self.judge(frame).await?,
            }
        }
    }

    /// After the first version of SaslHandshake come tokens without Kafka's headers (KIP-43): whatever follows on
    /// this connection can't be told from them.
    fn turn_opaque_if_due(&mut self) {
        if !std::mem::take(&mut self.opaque_next) {
            return;
        }
        self.frames.turn_opaque();
        let recorder = &self.connection.shared.recorder;
        recorder.trouble(Trouble::Opaque {
            connection: self.connection.id,
            reason: "SASL without frames (SaslHandshake version 0): what follows passes as bytes".to_owned(),
        });
        recorder.trouble(Trouble::Bypass {
            evidence: "a connection whose answers can't be read may be given broker addresses".to_owned(),
        });
    }

    /// A frame begins: what is it, and who wants to see it?
    fn begin(&mut self) -> Result<(), Ending> {
        let Some(claimed) = self.frames.claimed() else {
            self.frames.starve();
            return Ok(());
        };
        let front = self.frames.front();
        let total = usize::try_from(claimed)
            .ok()
            .filter(|_| (14..=MAX_REQUEST).contains(&claimed))
            .ok_or_else(|| Ending::new(Side::Proxy, not_kafka(front)))?;
        let end = front.len().min(total).min(LENGTH + FRONT_BYTES);
        let whole_front = end == total || end == LENGTH + FRONT_BYTES;
        let content = front.get(LENGTH..end).unwrap_or_default();
        let usual = content
            .get(..USUAL_FRONT_BYTES)
            .and_then(|start| read_front(start).ok());
        let read = usual.map_or_else(|| read_front(content), Ok);
        let (header, acks) = match read {
            Ok(read) => read,
            Err(_) if !whole_front => {
                self.frames.starve();
                return Ok(());
            }
            Err(error) => {
                let reason = format!("not a Kafka request: {}", chain(&error));
                return Err(Ending::new(Side::Proxy, reason));
            }
        };
        self.note_client(&header);
        self.connection.shared.counters.request(header.api_key);
        if api::name(header.api_key).is_none() {
            let unknown = &self.connection.shared.counters.unknown;
            unknown.fetch_add(1, Ordering::Relaxed);
        }
        let exchange = self.connection.shared.next_exchange();
        let mode = self.mode(&header, exchange, total);
        if mode != Mode::Whole && acks != Some(0) {
            let mut wire = self.connection.wire();
            let slot = wire.open_slot();
            wire.forward(in_flight(exchange, Some(slot), &header));
        }
        self.passing = Some((exchange, header));
        self.frames.begin(total, mode);
        Ok(())
    }

    fn mode(&self, header: &RequestHeader, exchange: ExchangeId, total: usize) -> Mode {
        let shared = &self.connection.shared;
        let ruled = shared.engine.wants_request(header.api_key);
        let kept = shared.recorder.wants_request(header.api_key)
            || matches!(header.api_key, API_VERSIONS | SASL_HANDSHAKE | SASL_AUTHENTICATE);
        if total > MAX_KEPT_FRAME && (ruled || kept) {
            shared.recorder.trouble(if ruled {
                Trouble::Undecoded {
                    exchange,
                    api_key: header.api_key,
                    api_version: header.api_version,
                    wanted_by_rule: true,
                    reason: format!("{total} bytes are too long to be judged"),
                }
            } else {
                Trouble::Unrecorded {
                    exchange,
                    bytes: total as u64,
                }
            });
            return Mode::Pass;
        }
        match (ruled, kept) {
            (true, _) => Mode::Whole,
            (false, true) => Mode::Keep,
            (false, false) => Mode::Pass,
        }
    }

    /// A frame that a rule may want: judged before anything of it goes on.
    async fn judge(&mut self, frame: Bytes) -> Result<(), Ending> {
        let Some((exchange, header)) = self.passing.take() else {
            return Ok(());
        };
        let mut body = frame.slice(LENGTH..);
        // The same header was read at the front.
        let _ = RequestHeader::decode(&mut body);
        self.learn(&header, frame.slice(LENGTH..));
        let shared = Arc::clone(&self.connection.shared);
        let (facts, readable) = match observe::request(&header, body.clone(), &*shared.topics, Depth::Batches)
        {
            Ok(facts) => (facts, true),
            Err(error) => {
                shared.recorder.trouble(Trouble::Undecoded {
                    exchange,
                    api_key: header.api_key,
                    api_version: header.api_version,
                    wanted_by_rule: true,
                    reason: chain(&error),
                });
                (RequestFacts::Other, false)
            }
        };
        let firing = readable.then(|| self.ask_rules(&header, &facts)).flatten();
        let Some((firing, action)) = firing else {
            return self.forward(exchange, header, frame, facts, None, 1).await;
        };
        let expects = !matches!(&facts, RequestFacts::Produce(produce) if produce.acks == 0);
        match action {
            OnRequest::Forward => {
                self.forward(exchange, header, frame, facts, Some(firing), 1)
                    .await
            }
            OnRequest::Twice => {
                self.forward(exchange, header, frame, facts, Some(firing), 2)
                    .await
            }
            OnRequest::Hold => {
                self.hold(exchange, header, frame, facts, firing, expects).await;
                Ok(())
            }
            OnRequest::Reject(code) => {
                self.reject(exchange, header, frame, body, firing, code, expects)
                    .await;
                Ok(())
            }
        }
    }

    /// Which rule takes the request, and what its fault does.
    fn ask_rules(&self, header: &RequestHeader, facts: &RequestFacts) -> Option<(Firing, OnRequest)> {
        let shared = &self.connection.shared;
        let who = self.connection.identity().clone();
        let seen = Seen {
            who: &who,
            api_key: header.api_key,
            api_version: header.api_version,
            facts,
            transaction: shared.engine.transaction_of(facts),
        };
        let firing = shared.engine.on_request(&seen, shared.clock.now())?;
        let armed = shared.engine.rule(firing.rule)?;
        let action = if firing.counted {
            armed.fault.on_request(&seen)
        } else {
            OnRequest::Forward
        };
        Some((firing, action))
    }

    async fn forward(
        &mut self,
        exchange: ExchangeId,
        header: RequestHeader,
        frame: Bytes,
        facts: RequestFacts,
        firing: Option<Firing>,
        copies: u8,
    ) -> Result<(), Ending> {
        let expects = !matches!(&facts, RequestFacts::Produce(produce) if produce.acks == 0);
        let answers = if expects { copies } else { 0 };
        let fate = if copies > 1 {
            RequestFate::Duplicated
        } else {
            RequestFate::Forwarded
        };
        let rule = firing.filter(|firing| firing.counted).map(|firing| firing.rule);
        self.record(exchange, header.clone(), &frame, fate, rule, answers)
            .await;
        if expects {
            let request = self.prepare(exchange, &header, facts, firing);
            let mut wire = self.connection.wire();
            let slot = wire.open_slot();
            for copy in 0..copies {
                let slot = (copy == 0).then_some(slot);
                wire.forward(InFlight {
                    slot,
                    ..request.clone()
                });
            }
        }
        if let Some(firing) = firing.filter(|firing| firing.counted) {
            self.connection.tell_firing(firing, Some(exchange));
            self.connection.shared.begin_link(&self.connection, firing.rule);
        }
        for _ in 0..copies {
            let sent = self.outlet.send(&frame).await;
            sent.map_err(|error| Ending::of(Side::Broker, &error))?;
        }
        Ok(())
    }

    /// What the answer will need.
    fn prepare(
        &self,
        exchange: ExchangeId,
        header: &RequestHeader,
        facts: RequestFacts,
        firing: Option<Firing>,
    ) -> InFlight {
        let engine = &self.connection.shared.engine;
        let rule = firing.map(|firing| firing.rule).filter(|rule| {
            engine
                .rule(*rule)
                .is_some_and(|armed| armed.fault.wants_answers())
        });
        let judged = rule.is_some() || engine.wants_answer(header.api_key);
        InFlight {
            rule,
            facts: judged.then(|| Box::new(facts)),
            ..in_flight(exchange, None, header)
        }
    }

    async fn hold(
        &mut self,
        exchange: ExchangeId,
        header: RequestHeader,
        frame: Bytes,
        facts: RequestFacts,
        firing: Firing,
        expects: bool,
    ) {
        self.record(
            exchange,
            header.clone(),
            &frame,
            RequestFate::Held,
            Some(firing.rule),
            u8::from(expects),
        )
        .await;
        self.connection.tell_firing(firing, Some(exchange));
        let mut request = self.prepare(exchange, &header, facts, Some(firing));
        {
            let mut wire = self.connection.wire();
            request.slot = expects.then(|| wire.open_slot());
            wire.hold();
        }
        let (connection, release) = (Arc::clone(&self.connection), self.release.clone());
        let since = connection.shared.releases(firing.rule);
        tokio::spawn(async move {
            let held = HeldFrame {
                frame,
                in_flight: request,
            };
            tokio::select! {
                () = connection.shared.released(firing.rule, since) => {
                    // Nobody to send it any more: the connection is over.
                    let _ = release.send(held);
                }
                () = connection.link.over.cancelled() => {
                    connection.shared.recorder.event(HistoryBody::Unanswered {
                        exchange,
                        forwarded: false,
                    });
                }
            }
        });
    }

    /// A held request goes to the broker at last.
    async fn go_on(&mut self, held: HeldFrame) -> Result<(), Ending> {
        let client_gone = self.connection.client_gone.load(Ordering::Relaxed);
        self.connection.shared.recorder.event(HistoryBody::Forwarded {
            exchange: held.in_flight.exchange,
            client_gone,
        });
        {
            let mut wire = self.connection.wire();
            wire.let_go();
            if held.in_flight.slot.is_some() {
                wire.forward(held.in_flight);
            }
        }
        let sent = self.outlet.send(&held.frame).await;
        sent.map_err(|error| Ending::of(Side::Broker, &error))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a request with everything that is known of it"
    )]
    async fn reject(
        &mut self,
        exchange: ExchangeId,
        header: RequestHeader,
        frame: Bytes,
        body: Bytes,
        firing: Firing,
        code: i16,
        expects: bool,
    ) {
        let shared = Arc::clone(&self.connection.shared);
        let made = if expects {
            Some(answer::error(&header, body, code))
        } else {
            None
        };
        let (fate, content) = match made {
            Some(Ok(content)) => (RequestFate::Rejected, Some(content)),
            None => (RequestFate::Swallowed, None),
            Some(Err(error)) => {
                shared.recorder.trouble(Trouble::Undecoded {
                    exchange,
                    api_key: header.api_key,
                    api_version: header.api_version,
                    wanted_by_rule: true,
                    reason: chain(&error),
                });
                (RequestFate::Swallowed, None)
            }
        };
        let (api_key, api_version) = (header.api_key, header.api_version);
        let answers = u8::from(content.is_some());
        self.record(exchange, header, &frame, fate, Some(firing.rule), answers)
            .await;
        self.connection.tell_firing(firing, Some(exchange));
        let slot: Slot = self.connection.wire().open_slot();
        let Some(content) = content else {
            if expects {
                self.connection.wire().close(slot);
            } else {
                self.connection.wire().fill(slot, Vec::new());
            }
            return;
        };
        let response = Item::Response {
            exchange,
            api_key,
            api_version,
            frame: content.clone(),
            fate: ResponseFate::Made,
            rule: Some(firing.rule),
        };
        shared.recorder.frame(content.len(), response).await;
        self.connection.wire().fill(slot, vec![framed(&content)]);
        self.connection.flush.notify_one();
    }

    async fn record(
        &self,
        exchange: ExchangeId,
        header: RequestHeader,
        frame: &Bytes,
        fate: RequestFate,
        rule: Option<u16>,
        answers: u8,
    ) {
        let recorder = &self.connection.shared.recorder;
        if !recorder.wants_request(header.api_key) {
            return;
        }
        let mut body = frame.slice(LENGTH..);
        let _ = RequestHeader::decode(&mut body);
        let item = Item::Request {
            connection: self.connection.id,
            exchange,
            header,
            body,
            fate,
            rule,
            answers,
        };
        recorder.frame(frame.len(), item).await;
    }

    fn note_client(&self, header: &RequestHeader) {
        let mut who = self.connection.identity();
        let named = header.client_id.as_deref();
        if who.client_id.as_deref() != named {
            who.client_id = named.map(str::to_owned);
            drop(who);
            self.connection.tell_identity();
            self.connection.shared.join_client(&self.connection);
        }
    }

    /// What requests say about the client itself.
    fn learn(&mut self, header: &RequestHeader, content: Bytes) {
        let mut body = content;
        if RequestHeader::decode(&mut body).is_err() {
            return;
        }
        let mut changed = false;
        match header.api_key {
            API_VERSIONS => {
                let software = observe::client_software(header, body);
                let mut who = self.connection.identity();
                changed = software.is_some() && who.software != software;
                if changed {
                    who.software = software;
                }
            }
            SASL_HANDSHAKE => self.mechanism = observe::sasl_mechanism(header, body),
            SASL_AUTHENTICATE => {
                let mechanism = self.mechanism.as_deref().unwrap_or_default();
                if let Some(principal) = observe::principal(header, body, mechanism) {
                    self.connection.identity().principal = Some(principal);
                    changed = true;
                }
            }
            _ => {}
        }
        if changed {
            self.connection.tell_identity();
        }
    }

    /// The client hung up: what rules hold goes on when its time comes, and answers to what was changed are
    /// waited for, so that the history knows.
    async fn outlive_client(&mut self) {
        while self.connection.wire().held() > 0 {
            let Some(held) = self.released.recv().await else {
                break;
            };
            if self.go_on(held).await.is_err() {
                return;
            }
        }
        let limit = tokio::time::Instant::now() + AFTERLIFE;
        loop {
            let answered = self.connection.answered.notified();
            let waits = self.connection.wire().awaits_a_change();
            if !waits || tokio::time::timeout_at(limit, answered).await.is_err() {
                return;
            }
        }
    }

    /// The broker's side is gone and the client does not know: it is listened to, and never answered.
    async fn pretend(&mut self) -> Ending {
        loop {
            let mut ignored = bytes::BytesMut::with_capacity(super::frames::READ_BYTES);
            match self.client.read_buf(&mut ignored).await {
                Ok(0) => return Ending::new(Side::Client, "closed a half-open connection"),
                Ok(_) => {}
                Err(error) => return Ending::of(Side::Client, &error),
            }
        }
    }
}

fn in_flight(exchange: ExchangeId, slot: Option<Slot>, header: &RequestHeader) -> InFlight {
    InFlight {
        exchange,
        slot,
        api_key: header.api_key,
        api_version: header.api_version,
        correlation_id: header.correlation_id,
        rule: None,
        facts: None,
    }
}

fn expects_answer(header: &RequestHeader, content: &[u8]) -> bool {
    if header.api_key != PRODUCE {
        return true;
    }
    let end = content.len().min(FRONT_BYTES);
    let front = content.get(..end).unwrap_or_default();
    read_front(front).map_or(true, |(_, acks)| acks != Some(0))
}

/// The header of a request, and of a Produce its acks, if the bytes hold them.
fn read_front(content: &[u8]) -> Result<(RequestHeader, Option<i16>), WireError> {
    let mut body = Bytes::copy_from_slice(content);
    let header = RequestHeader::decode(&mut body)?;
    if header.api_key != PRODUCE {
        return Ok((header, None));
    }
    match observe::acks(header.api_version, &body) {
        Some(acks) => Ok((header, Some(acks))),
        None => Err(WireError::Truncated { field: "acks" }),
    }
}

/// A frame with its length in front.
pub(super) fn framed(content: &Bytes) -> Bytes {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let mut frame = bytes::BytesMut::with_capacity(LENGTH + content.len());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(content);
    frame.freeze()
}

/// What it looks like that speaks to a Kafka port.
fn not_kafka(front: &[u8]) -> String {
    let speaks = match front {
        [0x16, 0x03, ..] => "TLS, and this listener is plaintext",
        [b'G', b'E', b'T', b' ', ..] | [b'P', b'O', b'S', b'T', ..] => "HTTP",
        _ => "something else",
    };
    format!("not a Kafka request: the client speaks {speaks}")
}
