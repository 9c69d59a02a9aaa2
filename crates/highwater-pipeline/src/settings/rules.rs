//! Which settings break which guarantee.

use std::collections::BTreeMap;
use std::time::Duration;

use super::table::Client;
use super::{Guarantee, Refusal};

struct Judge<'a> {
    guarantee: Guarantee,
    settings: &'a BTreeMap<String, String>,
    drain: Duration,
    warnings: Vec<String>,
}

pub(super) fn judge(
    client: Client,
    guarantee: Guarantee,
    settings: &BTreeMap<String, String>,
    drain: Duration,
) -> Result<Vec<String>, Refusal> {
    let mut judge = Judge {
        guarantee,
        settings,
        drain,
        warnings: Vec::new(),
    };
    match client {
        Client::Consumer => judge.consumer()?,
        Client::Producer => judge.producer()?,
    }
    Ok(judge.warnings)
}

impl Judge<'_> {
    fn consumer(&mut self) -> Result<(), Refusal> {
        for (key, reason) in [
            (
                "enable.auto.commit",
                "offsets would be committed on a timer, before their effects have happened",
            ),
            (
                "enable.auto.offset.store",
                "an offset would be stored when its record is handed over, before its effect",
            ),
        ] {
            if self.flag(key)? == Some(true) {
                return Err(self.breaks(key, reason, "leave it out, this library commits by itself"));
            }
        }
        match self.value("auto.offset.reset") {
            Some("latest" | "largest" | "end") => self.warnings.push(
                "`auto.offset.reset` is at the end: a group without a committed offset skips what is there, and so \
                 does one whose offset was deleted by retention"
                    .to_owned(),
            ),
            Some("earliest" | "smallest" | "beginning" | "error") | None => {}
            Some(_) => return Err(self.unreadable("auto.offset.reset", "earliest, latest or error")),
        }
        match self.value("isolation.level") {
            Some("read_uncommitted") if self.guarantee == Guarantee::AtLeastOnce => self.warnings.push(
                "`isolation.level = read_uncommitted`: records of aborted transactions are handled too"
                    .to_owned(),
            ),
            Some("read_uncommitted") => {
                return Err(self.breaks(
                    "isolation.level",
                    "records of transactions that are aborted later would have effects",
                    "leave it out or use read_committed",
                ));
            }
            Some("read_committed") | None => {}
            Some(_) => return Err(self.unreadable("isolation.level", "read_committed or read_uncommitted")),
        }
        if let Some(interval_ms) = self.number("max.poll.interval.ms")? {
            let drain_ms = self.drain.as_millis();
            if u128::from(interval_ms) <= drain_ms {
                return Err(Refusal::Contradiction {
                    key: "max.poll.interval.ms".to_owned(),
                    value: interval_ms.to_string(),
                    other: "the budget of a revocation".to_owned(),
                    other_value: format!("{drain_ms} ms"),
                    reason: "the group would take the partitions away while their last records still run",
                    instead: "raise the interval or lower the budget",
                });
            }
        }
        if let (Some(session_ms), Some(interval_ms)) = (
            self.number("session.timeout.ms")?,
            self.number("max.poll.interval.ms")?,
        ) && session_ms > interval_ms
        {
            return Err(Refusal::Contradiction {
                key: "session.timeout.ms".to_owned(),
                value: session_ms.to_string(),
                other: "max.poll.interval.ms".to_owned(),
                other_value: interval_ms.to_string(),
                reason: "librdkafka wants the interval of polls to be at least the timeout of the session",
                instead: "lower the session's timeout",
            });
        }
        if self.value("group.instance.id").is_some() && self.guarantee == Guarantee::ExactlyOnceKafka {
            self.warnings.push(
                "`group.instance.id`: a member that stops keeps its partitions until the session ends, and its \
                 successor waits for them"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn producer(&mut self) -> Result<(), Refusal> {
        if self.flag("enable.idempotence")? == Some(false) {
            return Err(self.breaks(
                "enable.idempotence",
                if self.guarantee == Guarantee::ExactlyOnceKafka {
                    "a transaction needs an idempotent producer"
                } else {
                    "an effect that is sent again could overtake a later one of its key"
                },
                "leave it out",
            ));
        }
        match self.value("acks") {
            Some("all" | "-1") | None => {}
            Some(value) if value.parse::<i32>().is_ok() => {
                return Err(self.breaks(
                    "acks",
                    "an acknowledged effect would be lost with one broker, after its offset was committed",
                    "use acks = all and set min.insync.replicas on the topic",
                ));
            }
            Some(_) => return Err(self.unreadable("acks", "all or a number")),
        }
        if self.number("retries")? == Some(0) {
            return Err(self.breaks(
                "retries",
                "an idempotent producer must be able to send again",
                "leave it out",
            ));
        }
        if let Some(in_flight) = self.number("max.in.flight.requests.per.connection")?
            && !(1..=5).contains(&in_flight)
        {
            return Err(self.breaks(
                "max.in.flight.requests.per.connection",
                "a broker remembers the last five batches of a producer and cannot tell older ones from repeats",
                "use 1 to 5",
            ));
        }
        let transaction_ms = self.number("transaction.timeout.ms")?;
        let message_ms = self.number("message.timeout.ms")?;
        if let (Some(transaction_ms), Some(message_ms)) = (transaction_ms, message_ms)
            && self.guarantee == Guarantee::ExactlyOnceKafka
            && (message_ms > transaction_ms || message_ms == 0)
        {
            return Err(Refusal::Contradiction {
                key: "message.timeout.ms".to_owned(),
                value: message_ms.to_string(),
                other: "transaction.timeout.ms".to_owned(),
                other_value: transaction_ms.to_string(),
                reason: "a record could still be on its way when its transaction has been aborted",
                instead: "lower the timeout of the message or raise that of the transaction",
            });
        }
        if self.guarantee != Guarantee::ExactlyOnceKafka && self.value("transactional.id").is_some() {
            return Err(self.breaks(
                "transactional.id",
                "records sent outside of a window would be refused by the client",
                "leave it out, or give the pipeline a transactional effect",
            ));
        }
        match self.value("partitioner") {
            Some("murmur2_random" | "murmur2") | None => {}
            Some(other) => {
                let warning = format!(
                    "`partitioner = {other}`: Java's clients put the same key into another partition, and records \
                     of one key from both have no order"
                );
                self.warnings.push(warning);
            }
        }
        Ok(())
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(String::as_str)
    }

    /// librdkafka takes these words for a flag.
    fn flag(&self, key: &str) -> Result<Option<bool>, Refusal> {
        match self.value(key) {
            None => Ok(None),
            Some("true" | "t" | "1") => Ok(Some(true)),
            Some("false" | "f" | "0") => Ok(Some(false)),
            Some(_) => Err(self.unreadable(key, "true or false")),
        }
    }

    fn number(&self, key: &str) -> Result<Option<u64>, Refusal> {
        self.value(key)
            .map(|value| {
                value
                    .parse()
                    .map_err(|_| self.unreadable(key, "a number that is not negative"))
            })
            .transpose()
    }

    fn unreadable(&self, key: &str, expected: &'static str) -> Refusal {
        Refusal::Unreadable {
            key: key.to_owned(),
            value: self.value(key).unwrap_or_default().to_owned(),
            expected,
        }
    }

    fn breaks(&self, key: &str, reason: &'static str, instead: &'static str) -> Refusal {
        Refusal::BreaksGuarantee {
            key: key.to_owned(),
            value: self.value(key).unwrap_or_default().to_owned(),
            guarantee: self.guarantee,
            reason,
            instead,
        }
    }
}
