use std::time::Duration;

use super::*;

const DRAIN: Duration = Duration::from_secs(10);
const GUARANTEES: [Guarantee; 3] = [
    Guarantee::AtLeastOnce,
    Guarantee::ExactlyOnceKafka,
    Guarantee::ExactlyOnceDatabase,
];

#[test]
fn the_defaults_pass_their_own_rules() {
    for guarantee in GUARANTEES {
        for client in [Client::Consumer, Client::Producer] {
            let checked = check(client, guarantee, [], DRAIN).unwrap();
            assert_eq!(checked.warnings, Vec::<String>::new(), "{guarantee}");
        }
    }
}

#[test]
fn the_table_has_each_setting_once_and_a_reason() {
    for (place, default) in DEFAULTS.iter().enumerate() {
        assert!(default.reason.len() > 20, "{}", default.key);
        assert_eq!(
            table::one_name(default.key),
            default.key,
            "{} is an alias",
            default.key
        );
        let again = DEFAULTS[place + 1..]
            .iter()
            .find(|d| d.key == default.key && d.client == default.client);
        assert!(again.is_none(), "{} twice", default.key);
    }
}

#[test]
fn what_breaks_a_guarantee_is_refused_with_a_sentence() {
    use Client::{Consumer, Producer};
    use Guarantee::{AtLeastOnce, ExactlyOnceDatabase, ExactlyOnceKafka};
    type Case = (
        Client,
        Guarantee,
        &'static [(&'static str, &'static str)],
        &'static str,
    );
    let cases: [Case; 13] = [
        (
            Consumer,
            AtLeastOnce,
            &[("enable.auto.commit", "true")],
            "`enable.auto.commit = true` breaks at-least-once: offsets would be committed on a timer, before their effects have happened; leave it out, this library commits by itself",
        ),
        (
            Consumer,
            AtLeastOnce,
            &[("auto.commit.enable", "1")],
            "`enable.auto.commit = 1` breaks at-least-once: offsets would be committed on a timer, before their effects have happened; leave it out, this library commits by itself",
        ),
        (
            Consumer,
            ExactlyOnceDatabase,
            &[("enable.auto.offset.store", "true")],
            "`enable.auto.offset.store = true` breaks exactly-once (database transaction): an offset would be stored when its record is handed over, before its effect; leave it out, this library commits by itself",
        ),
        (
            Consumer,
            ExactlyOnceKafka,
            &[("isolation.level", "read_uncommitted")],
            "`isolation.level = read_uncommitted` breaks exactly-once (Kafka transaction): records of transactions that are aborted later would have effects; leave it out or use read_committed",
        ),
        (
            Consumer,
            AtLeastOnce,
            &[("max.poll.interval.ms", "10000")],
            "`max.poll.interval.ms = 10000` and `the budget of a revocation = 10000 ms` do not go together: the group would take the partitions away while their last records still run; raise the interval or lower the budget",
        ),
        (
            Consumer,
            AtLeastOnce,
            &[("enable.auto.commit", "yes")],
            "`enable.auto.commit = yes` is not true or false",
        ),
        (
            Consumer,
            AtLeastOnce,
            &[("auto.offset.reset", "newest")],
            "`auto.offset.reset = newest` is not earliest, latest or error",
        ),
        (
            Producer,
            AtLeastOnce,
            &[("acks", "1")],
            "`acks = 1` breaks at-least-once: an acknowledged effect would be lost with one broker, after its offset was committed; use acks = all and set min.insync.replicas on the topic",
        ),
        (
            Producer,
            AtLeastOnce,
            &[("acks", "all"), ("request.required.acks", "0")],
            "`request.required.acks` is the same setting as `acks`, and they have different values; give one of them",
        ),
        (
            Producer,
            ExactlyOnceKafka,
            &[("enable.idempotence", "false")],
            "`enable.idempotence = false` breaks exactly-once (Kafka transaction): a transaction needs an idempotent producer; leave it out",
        ),
        (
            Producer,
            AtLeastOnce,
            &[("max.in.flight", "6")],
            "`max.in.flight.requests.per.connection = 6` breaks at-least-once: a broker remembers the last five batches of a producer and cannot tell older ones from repeats; use 1 to 5",
        ),
        (
            Producer,
            ExactlyOnceKafka,
            &[("delivery.timeout.ms", "30000")],
            "`message.timeout.ms = 30000` and `transaction.timeout.ms = 10000` do not go together: a record could still be on its way when its transaction has been aborted; lower the timeout of the message or raise that of the transaction",
        ),
        (
            Producer,
            ExactlyOnceDatabase,
            &[("transactional.id", "a")],
            "`transactional.id = a` breaks exactly-once (database transaction): records sent outside of a window would be refused by the client; leave it out, or give the pipeline a transactional effect",
        ),
    ];
    for (client, guarantee, overrides, expected) in cases {
        let refusal = check(client, guarantee, overrides.iter().copied(), DRAIN).unwrap_err();
        assert_eq!(refusal.to_string(), expected);
    }
}

#[test]
fn what_is_only_odd_is_allowed_and_said() {
    let cases = [
        (Client::Consumer, ("auto.offset.reset", "latest"), "at the end"),
        (
            Client::Consumer,
            ("isolation.level", "read_uncommitted"),
            "aborted",
        ),
        (
            Client::Producer,
            ("partitioner", "consistent_random"),
            "another partition",
        ),
    ];
    for (client, setting, expected) in cases {
        let checked = check(client, Guarantee::AtLeastOnce, [setting], DRAIN).unwrap();
        assert_eq!(checked.warnings.len(), 1, "{setting:?}");
        assert!(checked.warnings[0].contains(expected), "{}", checked.warnings[0]);
        assert_eq!(checked.settings[setting.0], setting.1);
    }
}

#[test]
fn other_settings_pass_as_they_are() {
    let checked = check(
        Client::Consumer,
        Guarantee::AtLeastOnce,
        [("sasl.mechanisms", "PLAIN"), ("fetch.min.bytes", "7")],
        DRAIN,
    )
    .unwrap();
    assert_eq!(checked.settings["sasl.mechanisms"], "PLAIN");
    assert_eq!(checked.settings["fetch.min.bytes"], "7");
}
