//! The table of settings: what is set, what librdkafka would do, and why that bites.

use super::Guarantee;

/// Which client a setting is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// Reads the sources.
    Consumer,
    /// Writes effects, retry records and dead letters.
    Producer,
}

/// One setting that this library gives to librdkafka, unless the user gives another value.
#[derive(Debug, Clone, Copy)]
pub struct Default {
    /// The client it is for.
    pub client: Client,
    /// librdkafka's name of it.
    pub key: &'static str,
    /// This library's value.
    pub value: &'static str,
    /// What librdkafka does by itself.
    pub librdkafka: &'static str,
    /// Why it is set.
    pub reason: &'static str,
    only: Option<Guarantee>,
}

impl Default {
    pub(super) fn applies(&self, client: Client, guarantee: Guarantee) -> bool {
        self.client == client && self.only.is_none_or(|only| only == guarantee)
    }
}

const fn consumer(
    key: &'static str,
    value: &'static str,
    librdkafka: &'static str,
    reason: &'static str,
) -> Default {
    Default {
        client: Client::Consumer,
        key,
        value,
        librdkafka,
        reason,
        only: None,
    }
}

const fn producer(
    key: &'static str,
    value: &'static str,
    librdkafka: &'static str,
    reason: &'static str,
) -> Default {
    Default {
        client: Client::Producer,
        key,
        value,
        librdkafka,
        reason,
        only: None,
    }
}

const fn only(guarantee: Guarantee, default: Default) -> Default {
    Default {
        only: Some(guarantee),
        ..default
    }
}

/// Every setting, with its reason.
pub const DEFAULTS: &[Default] = &[
    consumer(
        "enable.auto.commit",
        "false",
        "true",
        "commits what was handed over every five seconds, whether or not its effect has happened",
    ),
    consumer(
        "enable.auto.offset.store",
        "false",
        "true",
        "stores the offset of a record when it is handed over, and a later commit takes it along",
    ),
    consumer(
        "auto.offset.reset",
        "earliest",
        "largest",
        "a group without a committed offset skips everything that was written before it, or while its first \
         assignment was under way",
    ),
    consumer(
        "partition.assignment.strategy",
        "cooperative-sticky",
        "range,roundrobin",
        "takes every partition from every member at each rebalance, also those that stay where they are",
    ),
    consumer(
        "isolation.level",
        "read_committed",
        "read_committed",
        "records of aborted transactions are no records; it is librdkafka's default and not Java's, so it is said",
    ),
    consumer(
        "fetch.queue.backoff.ms",
        "5",
        "1000",
        "a partition whose queue was full for a moment is not fetched again for a second",
    ),
    consumer(
        "queued.max.messages.kbytes",
        "16384",
        "65536",
        "64 MiB are fetched ahead for each partition, before any limit of this library applies",
    ),
    consumer(
        "max.poll.interval.ms",
        "300000",
        "300000",
        "the budget of a revocation is compared with it; it is said so that the comparison has a number",
    ),
    consumer(
        "socket.timeout.ms",
        "10000",
        "60000",
        "an answer that was lost is missed after a minute, and no offset is committed meanwhile",
    ),
    consumer(
        "enable.partition.eof",
        "true",
        "false",
        "the end behind the markers of a transaction is told by nothing else",
    ),
    consumer(
        "statistics.interval.ms",
        "1000",
        "0",
        "no metrics of the client at all",
    ),
    producer(
        "enable.idempotence",
        "true",
        "false",
        "a batch that is sent again after a lost answer is in the log twice, or behind a later one",
    ),
    producer(
        "acks",
        "all",
        "all",
        "an acknowledgement of the leader alone is lost with the leader; said, since idempotence needs it",
    ),
    producer(
        "partitioner",
        "murmur2_random",
        "consistent_random",
        "CRC32 where Java's clients use murmur2: records of one key land in two partitions, and have no order",
    ),
    producer("linger.ms", "5", "5", "said, since windows are sized by it"),
    producer(
        "statistics.interval.ms",
        "1000",
        "0",
        "no metrics of the client at all",
    ),
    only(
        Guarantee::ExactlyOnceKafka,
        producer(
            "transaction.timeout.ms",
            "10000",
            "60000",
            "what a process that died has open holds back every committed reader for a minute",
        ),
    ),
];

/// Names of one setting: librdkafka's properties have aliases, and an override must not slip past a rule by one.
const ALIASES: &[(&str, &str)] = &[
    ("auto.commit.enable", "enable.auto.commit"),
    ("request.required.acks", "acks"),
    ("max.in.flight", "max.in.flight.requests.per.connection"),
    ("message.send.max.retries", "retries"),
    ("delivery.timeout.ms", "message.timeout.ms"),
    ("queue.buffering.max.ms", "linger.ms"),
    ("metadata.broker.list", "bootstrap.servers"),
    ("compression.type", "compression.codec"),
    ("max.partition.fetch.bytes", "fetch.message.max.bytes"),
];

pub(super) fn one_name(key: &str) -> &str {
    ALIASES
        .iter()
        .find(|(alias, _)| *alias == key)
        .map_or(key, |(_, name)| name)
}
