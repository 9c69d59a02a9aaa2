use highwater_model::Verdict;

use super::story::Story;
use crate::Contract;
use crate::history::Outcome::{Ok, Unknown};
use crate::history::{Analysis, Options, Summary, judge};

fn judged(story: &Story) -> (Verdict, String) {
    let mut analysis = Analysis::new(Options::default());
    for step in &story.steps {
        analysis.step(step);
    }
    let mut summary = Summary::default();
    let coverage = analysis.finish(&mut |finding| summary.add(finding));
    let contract = Contract::parse("exactly-once").unwrap();
    let judgement = judge(contract, &summary, &coverage, &[]);
    (judgement.verdict, judgement.reasons.join("; "))
}

#[test]
fn what_a_stored_history_needs_to_hold() {
    let sent = || {
        Story::default()
            .sends(0, Ok, &[(0, 1, 0)])
            .sends(0, Ok, &[(0, 2, 1)])
    };
    let cases: Vec<(&str, Story, Verdict, &str)> = vec![
        (
            "nothing",
            Story::default(),
            Verdict::Inconclusive,
            "nothing was sent or read",
        ),
        (
            "only readers",
            Story::default().polls(1, &[(0, 1, 0)]),
            Verdict::Inconclusive,
            "nothing was sent: what should be there is not known",
        ),
        (
            "only unknown sends",
            Story::default().sends(0, Unknown, &[(0, 1, -1)]),
            Verdict::Inconclusive,
            "no send is known to have happened",
        ),
        (
            "only sends",
            sent(),
            Verdict::Inconclusive,
            "nothing was read or read back",
        ),
        (
            "the tail is unseen",
            sent().polls(1, &[(0, 1, 0)]),
            Verdict::Inconclusive,
            "1 of 2 acknowledged records was never read, and nothing was read back",
        ),
        (
            "read to the end, as by final polls",
            sent().polls(1, &[(0, 1, 0), (0, 2, 1)]),
            Verdict::Holds,
            "every acknowledged record (2) was read,",
        ),
        (
            "read back",
            sent().logs(&[(0, 1, 0), (0, 2, 1)]).end(0, 2),
            Verdict::Holds,
            "every acknowledged record (2) was read back,",
        ),
        (
            "the tail is lost",
            sent().logs(&[(0, 1, 0)]).end(0, 1),
            Verdict::Violated,
            "1 acknowledged record cannot be read",
        ),
        (
            "read back while a transaction is open",
            sent()
                .logs(&[(0, 1, 0), (0, 2, 1)])
                .raw((0, 3, 2), Some(7))
                .sends(2, Unknown, &[(0, 3, 2)])
                .open_end(0, 3, 2),
            Verdict::Inconclusive,
            "read back while transactions were open in 1 of 1 partitions",
        ),
    ];
    for (name, story, verdict, reason) in cases {
        let (judged, reasons) = judged(&story);
        assert_eq!(judged, verdict, "{name}: {reasons}");
        assert!(reasons.contains(reason), "{name}: {reasons}");
    }
}
