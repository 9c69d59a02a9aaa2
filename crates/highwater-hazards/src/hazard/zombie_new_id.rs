//! KIP-98: whoever takes over a transactional.id fences its owner; with a new id at every start nobody is fenced.

use super::copying::{INPUT, copy, judged};
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::client::{Client, Protocol, Transactional};
use crate::error::{HazardError, named, refused};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "zombie-instance",
    title: "A zombie of an instance commits after its successor",
    risk: "An instance stalls (a long pause of the collector, a suspended machine), is taken for dead and replaced, and \
           wakes up with an open transaction. A transactional.id that changes at every start fences nobody: both commit \
           what they made of the same input",
    mend: "the same transactional.id at every start of an instance: InitProducerId of the successor raises the epoch and \
           aborts what the zombie left open",
    sources: &["KIP-98"],
    open: "transactional.id made anew at every start",
    control: "the same transactional.id at every start",
    absent: on_one_broker,
    run,
};

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let (input, output) = (scene.topic("in", 1)?, scene.topic("out", 1)?);
    let group = scene.name("group");
    scene.direct()?.write(&input, 0, &INPUT.map(str::to_owned))?;
    let ids = [scene.name("copy-1"), scene.name(scene.either("copy-2", "copy-1"))];
    let behind = scene.behind(Vec::new())?;
    let mut first = Client::new(behind.address()?, "instance-1");
    let mut zombie = Transactional::init(&mut first, &ids[0], Protocol::New, 60_000)?;
    copy(&mut first, &mut zombie, &output, 0)?;
    refused(
        "TxnOffsetCommit",
        zombie.send_offset(&mut first, &group, None, (&input, 0), 3)?,
    )?;
    if scene.armed() {
        scene.did(format!(
            "instance 1 ({}) copies three records in a transaction and stalls before EndTxn",
            ids[0]
        ));
    } else {
        refused("EndTxn", zombie.end(&mut first, true)?)?;
        scene.did("instance 1 copies three records in a transaction and commits it");
    }
    let mut second = Client::new(behind.address()?, "instance-2");
    let mut successor = Transactional::init(&mut second, &ids[1], Protocol::New, 60_000)?;
    let from = second.committed_offset(&group, &input, 0)?.unwrap_or(0);
    scene.did(format!(
        "instance 2 ({}) takes its place: its input begins at offset {from}",
        ids[1]
    ));
    if from < 3 {
        copy(&mut second, &mut successor, &output, from)?;
        let code = successor.send_offset(&mut second, &group, None, (&input, 0), 3)?;
        refused("TxnOffsetCommit", code)?;
        refused("EndTxn", successor.end(&mut second, true)?)?;
        scene.saw("its transaction is committed");
    }
    if scene.armed() {
        let code = zombie.end(&mut first, true)?;
        scene.did("instance 1 wakes up and goes on where it was: EndTxn (commit)");
        scene.saw(format!("it is answered with {}", named(code)));
    }
    judged(scene, &output, "the zombie and its successor")
}
