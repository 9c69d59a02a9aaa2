//! Processes that die, join, and sleep, while clients go on.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::rig::{Instance, Rig, Said, until};

const ACCOUNTS: [&str; 6] = ["ann", "ben", "cid", "dot", "eve", "fay"];
const CLIENTS: usize = 4;

/// Account, verb, body, and what was said to it.
type Exchange = (&'static str, &'static str, Value, Said);

/// What clients ask, and what they were told.
struct Clients<'a> {
    rig: &'a Rig,
    /// Where instances are; changed when one is started anew.
    urls: Mutex<Vec<String>>,
    told: Mutex<BTreeMap<String, Exchange>>,
    answered: AtomicUsize,
}

impl<'a> Clients<'a> {
    fn of(rig: &'a Rig, urls: &[&Instance]) -> Self {
        Self {
            rig,
            urls: Mutex::new(urls.iter().map(|instance| instance.url.clone()).collect()),
            told: Mutex::default(),
            answered: AtomicUsize::new(0),
        }
    }

    fn command(&self, first: Option<&str>, account: &str, verb: &str, id: &str, body: &Value) -> Said {
        // Asked for anew at every try: an instance that was started again is somewhere else.
        let urls = || {
            first
                .map(str::to_owned)
                .into_iter()
                .chain(self.urls.lock().unwrap().clone())
                .collect()
        };
        self.rig.command(urls, account, verb, id, body)
    }

    /// One client's requests: deposits, withdrawals, and transfers around the circle of accounts and to nobody.
    fn client(&self, client: usize, requests: Range<usize>) {
        self.client_of(None, client, requests);
    }

    /// The same of a client that asks this instance before all others.
    fn client_of(&self, first: Option<&str>, client: usize, requests: Range<usize>) {
        for request in requests {
            let number = client + CLIENTS * request;
            let account = ACCOUNTS[number % ACCOUNTS.len()];
            let to = if number.is_multiple_of(11) {
                "nobody"
            } else {
                ACCOUNTS[(number * 5 + 1) % ACCOUNTS.len()]
            };
            let (verb, body) = match number % 4 {
                _ if request < 2 => ("deposit", json!({ "cents": 1_000 })),
                0 => ("deposit", json!({ "cents": 100 + number })),
                1 => ("withdraw", json!({ "cents": 10 + number % 50 })),
                _ => ("transfer", json!({ "to": to, "cents": 5 + number % 90 })),
            };
            let id = format!("c{client}-{request}");
            let said = self.command(first, account, verb, &id, &body);
            self.told.lock().unwrap().insert(id, (account, verb, body, said));
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn answered(&self, count: usize) {
        until("answered", || self.answered.load(Ordering::Relaxed) >= count);
    }

    /// Every request again: the same answer; each is once in a statement if it was told to be done, and at most once
    /// otherwise; the money is where the clients put it.
    fn check(&self, instance: &Instance) {
        let told = self.told.lock().unwrap();
        let mut put_in = 0;
        for (id, (account, verb, body, said)) in told.iter() {
            if said.0 < 300 {
                assert_eq!(
                    &self.command(None, account, verb, id, body),
                    said,
                    "{account} {verb} {id}"
                );
                let cents = body["cents"].as_i64().unwrap();
                put_in += match *verb {
                    "deposit" => cents,
                    "withdraw" => -cents,
                    _ => 0,
                };
            }
        }
        self.rig.at_rest(instance, put_in);
        super::log::check(self.rig, put_in);
        let mut begun: BTreeMap<String, usize> = BTreeMap::new();
        for account in ACCOUNTS {
            let (_, page) = self
                .rig
                .get(instance, &format!("/accounts/{account}/statement?limit=1000"));
            for (place, line) in page["lines"].as_array().unwrap().iter().enumerate() {
                assert_eq!(line["sequence"], json!(place), "{account}");
                assert!(line["balance"].as_i64().unwrap() >= 0, "{account} {line}");
                if ["deposited", "withdrawn", "transfer-begun"].contains(&line["kind"].as_str().unwrap()) {
                    *begun
                        .entry(line["request"].as_str().unwrap().to_owned())
                        .or_default() += 1;
                }
            }
        }
        for (id, (account, verb, _, said)) in told.iter() {
            let times = begun.get(id).copied().unwrap_or(0);
            assert_eq!(
                times,
                usize::from(said.0 < 300),
                "{account} {verb} {id} was told {said:?}"
            );
        }
        assert!(
            told.values()
                .filter(|(_, verb, _, said)| *verb == "transfer" && said.0 == 202)
                .count()
                > 10
        );
    }
}

/// Partitions that an instance serves.
fn open(rig: &Rig, instance: &Instance) -> usize {
    let (_, page) = rig.get(instance, "/metrics");
    let open = page.as_str().unwrap_or_default().lines().find_map(|line| {
        line.strip_prefix("ledger_partitions{state=\"open\"} ")?
            .parse()
            .ok()
    });
    open.unwrap_or(0)
}

#[test]
fn nothing_is_lost_or_done_twice_when_instances_join_and_are_killed() {
    let rig = Rig::start();
    let first = rig.ready("a");
    let clients = Clients::of(&rig, &[&first]);
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let clients = &clients;
            scope.spawn(move || clients.client(client, 0..60));
        }
        clients.answered(40);
        let second = rig.instance("b");
        clients.urls.lock().unwrap().push(second.url.clone());
        until("shared", || open(&rig, &first) == 2 && open(&rig, &second) == 2);
        clients.answered(100);
        first.kill();
        // It comes back where its projections are, and elsewhere on the network.
        let again = rig.instance("a");
        clients.urls.lock().unwrap()[0].clone_from(&again.url);
        until("shared again", || {
            open(&rig, &again) == 2 && open(&rig, &second) == 2
        });
        clients.answered(180);
        second.kill();
        clients.urls.lock().unwrap().truncate(1);
        clients.answered(60 * CLIENTS);
        clients.check(&again);
        assert!(again.ends());
    });
}

#[test]
fn an_instance_that_was_asleep_does_nothing_that_counts() {
    let rig = Rig::start();
    let (sleeper, other) = (rig.ready("a"), rig.ready("b"));
    until("shared", || open(&rig, &sleeper) == 2 && open(&rig, &other) == 2);
    let clients = Clients::of(&rig, &[&sleeper, &other]);
    std::thread::scope(|scope| {
        let clients = &clients;
        scope.spawn(move || clients.client(0, 0..20)).join().unwrap();
        // Requests are in its hands when it falls asleep; their client waits for them.
        let waiting: Vec<_> = (1..3)
            .map(|client| scope.spawn(move || clients.client(client, 0..20)))
            .collect();
        clients.answered(30);
        sleeper.signal("STOP");
        clients.urls.lock().unwrap().remove(0);
        // Others ask it while it sleeps: it will find their requests before it finds out that it is not the owner.
        let stubborn: Vec<_> = (CLIENTS..4 * CLIENTS)
            .map(|client| (client, &sleeper.url))
            .map(|(client, url)| scope.spawn(move || clients.client_of(Some(url), client, 0..2)))
            .collect();
        until("taken over", || open(&rig, &other) == 4);
        clients.client(3, 0..20);
        sleeper.signal("CONT");
        // Those who still know it only by its old address are heard, by the one or the other.
        clients.urls.lock().unwrap().insert(0, sleeper.url.clone());
        for client in waiting.into_iter().chain(stubborn) {
            client.join().unwrap();
        }
        clients.client(0, 20..40);
        clients.check(&other);
        clients.check(&sleeper);
    });
}

#[test]
fn a_broker_that_is_away_for_a_while_costs_time_and_nothing_else() {
    let rig = Rig::start();
    let bank = rig.ready("a");
    let clients = Clients::of(&rig, &[&bank]);
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let clients = &clients;
            scope.spawn(move || clients.client(client, 0..30));
        }
        clients.answered(40);
        rig.broker_is_away();
        clients.answered(30 * CLIENTS);
        clients.check(&bank);
        assert!(bank.ends());
    });
}
