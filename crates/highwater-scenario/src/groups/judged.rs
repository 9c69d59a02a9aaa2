//! From what members told to the account of their groups.

use std::collections::BTreeMap;

use highwater_check::members::{Expected, GroupAccount, GroupFindings, Step};
use highwater_check::{Anomaly, Contract};
use highwater_measure::quantity;
use highwater_model::{
    AnomalyExample, AnomalyReport, FaultReport, GroupReport, LagReport, Outcome, RecordId,
};

use super::{GroupFacts, MemberFact, Told};
use crate::session::Session;

/// What a group got, against what was acknowledged and what is in the log.
pub(crate) struct JudgedGroup {
    pub(crate) report: GroupReport,
    pub(crate) anomalies: Vec<AnomalyReport>,
}

/// Judges every group of a session that was read back.
pub(crate) fn judged(session: &Session, contract: Contract) -> Vec<JudgedGroup> {
    let produced = produced(session);
    let one = |facts: &GroupFacts| one(facts, session, contract, &produced);
    session.groups.iter().map(one).collect()
}

fn one(
    facts: &GroupFacts,
    session: &Session,
    contract: Contract,
    produced: &BTreeMap<i32, u64>,
) -> JudgedGroup {
    let mut account = GroupAccount::new(&session.topic);
    for Told { at_ns, member, step } in &facts.told {
        account.observe(*at_ns, member, step);
    }
    let expected: Vec<Expected> = session
        .ledgers
        .iter()
        .flat_map(|ledger| {
            let producer = ledger.producer();
            ledger.rows().map(move |row| (producer, row))
        })
        .filter(|(_, row)| row.outcome == Outcome::Acknowledged)
        .map(|(producer, row)| Expected {
            record: RecordId {
                producer,
                sequence: row.sequence,
            },
            partition: row.partition.unwrap_or(-1),
            offset: row.offset,
        })
        .collect();
    let all = expected.len() as u64;
    let findings = account.finish(expected.into_iter());
    let lag = facts.lag.iter().flat_map(|resting| {
        resting.readings.iter().map(|reading| LagReport {
            moment: resting.moment.to_owned(),
            partition: reading.partition,
            committed: reading.committed,
            end: reading.end.high_watermark,
            lag: reading.lag(),
            produced: produced.get(&reading.partition).copied().unwrap_or(0),
            consumed: resting.consumed.get(&reading.partition).copied().unwrap_or(0),
        })
    });
    let report = GroupReport {
        name: facts.name.clone(),
        members: facts.group.members,
        expected: all,
        received: findings.received,
        redelivered: findings.redelivered,
        widest_window: findings.widest_window,
        by_halted: findings.by_halted,
        outside_window: findings.outside_window,
        skipped: findings.skipped,
        behind: findings.behind,
        lag: lag.collect(),
    };
    JudgedGroup {
        anomalies: anomalies(&facts.name, &findings, contract),
        report,
    }
}

/// Records that were written, by partition: those in the log, and acknowledged ones that are gone from it by now.
fn produced(session: &Session) -> BTreeMap<i32, u64> {
    let mut produced = BTreeMap::new();
    for row in session.ledgers.iter().flat_map(|ledger| ledger.rows()) {
        if let Some(partition) = row.partition {
            let written = u64::from(row.outcome == Outcome::Acknowledged);
            *produced.entry(partition).or_insert(0) += u64::from(row.times_found).max(written);
        }
    }
    produced
}

fn anomalies(group: &str, findings: &GroupFindings, contract: Contract) -> Vec<AnomalyReport> {
    let of_group = |examples: &[AnomalyExample]| {
        let named = examples.iter().cloned().map(|mut example| {
            example.detail = format!("group {group}: {}", example.detail);
            example
        });
        named.collect()
    };
    let report = |anomaly: Anomaly, count: u64, examples: &[AnomalyExample]| AnomalyReport {
        name: anomaly.name().to_owned(),
        violation: anomaly.violates(contract),
        count,
        explanation: anomaly.explanation(contract),
        examples: of_group(examples),
    };
    let skipped = report(Anomaly::GroupSkip, findings.skipped, &findings.skipped_examples);
    let outside = report(
        Anomaly::RedeliveryOutsideWindow,
        findings.outside_window,
        &findings.outside_examples,
    );
    [skipped, outside]
        .into_iter()
        .filter(|one| one.count > 0)
        .collect()
}

impl JudgedGroup {
    /// What was seen, in a sentence.
    pub(crate) fn in_words(&self) -> String {
        let GroupReport {
            name,
            members,
            expected,
            received,
            redelivered,
            widest_window,
            by_halted,
            lag,
            ..
        } = &self.report;
        let mut text = format!(
            "group {name} ({}): {} of {} acknowledged records received, {} again inside the window (at most {} at once)",
            quantity::counted(u64::from(*members), "member", "members"),
            quantity::count((*received).min(*expected)),
            quantity::count(*expected),
            quantity::count(*redelivered),
            quantity::count(*widest_window),
        );
        if *by_halted > 0 {
            text += &format!(
                ", {} by a member that was halted and could not know that it had lost them",
                quantity::count(*by_halted)
            );
        }
        let mut moments: BTreeMap<&str, (i64, bool)> = BTreeMap::new();
        for one in lag {
            let sum = moments.entry(&one.moment).or_insert((0, true));
            *sum = (sum.0 + one.lag, sum.1 && one.is_exact());
        }
        for (moment, (lag, exact)) in moments {
            let exact = if exact {
                "exact in every partition"
            } else {
                "which is not what was left to process"
            };
            text += &format!(
                ", lag {} when {moment}, {exact}",
                quantity::count(lag.unsigned_abs())
            );
        }
        text
    }

    /// What is missing for a judgement.
    pub(crate) fn missing(&self) -> Option<String> {
        (self.report.behind > 0).then(|| {
            format!(
                "group {} had not come to {} when waiting for it ended: lengthen drain.limit, or give it less work",
                self.report.name,
                quantity::counted(self.report.behind, "acknowledged record", "acknowledged records")
            )
        })
    }

    /// Largest difference between a lag and what was left to read.
    pub(crate) fn lag_error(&self) -> Option<u64> {
        let errors = self.report.lag.iter().map(|one| {
            let left =
                i64::try_from(one.produced).unwrap_or(i64::MAX) - i64::try_from(one.consumed).unwrap_or(0);
            one.lag.abs_diff(left)
        });
        errors.max()
    }
}

/// A report for the faults of each group that has some planned.
pub(crate) fn member_faults(session: &Session) -> Vec<FaultReport> {
    session
        .groups
        .iter()
        .filter_map(|facts| faults_of(facts, session))
        .collect()
}

fn faults_of(facts: &GroupFacts, session: &Session) -> Option<FaultReport> {
    let fault = facts.group.fault?;
    let recoveries: Option<Vec<u64>> = facts.faults.iter().map(|fact| read_again(facts, fact)).collect();
    let recovery = recoveries.and_then(|all| all.into_iter().max());
    let partitions: usize = facts.faults.iter().map(|fact| fact.partitions.len()).sum();
    Some(FaultReport {
        kind: fault.kind.name().to_owned(),
        armed: fault.enabled,
        fired: facts.faults.len() as u64,
        fired_at_ns: facts.faults.first().map(|fact| fact.fired_ns),
        lifted_at_ns: facts.faults.first().and_then(|fact| fact.lifted_ns),
        in_flight: facts
            .faults
            .iter()
            .map(|fact| in_hand(facts, fact, session))
            .min()
            .unwrap_or(0),
        client_reaction: recovery.map(|after| {
            format!(
                "{} of the members hit read again after at most {}",
                quantity::counted(partitions as u64, "partition", "partitions"),
                quantity::duration(after)
            )
        }),
        recovery_ns: recovery,
        back_to_baseline_ns: None,
    })
}

/// From the fault until every partition of the member was read by somebody.
fn read_again(facts: &GroupFacts, fact: &MemberFact) -> Option<u64> {
    let first = |partition: &i32| {
        facts.told.iter().find_map(|told| {
            let Step::Processed(delivered) = &told.step else {
                return None;
            };
            let by_another =
                told.member != fact.member || fact.lifted_ns.is_some_and(|lifted| told.at_ns > lifted);
            (delivered.partition == *partition && told.at_ns > fact.fired_ns && by_another)
                .then(|| told.at_ns - fact.fired_ns)
        })
    };
    fact.partitions
        .iter()
        .map(first)
        .collect::<Option<Vec<_>>>()?
        .into_iter()
        .max()
}

/// Acknowledged records of its partitions that the group had not committed at that moment.
fn in_hand(facts: &GroupFacts, fact: &MemberFact, session: &Session) -> u64 {
    let mut committed: BTreeMap<i32, i64> = BTreeMap::new();
    for told in facts.told.iter().take_while(|told| told.at_ns <= fact.fired_ns) {
        if let Step::Committed { partition, next } = told.step {
            let known = committed.entry(partition).or_insert(0);
            *known = (*known).max(next);
        }
    }
    let rows = session.ledgers.iter().flat_map(|ledger| ledger.rows());
    let open = rows.filter(|row| {
        let Some(partition) = row
            .partition
            .filter(|partition| fact.partitions.contains(partition))
        else {
            return false;
        };
        row.acknowledged_ns.is_some_and(|at| at <= fact.fired_ns)
            && row
                .offset
                .is_some_and(|offset| offset >= committed.get(&partition).copied().unwrap_or(0))
    });
    open.count() as u64
}
