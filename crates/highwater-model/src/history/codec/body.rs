//! Kinds of events and their fields. A request and an answer have a kind for each form of facts, so that numbers
//! are differences to something similar.

use super::coded::Coded;
use super::reader::{Malformed, Reader};
use super::writer::Writer;
use crate::history::{HistoryBody, RequestFacts, ResponseFacts, Trouble};

const REQUESTS: u8 = 16;
const RESPONSES: u8 = 40;

/// The kind, below 64.
pub(super) fn kind(body: &HistoryBody) -> u8 {
    match body {
        HistoryBody::Began { .. } => 0,
        HistoryBody::Broker { .. } => 1,
        HistoryBody::Connected { .. } => 2,
        HistoryBody::Identified { .. } => 3,
        HistoryBody::Disconnected { .. } => 4,
        HistoryBody::Forwarded { .. } => 5,
        HistoryBody::Unanswered { .. } => 6,
        HistoryBody::Fault { .. } => 7,
        HistoryBody::Process { .. } => 8,
        HistoryBody::Trouble(_) => 9,
        HistoryBody::Ended { .. } => 10,
        HistoryBody::Request { facts, .. } => REQUESTS + facts.number(),
        HistoryBody::Response { facts, .. } => RESPONSES + facts.number(),
    }
}

/// Writes fields in the order in which they are named.
macro_rules! put {
    ($writer:expr, $($field:ident),*) => { { $($field.put($writer);)* } };
}

/// Reads fields in the order in which they are named.
macro_rules! take {
    ($reader:expr, $variant:ident { $($field:ident),* }) => {
        HistoryBody::$variant { $($field: Coded::take($reader)?),* }
    };
}

/// Writes the fields.
pub(super) fn put(body: &HistoryBody, writer: &mut Writer) {
    use HistoryBody as Body;
    match body {
        Body::Began {
            highwater_version,
            started_at,
            target,
            seed,
            rules,
        } => {
            put!(writer, highwater_version, started_at, target, seed, rules);
        }
        Body::Broker {
            node,
            upstream,
            listener,
        } => put!(writer, node, upstream, listener),
        Body::Connected {
            connection,
            node,
            from,
            tls,
        } => put!(writer, connection, node, from, tls),
        Body::Identified {
            connection,
            client_id,
            software_name,
            software_version,
            principal,
        } => {
            put!(
                writer,
                connection,
                client_id,
                software_name,
                software_version,
                principal
            );
        }
        Body::Disconnected {
            connection,
            by,
            reason,
        } => put!(writer, connection, by, reason),
        Body::Forwarded {
            exchange,
            client_gone,
        } => put!(writer, exchange, client_gone),
        Body::Unanswered { exchange, forwarded } => put!(writer, exchange, forwarded),
        Body::Fault {
            rule,
            change,
            exchange,
            connection,
            matched,
            fired,
        } => {
            put!(writer, rule, change, exchange, connection, matched, fired);
        }
        Body::Process {
            name,
            pid,
            change,
            detail,
        } => put!(writer, name, pid, change, detail),
        Body::Trouble(trouble) => trouble.put(writer),
        Body::Ended {
            requests,
            responses,
            waited_ns,
        } => put!(writer, requests, responses, waited_ns),
        Body::Request {
            connection,
            exchange,
            api_key,
            api_version,
            bytes,
            fate,
            rule,
            facts,
        } => {
            put!(
                writer,
                connection,
                exchange,
                api_key,
                api_version,
                bytes,
                fate,
                rule
            );
            facts.put_fields(writer);
        }
        Body::Response {
            exchange,
            bytes,
            fate,
            rule,
            facts,
        } => {
            put!(writer, exchange, bytes, fate, rule);
            facts.put_fields(writer);
        }
    }
}

/// Reads the fields of a kind.
pub(super) fn take(reader: &mut Reader<'_>) -> Result<HistoryBody, Malformed> {
    Ok(match reader.kind() {
        0 => take!(
            reader,
            Began {
                highwater_version,
                started_at,
                target,
                seed,
                rules
            }
        ),
        1 => take!(
            reader,
            Broker {
                node,
                upstream,
                listener
            }
        ),
        2 => take!(
            reader,
            Connected {
                connection,
                node,
                from,
                tls
            }
        ),
        3 => take!(
            reader,
            Identified {
                connection,
                client_id,
                software_name,
                software_version,
                principal
            }
        ),
        4 => take!(
            reader,
            Disconnected {
                connection,
                by,
                reason
            }
        ),
        5 => take!(
            reader,
            Forwarded {
                exchange,
                client_gone
            }
        ),
        6 => take!(reader, Unanswered { exchange, forwarded }),
        7 => take!(
            reader,
            Fault {
                rule,
                change,
                exchange,
                connection,
                matched,
                fired
            }
        ),
        8 => take!(
            reader,
            Process {
                name,
                pid,
                change,
                detail
            }
        ),
        9 => HistoryBody::Trouble(Trouble::take(reader)?),
        10 => take!(
            reader,
            Ended {
                requests,
                responses,
                waited_ns
            }
        ),
        kind if kind >= RESPONSES => HistoryBody::Response {
            exchange: Coded::take(reader)?,
            bytes: Coded::take(reader)?,
            fate: Coded::take(reader)?,
            rule: Coded::take(reader)?,
            facts: ResponseFacts::take_fields(kind - RESPONSES, reader)?,
        },
        kind if kind >= REQUESTS => HistoryBody::Request {
            connection: Coded::take(reader)?,
            exchange: Coded::take(reader)?,
            api_key: Coded::take(reader)?,
            api_version: Coded::take(reader)?,
            bytes: Coded::take(reader)?,
            fate: Coded::take(reader)?,
            rule: Coded::take(reader)?,
            facts: RequestFacts::take_fields(kind - REQUESTS, reader)?,
        },
        _ => return Err("unknown kind of event"),
    })
}
