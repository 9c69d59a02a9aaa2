use proptest::prelude::*;

use super::*;

const NOW: Duration = Duration::from_secs(1_000);
const BUDGET: Duration = Duration::from_secs(8);

fn actions(reason: Reason, transactional: bool) -> Vec<Action> {
    let mut departure = Departure::new(reason, transactional, NOW, BUDGET);
    let mut actions = Vec::new();
    while let Next::Do(action) = departure.next(NOW, 0) {
        actions.push(action);
        departure.done();
    }
    assert_eq!(departure.next(NOW, 0), Next::Finished);
    actions
}

#[test]
fn the_order_of_things() {
    use Action::{Abandon, Commit, Fence, Release, StopIntake};
    let cases = [
        (
            "revoked",
            Reason::Revoked,
            false,
            vec![StopIntake, Commit, Fence, Release],
        ),
        (
            "revoked, transactions",
            Reason::Revoked,
            true,
            vec![StopIntake, Commit, Fence, Release],
        ),
        (
            "shutdown",
            Reason::Shutdown,
            false,
            vec![StopIntake, Commit, Fence, Release],
        ),
        ("lost", Reason::Lost, false, vec![StopIntake, Fence, Release]),
        (
            "lost, transactions",
            Reason::Lost,
            true,
            vec![StopIntake, Fence, Abandon, Release],
        ),
    ];
    for (name, reason, transactional, expected) in cases {
        assert_eq!(actions(reason, transactional), expected, "{name}");
    }
}

#[test]
fn handlers_get_three_quarters_of_the_budget() {
    let mut departure = Departure::new(Reason::Revoked, false, NOW, BUDGET);
    departure.done();
    let drained_by = NOW + Duration::from_secs(6);
    assert_eq!(departure.next(NOW, 2), Next::WaitUntil(drained_by));
    assert_eq!(
        departure.next(drained_by, 2),
        Next::Do(Action::Commit),
        "what runs is left to the next owner"
    );
    let mut departure = Departure::new(Reason::Revoked, false, NOW, BUDGET);
    departure.done();
    assert_eq!(departure.next(NOW, 0), Next::Do(Action::Commit), "nothing runs");
}

#[test]
fn a_commit_is_repeated_as_long_as_the_budget_lasts() {
    let mut departure = Departure::new(Reason::Shutdown, false, NOW, BUDGET);
    departure.done();
    let mut now = NOW;
    let mut tries = 0;
    while departure.next(now, 0) != Next::Do(Action::Fence) {
        if departure.next(now, 0) == Next::Do(Action::Commit) {
            tries += 1;
            departure.failed(now);
        }
        now += Duration::from_millis(10);
        assert!(now <= NOW + BUDGET);
    }
    assert!(tries > 100, "{tries}");
    assert!(!departure.committed());
}

proptest! {
    #[test]
    fn it_always_ends_and_never_commits_behind_the_fence(
        reason in prop::sample::select(vec![Reason::Revoked, Reason::Shutdown, Reason::Lost]),
        transactional: bool,
        answers in prop::collection::vec((any::<bool>(), 0..500_u64, 0..3_usize), 1..100),
    ) {
        let mut departure = Departure::new(reason, transactional, NOW, BUDGET);
        let mut now = NOW;
        let mut fenced = false;
        for (works, later_ms, running) in answers.into_iter().cycle().take(3_000) {
            now += Duration::from_millis(later_ms + 1);
            match departure.next(now, running) {
                Next::Do(action) => {
                    prop_assert!(action != Action::Commit || (!fenced && reason != Reason::Lost));
                    prop_assert!(action != Action::Release || fenced);
                    fenced |= action == Action::Fence;
                    if works { departure.done() } else { departure.failed(now) }
                }
                Next::WaitUntil(until) => prop_assert!(until > now && until <= NOW + BUDGET),
                Next::Finished => return Ok(()),
            }
        }
        prop_assert!(false, "never finished");
    }
}
