//! The proof is complete with all checkers, and incomplete without any one of those it counts on.

use std::collections::BTreeSet;

use highwater_check::history::Step;
use highwater_check::{Anomaly, Contract};
use highwater_selftest::{
    Extent, PIPELINE_CONTRACTS, Run, all_checkers, check_run, clean_history, clean_run, defects, kill_matrix,
    pipeline_clean, pipeline_defects, pipeline_matrix, selftest,
};

fn nothing(_: &str) {}

#[test]
fn the_same_seed_gives_the_same_history() {
    let contract = Contract::parse("at-least-once").unwrap();
    assert_eq!(clean_history(7, contract).steps, clean_history(7, contract).steps);
    assert_ne!(clean_history(7, contract).steps, clean_history(8, contract).steps);
}

#[test]
fn all_is_proven() {
    let extent = Extent {
        seed: 1,
        clean: 1_000,
        planted: 20,
        oracle: true,
    };
    let proof = selftest(extent, &all_checkers, &mut nothing);
    for row in &proof.clean {
        assert_eq!(row.alarms, 0, "{row:?}");
    }
    for row in &proof.matrix.rows {
        assert!(row.is_complete(), "{row:#?}");
    }
    for row in &proof.clean_pipelines {
        assert_eq!(row.alarms, 0, "{row:?}");
    }
    for row in &proof.pipelines {
        assert!(row.is_complete(), "{row:#?}");
    }
    for row in &proof.controls {
        assert_eq!(row.changed, 0, "{row:?}");
    }
    for row in &proof.equivalents {
        assert_eq!(row.seen, 0, "{row:?}");
    }
    let oracle = proof.oracle.as_ref().unwrap();
    assert_eq!(oracle.disagreements, Vec::<String>::new());
    assert_eq!(oracle.histories, 27_378);
    assert!(proof.is_complete());
}

/// A checker that is switched off is missed.
#[test]
fn nothing_is_proven_without_a_checker() {
    let counted_on: BTreeSet<Anomaly> = defects()
        .iter()
        .flat_map(|defect| defect.caught_by)
        .copied()
        .collect();
    for off in counted_on {
        let judge = |steps: &[Step]| {
            let mut found = all_checkers(steps);
            found.retain(|finding| finding.anomaly != off);
            found
        };
        let matrix = kill_matrix(1, 1, &judge, &mut nothing);
        assert!(!matrix.is_complete());
        let mut missed = matrix.rows.iter().filter(|row| row.miss.is_some()).peekable();
        assert!(missed.peek().is_some(), "nobody misses {}", off.name());
        for row in missed {
            assert!(
                row.caught_by.contains(&off),
                "{} without {}",
                row.defect,
                off.name()
            );
        }
    }
}

/// A checker that finds what is not there is noticed.
#[test]
fn nothing_is_proven_with_false_alarms() {
    let judge = |steps: &[Step]| {
        let mut found = all_checkers(steps);
        found.push(highwater_check::history::Finding::new(Anomaly::LostWrite));
        found
    };
    let extent = Extent {
        seed: 1,
        clean: 2,
        planted: 1,
        oracle: false,
    };
    let proof = selftest(extent, &judge, &mut nothing);
    assert!(!proof.is_complete());
    assert!(proof.clean.iter().all(|row| row.alarms == row.histories));
    assert_eq!(proof.matrix.killed().killed, 0);
}

/// So is a check of pipelines that is switched off, and one that finds what is not there.
#[test]
fn nothing_is_proven_about_pipelines_without_a_check() {
    let counted_on: BTreeSet<Anomaly> = pipeline_defects()
        .iter()
        .flat_map(|defect| defect.caught_by)
        .copied()
        .collect();
    for off in counted_on {
        let judge = |run: &Run| {
            let mut found = check_run(run);
            found.retain(|finding| finding.anomaly != off);
            found
        };
        for row in pipeline_matrix(1, 3, &judge, &mut nothing) {
            let counts_on = row.caught_by.contains(&off);
            assert!(
                row.is_complete() != counts_on || counts_on && row.miss.is_none(),
                "{} without {}",
                row.defect,
                off.name()
            );
        }
        let rows = pipeline_matrix(1, 3, &judge, &mut nothing);
        assert!(
            rows.iter().any(|row| row.miss.is_some()),
            "nobody misses {}",
            off.name()
        );
    }
    let blind = |run: &Run| {
        let mut found = check_run(run);
        found.push(highwater_check::pipeline::PipelineFinding::new(
            Anomaly::PipelinePhantom,
        ));
        found
    };
    for row in pipeline_clean(1, 2, &blind) {
        assert_eq!(row.alarms, row.histories);
    }
}

/// Whatever a contract allows does happen in its clean pipelines, and the rules by which they are judged can be read.
#[test]
fn clean_pipelines_are_not_dull() {
    let (mut allowed, mut windows) = (BTreeSet::new(), 0);
    for contract in PIPELINE_CONTRACTS {
        let contract = Contract::parse(contract).unwrap();
        for seed in 0..50 {
            let run = clean_run(seed, contract);
            assert!(run.rule.parse::<highwater_check::pipeline::Lineage>().is_ok());
            windows += run.windows.len();
            allowed.extend(run.allowed);
        }
    }
    assert_eq!(
        allowed,
        BTreeSet::from([Anomaly::PipelineLoss, Anomaly::PipelineDuplicate])
    );
    assert!(windows > 100, "{windows}");
}

#[test]
fn what_defects_say_of_themselves_is_so() {
    for defect in defects() {
        let contract = Contract::parse(defect.contract).unwrap();
        let forbidden = defect.caught_by.iter().any(|anomaly| anomaly.violates(contract));
        assert_eq!(forbidden, defect.forbidden, "{}", defect.name);
    }
}

/// A planted finding is still there in the shortest history that shows it, and that is short.
#[test]
fn the_shortest_history_still_shows_it() {
    use highwater_check::history::{Options, shorten};
    use highwater_check::minimise::Budget;
    use highwater_selftest::Where;

    for name in [
        "acknowledged record dropped",
        "poll jumps",
        "two owners of a partition",
    ] {
        let all = defects();
        let defect = all.iter().find(|defect| defect.name == name).unwrap();
        let contract = Contract::parse(defect.contract).unwrap();
        let planted = (1..200)
            .find_map(|seed| defect.plant(&clean_history(seed, contract).steps, Where::Middle, None))
            .unwrap();
        let found = all_checkers(&planted.steps);
        let finding = found
            .iter()
            .find(|finding| planted.expected.iter().any(|expected| expected.is(finding)))
            .unwrap();
        let budget = Budget {
            tests: 2_000,
            time_is_up: &mut || false,
        };
        let shortest = shorten(&planted.steps, finding, Options::default(), budget);
        let left = &shortest.parts[0];
        assert!(left.len() <= 12, "{name}: {} steps", left.len());
        assert!(
            all_checkers(left)
                .iter()
                .any(|other| other.anomaly == finding.anomaly && other.records == finding.records)
        );
    }
}
