//! One trial: the pipeline from its start through all rounds to the proven end of its work.
//!
//! ```text
//! target ─▶ topics ─▶ proxy ─▶ feed, pipeline ─▶ under way ─▶ rounds … ─▶ feed ends ─▶ caught up ─▶ SIGTERM ─▶ logs
//! ```
//! Invariant: whatever ends a trial, its processes, its proxy and its feed are ended, topics that it made on a cluster
//! that stays are removed (unless kept), and what was seen until then is in the result.

use std::collections::BTreeSet;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use highwater_load::feed::{Fed, Feed, FeedOptions, Words};
use highwater_load::{LoadError, admin, read_back};
use highwater_model::history::{NodeAddress, Trouble};
use highwater_model::{RoundEnding, RoundReport};
use highwater_proxy::{Proxy, ProxyOptions};
use highwater_target::{Target, TargetEvent, TargetOptions, TargetSpec};

use super::ProveOptions;
use super::ending::Ending;
use super::gates::Gates;
use super::idle::why_idle;
use super::instances::{Command, Instances};
use super::moments::Moments;
use super::rounds::is_under_way;
use super::schedule::{Round, Schedule};
use super::stage::{Stage, Stop};
use super::wire_check::{self, WireFinding};
use crate::session::described;
use crate::trouble::trouble_in_words;

/// How long a pipeline may take until it is under way.
const UNDER_WAY_LIMIT: Duration = Duration::from_secs(60);
/// Undisturbed work before the first fault.
const UNDISTURBED: Duration = Duration::from_millis(1_500);
/// How long a topic's ends may take to be told.
pub(super) const ENDS_LIMIT: Duration = Duration::from_secs(10);
/// Time that is kept for catching up, reading and judging.
const KEPT_FOR_THE_END: Duration = Duration::from_secs(15);

/// What a trial gives to be judged.
pub(super) struct Trial {
    pub(super) target: String,
    pub(super) rounds: Vec<RoundReport>,
    pub(super) fed: Vec<Fed>,
    pub(super) words: Option<Words>,
    pub(super) outputs: Vec<Output>,
    pub(super) outputs_in_log: u64,
    pub(super) moments: Moments,
    /// Why it ended early, if it did.
    pub(super) stop: Option<Stop>,
    /// Conditions for "holds" that are missing.
    pub(super) missing: Vec<String>,
    pub(super) notes: Vec<String>,
    pub(super) pipeline_output: Vec<String>,
    pub(super) caught_up: bool,
    /// The logs were read to their end and did not change any more.
    pub(super) quiet: bool,
    pub(super) history: PathBuf,
    /// Events in the history.
    pub(super) events: u64,
    /// What the wire and the logs of the outputs say.
    pub(super) found: Vec<WireFinding>,
}

/// A record of an output topic, as a reader of committed records gets it.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, Vec<u8>)>,
}

/// Plays a schedule on a target of its own.
pub(super) fn play(
    options: &ProveOptions,
    schedule: &Schedule,
    directory: &Path,
    tell: &mut dyn FnMut(&str),
) -> Trial {
    let mut trial = Trial {
        target: options.target.to_string(),
        rounds: Vec::new(),
        fed: Vec::new(),
        words: None,
        outputs: Vec::new(),
        outputs_in_log: 0,
        moments: Moments::default(),
        stop: None,
        missing: Vec::new(),
        notes: Vec::new(),
        pipeline_output: Vec::new(),
        caught_up: false,
        quiet: false,
        history: directory.join("history.hwh"),
        events: 0,
        found: Vec::new(),
    };
    let stopped = on_target(options, schedule, directory, tell, &mut trial).err();
    trial.stop = stopped;
    trial
}

pub(super) fn infrastructure(error: &dyn std::error::Error) -> Stop {
    Stop::Infrastructure(described(error))
}

fn on_target(
    options: &ProveOptions,
    schedule: &Schedule,
    directory: &Path,
    tell: &mut dyn FnMut(&str),
    trial: &mut Trial,
) -> Result<(), Stop> {
    std::fs::create_dir_all(directory).map_err(|error| infrastructure(&error))?;
    tell(&format!("starting {}", options.target));
    let mut target = Target::start(
        &options.target,
        TargetOptions {
            dir: directory.join("target"),
            highwater: options.highwater.clone(),
            bugs: options.bugs.clone(),
            kafka_home: options.kafka_home.clone(),
            observer: Arc::new(|event: TargetEvent| {
                if let TargetEvent::Notice { text, .. } = event {
                    tracing::info!("{text}");
                }
            }),
            interrupted: Arc::clone(&options.interrupted),
        },
    )?;
    trial.target = target.description();
    let bootstrap = target.bootstrap().to_owned();
    let made = topics(options, &bootstrap, trial)?;
    let result = with_topics(options, schedule, directory, tell, trial, &mut target, &bootstrap);
    if !target.can_fault() && !options.keep {
        for topic in made {
            if let Err(error) = admin::delete_topic(&bootstrap, &topic) {
                trial
                    .notes
                    .push(format!("topic {topic} could not be deleted: {error}"));
            }
        }
    }
    target.shutdown();
    if !options.keep && result.is_ok() {
        // Logs of brokers that nobody asked to keep.
        let _ = std::fs::remove_dir_all(directory.join("target"));
    }
    result
}

/// Makes topics that are not there; refuses those that hold records: nothing could be said about them.
fn topics(options: &ProveOptions, bootstrap: &str, trial: &mut Trial) -> Result<Vec<String>, Stop> {
    let mut made = Vec::new();
    for topic in options.inputs.iter().chain(&options.outputs) {
        let replication = if options.target == TargetSpec::KafkaThree {
            3
        } else {
            1
        };
        match admin::create_topic(bootstrap, topic, options.partitions, replication, &[]) {
            Ok(()) => {
                if !matches!(
                    options.target,
                    TargetSpec::Dev | TargetSpec::Kafka | TargetSpec::KafkaThree
                ) {
                    trial
                        .notes
                        .push(format!("topic {topic} was not there and was made"));
                }
                made.push(topic.clone());
            }
            Err(LoadError::TopicExists { .. }) => {
                let ends =
                    read_back::ends(bootstrap, topic, ENDS_LIMIT).map_err(|error| infrastructure(&error))?;
                let records: i64 = ends.iter().map(|end| end.high_watermark - end.log_start).sum();
                if records > 0 {
                    return Err(Stop::Pipeline(format!(
                        "topic {topic} holds {records} records already, which this run did not write: give an empty \
                         topic, or another cluster"
                    )));
                }
            }
            Err(error) => return Err(infrastructure(&error)),
        }
    }
    Ok(made)
}

fn with_topics(
    options: &ProveOptions,
    schedule: &Schedule,
    directory: &Path,
    tell: &mut dyn FnMut(&str),
    trial: &mut Trial,
    target: &mut Target,
    bootstrap: &str,
) -> Result<(), Stop> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| infrastructure(&error))?;
    let began = Instant::now();
    let moments = Arc::new(Mutex::new(Moments::new(&options.inputs, &options.outputs)));
    let observed = Arc::clone(&moments);
    let gates = Gates::new(&options.outputs);
    let upstream = addresses(bootstrap);
    let proxy_options = ProxyOptions {
        rules: gates.rules(),
        seed: options.seed,
        history: Some(trial.history.clone()),
        observer: Some(Box::new(move |event| {
            observed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .observe(event);
        })),
        record_headers: vec![highwater_load::feed::ID_HEADER.to_owned()],
        began,
        ..ProxyOptions::new(upstream.clone())
    };
    let proxy = runtime
        .block_on(Proxy::start(proxy_options))
        .map_err(|error| infrastructure(&error))?;
    let mut instances = Instances::new(Command {
        words: options.pipeline.clone(),
        bootstrap: proxy.bootstrap().to_string(),
        directory: directory.to_owned(),
        highwater: options.highwater.clone(),
    });
    let brokers = sockets(&upstream, &proxy);
    let result = feed_and_play(
        options,
        schedule,
        tell,
        trial,
        target,
        bootstrap,
        &proxy,
        &gates,
        &moments,
        &mut instances,
        brokers,
        began,
    );
    trial.pipeline_output = instances.last_lines();
    if instances.cut_output {
        trial
            .notes
            .push("the pipeline wrote more than 16 MiB of output; older lines were thrown away".to_owned());
    }
    if instances.exits > 0 {
        trial.notes.push(format!(
            "the pipeline ended by itself {} times and was started again; the last time {}",
            instances.exits,
            instances.last_exit.clone().unwrap_or_default()
        ));
    }
    drop(instances);
    let summary = runtime.block_on(proxy.stop());
    runtime.shutdown_background();
    trial.events = summary.events;
    let troubles = summary.snapshot.troubles.iter().filter(|trouble| {
        matches!(
            trouble,
            Trouble::Bypass { .. }
                | Trouble::Undecoded {
                    wanted_by_rule: true,
                    ..
                }
                | Trouble::Opaque { .. }
        )
    });
    trial.missing.extend(troubles.take(3).map(trouble_in_words));
    if let Some(error) = summary.history_failure {
        trial
            .missing
            .push(format!("the history is incomplete: {}", described(&error)));
    }
    trial.moments = std::mem::take(&mut *moments.lock().unwrap_or_else(PoisonError::into_inner));
    if result.is_ok() {
        tell("checking the wire history");
        trial.found = wire_check::check(
            &trial.history,
            bootstrap,
            &options.inputs,
            &options.outputs,
            &options.interrupted,
        )?;
    }
    result
}

#[expect(
    clippy::too_many_arguments,
    reason = "what was started one after the other, for the one place that uses all of it"
)]
fn feed_and_play(
    options: &ProveOptions,
    schedule: &Schedule,
    tell: &mut dyn FnMut(&str),
    trial: &mut Trial,
    target: &mut Target,
    bootstrap: &str,
    proxy: &Proxy,
    gates: &Gates,
    moments: &Mutex<Moments>,
    instances: &mut Instances,
    brokers: Vec<SocketAddr>,
    began: Instant,
) -> Result<(), Stop> {
    let feed = Feed::start(FeedOptions {
        bootstrap: bootstrap.to_owned(),
        topics: options.inputs.clone(),
        rate: options.rate,
        keys: options.keys,
        template: options.template.clone(),
        name: format!("hw-{:x}", options.seed),
        aborted_every: options.aborted_every,
    })
    .map_err(|error| infrastructure(&error))?;
    trial.words = Some(feed.words().clone());
    let budget = options
        .budget
        .saturating_sub(KEPT_FOR_THE_END.min(options.budget / 3));
    let mut stage = Stage {
        proxy,
        gates,
        moments,
        instances,
        target,
        feed: &feed,
        began,
        deadline: began + budget,
        interrupted: &options.interrupted,
        brokers,
        past: BTreeSet::new(),
        looked_after: began,
        looked_past: began,
        progress_seen: 0,
        seed: options.seed,
        random_kills: 0,
    };
    let played = rounds(options, schedule, tell, trial, &mut stage);
    drop(stage);
    // Whatever became of the rounds: what was fed is known to its end.
    let (fed, trouble) = feed.finish();
    trial.fed = fed;
    trial.notes.extend(trouble);
    played?;
    let mut stage = Ending {
        options,
        bootstrap,
        proxy,
        moments,
        instances,
        target,
        interrupted: &options.interrupted,
    };
    stage.run(tell, trial)
}

fn rounds(
    options: &ProveOptions,
    schedule: &Schedule,
    tell: &mut dyn FnMut(&str),
    trial: &mut Trial,
    stage: &mut Stage<'_>,
) -> Result<(), Stop> {
    for number in 1..=options.instances {
        stage
            .instances
            .start(stage.proxy, number)
            .map_err(|error| match &error {
                highwater_target::TargetError::Spawn { program, source, .. } => {
                    Stop::Pipeline(format!("can't start {}: {source}", program.display()))
                }
                _ => Stop::from(error),
            })?;
    }
    tell("waiting for the pipeline to process its first records");
    let limit = UNDER_WAY_LIMIT.min(options.budget / 2);
    if !stage.wait(limit, is_under_way)? && stage.moments().produced == 0 {
        return Err(Stop::Pipeline(why_idle(options, stage, limit)));
    }
    stage.pass(UNDISTURBED)?;
    for round in &schedule.rounds {
        play_one(*round, tell, trial, stage)?;
        if stuck(trial) {
            return Ok(());
        }
    }
    for fault in schedule.fill.iter().cycle() {
        let round = Round {
            fault: *fault,
            after: Duration::from_millis(500),
        };
        if play_one(round, tell, trial, stage)? == RoundEnding::NotRun {
            trial.rounds.pop();
            break;
        }
        if stuck(trial) {
            return Ok(());
        }
    }
    // The last fault may still show.
    stage.pass(Duration::from_millis(500))
}

pub(super) fn stuck(trial: &Trial) -> bool {
    trial
        .rounds
        .last()
        .is_some_and(|round| round.ending == RoundEnding::Stuck)
}

fn play_one(
    round: Round,
    tell: &mut dyn FnMut(&str),
    trial: &mut Trial,
    stage: &mut Stage<'_>,
) -> Result<RoundEnding, Stop> {
    let report = stage.play(round)?;
    let ending = report.ending;
    tell(&in_a_line(&report));
    trial.rounds.push(report);
    Ok(ending)
}

/// A round for who watches.
fn in_a_line(round: &RoundReport) -> String {
    let name = &round.fault;
    let moment = round.moment.as_deref().unwrap_or("the moment did not come");
    match (round.ending, round.resumed_ns) {
        (RoundEnding::NotApplicable, _) => format!("{name}: not applicable, {}", round.detail),
        (RoundEnding::NotRun, _) => format!("{name}: not run, {}", round.detail),
        (RoundEnding::Stuck, _) => format!("{name}: {moment}; {}", round.detail),
        (RoundEnding::Missed, _) => format!("{name}: missed, {}", round.detail),
        (RoundEnding::Survived, resumed) => {
            let seconds = resumed.unwrap_or(0) as f64 / 1e9;
            format!("{name}: {moment}; went on after {seconds:.1} s")
        }
    }
}

/// Addresses as a target gives them.
fn addresses(bootstrap: &str) -> Vec<NodeAddress> {
    crate::wire::addresses(bootstrap).unwrap_or_default()
}

fn sockets(upstream: &[NodeAddress], proxy: &Proxy) -> Vec<SocketAddr> {
    let brokers = proxy.brokers();
    let all = upstream.iter().chain(brokers.iter().map(|(_, address)| address));
    all.filter_map(|address| (address.host.as_str(), address.port).to_socket_addrs().ok())
        .flatten()
        .map(|address| SocketAddr::new(address.ip().to_canonical(), address.port()))
        .collect()
}
