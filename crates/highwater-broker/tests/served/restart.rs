use std::fs::{self, OpenOptions};
use std::io::Write;

use highwater_broker::BrokerError;
use kafka_protocol::messages::MetadataRequest;

use crate::client::*;
use crate::running::{config, start, start_with};

#[test]
fn everything_acknowledged_is_there_after_a_restart_and_sequences_go_on() {
    let dir = tempfile::tempdir().expect("dir");
    let (producer_id, cluster_id) = {
        let broker = start(dir.path());
        let mut connection = broker.connect();
        create_topic(&mut connection, "t", 1);
        let id = init_producer(&mut connection);
        for sequence in 0..10 {
            let value = sequence.to_string();
            assert_eq!(
                produce(&mut connection, "t", 0, sequenced(id, sequence, &value)).error_code,
                0
            );
        }
        let metadata = connection.call(&MetadataRequest::default(), 9).expect("Metadata");
        (id, metadata.cluster_id)
    };
    let log = dir.path().join("topics/t-0/00000000000000000000.log");
    let mut torn = sequenced(producer_id, 10, "torn").to_vec();
    torn.truncate(70);
    let mut file = OpenOptions::new().append(true).open(&log).expect("the log");
    file.write_all(&torn).expect("a torn tail");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    let expected: Vec<String> = (0..10).map(|value: i32| value.to_string()).collect();
    assert_eq!(read_values(&mut connection, "t", 0), expected);
    let retry = produce(&mut connection, "t", 0, sequenced(producer_id, 8, "8"));
    assert_eq!(
        (retry.error_code, retry.base_offset),
        (0, 8),
        "recognised from the log"
    );
    let next = produce(&mut connection, "t", 0, sequenced(producer_id, 10, "10"));
    assert_eq!((next.error_code, next.base_offset), (0, 10));
    assert_ne!(
        init_producer(&mut connection),
        producer_id,
        "ids are not given twice"
    );
    let metadata = connection.call(&MetadataRequest::default(), 9).expect("Metadata");
    assert_eq!(metadata.cluster_id, cluster_id);
}

#[test]
fn a_data_directory_has_one_broker() {
    let dir = tempfile::tempdir().expect("dir");
    let first = start(dir.path());
    let error = start_with(config(dir.path())).err().expect("refused");
    assert!(matches!(error, BrokerError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("in use by another broker"), "{error}");
    drop(first);
    drop(start(dir.path()));
}

#[test]
fn a_taken_port_is_named() {
    let (dir, other) = (
        tempfile::tempdir().expect("dir"),
        tempfile::tempdir().expect("dir"),
    );
    let first = start(dir.path());
    let mut taken = config(other.path());
    taken.listen = first.address;
    let error = start_with(taken).err().expect("refused");
    assert_eq!(error.to_string(), format!("listen on {}", first.address));
}

#[test]
fn what_cannot_be_understood_is_refused_and_not_touched() {
    let newer = "{\"format\":2,\"cluster_id\":\"x\"}";
    let cases = [
        ("a newer format", "meta.json", newer, "newer program"),
        ("a damaged meta.json", "meta.json", "{", "is damaged"),
        ("a damaged topic", "topics/t.json", "[]", "is damaged"),
        (
            "a topic under another name",
            "topics/u.json",
            "{\"name\":\"t\",\"id\":\"00000000-0000-0000-0000-000000000000\",\"partitions\":1}",
            "is damaged",
        ),
        ("damaged producer ids", "producer-ids.json", "", "is damaged"),
        (
            "producer ids below zero",
            "producer-ids.json",
            "{\"next\":-1}",
            "is damaged",
        ),
        ("damaged offsets", "group-offsets.jsonl", "{}\n", "is damaged"),
    ];
    for (name, file, content, expected) in cases {
        let dir = tempfile::tempdir().expect("dir");
        drop(start(dir.path()));
        let path = dir.path().join(file);
        fs::write(&path, content).expect("write");
        let error = start_with(config(dir.path())).err().expect(name);
        let sentence = error.to_string();
        assert!(sentence.contains(expected), "{name}: {sentence}");
        assert!(
            sentence.contains(&path.display().to_string()),
            "{name}: {sentence}"
        );
        assert_eq!(fs::read_to_string(&path).expect("read"), content, "{name}");
    }
}

#[test]
fn files_that_are_missing_beside_data_are_noticed() {
    for file in ["meta.json", "producer-ids.json"] {
        let dir = tempfile::tempdir().expect("dir");
        drop(start(dir.path()));
        let path = dir.path().join(file);
        fs::remove_file(&path).expect("removed");
        let error = start_with(config(dir.path())).err().expect(file).to_string();
        assert!(error.contains("missing"), "{error}");
        assert!(error.contains(&path.display().to_string()), "{error}");
        assert!(!path.exists(), "nothing is made up");
    }
}

#[test]
fn directories_without_a_topic_are_moved_aside_and_kept() {
    let dir = tempfile::tempdir().expect("dir");
    {
        let broker = start(dir.path());
        let mut connection = broker.connect();
        create_topic(&mut connection, "t", 1);
        produce(&mut connection, "t", 0, batch(&["old"]));
    }
    fs::remove_file(dir.path().join("topics/t.json")).expect("as if it died in a deletion");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    assert_eq!(create_topic(&mut connection, "t", 1), 0);
    assert_eq!(read_values(&mut connection, "t", 0), [""; 0]);
    let kept = fs::read_dir(dir.path().join("orphaned")).expect("list").count();
    assert_eq!(kept, 1);
}
