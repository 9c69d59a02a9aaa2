//! The fault proxy between the load and the target, for scenarios with rules.
//!
//! ```text
//! producers, consumers ─▶ proxy (rules, history) ─▶ target ◀─ topic, faults on processes, read-back: directly
//! ```
//! Invariant: the proxy runs on the clock and the seed of the run, and `from` and `until` of rules count from the
//! moment at which the load begins, as `after` of a fault does.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use highwater_load::access;
use highwater_model::history::{NodeAddress, ProcessChange, Trouble};
use highwater_model::{EventBody, NoticeLevel, RuleReport};
use highwater_proxy::{
    BrokerTls, Certificate, ClientTls, Proxy, ProxyOptions, RuleSpec, Snapshot, Tls, Trigger, Trust,
};
use tokio::runtime::Runtime;

use crate::context::Context;
use crate::plan::Plan;
use crate::session::{Session, described};
use crate::trouble::trouble_in_words;

/// Between two tellings of what rules did.
const TELL_EVERY_NS: u64 = 1_000_000_000;
/// Salt of the seed of the rules.
const SALT: u32 = u32::MAX - 1;

/// A proxy that runs beside a scenario.
pub(crate) struct Wire {
    runtime: Runtime,
    proxy: Proxy,
    bootstrap: String,
    history: std::path::PathBuf,
    /// The rule that cuts clients off.
    cut: Option<u16>,
    told: Mutex<Told>,
}

/// What was told already.
#[derive(Default)]
struct Told {
    rules: Vec<RuleReport>,
    at_ns: u64,
    troubles: usize,
}

impl Wire {
    /// Starts the proxy if the scenario has rules.
    pub(crate) fn start(context: &Context<'_>, plan: &Plan, bootstrap: &str) -> Result<Option<Self>, String> {
        let cut = plan.armed_fault().and_then(|fault| fault.kind.network_fault());
        if plan.rules.is_empty() && cut.is_none() {
            return Ok(None);
        }
        let mut rules = plan.rules.clone();
        let cut = cut.map(|fault| {
            rules.push(RuleSpec {
                name: "cut-off".to_owned(),
                fault: fault.to_owned(),
                trigger: Trigger {
                    by_hand: true,
                    // A network that refuses connections refuses new ones, too; one that has forgotten them lets new
                    // ones through.
                    also_new: fault == "reset",
                    ..Trigger::default()
                },
                ..RuleSpec::default()
            });
            u16::try_from(rules.len() - 1).unwrap_or(u16::MAX)
        });
        let history = context.directory.join(match context.index {
            0 => "history.hwh".to_owned(),
            index => format!("history-{index}.hwh"),
        });
        let failed = |error: &dyn std::error::Error| {
            format!("the fault proxy could not be started: {}", described(error))
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        let options = ProxyOptions {
            rules,
            seed: context.seed_for(SALT),
            history: Some(history.clone()),
            began: context.clock.began(),
            tls: Tls::Ends {
                clients: ClientTls::Off,
                brokers: towards_brokers(bootstrap)?,
            },
            ..ProxyOptions::new(addresses(bootstrap)?)
        };
        let proxy = runtime
            .block_on(Proxy::start(options))
            .map_err(|error| failed(&error))?;
        // The load has not begun: windows stay at zero.
        proxy.begin_windows(Duration::MAX);
        let servers = bootstrap;
        let bootstrap = proxy.bootstrap().to_string();
        access::admit_behind(servers, &bootstrap);
        context.events.notice(
            NoticeLevel::Info,
            format!(
                "the load goes through the fault proxy at {bootstrap}, history in {}",
                history.display()
            ),
        );
        Ok(Some(Self {
            runtime,
            proxy,
            bootstrap,
            history,
            cut,
            told: Mutex::default(),
        }))
    }

    /// Where the load connects.
    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The load begins at this moment of the run.
    pub(crate) fn begin_windows(&self, start_ns: u64) {
        self.proxy.begin_windows(Duration::from_nanos(start_ns));
    }

    /// Cuts clients and brokers off from each other.
    pub(crate) fn cut(&self) {
        if let Some(rule) = self.cut {
            self.proxy.arm(rule);
        }
    }

    /// Lets everything pass again.
    pub(crate) fn heal(&self) {
        if let Some(rule) = self.cut {
            self.proxy.lift(rule);
        }
    }

    /// Writes into the history what a fault did to the broker's process.
    pub(crate) fn tell_process(&self, change: ProcessChange, detail: &str) {
        self.proxy.tell_process("broker", None, change, detail);
    }

    /// Tells what rules did since it was told last; why the run can't go on, if so.
    pub(crate) fn tell(&self, context: &Context<'_>) -> Option<String> {
        self.tell_snapshot(context, &self.proxy.snapshot(), false);
        self.proxy
            .history_failed()
            .then(|| format!("the history {} can't be written any more", self.history.display()))
    }

    fn tell_snapshot(&self, context: &Context<'_>, snapshot: &Snapshot, last: bool) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let rules = reports(snapshot);
        let fired = |rules: &[RuleReport]| rules.iter().filter(|rule| rule.fired > 0).count();
        let now_ns = context.clock.now_ns();
        let due = last || now_ns >= told.at_ns + TELL_EVERY_NS || fired(&rules) > fired(&told.rules);
        if due && rules != told.rules {
            context.events.emit(EventBody::Rules { rules: rules.clone() });
            told.rules = rules;
            told.at_ns = now_ns;
        }
        for trouble in snapshot.troubles.iter().skip(told.troubles) {
            context
                .events
                .notice(NoticeLevel::Warning, trouble_in_words(trouble));
        }
        told.troubles = snapshot.troubles.len();
    }

    /// Stops the proxy and keeps what it saw.
    pub(crate) fn finish(self, context: &Context<'_>, session: &mut Session) {
        let before = self.proxy.snapshot();
        self.tell_snapshot(context, &before, true);
        let summary = self.runtime.block_on(self.proxy.stop());
        self.runtime.shutdown_background();
        session.rules = reports(&summary.snapshot);
        let missing = summary.snapshot.troubles.iter().filter(|trouble| {
            matches!(
                trouble,
                Trouble::Bypass { .. }
                    | Trouble::Undecoded {
                        wanted_by_rule: true,
                        ..
                    }
            )
        });
        session.wire = missing.take(3).map(trouble_in_words).collect();
        if let Some(error) = summary.history_failure {
            session
                .failure
                .get_or_insert(format!("the history is incomplete: {}", described(&error)));
        }
        session.hints.push(format!(
            "highwater history show {} shows what passed on the wire",
            self.history.display()
        ));
    }
}

/// The proxy speaks TLS where the cluster wants it.
pub(crate) fn towards_brokers(bootstrap: &str) -> Result<BrokerTls, String> {
    let Some(upstream) = access::upstream(bootstrap)? else {
        return Ok(BrokerTls::Off);
    };
    Ok(BrokerTls::On {
        trust: upstream.authorities.map_or(Trust::System, Trust::Authorities),
        certificate: upstream.certificate.map(|file| Certificate {
            chain: file.clone(),
            key: file,
        }),
    })
}

fn reports(snapshot: &Snapshot) -> Vec<RuleReport> {
    snapshot
        .rules
        .iter()
        .map(|rule| RuleReport {
            name: rule.name.clone(),
            fault: rule.fault.to_owned(),
            matched: rule.matched,
            fired: rule.fired,
        })
        .collect()
}

/// Addresses as a target gives them: `HOST:PORT`, several separated by commas.
pub(crate) fn addresses(bootstrap: &str) -> Result<Vec<NodeAddress>, String> {
    bootstrap
        .split(',')
        .map(|server| {
            let (host, port) = server
                .rsplit_once(':')
                .ok_or_else(|| format!("{server} is not an address"))?;
            let port = port.parse().map_err(|_| format!("{server} has no port"))?;
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            Ok(NodeAddress { host, port })
        })
        .collect()
}
