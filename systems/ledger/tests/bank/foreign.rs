//! Records that are not the bank's own.

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use serde_json::{Value, json};

use super::rig::{PATIENCE, Rig, until};

/// Where Java's partitioner puts the name among four.
const ALICE: i32 = 1;

fn write(rig: &Rig, topic: &str, partition: i32, key: &str, value: &str) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", rig.bootstrap.to_string())
        .create()
        .unwrap();
    producer
        .send(BaseRecord::to(topic).partition(partition).key(key).payload(value))
        .unwrap();
    producer.flush(PATIENCE).unwrap();
}

fn reasons(ready: &Value) -> String {
    let reasons = ready["because"].as_array().unwrap();
    reasons
        .iter()
        .map(|reason| reason.as_str().unwrap().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_record_that_can_not_be_taken_stops_its_partition_and_no_other() {
    let rig = Rig::start();
    let bank = rig.ready("a");
    let deposit = |bank: &super::rig::Instance, account: &str| {
        rig.post(
            &format!("{}/accounts/{account}/deposit", bank.url),
            Some("r"),
            &json!({ "cents": 5 }),
        )
        .0
    };
    assert_eq!(deposit(&bank, "alice").0, 200);
    assert_eq!(deposit(&bank, "bob").0, 200);

    // A newer program's event: the projection stops before it, at once.
    write(
        &rig,
        "ledger.events",
        ALICE,
        "alice",
        r#"{"v":7,"account":"alice"}"#,
    );
    until("stuck", || rig.get(&bank, "/ready").0 == 503);
    let (_, ready) = rig.get(&bank, "/ready");
    assert_eq!(
        reasons(&ready),
        "partition 1 is projected no further: the event at 1@2 can't be read: \
         version 7 of its shape, and this program knows 1 to 1: update the program"
    );

    // Whoever takes the partition over does not serve it; nobody is told that something was done.
    assert!(bank.ends());
    let again = rig.instance("a");
    until("blocked", || {
        reasons(&rig.get(&again, "/ready").1).contains("can't be served")
    });
    let (status, said) = deposit(&again, "alice");
    assert_eq!((status, &said["error"]), (503, &json!("not-done")));
    let said = said["message"].as_str().unwrap();
    assert!(
        said.contains("ledger.events/1@2 can't be taken: version 7 of its shape"),
        "{said}"
    );
    until("others are served", || deposit(&again, "bob").0 == 200);
    assert_eq!(rig.get(&again, "/accounts/bob?version=1").1["balance"], json!(5));

    // A leg in the wrong place.
    let leg = r#"{"v":1,"account":"alice","transfer":{"from":"x","request":"y"},"step":{"receive":5}}"#;
    write(&rig, "ledger.legs", (ALICE + 1) % 4, "alice", leg);
    until("blocked, too", || {
        reasons(&rig.get(&again, "/ready").1)
            .contains("the leg at offset 0 can't be taken: alice belongs to partition 1: the number of partitions was changed")
    });
}

#[test]
fn partitions_that_were_added_are_told() {
    let rig = Rig::start();
    let bank = rig.ready("a");
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", rig.bootstrap.to_string())
        .create()
        .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let more = [NewPartitions::new("ledger.events", 5)];
    runtime
        .block_on(admin.create_partitions(&more, &AdminOptions::new()))
        .unwrap()[0]
        .as_ref()
        .unwrap();
    assert!(bank.ends());
    let said = rig.refuses_to_start("a");
    assert!(
        said.contains("ledger.events has 5 partitions and ledger.legs has 4: one was changed"),
        "{said}"
    );
}
