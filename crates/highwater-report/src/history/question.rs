//! What a request asks, in few words.

use highwater_model::history::{
    BatchFacts, CommitFacts, FetchFacts, GroupFacts, Isolation, ProduceFacts, RequestFacts, TransactionFacts,
};

use crate::number::{count, counted};
use crate::text::plain;

/// This many partitions are named; of others it is said how many they are.
const NAMED: usize = 2;

/// What a request asks; empty where name and size of the API say it all.
pub(super) fn question(facts: &RequestFacts) -> String {
    match facts {
        RequestFacts::Produce(facts) => produce(facts),
        RequestFacts::Fetch(facts) => fetch(facts),
        RequestFacts::JoinGroup { group, topics, .. } => {
            let topics = several(topics, |topic| plain(topic));
            format!("{} topics {topics}", of_group(group))
        }
        RequestFacts::SyncGroup { group, assignments } if assignments.is_empty() => of_group(group),
        RequestFacts::SyncGroup { group, assignments } => {
            format!(
                "{} assigns to {}",
                of_group(group),
                counted(assignments.len() as u64, "member")
            )
        }
        RequestFacts::Heartbeat(group) => of_group(group),
        RequestFacts::LeaveGroup { group_id, members } => {
            format!("{} {}", plain(group_id), several(members, |member| short(member)))
        }
        RequestFacts::ConsumerGroupHeartbeat { group, owned, .. } => match owned {
            Some(owned) => format!("{} owns {}", of_group(group), partitions(owned)),
            None => of_group(group),
        },
        RequestFacts::OffsetCommit(facts) => commit(facts),
        RequestFacts::OffsetFetch {
            groups,
            require_stable,
        } => {
            let stable = if *require_stable { " stable" } else { "" };
            format!("{}{stable}", several(groups, |group| plain(group)))
        }
        RequestFacts::InitProducerId(facts) => match &facts.transactional_id {
            Some(id) => plain(id),
            None => "idempotence only".into(),
        },
        RequestFacts::AddPartitionsToTxn(facts) => several(&facts.transactions, |(transaction, added)| {
            format!("{} + {}", of_transaction(transaction), partitions(added))
        }),
        RequestFacts::AddOffsetsToTxn {
            transaction,
            group_id,
        } => {
            format!("{} + group {}", of_transaction(transaction), plain(group_id))
        }
        RequestFacts::EndTxn(facts) => {
            let end = if facts.commit { "commit" } else { "abort" };
            format!("{end} {}", of_transaction(&facts.transaction))
        }
        RequestFacts::FindCoordinator { key_type, keys } => {
            let of = match key_type {
                0 => "group",
                1 => "transaction",
                2 => "share",
                _ => "key",
            };
            format!("{of} {}", several(keys, |key| plain(key)))
        }
        RequestFacts::ListOffsets { partitions, .. } => {
            several(partitions, |(topic, partition, timestamp)| {
                let of = match timestamp {
                    -1 => "end".into(),
                    -2 => "start".into(),
                    other => format!("timestamp {other}"),
                };
                format!("{}/{partition} {of}", plain(topic))
            })
        }
        RequestFacts::Other => String::new(),
    }
}

fn produce(facts: &ProduceFacts) -> String {
    let mut text = several(&facts.partitions, |of| {
        format!(
            "{}/{} {}",
            plain(&of.topic),
            of.partition,
            several(&of.batches, sent)
        )
    });
    if let Some(id) = &facts.transactional_id {
        text += &format!(", transaction {}", plain(id));
    }
    if facts.acks != -1 {
        text += &format!(", acks={}", facts.acks);
    }
    text
}

/// A batch on its way to the broker.
fn sent(batch: &BatchFacts) -> String {
    let records = counted(u64::from(batch.last_offset_delta.unsigned_abs()) + 1, "record");
    if batch.base_sequence < 0 {
        return records;
    }
    format!(
        "{records}, seq {} of producer {}/{}",
        batch.base_sequence, batch.producer_id, batch.producer_epoch
    )
}

fn fetch(facts: &FetchFacts) -> String {
    let mut text = if facts.positions.is_empty() {
        "as before".to_owned()
    } else {
        several(&facts.positions, |of| {
            if of.offset < 0 {
                format!("{}/{}", plain(&of.topic), of.partition)
            } else {
                format!("{}/{} from {}", plain(&of.topic), of.partition, of.offset)
            }
        })
    };
    if facts.isolation == Isolation::ReadCommitted {
        text += ", committed only";
    }
    if let Some(group) = &facts.share_group {
        text += &format!(", share {}", of_group(group));
    }
    text
}

fn commit(facts: &CommitFacts) -> String {
    let offsets = several(&facts.offsets, |of| {
        format!("{}/{} at {}", plain(&of.topic), of.partition, of.offset)
    });
    let mut text = format!("{} {offsets}", of_group(&facts.group));
    if let Some(transaction) = &facts.transaction {
        text += &format!(", {}", of_transaction(transaction));
    }
    text
}

fn of_group(group: &GroupFacts) -> String {
    let mut text = plain(&group.group_id);
    if group.generation >= 0 {
        text += &format!(" generation {}", group.generation);
    }
    if !group.member_id.is_empty() {
        text += &format!(" {}", short(&group.member_id));
    }
    text
}

fn of_transaction(transaction: &TransactionFacts) -> String {
    format!(
        "{} ({}/{})",
        plain(&transaction.transactional_id),
        transaction.producer_id,
        transaction.producer_epoch
    )
}

/// Member ids end in 36 characters that nobody compares: the first of them are enough.
pub(super) fn short(member: &str) -> String {
    crate::text::cut(&plain(member), 18)
}

pub(super) fn partitions(of: &[(String, i32)]) -> String {
    if of.is_empty() {
        return "nothing".into();
    }
    several(of, |(topic, partition)| format!("{}/{partition}", plain(topic)))
}

/// The first entries, and how many more there are.
pub(super) fn several<T>(entries: &[T], name: impl Fn(&T) -> String) -> String {
    let named: Vec<String> = entries.iter().take(NAMED).map(name).collect();
    let mut text = named.join("; ");
    if entries.len() > NAMED {
        text += &format!("; {} more", count((entries.len() - NAMED) as u64));
    }
    text
}
