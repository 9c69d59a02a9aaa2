//! A run: its directory, its scenarios one after the other, its report.
//!
//! Invariant: from the first event on, whatever happens ends in a report on disk that says how far it came.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use highwater_check::advice::advise;
use highwater_load::{Clock, admin};
use highwater_model::{
    EventBody, ExitCode, NotRun, NoticeLevel, Phase, Repetition, Report, RunId, SCHEMA_VERSION,
    ScenarioReport, Verdict,
};
use highwater_target::{
    KafkaOptions, Requirements, Target, TargetError, TargetEvent, TargetOptions, TargetSpec, disk_space,
    host, preflight, require,
};

use crate::assemble::{Frame, assemble};
use crate::config::{ConfigError, Kind, Set, resolve};
use crate::context::Context;
use crate::events::{EventStream, Observer};
use crate::links::{Links, Reserved};
use crate::plan::Plan;
use crate::session::{Session, described};
use crate::suites::Chosen;
use crate::{connector, drive, startup};

/// Disk space that must stay free beside what a run writes.
const DISK_RESERVE_BYTES: u64 = 256 << 20;

/// More than this no broker on one machine takes: a rate beyond it is found out by the run itself (INVALID) and
/// must not be refused for want of a disk that it would never fill.
const MOST_WRITTEN_PER_S: u64 = 512 << 20;

/// What to run, and how.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// What was asked for: a suite, a scenario, a file.
    pub name: String,
    /// What it is pointed at.
    pub target: TargetSpec,
    /// Directory of the run; made if it isn't there.
    pub out: PathBuf,
    /// Everything random comes from it.
    pub seed: u64,
    /// How many times each scenario is run, all of them once before any a second time, so that what changes on the
    /// machine meanwhile hits all alike. 0 is taken for 1.
    pub repeat: u32,
    /// The shortened form of each scenario that has one.
    pub quick: bool,
    /// Keeps topics and the data of brokers that the run started.
    pub keep: bool,
    /// The command that runs the same again.
    pub command: String,
    /// This executable, to start the dev broker.
    pub highwater: PathBuf,
    /// An installed Kafka distribution to use instead of a fetched one.
    pub kafka_home: Option<PathBuf>,
    /// Names of the defects that can be planted in the dev broker.
    pub known_bugs: Vec<String>,
    /// Commands of the user that do what Highwater can't do to a cluster that it did not start ([`crate::HOOKS`]).
    pub hooks: BTreeMap<String, String>,
    /// Ends the run at the next moment when it is set.
    pub interrupted: Arc<AtomicBool>,
}

/// Why a run could not begin. Nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A scenario can't be used as given.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The output directory can't be used.
    #[error("can't write to the output directory {path}: {reason}")]
    Output {
        /// The directory.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// There is not enough room for what the run would write.
    #[error("the run would write about {needed_mib} MiB below {path}, and {free_mib} MiB are free there")]
    NoSpace {
        /// The directory.
        path: PathBuf,
        /// What is needed.
        needed_mib: u64,
        /// What is there.
        free_mib: u64,
    },
    /// The target can't be had.
    #[error(transparent)]
    Target(#[from] TargetError),
}

/// Longest wait until the members of a group have left it: those that were killed are thrown out after the session
/// timeout.
const LEAVE_LIMIT: Duration = Duration::from_secs(30);

/// Longest wait for the list of brokers.
const BROKERS_LIMIT: Duration = Duration::from_secs(10);

/// Java refuses a heap that its collector can't divide.
const LEAST_HEAP_BYTES: u64 = 8 << 20;

/// A copy on every node: with the two in-sync replicas that such a cluster asks for, nothing that was acknowledged is
/// lost with one node.
const REPLICAS_ON_THREE: u32 = 3;

/// A run that can begin: everything that can be checked before is right.
pub struct Run {
    options: RunOptions,
    plans: Vec<Plan>,
    not_run: Vec<NotRun>,
}

impl Run {
    /// Resolves and checks every scenario, and the output directory.
    ///
    /// # Errors
    /// The first thing that is wrong; nothing was started.
    pub fn prepare(options: RunOptions, chosen: &[Chosen], sets: &[Set]) -> Result<Self, RunError> {
        if options.quick && !chosen.iter().any(Chosen::has_quick_form) {
            let error = ConfigError::new(format!("{} has no quick form", options.name));
            return Err(error
                .help("leave --quick out, or shorten it with --set, e.g. --set load.duration=20s")
                .into());
        }
        let mut plans = Vec::with_capacity(chosen.len());
        let mut not_run = Vec::new();
        let mut impossible = None;
        for chosen in chosen {
            if options.quick
                && let Some(reason) = chosen.left_out_when_quick()
            {
                not_run.push(NotRun {
                    name: chosen.name(),
                    reason: format!("left out by --quick: {reason}"),
                });
                continue;
            }
            let plan = planned(chosen, options.quick, sets, &options.target)?;
            check_against_target(&plan, &options)?;
            match cannot_be_done(&plan, &options) {
                Some(error) => {
                    not_run.push(NotRun {
                        name: plan.scenario().name.clone(),
                        reason: match &error.help {
                            Some(help) => format!("{}: {help}", error.message),
                            None => error.message.clone(),
                        },
                    });
                    impossible.get_or_insert(error);
                }
                None => plans.push(plan),
            }
        }
        // A run of nothing shows nothing.
        if let Some(error) = impossible.filter(|_| plans.is_empty()) {
            return Err(error.into());
        }
        if plans.is_empty() {
            let reason = not_run.first().map_or("", |one| one.reason.as_str());
            let error = ConfigError::new(format!("{} would run nothing, {reason}", options.name));
            return Err(error.help("leave --quick out").into());
        }
        preflight(
            &options.target,
            options.kafka_home.as_deref(),
            &options.interrupted,
        )?;
        enough_brokers(&options.target, &plans)?;
        // One scenario alone needs what `preflight` and `check_space` look at.
        let starts_kafka = matches!(options.target, TargetSpec::Kafka | TargetSpec::KafkaThree);
        if plans.len() > 1 && starts_kafka {
            require(&Requirements {
                target: &options.target,
                captures_changes: false,
                quick: options.quick,
                kafka_home: options.kafka_home.as_deref(),
                out: &options.out,
            })?;
        }
        prepare_directory(&options.out)?;
        check_space(&options, &plans)?;
        Ok(Self {
            options,
            plans,
            not_run,
        })
    }

    /// Runs everything and gives the report; `observer` is shown every event.
    ///
    /// # Errors
    /// The event file can't be made.
    pub fn execute(self, observer: Observer) -> Result<Report, RunError> {
        let clock = Clock::start();
        let out = &self.options.out;
        let events =
            Arc::new(EventStream::create(out, clock, observer).map_err(|error| output(out, &error))?);
        let run = RunId(self.options.seed & 0xff_ffff_ffff);
        let started_at = jiff::Timestamp::now();
        let started_text = started_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let host = host();
        events.emit(EventBody::RunStarted {
            highwater_version: env!("CARGO_PKG_VERSION").into(),
            name: self.options.name.clone(),
            run_id: run.to_string(),
            seed: format!("{:x}", self.options.seed),
            command: self.options.command.clone(),
            started_at: started_text.clone(),
            scenarios: self
                .passes()
                .map(|(plan, _)| plan.scenario().name.clone())
                .collect(),
            quick: self.options.quick,
            host: host.clone(),
        });
        let mut scenarios = Vec::new();
        let mut failed = false;
        for (index, (plan, repetition)) in (0_u32..).zip(self.passes()) {
            if self.options.interrupted.load(Ordering::Relaxed) {
                break;
            }
            let context = Context {
                events: &events,
                clock,
                run,
                seed: self.options.seed,
                index,
                directory: out,
                highwater: &self.options.highwater,
                hooks: &self.options.hooks,
                interrupted: &self.options.interrupted,
            };
            let (report, failure) = self.scenario(&context, plan, repetition, &events);
            failed |= failure;
            events.emit(EventBody::ScenarioFinished {
                report: Box::new(report.clone()),
            });
            scenarios.push(report);
        }
        if let Some(error) = events.write_error() {
            failed = true;
            events.notice(NoticeLevel::Error, format!("events.jsonl is incomplete: {error}"));
        }
        let planned = self.passes().count();
        let complete = scenarios.len() == planned && !self.options.interrupted.load(Ordering::Relaxed);
        let verdict = overall(&scenarios, complete);
        let report = Report {
            schema_version: SCHEMA_VERSION,
            highwater_version: env!("CARGO_PKG_VERSION").into(),
            name: self.options.name.clone(),
            run_id: run.to_string(),
            started_at: started_text,
            duration_ns: clock.now_ns(),
            verdict,
            exit_code: exit_code(verdict, failed),
            quick: self.options.quick,
            seed: format!("{:x}", self.options.seed),
            command: self.options.command.clone(),
            complete,
            stopped_at: (!complete).then(|| stopped_at(&scenarios, planned)),
            recommendations: advise(&host, &scenarios),
            host,
            scenarios,
            not_run: self.not_run.clone(),
        };
        events.emit(EventBody::RunFinished {
            report: Box::new(report.clone()),
        });
        Ok(report)
    }

    /// Every scenario as often as asked for, in the order in which they run.
    fn passes(&self) -> impl Iterator<Item = (&Plan, Option<Repetition>)> {
        let of = self.options.repeat.max(1);
        (1..=of).flat_map(move |index| {
            let repetition = (of > 1).then_some(Repetition { index, of });
            self.plans.iter().map(move |plan| (plan, repetition))
        })
    }

    /// One scenario on a target of its own; true if something of the infrastructure failed.
    fn scenario(
        &self,
        context: &Context<'_>,
        plan: &Plan,
        repetition: Option<Repetition>,
        events: &Arc<EventStream>,
    ) -> (ScenarioReport, bool) {
        let started_ns = context.clock.now_ns();
        let scenario = plan.scenario();
        events.emit(EventBody::ScenarioStarted {
            name: scenario.name.clone(),
            repetition,
            summary: scenario.summary.clone(),
            target: self.options.target.to_string(),
            expected_ns: u64::try_from(plan.expected().as_nanos()).unwrap_or(u64::MAX),
            phases: planned_phases(plan),
            configuration: plan.resolved.settings.clone(),
        });
        let base = scenario.name.split('/').next().unwrap_or(&scenario.name);
        let mut session = Session {
            topic: format!("highwater-{base}-{}-{}", context.run, context.index),
            ..Session::default()
        };
        let directory = self.options.out.join(format!("target-{}", context.index));
        let reserved = Reserved::default();
        let linked = plan.armed_fault().is_some_and(|fault| fault.kind.needs_three());
        let wishes = KafkaOptions {
            properties: scenario
                .broker
                .settings
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            advertise: linked.then(|| reserved.advertise()),
            heap_bytes: scenario.broker.heap.map(|size| size.0),
            ..KafkaOptions::default()
        };
        let options = self.target_options(&directory, plan, events);
        let description = match Target::start_with(&self.options.target, options.clone(), &wishes) {
            Ok(target) => self.on_target(
                context,
                plan,
                (target, linked.then_some(&reserved)),
                &options,
                &mut session,
            ),
            Err(error) => {
                match context.is_interrupted() {
                    true => session.interrupted = Some("while the target was started".into()),
                    false => {
                        session.hints.extend(error.remedy());
                        session.failure = Some(described(&error));
                    }
                }
                self.options.target.in_words()
            }
        };
        if !self.options.keep {
            remove_data(&directory, events);
        }
        if let Some(failure) = &session.failure {
            events.notice(NoticeLevel::Error, failure.clone());
        }
        let failed = session.failure.is_some();
        let frame = Frame {
            repetition,
            target: description,
            started_ns,
            ended_ns: context.clock.now_ns(),
        };
        (assemble(plan, frame, session), failed)
    }

    fn on_target(
        &self,
        context: &Context<'_>,
        plan: &Plan,
        (target, reserved): (Target, Option<&Reserved>),
        options: &TargetOptions,
        session: &mut Session,
    ) -> String {
        let links = match reserved.map(Links::start).transpose() {
            Ok(links) => links,
            Err(error) => {
                session.failure = Some(error);
                return target.description();
            }
        };
        let bootstrap = target.bootstrap().to_owned();
        let description = target.description();
        let own = target.can_fault();
        let target = Mutex::new(target);
        match plan.scenario().kind {
            Kind::Load => drive::drive(context, plan, &target, (&bootstrap, links.as_ref()), session),
            Kind::Startup => startup::drive(context, plan, &target, &bootstrap, session),
            Kind::Connector => {
                let ground = connector::Ground {
                    target: &target,
                    bootstrap: &bootstrap,
                    options,
                    own_brokers: own,
                    keep: self.options.keep,
                };
                connector::drive(context, plan, &ground, session);
            }
        }
        // A broker that goes away takes its topics and groups with it.
        if !own && !self.options.keep {
            clear(context, &bootstrap, session);
        }
        target
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .shutdown();
        if let Some(links) = links {
            links.stop();
        }
        description
    }

    fn target_options(&self, directory: &Path, plan: &Plan, events: &Arc<EventStream>) -> TargetOptions {
        let events = Arc::clone(events);
        TargetOptions {
            dir: directory.to_owned(),
            highwater: self.options.highwater.clone(),
            bugs: plan.scenario().broker.bugs.clone(),
            kafka_home: self.options.kafka_home.clone(),
            observer: Arc::new(move |event: TargetEvent| match event {
                TargetEvent::Process {
                    process,
                    pid,
                    state,
                    detail,
                } => events.emit(EventBody::Process {
                    process,
                    pid,
                    state,
                    detail,
                }),
                TargetEvent::Notice { level, text } => events.notice(level, text),
            }),
            interrupted: Arc::clone(&self.options.interrupted),
        }
    }
}

/// A scenario with every layer applied, as it is for this target.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn planned(chosen: &Chosen, quick: bool, sets: &[Set], target: &TargetSpec) -> Result<Plan, ConfigError> {
    let mut resolved = resolve(&chosen.file, chosen.variant.as_ref(), quick, sets)?;
    if *target == TargetSpec::KafkaThree {
        resolved.replicate(REPLICAS_ON_THREE, &target.to_string());
    }
    Plan::new(resolved)
}

fn planned_phases(plan: &Plan) -> Vec<Phase> {
    let scenario = plan.scenario();
    if scenario.kind == Kind::Startup {
        return vec![Phase::Steady, Phase::ReadBack];
    }
    let mut phases = Vec::new();
    if !scenario.warm_up.limit.0.is_zero() {
        phases.push(Phase::WarmUp);
    }
    phases.push(Phase::Steady);
    if plan.armed_fault().is_some() || plan.scenario().groups.values().any(|group| group.fault.is_some()) {
        phases.extend([Phase::Fault, Phase::Recovery]);
    }
    phases.extend([Phase::Drain, Phase::ReadBack]);
    phases
}

/// Faults and starts need a broker that Highwater started, or a hook; the network between brokers needs three of them.
fn cannot_be_done(plan: &Plan, options: &RunOptions) -> Option<ConfigError> {
    let target = &options.target;
    let foreign = target.is_foreign();
    if let Some(fault) = plan.armed_fault().filter(|fault| !fault.kind.cuts_clients()) {
        let name = fault.kind.name();
        if fault.kind.needs_three() && *target != TargetSpec::KafkaThree {
            let text = format!("{name} needs three brokers with proxies between them, and {target} has none");
            return Some(
                plan.resolved
                    .error("fault.kind", text)
                    .help("use --target kafka:3"),
            );
        }
        if foreign
            && fault.kind.is_of_broker()
            && let Err(hook) = match plan.scenario().kind {
                Kind::Connector => Err("no hook is asked for in this scenario".to_owned()),
                _ => crate::hooks::pair(fault.kind, &options.hooks),
            }
        {
            let text = format!("{name} can't be done to a cluster that Highwater did not start ({target})");
            return Some(plan.resolved.error("fault.kind", text).help(format!(
                "{hook}; otherwise use --target dev or --target kafka, or disarm it with --set fault.enabled=false; the \
                 verdict is INCONCLUSIVE then"
            )));
        }
    }
    if foreign && plan.scenario().kind == Kind::Startup {
        let text = format!("a cluster that Highwater did not start can't be stopped and started ({target})");
        return Some(
            plan.resolved
                .error("kind", text)
                .help("use --target dev or --target kafka"),
        );
    }
    if let TargetSpec::Secured(servers) = target {
        let through_proxy = !plan.rules.is_empty()
            || plan
                .armed_fault()
                .is_some_and(|fault| fault.kind.network_fault().is_some());
        if through_proxy && let Err(reason) = highwater_load::access::upstream(servers) {
            let text = "the load of this scenario goes through the fault proxy";
            return Some(plan.resolved.error("name", text.to_owned()).help(reason));
        }
    }
    if foreign && !plan.scenario().broker.settings.is_empty() {
        let text = format!("brokers that Highwater did not start can't be given settings ({target})");
        let error = plan.resolved.error("broker.settings", text);
        return Some(error.help("use --target kafka or --target kafka:3, or set them in the cluster and leave broker.settings out"));
    }
    None
}

/// Copies of a partition are on brokers of their own: a cluster that is there has to have so many.
fn enough_brokers(target: &TargetSpec, plans: &[Plan]) -> Result<(), ConfigError> {
    let (TargetSpec::Bootstrap(servers) | TargetSpec::Secured(servers)) = target else {
        return Ok(());
    };
    let copies = |plan: &Plan| plan.scenario().topic.replication as usize;
    // One is there: it has answered.
    let Some(plan) = plans
        .iter()
        .max_by_key(|plan| copies(plan))
        .filter(|plan| copies(plan) > 1)
    else {
        return Ok(());
    };
    let (needed, Ok(brokers)) = (copies(plan), admin::brokers(servers, BROKERS_LIMIT)) else {
        // Whatever it is, making the topic says it.
        return Ok(());
    };
    let (there, word) = match brokers.len() {
        1 => (1, "broker"),
        more => (more, "brokers"),
    };
    if needed <= there {
        return Ok(());
    }
    let text =
        format!("{needed} copies of each partition need {needed} brokers, and {target} has {there} {word}");
    let help = format!("use --set topic.replication={there}, or a cluster with {needed} brokers");
    Err(plan.resolved.error("topic.replication", text).help(help))
}

/// Planted defects need the dev broker.
fn check_against_target(plan: &Plan, options: &RunOptions) -> Result<(), ConfigError> {
    let (scenario, target) = (plan.scenario(), &options.target);
    if !scenario.broker.bugs.is_empty() && *target != TargetSpec::Dev {
        return Err(plan
            .resolved
            .error(
                "broker.bugs",
                format!("defects can be planted in the dev broker only, not in {target}"),
            )
            .help("use --target dev, or leave broker.bugs out"));
    }
    let started = matches!(target, TargetSpec::Kafka | TargetSpec::KafkaThree);
    for (key, set) in [
        ("broker.heap", scenario.broker.heap.is_some()),
        ("broker.producer_quota", scenario.broker.producer_quota.is_some()),
    ] {
        if set && !started {
            let text =
                format!("`{key}` is for an Apache Kafka that is started for the run, and this is {target}");
            let error = plan.resolved.error(key, text);
            return Err(error.help("use --target kafka or --target kafka:3, or leave it out"));
        }
    }
    if let Some(heap) = scenario.broker.heap.filter(|heap| heap.0 < LEAST_HEAP_BYTES) {
        let text = format!("{heap} are less than any JVM starts with");
        let error = plan.resolved.error("broker.heap", text);
        return Err(error.help(format!("give at least {} MiB", LEAST_HEAP_BYTES >> 20)));
    }
    for bug in &scenario.broker.bugs {
        if !options.known_bugs.contains(bug) {
            let mut error = plan
                .resolved
                .error("broker.bugs", format!("the dev broker has no defect `{bug}`"));
            let near = crate::config::nearest(bug, options.known_bugs.iter().map(String::as_str));
            error.label = near.map(|near| format!("did you mean `{near}`?"));
            return Err(error.help(format!("possible: {}", options.known_bugs.join(", "))));
        }
    }
    Ok(())
}

fn output(path: &Path, error: &std::io::Error) -> RunError {
    RunError::Output {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

/// Makes the directory; one that holds a run already is not touched.
fn prepare_directory(out: &Path) -> Result<(), RunError> {
    if out.join("events.jsonl").exists() {
        return Err(RunError::Output {
            path: out.to_owned(),
            reason: "it already holds a run; give another --out, or remove it".into(),
        });
    }
    fs::create_dir_all(out).map_err(|error| output(out, &error))?;
    if fs::read_dir(out)
        .map_err(|error| output(out, &error))?
        .next()
        .is_some()
    {
        return Err(RunError::Output {
            path: out.to_owned(),
            reason: "it is not empty, and a run removes what its brokers stored; give another --out".into(),
        });
    }
    if let Some(parent) = out
        .parent()
        .filter(|parent| parent.file_name().is_some_and(|name| name == "highwater-runs"))
    {
        let ignore = parent.join(".gitignore");
        if !ignore.exists() {
            fs::write(&ignore, "*\n").map_err(|error| output(&ignore, &error))?;
        }
    }
    let probe = out.join(".writable");
    fs::write(&probe, b"")
        .and_then(|()| fs::remove_file(&probe))
        .map_err(|error| output(out, &error))
}

fn check_space(options: &RunOptions, plans: &[Plan]) -> Result<(), RunError> {
    if options.target.is_foreign() {
        return Ok(());
    }
    // Data of one scenario is removed before the next begins, unless it is kept.
    let each = plans.iter().filter_map(|plan| {
        let most = MOST_WRITTEN_PER_S.saturating_mul(plan.schedule.duration().as_secs() + 1);
        plan.expected_bytes().map(|bytes| bytes.min(most))
    });
    let needed = if options.keep {
        each.sum()
    } else {
        each.max().unwrap_or(0)
    } + DISK_RESERVE_BYTES;
    match disk_space(&options.out) {
        Ok(space) if space.available_bytes < needed => {
            let _ = fs::remove_dir(&options.out);
            Err(RunError::NoSpace {
                path: options.out.clone(),
                needed_mib: needed >> 20,
                free_mib: space.available_bytes >> 20,
            })
        }
        _ => Ok(()),
    }
}

/// Removes what the run made in a cluster that stays.
fn clear(context: &Context<'_>, bootstrap: &str, session: &Session) {
    let tell = |text: String| context.events.notice(NoticeLevel::Warning, text);
    if let Err(error) = admin::delete_groups(bootstrap, &session.group_ids, LEAVE_LIMIT) {
        tell(format!(
            "consumer groups of the run could not be removed: {}; what is left begins with {}",
            described(&error),
            session.topic
        ));
    }
    if session.topic_made
        && let Err(error) = admin::delete_topic(bootstrap, &session.topic)
    {
        tell(format!("topic {} could not be deleted: {error}", session.topic));
    }
}

/// Removes what brokers stored, and leaves their logs.
fn remove_data(directory: &Path, events: &EventStream) {
    let data = directory.join("data");
    if data.exists()
        && let Err(error) = fs::remove_dir_all(&data)
    {
        events.notice(
            NoticeLevel::Warning,
            format!("{} could not be removed: {error}", data.display()),
        );
    }
}

/// A run that was cut short can be VIOLATED, but never HOLDS.
fn overall(scenarios: &[ScenarioReport], complete: bool) -> Verdict {
    let joined = Verdict::join(scenarios.iter().map(|scenario| scenario.verdict));
    if complete {
        joined
    } else {
        joined.max(Verdict::Inconclusive)
    }
}

/// A failed part counts only where nothing was seen to break.
fn exit_code(verdict: Verdict, failed: bool) -> ExitCode {
    match verdict {
        Verdict::Violated => ExitCode::Broken,
        _ if failed => ExitCode::Infrastructure,
        verdict => verdict.exit_code(),
    }
}

fn stopped_at(scenarios: &[ScenarioReport], planned: usize) -> String {
    match scenarios.last() {
        Some(last) => format!(
            "interrupted in scenario {} of {planned}, {}",
            scenarios.len(),
            last.name
        ),
        None => "interrupted before the first scenario".into(),
    }
}
