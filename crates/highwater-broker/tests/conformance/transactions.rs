//! Transactions: what is seen at each step, in the old protocol and in version 2.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, DescribeProducersRequest, DescribeTransactionsRequest,
    EndTxnRequest, InitProducerIdRequest, InitProducerIdResponse, ListTransactionsRequest, ProducerId,
    TxnOffsetCommitRequest, describe_producers_request,
};

use crate::arm::{Arm, error, poll, settled};
use crate::ask::{GROUP, TRANSACTION, produced, transactional_id};
use crate::batches::{batch, sequenced, transactional};
use crate::client::{group, produce_request, text, topic};

/// The last version of each API before KIP-890, and the first with it.
pub(crate) const OLD: i16 = 4;
pub(crate) const NEW: i16 = 5;

/// The last version of Produce with the old protocol, and the first that adds partitions by itself.
const PRODUCE_OLD: i16 = 11;
const PRODUCE_NEW: i16 = 12;

const TIMEOUT_MS: i32 = 60_000;
const NEW_PRODUCER: (i64, i16) = (-1, -1);

/// Whom a request claims to come from.
#[derive(Clone)]
pub(crate) struct Producer {
    pub(crate) id: String,
    pub(crate) known: (i64, i16),
}

impl Producer {
    pub(crate) fn of(id: &str, answer: &InitProducerIdResponse) -> Self {
        let known = (answer.producer_id.0, answer.producer_epoch);
        Self {
            id: id.to_owned(),
            known,
        }
    }

    fn with_epoch(&self, epoch: i16) -> Self {
        let known = (self.known.0, epoch);
        Self {
            id: self.id.clone(),
            known,
        }
    }
}

impl Arm {
    pub(crate) fn begin(&mut self, suffix: &str) -> Producer {
        let id = self.coordinated(TRANSACTION, suffix);
        let answer = self.init(&id, TIMEOUT_MS, NEW_PRODUCER);
        assert_eq!(error(answer.error_code), "None");
        Producer::of(&id, &answer)
    }

    fn see_init(&mut self, what: &str, id: &str, timeout_ms: i32, known: (i64, i16)) -> Producer {
        let answer = self.init(id, timeout_ms, known);
        let producer = self.producer(answer.producer_id.0);
        let seen = format!(
            "{} {producer} epoch={}",
            error(answer.error_code),
            answer.producer_epoch
        );
        self.see(what, seen);
        Producer::of(id, &answer)
    }

    /// AddPartitionsToTxn as clients send it.
    pub(crate) fn add(&mut self, from: &Producer, name: &str, partitions: &[i32]) -> Vec<String> {
        let wanted = AddPartitionsToTxnTopic::default()
            .with_name(topic(name))
            .with_partitions(partitions.to_vec());
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(transactional_id(&from.id))
            .with_v3_and_below_producer_id(ProducerId(from.known.0))
            .with_v3_and_below_producer_epoch(from.known.1)
            .with_v3_and_below_topics(vec![wanted]);
        let answer = settled(
            || self.call(&request, 3),
            |answer| answer.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code,
        );
        let results = answer.results_by_topic_v3_and_below.into_iter();
        let results = results.flat_map(|one| one.results_by_partition);
        results.map(|one| error(one.partition_error_code)).collect()
    }

    fn write(&mut self, version: i16, from: &Producer, name: &str, records: Bytes) -> String {
        let request =
            produce_request(name, 0, records).with_transactional_id(Some(transactional_id(&from.id)));
        let answer = settled(
            || self.call(&request, version).responses[0].partition_responses[0].clone(),
            |answer| answer.error_code,
        );
        produced(&answer)
    }

    fn see_write(&mut self, what: &str, from: &Producer, name: &str, records: Bytes) {
        let seen = self.write(PRODUCE_OLD, from, name, records);
        self.see(what, seen);
    }

    fn see_write_2(&mut self, what: &str, from: &Producer, name: &str, records: Bytes) {
        let seen = self.write(PRODUCE_NEW, from, name, records);
        self.see(what, seen);
    }

    fn see_add(&mut self, what: &str, from: &Producer, name: &str, partitions: &[i32]) {
        let seen = self.add(from, name, partitions).join(" ");
        self.see(what, seen);
    }

    /// EndTxn; gives the producer as it is to go on.
    fn see_end(&mut self, what: &str, version: i16, from: &Producer, commit: bool) -> Producer {
        let request = EndTxnRequest::default()
            .with_transactional_id(transactional_id(&from.id))
            .with_producer_id(ProducerId(from.known.0))
            .with_producer_epoch(from.known.1)
            .with_committed(commit);
        let answer = settled(|| self.call(&request, version), |answer| answer.error_code);
        let mut seen = error(answer.error_code);
        let mut next = from.clone();
        if version >= NEW {
            let producer = self.producer(answer.producer_id.0);
            seen += &format!(" {producer} epoch={}", answer.producer_epoch);
            if answer.error_code == 0 {
                next.known = (answer.producer_id.0, answer.producer_epoch);
            }
        }
        self.see(what, seen);
        next
    }

    pub(crate) fn see_add_offsets(&mut self, what: &str, from: &Producer, name: &str) {
        let request = AddOffsetsToTxnRequest::default()
            .with_transactional_id(transactional_id(&from.id))
            .with_producer_id(ProducerId(from.known.0))
            .with_producer_epoch(from.known.1)
            .with_group_id(group(name));
        let answer = settled(|| self.call(&request, 3), |answer| answer.error_code);
        self.see(what, error(answer.error_code));
    }

    pub(crate) fn see_commit_offset(
        &mut self,
        what: &str,
        version: i16,
        from: &Producer,
        name: &str,
        offset: i64,
        member: (i32, &str),
    ) {
        let partition = TxnOffsetCommitRequestPartition::default()
            .with_partition_index(0)
            .with_committed_offset(offset)
            .with_committed_metadata(Some(text("note")));
        let wanted = TxnOffsetCommitRequestTopic::default()
            .with_name(topic(&self.name("input")))
            .with_partitions(vec![partition]);
        let request = TxnOffsetCommitRequest::default()
            .with_transactional_id(transactional_id(&from.id))
            .with_group_id(group(name))
            .with_producer_id(ProducerId(from.known.0))
            .with_producer_epoch(from.known.1)
            .with_generation_id(member.0)
            .with_member_id(text(member.1))
            .with_topics(vec![wanted]);
        let answer = settled(
            || self.call(&request, version),
            |answer| answer.topics[0].partitions[0].error_code,
        );
        self.see(what, error(answer.topics[0].partitions[0].error_code));
    }

    /// DescribeTransactions, as soon as the last transaction has ended.
    fn see_transaction(&mut self, what: &str, id: &str) {
        let request =
            DescribeTransactionsRequest::default().with_transactional_ids(vec![transactional_id(id)]);
        let state = poll("the end of the transaction", || {
            let answer = self.call(&request, 0);
            let state = answer.transaction_states[0].clone();
            // A coordinator that has just been named may not know of it yet.
            let ready = !matches!(
                error(state.error_code).as_str(),
                "NotCoordinator" | "CoordinatorLoadInProgress"
            );
            (ready && !state.transaction_state.starts_with("Prepare")).then_some(state)
        });
        // Where there is no transaction, 0 stands for no producer, and is the first one's id.
        let producer = match state.error_code {
            0 => self.producer(state.producer_id.0),
            _ => format!("id={}", state.producer_id.0),
        };
        let topics: Vec<String> = state
            .topics
            .iter()
            .map(|one| format!("{}{:?}", one.topic.0.as_str(), one.partitions))
            .collect();
        let seen = format!(
            "{} state={} {producer} epoch={} timeout={} began={} topics={topics:?}",
            error(state.error_code),
            state.transaction_state,
            state.producer_epoch,
            state.transaction_timeout_ms,
            state.transaction_start_time_ms > 0,
        );
        self.see(what, seen);
    }

    fn see_producers(&mut self, what: &str, name: &str) {
        let wanted = describe_producers_request::TopicRequest::default()
            .with_name(topic(name))
            .with_partition_indexes(vec![0]);
        let request = DescribeProducersRequest::default().with_topics(vec![wanted]);
        let answer = self.call(&request, 0);
        let partition = answer.topics[0].partitions[0].clone();
        let mut seen = vec![error(partition.error_code)];
        for one in &partition.active_producers {
            let producer = self.producer(one.producer_id.0);
            seen.push(format!(
                "{producer} epoch={} sequence={} coordinator={} began at {}",
                one.producer_epoch, one.last_sequence, one.coordinator_epoch, one.current_txn_start_offset
            ));
        }
        self.see(what, seen.join(" "));
    }

    fn await_end(&mut self, id: &str) {
        let request =
            DescribeTransactionsRequest::default().with_transactional_ids(vec![transactional_id(id)]);
        poll("the end of the transaction", || {
            let state = self.call(&request, 0).transaction_states[0]
                .transaction_state
                .clone();
            state.starts_with("Complete").then_some(())
        });
    }
}

pub(crate) fn commit_and_abort_step_by_step(arm: &mut Arm) {
    let name = arm.topic("t");
    let id = arm.coordinated(TRANSACTION, "id");
    arm.see_transaction("before anything", &id);
    let producer = arm.see_init("init", &id, TIMEOUT_MS, NEW_PRODUCER);
    arm.see_transaction("after init", &id);
    arm.see_add("add", &producer, &name, &[0]);
    arm.see_transaction("after add", &id);
    arm.see_ends("ends after add", &name);
    arm.see_write(
        "write",
        &producer,
        &name,
        transactional(producer.known, 0, &["a", "b"]),
    );
    arm.see_producers("producers while open", &name);
    arm.see_ends("ends while open", &name);
    arm.see_log("uncommitted while open", &name, 0);
    arm.see_log("committed while open", &name, 1);
    arm.see_end("commit", OLD, &producer, true);
    arm.see_transaction("after commit", &id);
    arm.see_producers("producers after commit", &name);
    arm.see_ends("ends after commit", &name);
    arm.see_log("committed after commit", &name, 1);
    arm.see_add("add again", &producer, &name, &[0]);
    arm.see_write(
        "write again",
        &producer,
        &name,
        transactional(producer.known, 2, &["c"]),
    );
    arm.see_end("abort", OLD, &producer, false);
    arm.see_transaction("after abort", &id);
    arm.see_ends("ends after abort", &name);
    arm.see_log("uncommitted after abort", &name, 0);
    arm.see_log("committed after abort", &name, 1);
    arm.see_producers("producers after abort", &name);
}

pub(crate) fn version_2_step_by_step(arm: &mut Arm) {
    let name = arm.topic("t");
    let id = arm.coordinated(TRANSACTION, "id");
    let first = arm.see_init("init", &id, TIMEOUT_MS, NEW_PRODUCER);
    arm.see_write_2(
        "write without add",
        &first,
        &name,
        transactional(first.known, 0, &["a"]),
    );
    arm.see_transaction("after write", &id);
    arm.see_ends("ends while open", &name);
    let second = arm.see_end("commit", NEW, &first, true);
    arm.see_transaction("after commit", &id);
    arm.see_producers("producers after commit", &name);
    arm.see_log("log after commit", &name, 1);
    arm.see_write_2(
        "write with the old epoch",
        &first,
        &name,
        transactional(first.known, 1, &["x"]),
    );
    arm.see_write_2("write", &second, &name, transactional(second.known, 0, &["b"]));
    let third = arm.see_end("abort", NEW, &second, false);
    arm.see_transaction("after abort", &id);
    arm.see_log("log after abort", &name, 1);
    let fourth = arm.see_end("abort of nothing", NEW, &third, false);
    arm.see_transaction("after the abort of nothing", &id);
    arm.see_end("commit of nothing", NEW, &fourth, true);
}

pub(crate) fn epochs_of_init(arm: &mut Arm) {
    let id = arm.coordinated(TRANSACTION, "id");
    let first = arm.see_init("first", &id, TIMEOUT_MS, NEW_PRODUCER);
    let second = arm.see_init("second", &id, TIMEOUT_MS, NEW_PRODUCER);
    arm.see_init("with the epoch before", &id, TIMEOUT_MS, first.known);
    let third = arm.see_init("with its own epoch", &id, TIMEOUT_MS, second.known);
    arm.see_init("again, as a retry", &id, TIMEOUT_MS, second.known);
    arm.see_init("with an epoch to come", &id, TIMEOUT_MS, (third.known.0, 40));
    arm.see_init(
        "with another id",
        &id,
        TIMEOUT_MS,
        (third.known.0 + 10_000, third.known.1),
    );
    arm.see_init("with an id and no epoch", &id, TIMEOUT_MS, (third.known.0, -1));
    arm.see_init("with an epoch and no id", &id, TIMEOUT_MS, (-1, 3));
    let unknown = arm.coordinated(TRANSACTION, "unknown");
    arm.see_init("unknown id with a producer", &unknown, TIMEOUT_MS, third.known);
}

pub(crate) fn timeouts_of_init(arm: &mut Arm) {
    let id = arm.coordinated(TRANSACTION, "id");
    for timeout in [0, -1, 900_000, 900_001, i32::MAX] {
        arm.see_init(&format!("timeout {timeout}"), &id, timeout, NEW_PRODUCER);
    }
    arm.see_transaction("described", &id);
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(transactional_id("")))
        .with_transaction_timeout_ms(1_000);
    let answer = arm.call(&request, 4);
    arm.see("an empty id", error(answer.error_code));
    for timeout in [0, -1, i32::MAX] {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(None)
            .with_transaction_timeout_ms(timeout);
        let answer = arm.call(&request, 4);
        arm.see(format!("idempotent, timeout {timeout}"), error(answer.error_code));
    }
}

pub(crate) fn a_fenced_producer(arm: &mut Arm) {
    let name = arm.topic("t");
    let old = arm.begin("id");
    arm.see_add("add", &old, &name, &[0]);
    arm.see_write("write", &old, &name, transactional(old.known, 0, &["a"]));
    let new = arm.see_init("init while open", &old.id.clone(), TIMEOUT_MS, NEW_PRODUCER);
    arm.see("epochs between", new.known.1 - old.known.1);
    arm.see_ends("ends", &name);
    arm.see_log("log", &name, 1);
    arm.see_write("old write", &old, &name, transactional(old.known, 1, &["b"]));
    arm.see_add("old add", &old, &name, &[0]);
    arm.see_end("old commit", OLD, &old, true);
    arm.see_end("old commit in version 2", NEW, &old, true);
    arm.see_add_offsets("old add offsets", &old, "any");
    arm.see_init("old init", &old.id.clone(), TIMEOUT_MS, old.known);
    arm.see_add("new add", &new, &name, &[0]);
    arm.see_write("new write", &new, &name, transactional(new.known, 0, &["c"]));
    arm.see_end("new commit", OLD, &new, true);
    arm.see_transaction("described", &new.id);
    arm.see_log("log at the end", &name, 1);
}

pub(crate) fn wrong_epochs_and_ids(arm: &mut Arm) {
    let name = arm.topic("t");
    let good = arm.begin("id");
    let group_id = arm.coordinated(GROUP, "g");
    arm.see_add("add", &good, &name, &[0]);
    arm.see_write("write", &good, &name, transactional(good.known, 0, &["a"]));
    let future = good.with_epoch(good.known.1 + 1);
    let other = Producer {
        id: good.id.clone(),
        known: (good.known.0 + 10_000, good.known.1),
    };
    let stranger = Producer {
        id: arm.coordinated(TRANSACTION, "stranger"),
        known: good.known,
    };
    for (what, from) in [
        ("future epoch", &future),
        ("other id", &other),
        ("unknown", &stranger),
    ] {
        arm.see_add(&format!("{what}: add"), from, &name, &[0]);
        arm.see_write(
            &format!("{what}: write"),
            from,
            &name,
            transactional(from.known, 1, &["x"]),
        );
        arm.see_add_offsets(&format!("{what}: add offsets"), from, &group_id);
        arm.see_end(&format!("{what}: commit"), OLD, from, true);
        arm.see_end(&format!("{what}: abort in version 2"), NEW, from, false);
    }
    arm.see_transaction("described", &good.id);
}

pub(crate) fn ends_that_do_not_fit(arm: &mut Arm) {
    let name = arm.topic("t");
    let producer = arm.begin("id");
    arm.see_end("commit of nothing", OLD, &producer, true);
    arm.see_end("abort of nothing", OLD, &producer, false);
    arm.see_add("add", &producer, &name, &[0]);
    arm.see_end("commit without records", OLD, &producer, true);
    arm.await_end(&producer.id);
    arm.see_log("log", &name, 1);
    arm.see_end("commit again", OLD, &producer, true);
    arm.see_end("abort after commit", OLD, &producer, false);
    arm.see_add("add again", &producer, &name, &[0]);
    arm.see_write(
        "write",
        &producer,
        &name,
        transactional(producer.known, 0, &["a"]),
    );
    arm.see_end("abort", OLD, &producer, false);
    arm.await_end(&producer.id);
    arm.see_end("abort again", OLD, &producer, false);
    arm.see_end("commit after abort", OLD, &producer, true);
    arm.see_log("log at the end", &name, 1);
}

pub(crate) fn ends_that_do_not_fit_in_version_2(arm: &mut Arm) {
    let name = arm.topic("t");
    let first = arm.begin("id");
    arm.see_end("commit of nothing at first", NEW, &first, true);
    let second = arm.see_end("abort of nothing at first", NEW, &first, false);
    arm.see_write_2("write", &second, &name, transactional(second.known, 0, &["a"]));
    let third = arm.see_end("commit", NEW, &second, true);
    arm.await_end(&first.id);
    arm.see_end("commit again, as a retry", NEW, &second, true);
    arm.see_end("abort with the epoch before", NEW, &second, false);
    arm.see_end("commit of nothing", NEW, &third, true);
    arm.see_write_2(
        "write again",
        &third,
        &name,
        transactional(third.known, 0, &["b"]),
    );
    let fourth = arm.see_end("abort", NEW, &third, false);
    arm.await_end(&first.id);
    arm.see_end("abort again, as a retry", NEW, &third, false);
    arm.see_end("commit with the epoch before", NEW, &third, true);
    arm.see_end("commit after abort", NEW, &fourth, true);
    arm.see_log("log", &name, 1);
}

pub(crate) fn writes_outside_of_a_transaction(arm: &mut Arm) {
    let name = arm.topic("t");
    let producer = arm.begin("id");
    arm.see_write(
        "not added",
        &producer,
        &name,
        transactional(producer.known, 0, &["a"]),
    );
    arm.see_produce(
        "not transactional at first",
        &name,
        sequenced(producer.known, 0, &["a"]),
    );
    arm.see_add("add", &producer, &name, &[0]);
    arm.see_write(
        "added",
        &producer,
        &name,
        transactional(producer.known, 1, &["a"]),
    );
    arm.see_produce(
        "not transactional while open",
        &name,
        sequenced(producer.known, 2, &["a"]),
    );
    arm.see_write(
        "plain batch, transactional request",
        &producer,
        &name,
        batch(&["a"]),
    );
    arm.see_produce("plain request", &name, transactional(producer.known, 2, &["a"]));
    arm.see_end("commit", OLD, &producer, true);
    arm.await_end(&producer.id);
    arm.see_write(
        "after the end",
        &producer,
        &name,
        transactional(producer.known, 2, &["a"]),
    );
    arm.see_ends("ends", &name);
}

pub(crate) fn additions_that_can_not_be(arm: &mut Arm) {
    let name = arm.topic_with("t", 2, &[]);
    let producer = arm.begin("id");
    arm.see_add("both", &producer, &name, &[0, 1]);
    arm.see_add("again", &producer, &name, &[0]);
    arm.see_add("unknown partition", &producer, &name, &[7]);
    arm.see_add("known and unknown", &producer, &name, &[0, 7]);
    let nowhere = arm.name("nowhere");
    arm.see_add("unknown topic", &producer, &nowhere, &[0]);
    arm.see_transaction("described", &producer.id);
    let wanted = AddPartitionsToTxnTopic::default()
        .with_name(topic(&name))
        .with_partitions(vec![0]);
    let one = AddPartitionsToTxnTransaction::default()
        .with_transactional_id(transactional_id(&producer.id))
        .with_producer_id(ProducerId(producer.known.0))
        .with_producer_epoch(producer.known.1)
        .with_topics(vec![wanted]);
    let request = AddPartitionsToTxnRequest::default().with_transactions(vec![one.clone()]);
    let answer = arm.call(&request, 4);
    arm.see(
        "in the form of brokers",
        format!(
            "{} {}",
            error(answer.error_code),
            answer.results_by_transaction.len()
        ),
    );
    let verify = AddPartitionsToTxnRequest::default().with_transactions(vec![one.with_verify_only(true)]);
    let answer = arm.call(&verify, 4);
    arm.see("only asked", error(answer.error_code));
}

pub(crate) fn two_open_transactions(arm: &mut Arm) {
    let name = arm.topic("t");
    let [one, two] = ["one", "two"].map(|suffix| arm.begin(suffix));
    arm.see_add("add one", &one, &name, &[0]);
    arm.see_add("add two", &two, &name, &[0]);
    arm.see_write("write one", &one, &name, transactional(one.known, 0, &["a"]));
    arm.see_write("write two", &two, &name, transactional(two.known, 0, &["b"]));
    arm.fill(&name, batch(&["of nobody"]));
    arm.see_write(
        "write one again",
        &one,
        &name,
        transactional(one.known, 1, &["c"]),
    );
    arm.see_log("both open", &name, 1);
    arm.see_end("abort two", OLD, &two, false);
    arm.await_end(&two.id);
    arm.see_ends("two aborted", &name);
    arm.see_log("one open", &name, 1);
    arm.see_end("commit one", OLD, &one, true);
    arm.await_end(&one.id);
    arm.see_ends("one committed", &name);
    arm.see_log("both ended", &name, 1);
    let from = crate::client::fetch_request(&name, 0, 2).with_isolation_level(1);
    arm.see_fetch("after the aborted records", &from);
    let from = crate::client::fetch_request(&name, 0, 5).with_isolation_level(1);
    arm.see_fetch("after the abort marker", &from);
    arm.see_producers("producers", &name);
}

pub(crate) fn a_transaction_that_times_out(arm: &mut Arm) {
    let name = arm.topic("t");
    let id = arm.coordinated(TRANSACTION, "id");
    let producer = arm.see_init("init", &id, 500, NEW_PRODUCER);
    arm.see_add("add", &producer, &name, &[0]);
    arm.see_write(
        "write",
        &producer,
        &name,
        transactional(producer.known, 0, &["a"]),
    );
    arm.await_end(&id);
    arm.see_transaction("after the timeout", &id);
    arm.see_ends("ends", &name);
    arm.see_log("log", &name, 1);
    arm.see_write(
        "write after the timeout",
        &producer,
        &name,
        transactional(producer.known, 1, &["b"]),
    );
    arm.see_add("add after the timeout", &producer, &name, &[0]);
    arm.see_end("commit after the timeout", OLD, &producer, true);
    arm.see_end("abort after the timeout", OLD, &producer, false);
    arm.see_init("init with its epoch", &id, 500, producer.known);
    arm.see_init("init without", &id, 500, NEW_PRODUCER);
}

pub(crate) fn listed_by_state(arm: &mut Arm) {
    let name = arm.topic("t");
    let [open, done] = ["open", "done"].map(|suffix| arm.begin(suffix));
    for producer in [&open, &done] {
        arm.add(producer, &name, &[0]);
        arm.write(
            PRODUCE_OLD,
            producer,
            &name,
            transactional(producer.known, 0, &["a"]),
        );
    }
    arm.see_end("commit", OLD, &done, true);
    arm.await_end(&done.id);
    // A transaction that began in this millisecond is not older than 0 ms.
    std::thread::sleep(Duration::from_millis(2));
    let mine = [open.known.0, done.known.0].map(ProducerId);
    let all = ListTransactionsRequest::default()
        .with_duration_filter(-1)
        .with_producer_id_filters(mine.to_vec());
    let cases = [
        ("all", all.clone()),
        ("ongoing", all.clone().with_state_filters(vec![text("Ongoing")])),
        (
            "complete or unknown state",
            all.clone()
                .with_state_filters(vec![text("CompleteCommit"), text("Odd")]),
        ),
        (
            "one producer",
            all.clone().with_producer_id_filters(vec![mine[1]]),
        ),
        ("long ones", all.clone().with_duration_filter(3_600_000)),
        ("of any length", all.clone().with_duration_filter(0)),
    ];
    for (what, request) in cases {
        let answer = arm.call(&request, 1);
        let mut seen: Vec<String> = answer
            .transaction_states
            .iter()
            .map(|one| format!("{}={}", one.transactional_id.0.as_str(), one.transaction_state))
            .collect();
        seen.sort();
        let unknown = answer.unknown_state_filters.len();
        arm.see(
            what,
            format!("{} unknown={unknown} {seen:?}", error(answer.error_code)),
        );
    }
    for (what, pattern) in [("pattern", ".*listed_by_state-o.*"), ("bad pattern", "(")] {
        let request = all.clone().with_transactional_id_pattern(Some(text(pattern)));
        let answer = arm.call(&request, 2);
        let seen = format!("{} {}", error(answer.error_code), answer.transaction_states.len());
        arm.see(what, seen);
    }
}

pub(crate) fn described_places(arm: &mut Arm) {
    let name = arm.topic("t");
    for (what, name, partition) in [
        ("nothing written", name.clone(), 0),
        ("unknown partition", name.clone(), 5),
        ("unknown topic", arm.name("nowhere"), 0),
        ("bad name", "a/b".to_owned(), 0),
    ] {
        let wanted = describe_producers_request::TopicRequest::default()
            .with_name(topic(&name))
            .with_partition_indexes(vec![partition]);
        let request = DescribeProducersRequest::default().with_topics(vec![wanted]);
        let answer = arm.call(&request, 0);
        let partition = &answer.topics[0].partitions[0];
        let seen = format!(
            "{} {}",
            error(partition.error_code),
            partition.active_producers.len()
        );
        arm.see(what, seen);
    }
    let producer = arm.idempotent();
    arm.fill(&name, sequenced(producer, 0, &["a", "b"]));
    arm.see_producers("an idempotent one", &name);
    let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![transactional_id("")]);
    let answer = arm.call(&request, 0);
    arm.see("an empty id", error(answer.transaction_states[0].error_code));
}

pub(crate) fn offsets_of_a_transaction(arm: &mut Arm) {
    let group_id = arm.coordinated(GROUP, "g");
    arm.input();
    let producer = arm.begin("id");
    arm.see_offset("at first", &group_id, true);
    arm.see_add_offsets("add offsets", &producer, &group_id);
    arm.see_transaction("after add", &producer.id);
    arm.see_commit_offset("commit offset", 3, &producer, &group_id, 5, (-1, ""));
    arm.see_offset("stable while open", &group_id, true);
    arm.see_offset("any while open", &group_id, false);
    arm.see_end("commit", OLD, &producer, true);
    arm.await_end(&producer.id);
    arm.see_offset("stable after commit", &group_id, true);
    arm.see_add_offsets("add offsets again", &producer, &group_id);
    arm.see_commit_offset("commit offset again", 3, &producer, &group_id, 9, (-1, ""));
    arm.see_offset("any while open again", &group_id, false);
    arm.see_end("abort", OLD, &producer, false);
    arm.await_end(&producer.id);
    arm.see_offset("stable after abort", &group_id, true);
}

pub(crate) fn offsets_of_a_transaction_in_version_2(arm: &mut Arm) {
    let group_id = arm.coordinated(GROUP, "g");
    arm.input();
    let first = arm.begin("id");
    arm.see_commit_offset("commit offset without add", NEW, &first, &group_id, 5, (-1, ""));
    arm.see_transaction("after commit offset", &first.id);
    arm.see_offset("any while open", &group_id, false);
    let second = arm.see_end("commit", NEW, &first, true);
    arm.await_end(&first.id);
    arm.see_offset("stable after commit", &group_id, true);
    arm.see_commit_offset("with the epoch before", NEW, &first, &group_id, 7, (-1, ""));
    arm.see_commit_offset("with the next epoch", NEW, &second, &group_id, 8, (-1, ""));
    arm.see_end("abort", NEW, &second, false);
    arm.await_end(&first.id);
    arm.see_offset("stable after abort", &group_id, true);
}

pub(crate) fn offsets_that_can_not_be(arm: &mut Arm) {
    let group_id = arm.coordinated(GROUP, "g");
    arm.input();
    let producer = arm.begin("id");
    arm.see_commit_offset("without add", 3, &producer, &group_id, 5, (-1, ""));
    arm.see_offset("after it", &group_id, true);
    arm.see_add_offsets("add offsets", &producer, &group_id);
    arm.see_commit_offset(
        "of a generation without members",
        3,
        &producer,
        &group_id,
        5,
        (3, ""),
    );
    arm.see_commit_offset("of an unknown member", 3, &producer, &group_id, 5, (3, "nobody"));
    let old = producer.with_epoch(producer.known.1 + 3);
    arm.see_commit_offset("with another epoch", 3, &old, &group_id, 6, (-1, ""));
    arm.see_offset("at the end", &group_id, false);
    arm.see_add_offsets("to no group", &producer, "");
}
