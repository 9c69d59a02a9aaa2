//! KIP-447: offsets of a transaction that do not say which member sends them are taken from anybody.

use std::time::Duration;

use super::copying::{INPUT, copy, judged};
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::client::{Client, Member, Protocol, Transactional};
use crate::error::{HazardError, named, refused};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "zombie-in-group",
    title: "A member that lost its partition commits for it",
    risk: "Members of a group have transactional ids of their own, so the one that takes over a partition fences nobody. \
           If TxnOffsetCommit carries no member and generation, the coordinator takes the offsets of the member that was \
           thrown out, and both copies of the input are committed",
    mend: "sendOffsetsToTransaction with the group metadata of the consumer (TxnOffsetCommit from version 3 on with \
           member id and generation), and not with the name of the group alone",
    sources: &["KIP-447"],
    open: "TxnOffsetCommit without member and generation",
    control: "TxnOffsetCommit with member id and generation",
    absent: on_one_broker,
    run,
};

/// Who does not join again within this time is out.
const REBALANCE_TIMEOUT: Duration = Duration::from_millis(500);

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let (input, output, group) = (scene.topic("in", 1)?, scene.topic("out", 1)?, scene.name("group"));
    scene.direct()?.write(&input, 0, &INPUT.map(str::to_owned))?;
    let behind = scene.behind(Vec::new())?;
    let with_member = !scene.is_open();
    let mut first = Client::new(behind.address()?, "member-1");
    let member = Member::join(&mut first, &group, &input, REBALANCE_TIMEOUT)?;
    let mut zombie = Transactional::init(&mut first, &scene.name("copy-1"), Protocol::New, 60_000)?;
    copy(&mut first, &mut zombie, &output, 0)?;
    scene.did(format!(
        "member 1 owns the partition in generation {}, copies three records in a transaction",
        member.generation
    ));
    if scene.armed() {
        scene.did("member 1 stalls: it does not join again when the group rebalances");
    } else {
        end(
            &mut first,
            &mut zombie,
            (&group, with_member.then_some(&member)),
            &input,
        )?;
        member.leave(&mut first)?;
        scene.did("member 1 commits its transaction with the offsets, and leaves");
    }
    let mut second = Client::new(behind.address()?, "member-2");
    let other = Member::join(&mut second, &group, &input, REBALANCE_TIMEOUT)?;
    let from = second.committed_offset(&group, &input, 0)?.unwrap_or(0);
    scene.did(format!(
        "member 2 owns the partition in generation {}, begins at offset {from}",
        other.generation
    ));
    let mut successor = Transactional::init(&mut second, &scene.name("copy-2"), Protocol::New, 60_000)?;
    if from < 3 {
        copy(&mut second, &mut successor, &output, from)?;
        end(
            &mut second,
            &mut successor,
            (&group, with_member.then_some(&other)),
            &input,
        )?;
        scene.saw("its transaction is committed, offset 3 with it");
    }
    if scene.armed() {
        let claim = with_member.then_some(&member);
        let code = zombie.send_offset(&mut first, &group, claim, (&input, 0), 3)?;
        scene.did("member 1 wakes up and sends its offsets");
        scene.saw(format!("TxnOffsetCommit is answered with {}", named(code)));
        let ended = zombie.end(&mut first, code == 0)?;
        scene.did(if code == 0 {
            "it commits"
        } else {
            "it aborts its transaction"
        });
        refused("EndTxn", ended)?;
    }
    judged(
        scene,
        &output,
        "the member that was thrown out and the one that took over",
    )
}

fn end(
    client: &mut Client,
    producer: &mut Transactional,
    (group, member): (&str, Option<&Member>),
    input: &str,
) -> Result<(), HazardError> {
    let code = producer.send_offset(client, group, member, (input, 0), 3)?;
    refused("TxnOffsetCommit", code)?;
    refused("EndTxn", producer.end(client, true)?)
}
