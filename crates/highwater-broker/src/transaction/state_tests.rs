use super::*;

const NOW: i64 = 1_000_000;

fn place(partition: i32) -> Place {
    Place {
        topic: Arc::from("t"),
        partition,
    }
}

fn no_id() -> Result<i64, ResponseError> {
    panic!("no new id is needed")
}

fn ready(state: &Transaction, expected: Option<(i64, i16)>, server: Version) -> Transaction {
    match state.init(1_000, expected, server, NOW, &mut || Ok(99)) {
        Ok(Init::Ready(next)) => next,
        other => panic!("{other:?}"),
    }
}

fn fresh() -> Transaction {
    ready(&Transaction::new(7, NOW), None, Version::Two)
}

fn ongoing(state: &Transaction, version: Version) -> Transaction {
    let added = state.add(state.producer_id, state.producer_epoch, &[place(0)], version, NOW);
    added.expect("added").expect("new")
}

fn end(state: &Transaction, epoch: i16, ending: Ending, version: Version) -> Result<End, ResponseError> {
    state.end(7, epoch, ending, version, NOW, &mut || Ok(99))
}

fn completed(state: &Transaction, ending: Ending, version: Version) -> Transaction {
    match end(state, state.producer_epoch, ending, version) {
        Ok(End::Prepared(next)) => next.complete(NOW),
        other => panic!("{other:?}"),
    }
}

fn at_epoch(epoch: i16) -> Transaction {
    Transaction {
        producer_epoch: epoch,
        ..fresh()
    }
}

#[test]
fn ends_are_answered_as_in_kafkas_tables() {
    use Ending::{Abort, Commit};
    let empty = fresh();
    let state_error = Err(ResponseError::InvalidTxnState);
    let old = |ending| completed(&ongoing(&empty, Version::Old), ending, Version::Old);
    let two = |ending| completed(&ongoing(&empty, Version::Two), ending, Version::Two);
    // State, epoch relative to the current one, wanted end, answer; `None` prepares an end.
    let old_cases = [
        ("empty", empty.clone(), 0, Commit, Some(state_error)),
        ("empty", empty.clone(), 0, Abort, Some(state_error)),
        ("committed", old(Commit), 0, Commit, Some(Ok(()))),
        ("committed", old(Commit), 0, Abort, Some(state_error)),
        ("aborted", old(Abort), 0, Abort, Some(Ok(()))),
        ("aborted", old(Abort), 0, Commit, Some(state_error)),
        (
            "older epoch",
            old(Commit),
            -1,
            Commit,
            Some(Err(ResponseError::ProducerFenced)),
        ),
        ("ongoing", ongoing(&empty, Version::Old), 0, Commit, None),
    ];
    let two_cases = [
        ("empty", empty.clone(), 0, Commit, Some(state_error)),
        ("empty", empty.clone(), 0, Abort, None),
        (
            "empty, retry",
            empty.clone(),
            -1,
            Abort,
            Some(Err(ResponseError::ProducerFenced)),
        ),
        ("committed", two(Commit), 0, Commit, Some(state_error)),
        ("committed", two(Commit), 0, Abort, None),
        ("committed, retry", two(Commit), -1, Commit, Some(Ok(()))),
        ("committed, retry", two(Commit), -1, Abort, Some(state_error)),
        ("aborted", two(Abort), 0, Abort, None),
        ("aborted, retry", two(Abort), -1, Abort, Some(Ok(()))),
        ("aborted, retry", two(Abort), -1, Commit, Some(state_error)),
        ("ongoing", ongoing(&empty, Version::Two), 0, Abort, None),
        (
            "future epoch",
            two(Abort),
            1,
            Abort,
            Some(Err(ResponseError::ProducerFenced)),
        ),
    ];
    let cases = old_cases.into_iter().map(|case| (Version::Old, case));
    for (version, (name, state, epoch, ending, expected)) in
        cases.chain(two_cases.into_iter().map(|case| (Version::Two, case)))
    {
        let answer = match end(&state, state.producer_epoch + epoch, ending, version) {
            Ok(End::Prepared(_)) => None,
            Ok(End::AlreadyDone) => Some(Ok(())),
            Err(error) => Some(Err(error)),
        };
        assert_eq!(answer, expected, "{version:?} {name} {epoch} {ending:?}");
    }
}

#[test]
fn a_prepared_transaction_lets_nobody_in() {
    let Ok(End::Prepared(prepared)) = end(&ongoing(&fresh(), Version::Two), 0, Ending::Commit, Version::Two)
    else {
        panic!("prepared");
    };
    let busy = ResponseError::ConcurrentTransactions;
    assert_eq!(prepared.add(7, 1, &[place(0)], Version::Two, NOW), Err(busy));
    assert_eq!(prepared.init(1, None, Version::Two, NOW, &mut no_id), Err(busy));
    assert_eq!(end(&prepared, 0, Ending::Commit, Version::Two), Err(busy));
    let other = end(&prepared, 0, Ending::Abort, Version::Two);
    assert_eq!(other, Err(ResponseError::InvalidTxnState));
}

#[test]
fn exhausted_epochs_lead_to_a_new_id() {
    let last = at_epoch(LAST_EPOCH);
    let next = ready(&last, None, Version::Two);
    assert_eq!(
        (next.producer_id, next.producer_epoch),
        (99, 0),
        "by InitProducerId"
    );
    let retried = ready(
        &ready(&last, Some((7, LAST_EPOCH)), Version::Two),
        Some((7, LAST_EPOCH)),
        Version::Two,
    );
    assert_eq!(
        (retried.producer_id, retried.producer_epoch),
        (99, 0),
        "the same request again"
    );
    let next = completed(&ongoing(&last, Version::Two), Ending::Commit, Version::Two);
    assert_eq!((next.producer_id, next.producer_epoch), (99, 0), "by EndTxn");
    assert_eq!(
        end(&next, LAST_EPOCH, Ending::Commit, Version::Two),
        Ok(End::AlreadyDone),
        "a retry"
    );
    let fenced = ongoing(&last, Version::Old).fence(Version::Old, NOW);
    assert_eq!(fenced.producer_epoch, i16::MAX, "one is left for fencing");
    let next = ready(&fenced.complete(NOW), None, Version::Two);
    assert_eq!((next.producer_id, next.producer_epoch), (99, 0));
}

#[test]
fn fencing_raises_the_epoch_once() {
    for server in [Version::Old, Version::Two] {
        let state = ongoing(&fresh(), Version::Old);
        let Ok(Init::Fence(fenced)) = state.init(1_000, None, server, NOW, &mut no_id) else {
            panic!("fenced");
        };
        assert_eq!(
            (fenced.phase, fenced.producer_epoch),
            (Phase::Prepare(Ending::Abort), 1),
            "{server:?}"
        );
        let next = ready(&fenced.complete(NOW), None, server);
        assert_eq!(next.producer_epoch, 2, "{server:?}");
    }
}

#[test]
fn a_transaction_begins_with_its_first_partition() {
    let empty = fresh();
    assert_eq!(empty.deadline_ms(), None);
    let state = ongoing(&empty, Version::Two);
    assert_eq!(state.deadline_ms(), Some(NOW + 1_000));
    let more = state.add(7, 0, &[place(1)], Version::Two, NOW + 500);
    let more = more.expect("added").expect("new");
    assert_eq!(more.deadline_ms(), Some(NOW + 1_000), "not with the second");
    assert_eq!(
        more.add(7, 0, &[place(0)], Version::Two, NOW),
        Ok(None),
        "there already"
    );
    assert_eq!(
        more.verify(7, 0, &place(2)),
        Err(ResponseError::TransactionAbortable)
    );
    assert_eq!(more.verify(7, 0, &place(1)), Ok(()));
}
