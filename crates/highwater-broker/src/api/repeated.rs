//! Requests that name the same thing twice, for which Kafka then does nothing.

use std::collections::BTreeSet;

/// Those that are named once, and the names that come more than once.
pub(super) fn apart<T, N: Ord + Clone>(wanted: Vec<T>, name_of: impl Fn(&T) -> N) -> (Vec<T>, BTreeSet<N>) {
    let mut seen = BTreeSet::new();
    let names = wanted.iter().map(&name_of);
    let repeated: BTreeSet<N> = names.filter(|name| !seen.insert(name.clone())).collect();
    let once = wanted
        .into_iter()
        .filter(|one| !repeated.contains(&name_of(one)))
        .collect();
    (once, repeated)
}
