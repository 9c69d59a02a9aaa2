//! KAFKA-17754 with a client that speaks both protocols of transactions: the late commit of the first transaction
//! arrives in the middle of the second, which is to be aborted.

use std::fs;
use std::path::Path;

use highwater_model::history::{RequestFate, ResponseFate};
use tempfile::TempDir;

use crate::arm::{Arm, until};
use crate::behind::{Behind, With, answered, rule, scope};
use crate::children::Running;
use crate::jvm::java;

const INVALID_PRODUCER_EPOCH: i16 = 47;
const PRODUCER_FENCED: i16 = 90;

/// What the client says, what readers get, and the error of the late commit.
fn late_commit(arm: &Arm, topic: &str) -> (String, Vec<String>, i16) {
    arm.topic(topic, 1);
    let held = rule("hold", "EndTxn").nth(1);
    let mut second = scope("Produce");
    second.topic = Some(topic.to_owned());
    let held = held.with(|settings| settings.release_after = Some(answered(second)));
    let behind = Behind::new(arm, vec![held]);
    let dir = TempDir::new().expect("a temporary folder");
    let go = dir.path().join("go");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proxy/java/LateCommit.java");
    let mut command = java(&[]);
    command.arg(source).args([&behind.bootstrap(), topic]).arg(&go);
    let program = Running::start(&command, "");
    behind.until("the late commit is answered", |history| {
        history
            .of("EndTxn")
            .first()
            .is_some_and(|end| !end.answers.is_empty())
    });
    if behind.so_far().of("EndTxn")[0].error() == Some(0) {
        until("the second transaction is committed", || {
            arm.committed(topic).len() == 2
        });
    }
    fs::write(&go, "").expect("written");
    let said = program.end().well();
    let history = behind.stop();
    let ends = history.of("EndTxn");
    let late = &ends[0];
    assert_eq!(late.fates(), (RequestFate::Held, vec![ResponseFate::ClientGone]));
    assert_eq!(late.forwarded, Some(true), "its client had hung up");
    assert_eq!(ends[1].error(), Some(0), "what was asked again was done");
    assert!(said.contains("committed the first"), "{said}");
    let last = said.lines().last().unwrap_or_default().to_owned();
    (
        last,
        arm.committed(topic),
        late.error().expect("an error or none"),
    )
}

/// Both transactions have the same epoch: nothing tells the late commit from one of the second.
#[test]
fn with_the_old_protocol_it_commits_the_second() {
    let (said, read, error) = late_commit(&Arm::dev_of_old_transactions(), "java-late-old");
    assert_eq!(
        (read.as_slice(), error),
        (["first".to_owned(), "second".to_owned()].as_slice(), 0)
    );
    assert!(said.starts_with("not aborted: "), "{said}");
}

/// Each end of a transaction raises the epoch (KIP-890): the late commit is one of a producer that is no more.
fn with_version_2_it_is_refused(arm: &Arm) {
    let (said, read, error) = late_commit(arm, "java-late-new");
    assert_eq!(
        (said.as_str(), read.as_slice()),
        ("aborted the second", ["first".to_owned()].as_slice())
    );
    assert!(
        [INVALID_PRODUCER_EPOCH, PRODUCER_FENCED].contains(&error),
        "{error}"
    );
}

on_both!(with_version_2_it_is_refused);
