//! kafka-python: a client without a line of C, in a virtual environment that `./test` makes in the target folder.

use std::path::Path;
use std::process::Command;

use crate::arm::Arm;
use crate::children::{run, tool};

fn script(arm: &Arm, part: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/python/client.py");
    let mut command = Command::new(tool("kafka-python-3.0.12/bin/python"));
    command.arg(source).arg(arm.bootstrap()).arg(part);
    assert_eq!(run(&command, "").well().lines().last(), Some("all as expected"));
}

fn it_produces_and_reads_in_a_group(arm: &mut Arm) {
    script(arm, "group");
}

fn it_administers(arm: &mut Arm) {
    script(arm, "admin");
}

fn it_keeps_transactions_apart(arm: &mut Arm) {
    script(arm, "transactions");
}

on_both!(
    it_produces_and_reads_in_a_group,
    it_keeps_transactions_apart,
    it_administers
);
