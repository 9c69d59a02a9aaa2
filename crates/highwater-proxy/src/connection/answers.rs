//! From the broker to the client.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use highwater_model::history::{HistoryBody, RequestFacts, ResponseFate, Side, Trouble};
use highwater_wire::observe::{self, Depth};
use highwater_wire::{WireError, addresses};
use tokio::io::AsyncReadExt;

use super::frames::{Frames, Mode, Next};
use super::outlet::Outlet;
use super::requests::framed;
use super::stream::{Reader, Writer};
use super::wire::{InFlight, OutOfStep};
use super::{Connection, Ending, MAX_KEPT_FRAME};
use crate::error::chain;
use crate::fault::{Answer, OnAnswer};
use crate::recorder::Item;
use crate::rule::scope::Seen;
use crate::rule::{Direction, Then};

const METADATA: i16 = 3;
const SASL_HANDSHAKE: i16 = 17;
const LENGTH: usize = 4;
/// Length and correlation id.
const FRONT: usize = 8;
/// Answers that may wait for their turn before no more are read.
const MAX_WAITING: usize = 64 << 20;

/// The pump.
pub(super) struct Answers {
    connection: Arc<Connection>,
    broker: Reader,
    outlet: Outlet,
    frames: Frames,
    /// The request whose answer is being passed.
    passing: Option<InFlight>,
    /// An answer that is whole and may not go on yet.
    kept_back: Option<(InFlight, Bytes)>,
}

impl Drop for Answers {
    /// Whatever ended the connection: an answer that was under way has its end in the history.
    fn drop(&mut self) {
        let recorder = &self.connection.shared.recorder;
        if let Some((request, frame)) = self.kept_back.take() {
            recorder.frame_at_last(Item::Response {
                exchange: request.exchange,
                api_key: request.api_key,
                api_version: request.api_version,
                frame,
                fate: ResponseFate::ClientGone,
                rule: None,
            });
        } else if let Some(request) = self.passing.take().filter(|request| request.slot.is_some()) {
            recorder.event(HistoryBody::Unanswered {
                exchange: request.exchange,
                forwarded: true,
            });
        }
    }
}

impl Answers {
    pub(super) fn new(connection: Arc<Connection>, broker: Reader, client: Writer) -> Self {
        let frames = Frames::new(connection.shared.tls.passes);
        Self {
            outlet: Outlet::new(client, Arc::clone(&connection), Direction::ToClient),
            connection,
            broker,
            frames,
            passing: None,
            kept_back: None,
        }
    }

    /// Passes answers until the broker's side ends.
    pub(super) async fn run(mut self) -> Ending {
        let connection = Arc::clone(&self.connection);
        let ending = tokio::select! {
            ending = self.until_broker_ends() => ending,
            () = connection.link.broker_over.cancelled() => {
                connection.abandon();
                // The client is not told; its own side ends when it likes.
                connection.link.over.cancelled().await;
                return Ending::by_rule("a rule closed the broker's side");
            }
            () = connection.link.client_over.cancelled() => {
                self.outlet.close().await;
                connection.client_gone.store(true, Ordering::Relaxed);
                self.until_broker_ends().await
            }
        };
        connection.abandon();
        let close_delay = connection.effects(Direction::ToClient).close_delay;
        tokio::time::sleep(close_delay).await;
        self.outlet.close().await;
        ending
    }

    async fn until_broker_ends(&mut self) -> Ending {
        let connection = Arc::clone(&self.connection);
        loop {
            if let Err(ending) = self.pass_on().await {
                return ending;
            }
            if let Err(ending) = self.deliver_due().await {
                return ending;
            }
            let full = connection.wire().waiting_bytes() > MAX_WAITING;
            let room = self.frames.room();
            tokio::select! {
                read = self.broker.read_buf(room), if !full => match read {
                    Ok(0) => return Ending::new(Side::Broker, "closed"),
                    Ok(_) => self.frames.was_read(),
                    Err(error) => return Ending::of(Side::Broker, &error),
                },
                () = connection.flush.notified() => {}
            }
        }
    }

    async fn pass_on(&mut self) -> Result<(), Ending> {
        loop {
            match self.frames.next() {
                Next::Read => return Ok(()),
                Next::Front => self.begin()?,
                Next::Chunk(range) => {
                    self.send_range(range.clone()).await?;
                    if self.frames.passed(&range)
                        && let Some(request) = self.passing.take()
                    {
                        self.streamed(&request);
                        self.deliver_due().await?;
                    }
                }
                Next::Last(frame, from) => {
                    if let Some(request) = self.passing.clone() {
                        self.until_road_is_open(&request, &frame).await;
                        self.passing = None;
                        let content = frame.slice(LENGTH..);
                        self.record(&request, content, ResponseFate::Delivered, None)
                            .await;
                        self.send(frame.get(from..).unwrap_or_default()).await?;
                        self.streamed(&request);
                        self.deliver_due().await?;
                    }
                }
                Next::Frame(frame) => self.judge(frame).await?,
            }
        }
    }

    fn begin(&mut self) -> Result<(), Ending> {
        let front = self.frames.front();
        let (Some(claimed), Some(front)) = (self.frames.claimed(), front.first_chunk::<FRONT>()) else {
            self.frames.starve();
            return Ok(());
        };
        let total = usize::try_from(claimed)
            .ok()
            .filter(|total| *total >= FRONT)
            .ok_or_else(|| Ending::new(Side::Broker, "answered with something that is not Kafka"))?;
        let [.., a, b, c, d] = *front;
        let correlation_id = i32::from_be_bytes([a, b, c, d]);
        let answered = self.connection.wire().answered(correlation_id);
        let request = answered.map_err(|error: OutOfStep| Ending::new(Side::Broker, chain(&error)))?;
        self.connection
            .shared
            .counters
            .responses
            .fetch_add(1, Ordering::Relaxed);
        let mode = self.mode(&request, total)?;
        self.passing = Some(request);
        self.frames.begin(total, mode);
        Ok(())
    }

    fn mode(&self, request: &InFlight, total: usize) -> Result<Mode, Ending> {
        let shared = &self.connection.shared;
        let first = request
            .slot
            .is_some_and(|slot| self.connection.wire().is_first(slot));
        let gone = self.connection.client_gone.load(Ordering::Relaxed);
        let rewritten = addresses::may_carry(request.api_key, request.api_version);
        let judged = request.rule.is_some() || request.facts.is_some();
        let kept = shared.recorder.wants_answer(request.api_key);
        if total > MAX_KEPT_FRAME {
            self.too_long(request, total, judged || rewritten);
            // It can pass only as it comes; out of turn it would be taken for another answer.
            return if first {
                Ok(Mode::Pass)
            } else {
                Err(Ending::new(
                    Side::Proxy,
                    "an answer too long to wait for its turn",
                ))
            };
        }
        if !first || gone || rewritten || judged {
            Ok(Mode::Whole)
        } else if kept {
            Ok(Mode::Keep)
        } else {
            Ok(Mode::Pass)
        }
    }

    fn too_long(&self, request: &InFlight, total: usize, needed: bool) {
        self.connection.shared.recorder.trouble(if needed {
            Trouble::Undecoded {
                exchange: request.exchange,
                api_key: request.api_key,
                api_version: request.api_version,
                wanted_by_rule: request.rule.is_some(),
                reason: format!("{total} bytes are too long to be looked into"),
            }
        } else {
            Trouble::Unrecorded {
                exchange: request.exchange,
                bytes: total as u64,
            }
        });
    }

    /// An answer that a black hole keeps from the client is not delivered before it is lifted, and the history
    /// must not say so. If the connection ends meanwhile it never was: see [`Drop`].
    async fn until_road_is_open(&mut self, request: &InFlight, frame: &Bytes) {
        if self.connection.shared.network {
            self.kept_back = Some((request.clone(), frame.slice(LENGTH..)));
            self.connection.open_road(Direction::ToClient).await;
            self.kept_back = None;
        }
    }

    /// The answer went to the client while it arrived.
    fn streamed(&mut self, request: &InFlight) {
        if request.api_key == SASL_HANDSHAKE && request.api_version == 0 {
            self.frames.turn_opaque();
        }
        if let Some(slot) = request.slot {
            self.connection.wire().streamed(slot);
        }
        self.connection.answered.notify_one();
    }

    /// An answer that is looked into before it goes on.
    async fn judge(&mut self, frame: Bytes) -> Result<(), Ending> {
        let Some(request) = self.passing.clone() else {
            return Ok(());
        };
        self.until_road_is_open(&request, &frame).await;
        self.passing = None;
        let original = frame.slice(LENGTH..);
        self.learn_topics(&request, &original);
        let content = self.rewritten(&request, &original);
        self.tell_rules(&request, &original);
        let Some(slot) = request.slot else {
            self.record(&request, original, ResponseFate::Surplus, None).await;
            self.connection.answered.notify_one();
            return Ok(());
        };
        let action = self.ask_fault(&request, &content);
        let counted = request.rule;
        let gone = self.connection.client_gone.load(Ordering::Relaxed);
        let fate = match &action {
            OnAnswer::Deliver | OnAnswer::Hold | OnAnswer::Twice if gone => ResponseFate::ClientGone,
            OnAnswer::Deliver | OnAnswer::Hold | OnAnswer::Twice => ResponseFate::Delivered,
            OnAnswer::Replace(_) => ResponseFate::Altered,
            OnAnswer::Discard(_) => ResponseFate::Discarded,
        };
        let decided = counted.filter(|_| action != OnAnswer::Deliver);
        if action != OnAnswer::Hold {
            self.record(&request, original.clone(), fate, decided).await;
        }
        let untouched = content == original;
        let whole = |content: &Bytes| if untouched { frame.clone() } else { framed(content) };
        match action {
            OnAnswer::Deliver => self.connection.wire().fill(slot, vec![whole(&content)]),
            OnAnswer::Replace(other) => self.connection.wire().fill(slot, vec![framed(&other)]),
            OnAnswer::Twice => {
                let frame = whole(&content);
                self.connection.wire().fill(slot, vec![frame.clone(), frame]);
            }
            OnAnswer::Discard(Then::Silence) => self.connection.wire().close(slot),
            OnAnswer::Discard(Then::Close) => {
                self.connection.wire().close(slot);
                self.deliver_due().await?;
                self.connection.answered.notify_one();
                return Err(Ending::by_rule(
                    "a rule took an answer away and closed the connection",
                ));
            }
            OnAnswer::Hold => self.hold(&request, slot, whole(&content), &original),
        }
        self.connection.answered.notify_one();
        self.deliver_due().await
    }

    /// Keeps an answer back; what became of it is written down when that is known.
    fn hold(&self, request: &InFlight, slot: super::wire::Slot, frame: Bytes, original: &Bytes) {
        let Some(rule) = request.rule else { return };
        let connection = Arc::clone(&self.connection);
        let response = |fate| Item::Response {
            exchange: request.exchange,
            api_key: request.api_key,
            api_version: request.api_version,
            frame: original.clone(),
            fate,
            rule: Some(rule),
        };
        let (delivered, gone) = (
            response(ResponseFate::Delivered),
            response(ResponseFate::ClientGone),
        );
        let kept = connection.shared.recorder.wants_answer(request.api_key);
        let since = connection.shared.releases(rule);
        tokio::spawn(async move {
            let recorder = &connection.shared.recorder;
            tokio::select! {
                () = connection.shared.released(rule, since) => {
                    let hung_up = connection.client_gone.load(Ordering::Relaxed);
                    if kept {
                        recorder.frame_at_last(if hung_up { gone } else { delivered });
                    }
                    connection.wire().fill(slot, vec![frame]);
                    connection.flush.notify_one();
                }
                () = connection.link.over.cancelled() => {
                    if kept {
                        recorder.frame_at_last(gone);
                    }
                }
            }
        });
    }

    fn learn_topics(&self, request: &InFlight, content: &Bytes) {
        if request.api_key == METADATA
            && let Ok(named) = observe::topic_names(request.api_version, content.clone())
        {
            self.connection.shared.topics.learn(named);
        }
    }

    /// The answer with the proxy's addresses in place of the brokers'.
    fn rewritten(&self, request: &InFlight, content: &Bytes) -> Bytes {
        if !addresses::may_carry(request.api_key, request.api_version) {
            return content.clone();
        }
        let book = &self.connection.shared.book;
        let mut refused = None;
        let outcome = addresses::rewrite(
            request.api_key,
            request.api_version,
            content.clone(),
            &mut |endpoint| match book.listener_for(&self.connection.shared, endpoint) {
                Ok((host, port)) => (host, i32::from(port)),
                Err(error) => {
                    refused = Some(error);
                    (endpoint.host.clone(), endpoint.port)
                }
            },
        );
        if let Some(error) = refused {
            self.bypass(format!("no listener for a broker could be opened: {error}"));
        }
        match outcome {
            Ok(Some(changed)) => changed,
            Ok(None) => content.clone(),
            Err(error) => {
                self.undecoded(request, &error, false);
                self.bypass(format!(
                    "an answer that may carry broker addresses could not be read (API {} version {})",
                    request.api_key, request.api_version
                ));
                content.clone()
            }
        }
    }

    fn bypass(&self, evidence: String) {
        self.connection
            .shared
            .recorder
            .trouble(Trouble::Bypass { evidence });
    }

    fn undecoded(&self, request: &InFlight, error: &WireError, wanted_by_rule: bool) {
        self.connection.shared.recorder.trouble(Trouble::Undecoded {
            exchange: request.exchange,
            api_key: request.api_key,
            api_version: request.api_version,
            wanted_by_rule,
            reason: chain(error),
        });
    }

    /// Rules that wait for an answer.
    fn tell_rules(&self, request: &InFlight, content: &Bytes) {
        let shared = &self.connection.shared;
        let Some(facts) = request.facts.as_deref() else {
            return;
        };
        if !shared.engine.wants_answer(request.api_key) || request.slot.is_none() {
            return;
        }
        let (key, version) = (request.api_key, request.api_version);
        match observe::response(
            key,
            version,
            content.clone(),
            facts,
            &*shared.topics,
            Depth::Batches,
        ) {
            Ok(answer) => {
                let who = self.connection.identity().clone();
                let seen = Seen {
                    who: &who,
                    api_key: key,
                    api_version: version,
                    facts,
                    transaction: shared.engine.transaction_of(facts),
                };
                shared.engine.on_answer(&seen, &answer);
            }
            Err(error) => self.undecoded(request, &error, true),
        }
    }

    fn ask_fault(&self, request: &InFlight, content: &Bytes) -> OnAnswer {
        let shared = &self.connection.shared;
        let Some(armed) = request.rule.and_then(|rule| shared.engine.rule(rule)) else {
            return OnAnswer::Deliver;
        };
        let nodes = crate::address_book::StandIns(shared);
        let answer = Answer {
            api_key: request.api_key,
            api_version: request.api_version,
            request: request.facts.as_deref().unwrap_or(&RequestFacts::Other),
            frame: content,
            matcher: &armed.matcher,
            nodes: &nodes,
        };
        armed.fault.on_answer(&answer).unwrap_or_else(|error| {
            self.undecoded(request, &error, true);
            OnAnswer::Deliver
        })
    }

    async fn record(&self, request: &InFlight, frame: Bytes, fate: ResponseFate, rule: Option<u16>) {
        let recorder = &self.connection.shared.recorder;
        if !recorder.wants_answer(request.api_key) {
            return;
        }
        let item = Item::Response {
            exchange: request.exchange,
            api_key: request.api_key,
            api_version: request.api_version,
            frame: frame.clone(),
            fate,
            rule,
        };
        recorder.frame(frame.len(), item).await;
    }

    async fn deliver_due(&mut self) -> Result<(), Ending> {
        let due = self.connection.wire().due();
        for frame in due {
            self.send(&frame).await?;
        }
        Ok(())
    }

    async fn send_range(&mut self, range: std::ops::Range<usize>) -> Result<(), Ending> {
        let sent = self.outlet.send(self.frames.bytes(range)).await;
        self.survive(sent)
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Ending> {
        let sent = self.outlet.send(bytes).await;
        self.survive(sent)
    }

    /// A client that is gone does not end the broker's side: what it answers is still of interest.
    fn survive(&self, sent: std::io::Result<()>) -> Result<(), Ending> {
        match sent {
            Ok(()) => Ok(()),
            Err(_) if self.connection.client_gone.load(Ordering::Relaxed) => Ok(()),
            Err(error) => Err(Ending::of(Side::Client, &error)),
        }
    }
}
