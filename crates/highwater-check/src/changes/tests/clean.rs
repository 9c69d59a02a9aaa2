use proptest::prelude::*;

use super::story::Story;

proptest! {
    #[test]
    fn a_connector_that_does_its_job_is_never_blamed(seed: u64, transactions in 3_u64..120) {
        let story = Story::play(seed, transactions);
        let (findings, summary) = story.judge();
        prop_assert_eq!(&findings.anomalies, &Vec::new());
        prop_assert_eq!(findings.counts.delivered, story.changes.len() as u64);
        prop_assert_eq!(summary.streamed + summary.in_snapshot, story.changes.len() as u64);
        prop_assert_eq!((summary.repeated, summary.tombstones_missing), (0, 0));
    }

    #[test]
    fn going_back_to_what_was_flushed_is_counted_and_allowed(
        seed: u64,
        transactions in 6_u64..80,
        first in 1_usize..30,
        second in 0_usize..30,
    ) {
        let mut story = Story::play(seed, transactions);
        story.rewind(first);
        story.rewind(second);
        prop_assert_eq!(story.violations(), Vec::new());
        let (findings, summary) = story.judge();
        prop_assert_eq!(findings.counts.delivered, story.changes.len() as u64);
        let repeats: u64 = findings.anomalies.iter().map(|anomaly| anomaly.count).sum();
        prop_assert_eq!(repeats, summary.repeated);
        prop_assert!(findings.counts.duplicated <= summary.repeated);
        // What is promised once must not come twice, whatever the reason.
        story.contract = "exactly-once, ordered-per-key";
        prop_assert_eq!(story.violations().is_empty(), summary.repeated == 0);
    }
}

#[test]
fn repeats_are_seen_at_all() {
    let mut story = Story::play(7, 60);
    story.rewind(10);
    let (findings, summary) = story.judge();
    assert!(summary.repeated > 0 && summary.rewinds > 0, "{summary:?}");
    assert_eq!(findings.anomalies[0].name, "pipeline-duplicate");
    assert!(!findings.anomalies[0].violation);
}

#[test]
fn what_was_not_read_is_not_lost() {
    let mut story = Story::play(3, 40);
    story.whole = false;
    for entries in story.partitions.values_mut() {
        entries.truncate(entries.len() / 2);
    }
    let (findings, _) = story.judge();
    assert!(findings.unread > 0 && !findings.incomplete.is_empty());
    assert_eq!((findings.counts.lost, findings.counts.read_back), (0, false));
}
