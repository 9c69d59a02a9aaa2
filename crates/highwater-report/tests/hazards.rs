//! How hazards are shown.

use highwater_model::history::{ExchangeId, FaultChange, HistoryBody, HistoryEvent};
use highwater_model::{
    HAZARDS_SCHEMA_VERSION, HazardArm, HazardCount, HazardFound, HazardLesson, HazardNote, HazardOutcome,
    HazardRecord, HazardReport,
};
use highwater_report::history::Names;
use highwater_report::{ListedHazard, Style, hazard_lesson, hazards_list, hazards_summary};

const NAMES: Names = Names {
    api: |_| None,
    error: |_| None,
};

fn arm(with: &str, found: HazardFound, because: &str) -> HazardArm {
    HazardArm {
        with: with.to_owned(),
        notes: vec![
            HazardNote::Did("sends five records; the answer to the third is lost".to_owned()),
            HazardNote::Did("the client tries again".to_owned()),
            HazardNote::Saw("the log holds a b c c d e".to_owned()),
        ],
        counts: vec![HazardCount {
            what: "duplicates".to_owned(),
            count: 1,
        }],
        records: (0..8)
            .map(|number| HazardRecord {
                topic: "log".to_owned(),
                partition: 0,
                offset: (number != 1).then_some(number),
                value: format!("v-{number}"),
                remark: "the same record for the second time".to_owned(),
            })
            .collect(),
        found,
        because: because.to_owned(),
        wire: vec![HistoryEvent {
            sequence: 1,
            at_ns: 5_000_000,
            body: HistoryBody::Fault {
                rule: 0,
                change: FaultChange::Fired,
                exchange: Some(ExchangeId(1)),
                connection: None,
                matched: 1,
                fired: 1,
            },
        }],
    }
}

fn lesson(name: &str, outcome: HazardOutcome, arms: Option<(HazardArm, HazardArm)>) -> HazardLesson {
    let (open, control) = arms.unzip();
    HazardLesson {
        name: name.to_owned(),
        title: "A retry is stored twice".to_owned(),
        risk: "The broker appends a batch and its answer is lost. The client can't know, sends it again, and without a \
               sequence the broker can't know either"
            .to_owned(),
        mend: "enable.idempotence=true".to_owned(),
        sources: vec!["KIP-98".to_owned(), "KIP-679".to_owned()],
        outcome,
        open,
        control,
        took_ns: 1_500_000_000,
    }
}

fn both(control: HazardFound) -> (HazardArm, HazardArm) {
    (
        arm(
            "enable.idempotence=false",
            HazardFound::Harm,
            "1 record is in the log twice",
        ),
        arm(
            "enable.idempotence=true",
            control,
            "one of five records is missing",
        ),
    )
}

fn report(lessons: Vec<HazardLesson>) -> HazardReport {
    HazardReport {
        schema_version: HAZARDS_SCHEMA_VERSION,
        highwater_version: "0.1.0".to_owned(),
        target: "dev broker".to_owned(),
        seed: "7".to_owned(),
        disarmed: false,
        lessons,
        took_ns: 61_000_000_000,
    }
}

#[test]
fn a_lesson_tells_both_arms() {
    let good = lesson(
        "retry-duplicates",
        HazardOutcome::Reproduced,
        Some(both(HazardFound::Whole)),
    );
    insta::assert_snapshot!(hazard_lesson(&good, NAMES, &Style::default()));
}

#[test]
fn what_did_not_come_out_is_named_with_why() {
    let why = "the dev broker does not replicate; --target kafka:3 shows it".to_owned();
    let all = vec![
        lesson("one", HazardOutcome::Reproduced, Some(both(HazardFound::Whole))),
        lesson(
            "two",
            HazardOutcome::ControlFailed,
            Some(both(HazardFound::Neither)),
        ),
        lesson(
            "three",
            HazardOutcome::NotReproduced,
            Some(both(HazardFound::Whole)),
        ),
        lesson("four", HazardOutcome::NotOnThisTarget { why }, None),
        lesson(
            "five",
            HazardOutcome::Failed {
                why: "Produce: no answer".to_owned(),
            },
            None,
        ),
    ];
    insta::assert_snapshot!(hazards_summary(&report(all), &Style::default()));
}

#[test]
fn the_list_says_what_goes_wrong_and_what_mends_it() {
    let one = ListedHazard {
        name: "retry-duplicates",
        title: "A retry is stored twice",
        risk: "The answer to a Produce is lost, and the client sends it again",
        mend: "enable.idempotence=true",
        sources: &["KIP-98", "KIP-679"],
        absent: Some("a reason"),
    };
    insta::assert_snapshot!(hazards_list(&[one], &Style::default()));
}
