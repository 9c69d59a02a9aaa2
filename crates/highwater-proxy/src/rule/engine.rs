//! All rules of a proxy, asked at every request that one of them wants to see.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use highwater_model::history::{FaultChange, RequestFacts, ResponseFacts};

use tokio::sync::Notify;

use crate::api_set::ApiSet;
use crate::fault::{Entry, Fault, OnLink, Point, catalogue};
use crate::identity::Identity;
use crate::rule::scope::{Matcher, Seen, transactional_id};
use crate::rule::spec::{RuleError, RuleSpec, Trigger};
use crate::rule::trigger::{self, Counter};
use crate::rule::watch::Watching;

const END_TXN: i16 = 26;

/// Transactional ids whose transactions are counted; beyond that rules with `transaction` match no new ones.
const MOST_TRANSACTIONAL_IDS: usize = 100_000;

/// Most rules: a rule is numbered with 16 bits in a history, and a file with more is a mistake.
const MOST_RULES: usize = 1_000;

/// Makes the random sequences of rules different.
const SALT: u64 = 0x9e37_79b9_7f4a_7c15;

/// The rules, ready to be asked.
pub(crate) struct Engine {
    rules: Vec<Armed>,
    watched: ApiSet,
    answers: ApiSet,
    counts_transactions: bool,
    /// The moment that windows of time count from, in nanoseconds on the clock of the history.
    windows_begin_ns: AtomicU64,
    transactions: Mutex<HashMap<String, u64>>,
}

/// One rule.
pub(crate) struct Armed {
    pub(crate) name: String,
    pub(crate) entry: &'static Entry,
    pub(crate) fault: Box<dyn Fault>,
    pub(crate) matcher: Matcher,
    /// How long a network fault stays that fired at a request; without end if none.
    pub(crate) lasting: Option<Duration>,
    /// Of `hold`.
    pub(crate) delay: Option<Duration>,
    pub(crate) release: Option<Watching>,
    trigger: Trigger,
    after: Option<Watching>,
    /// A network fault that waits for no request.
    standing: bool,
    counter: Mutex<Counter>,
    open: Mutex<bool>,
    /// False while a rule waits to be armed by hand.
    in_hand: AtomicBool,
    /// Told when what `hold` keeps may go on.
    pub(crate) let_go: Notify,
}

/// Rule and counts, for a history and for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCount {
    /// Its name.
    pub name: String,
    /// Name of its fault.
    pub fault: &'static str,
    /// Requests (of network faults without a request: connections) that matched.
    pub matched: u64,
    /// How many times it fired.
    pub fired: u64,
}

/// A rule that takes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Firing {
    pub(crate) rule: u16,
    /// False if a fault that fired earlier follows up.
    pub(crate) counted: bool,
    pub(crate) matched: u64,
    pub(crate) fired: u64,
}

impl Engine {
    pub(crate) fn new(specs: &[RuleSpec], seed: u64) -> Result<Self, (usize, RuleError)> {
        if specs.len() > MOST_RULES {
            let error = RuleError::new(
                "rules",
                format!("{} rules; at most {MOST_RULES} are taken", specs.len()),
                "put the load of faults into triggers rather than into rules",
            );
            return Err((MOST_RULES, error));
        }
        let rules = specs
            .iter()
            .enumerate()
            .map(|(at, spec)| {
                let salted = seed.wrapping_add((at as u64 + 1).wrapping_mul(SALT));
                Armed::new(spec, salted).map_err(|error| (at, error))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut watched = ApiSet::default();
        let mut answers = ApiSet::default();
        for rule in &rules {
            if !rule.standing {
                watched = watched.union(rule.matcher.apis);
            }
            watched = watched.union(rule.fault.followed());
            for watching in [&rule.after, &rule.release].into_iter().flatten() {
                watched = watched.union(watching.apis(false)).union(watching.apis(true));
                answers = answers.union(watching.apis(true));
            }
        }
        let counts_transactions = specs.iter().any(|spec| {
            let watches = [&spec.trigger.after, &spec.parameters.release_after];
            spec.scope.transaction.is_some()
                || watches
                    .into_iter()
                    .flatten()
                    .any(|watch| watch.scope.transaction.is_some())
        });
        if counts_transactions {
            watched.insert(END_TXN);
            answers.insert(END_TXN);
        }
        Ok(Self {
            rules,
            watched,
            answers,
            counts_transactions,
            windows_begin_ns: AtomicU64::new(0),
            transactions: Mutex::default(),
        })
    }

    /// Whether every rule can do without seeing frames.
    ///
    /// # Errors
    /// The place of the first that can't, and what it would need.
    pub(crate) fn refuse_frames(&self) -> Result<(), (usize, RuleError)> {
        for (at, armed) in self.rules.iter().enumerate() {
            let fault = armed.entry.name;
            let refused = |key, message: String| {
                let help = "let TLS end at the proxy (--tls-ca FILE); as bytes only network faults pass, for a \
                            `node` and with `from` and `until`";
                Err((at, RuleError::new(key, message, help)))
            };
            if armed.entry.point == Point::Frame {
                return refused(
                    "fault",
                    format!("`{fault}` acts on requests, and none is seen while TLS passes as bytes"),
                );
            }
            if !armed.standing || armed.release.is_some() {
                return refused(
                    "trigger",
                    format!("`{fault}` waits for a request, and none is seen while TLS passes as bytes"),
                );
            }
            if armed.after.is_some() {
                return refused(
                    "after",
                    "what happens on the wire is not seen while TLS passes as bytes".to_owned(),
                );
            }
            if armed.matcher.speaks_of_clients() {
                return refused(
                    "client_id",
                    "who a client is can't be seen while TLS passes as bytes".to_owned(),
                );
            }
        }
        Ok(())
    }

    /// Has `from` and `until` count from this moment; until it has come they stand at zero.
    pub(crate) fn begin_windows(&self, at: Duration) {
        let at_ns = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        self.windows_begin_ns.store(at_ns, Ordering::Relaxed);
    }

    fn in_windows(&self, now: Duration) -> Duration {
        now.saturating_sub(Duration::from_nanos(
            self.windows_begin_ns.load(Ordering::Relaxed),
        ))
    }

    /// Whether requests of this API have to be read whole and judged before they go on.
    pub(crate) fn wants_request(&self, api_key: i16) -> bool {
        self.watched.contains(api_key)
    }

    /// Whether answers of this API have to be looked at.
    pub(crate) fn wants_answer(&self, api_key: i16) -> bool {
        self.answers.contains(api_key)
    }

    /// Whether any rule acts on the bytes of connections.
    pub(crate) fn has_network_rules(&self) -> bool {
        self.rules.iter().any(|rule| rule.entry.point == Point::Network)
    }

    pub(crate) fn rule(&self, rule: u16) -> Option<&Armed> {
        self.rules.get(usize::from(rule))
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.rules.iter().map(|rule| rule.name.clone()).collect()
    }

    /// Which transaction of its id a request belongs to, from 1.
    pub(crate) fn transaction_of(&self, facts: &RequestFacts) -> u64 {
        if !self.counts_transactions {
            return 0;
        }
        let Some(id) = transactional_id(facts) else {
            return 0;
        };
        self.transactions().get(id).copied().unwrap_or(0) + 1
    }

    /// A request arrived: the first rule that fires takes it.
    pub(crate) fn on_request(&self, seen: &Seen<'_>, now: Duration) -> Option<Firing> {
        let now = self.in_windows(now);
        let mut taken = None;
        for (rule, armed) in self.numbered() {
            if armed.standing || !armed.is_open(now) || !armed.matcher.matches(seen) {
                continue;
            }
            let mut counter = armed.counter();
            if counter.matches(taken.is_none()) {
                taken = Some(Firing {
                    rule,
                    counted: true,
                    matched: counter.matched,
                    fired: counter.fired,
                });
            }
        }
        if taken.is_none() {
            let following = self.numbered().find(|(_, armed)| {
                armed.fault.followed().contains(seen.api_key)
                    && armed.fault.follows(seen, armed.is_live(seen.who, now))
            });
            taken = following.map(|(rule, armed)| {
                let counter = armed.counter();
                Firing {
                    rule,
                    counted: false,
                    matched: counter.matched,
                    fired: counter.fired,
                }
            });
        }
        self.look(seen, false);
        taken
    }

    /// An answer arrived to a request that was wanted.
    pub(crate) fn on_answer(&self, seen: &Seen<'_>, answer: &ResponseFacts) {
        self.look(seen, true);
        if let (true, RequestFacts::EndTxn(end)) = (self.counts_transactions, seen.facts) {
            let ended = matches!(
                answer,
                ResponseFacts::Error { error: 0 } | ResponseFacts::Producer { error: 0, .. }
            );
            let mut transactions = self.transactions();
            let id = &end.transaction.transactional_id;
            if ended && (transactions.contains_key(id) || transactions.len() < MOST_TRANSACTIONAL_IDS) {
                *transactions.entry(id.clone()).or_default() += 1;
            }
        }
    }

    /// What network rules do to the bytes of a connection at this moment.
    pub(crate) fn standing(&self, who: &Identity, now: Duration) -> impl Iterator<Item = (u16, OnLink)> {
        let now = self.in_windows(now);
        self.numbered()
            .filter(move |(_, armed)| {
                armed.standing && armed.is_open(now) && armed.matcher.matches_identity(who)
            })
            .filter_map(|(rule, armed)| Some((rule, armed.fault.on_link()?)))
    }

    /// Counts a network rule at a connection that it touches for the first time; false if it has fired
    /// as often as it may.
    pub(crate) fn count_connection(&self, rule: u16) -> Option<Firing> {
        let mut counter = self.rule(rule)?.counter();
        counter.matches(true).then(|| Firing {
            rule,
            counted: true,
            matched: counter.matched,
            fired: counter.fired,
        })
    }

    /// Rules that can fire since now, or cannot any more; called often.
    pub(crate) fn changes(&self, now: Duration) -> Vec<(u16, FaultChange, RuleCount)> {
        let now = self.in_windows(now);
        self.numbered()
            .filter_map(|(rule, armed)| {
                let open = armed.is_open(now);
                let mut was = armed.open.lock().unwrap_or_else(PoisonError::into_inner);
                let change = match (*was, open) {
                    (false, true) => FaultChange::Armed,
                    (true, false) => FaultChange::Lifted,
                    _ => return None,
                };
                *was = open;
                Some((rule, change, armed.count()))
            })
            .collect()
    }

    pub(crate) fn counts(&self) -> Vec<RuleCount> {
        self.rules.iter().map(Armed::count).collect()
    }

    /// Arms or lifts a rule that waits for it; false if it is not such a rule.
    pub(crate) fn arm(&self, rule: u16, armed: bool) -> bool {
        let Some(found) = self.rule(rule).filter(|found| found.trigger.by_hand) else {
            return false;
        };
        if armed {
            found.counter().arm_again();
        }
        found.in_hand.store(armed, Ordering::Release);
        true
    }

    fn look(&self, seen: &Seen<'_>, answered: bool) {
        for rule in &self.rules {
            for watching in [&rule.after, &rule.release].into_iter().flatten() {
                watching.look(seen, answered);
            }
        }
    }

    fn numbered(&self) -> impl Iterator<Item = (u16, &Armed)> {
        (0..).zip(&self.rules)
    }

    fn transactions(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.transactions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Armed {
    fn new(spec: &RuleSpec, seed: u64) -> Result<Self, RuleError> {
        let entry = entry(&spec.fault)?;
        trigger::check(&spec.trigger)?;
        let fault = (entry.build)(&spec.parameters)?;
        let matcher = Matcher::new(&spec.scope, entry.apis, "api")?;
        check_apis(spec, entry)?;
        let watching =
            |watch: &Option<_>, key| watch.as_ref().map(|watch| Watching::new(watch, key)).transpose();
        let standing =
            entry.point == Point::Network && !matcher.speaks_of_requests() && !spec.trigger.counts_requests();
        Ok(Self {
            name: spec.name.clone(),
            entry,
            fault,
            matcher,
            lasting: spec.parameters.lasting,
            delay: spec.parameters.delay,
            release: watching(&spec.parameters.release_after, "release_after")?,
            after: watching(&spec.trigger.after, "after")?,
            trigger: spec.trigger.clone(),
            standing,
            counter: Mutex::new(Counter::new(&spec.trigger, seed)),
            open: Mutex::new(false),
            in_hand: AtomicBool::new(!spec.trigger.by_hand),
            let_go: Notify::new(),
        })
    }

    fn is_open(&self, now: Duration) -> bool {
        self.in_hand.load(Ordering::Acquire)
            && self.trigger.from.is_none_or(|from| now >= from)
            && self.trigger.until.is_none_or(|until| now < until)
            && self.after.as_ref().is_none_or(Watching::happened)
    }

    /// Whether it may still fire at requests of a client.
    fn is_live(&self, who: &Identity, now: Duration) -> bool {
        self.is_open(now) && self.matcher.matches_identity(who) && !self.counter().is_spent()
    }

    /// Whether it ends connections that begin while it can fire.
    pub(crate) fn ends_new_ones(&self) -> bool {
        self.trigger.also_new
    }

    pub(crate) fn is_standing(&self) -> bool {
        self.standing
    }

    fn counter(&self) -> MutexGuard<'_, Counter> {
        self.counter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) -> RuleCount {
        let counter = self.counter();
        RuleCount {
            name: self.name.clone(),
            fault: self.entry.name,
            matched: counter.matched,
            fired: counter.fired,
        }
    }
}

fn entry(name: &str) -> Result<&'static Entry, RuleError> {
    let found = catalogue().iter().find(|entry| entry.name == name);
    found.copied().ok_or_else(|| {
        let nearest = catalogue()
            .iter()
            .map(|entry| entry.name)
            .max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)))
            .unwrap_or("reject");
        RuleError::new(
            "fault",
            format!("unknown fault `{name}`"),
            format!("did you mean `{nearest}`? `highwater faults` lists every fault with an example"),
        )
    })
}

/// A fault of coordinators can't happen to an API that has none.
fn check_apis(spec: &RuleSpec, entry: &Entry) -> Result<(), RuleError> {
    for name in &spec.scope.apis {
        let meant = highwater_wire::api::by_name(name).is_some_and(|key| entry.apis.contains(key));
        if !meant {
            return Err(RuleError::new(
                "api",
                format!("`{}` can't happen to `{name}`", entry.name),
                format!("{}: {}", entry.name, entry.summary),
            ));
        }
    }
    Ok(())
}
