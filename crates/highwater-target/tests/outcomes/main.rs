//! The outcome table against Apache Kafka: errors are brought about, and then it is looked what became of the request.
//! Without Java, or without Maven and a filled cache, the test is skipped and says so; with `HIGHWATER_REQUIRE_KAFKA=1`
//! it fails instead.

#![cfg(test)]

mod cluster;
mod commit;
mod produce;
mod seen;
mod topics;
mod transactions;

use cluster::Cluster;
use seen::Seen;

#[test]
fn what_the_table_says_is_what_becomes_of_requests() {
    let Some(mut cluster) = Cluster::start("what_the_table_says_is_what_becomes_of_requests") else {
        return;
    };
    let mut seen = Seen::default();
    produce::refused(&cluster, &mut seen);
    produce::unanswered(&cluster, &mut seen);
    produce::by_a_follower(&cluster, &mut seen);
    commit::refused(&cluster, &mut seen);
    transactions::ends(&cluster, &mut seen);
    transactions::epochs(&cluster, &mut seen);
    transactions::partitions(&cluster, &mut seen);
    topics::made(&cluster, &mut seen);
    topics::deleted_from(&cluster, &mut seen);
    produce::replicas_not_in_time(&mut cluster, &mut seen);
    produce::leadership_moves(&mut cluster, &mut seen);
    produce::too_few_replicas(&mut cluster, &mut seen);
    seen.compare();
}
