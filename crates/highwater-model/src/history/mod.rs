//! The wire history: what really happened between clients and brokers, event by event.
//!
//! ```text
//! Began ─▶ Connected ─▶ Request ─┬▶ Response | Unanswered ─▶ … ─▶ Disconnected ─▶ Ended
//!                                └ Fault, Process, Trouble in between, on the same clock
//! ```
//! A request and its answer share an [`ExchangeId`]. What the proxy knows about application stands in
//! [`RequestFate`] and [`ResponseFate`]: was the request forwarded, did the broker answer, what did the client
//! get. Keys and values are hashes ([`ContentHash`], XXH3 with 64 bits), never the payload.
//!
//! Invariant: plain data; the same event gives the same bytes on disk and the same JSON. Nothing here decodes
//! Kafka's protocol or opens files.

mod batch;
mod codec;
mod event;
mod events;
mod lines;
mod request;
mod response;
#[cfg(test)]
mod strategies;

pub use batch::{BatchFacts, CodecName, ContentHash, HeaderFact, MarkerFact, RecordFacts};
pub use codec::{Decoder, Encoder, FORMAT_VERSION, GoodTo, HistoryError};
pub use event::{
    ConnectionId, ExchangeId, FaultChange, HistoryBody, HistoryEvent, NodeAddress, ProcessChange,
    RequestFate, ResponseFate, Side, Trouble,
};
pub use events::Events;
pub use lines::{Lines, write_line};
pub use request::{
    AddPartitionsFacts, CommitFacts, CommittedOffset, EndTxnFacts, FetchFacts, FetchPosition, GroupFacts,
    InitProducerFacts, Isolation, ProduceFacts, ProducedPartition, RequestFacts, TransactionFacts,
};
pub use response::{AbortedFact, FetchedPartition, JoinedFacts, MemberFact, PartitionResult, ResponseFacts};
