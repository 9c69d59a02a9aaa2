//! From a resolved scenario to what is needed to drive it. Everything that can be wrong with a scenario is
//! found here, before anything is started.

use std::time::Duration;

use highwater_check::Contract;
use highwater_load::{self as load, MAX_RECORDS};
use highwater_measure::schedule::{self, Schedule, Shape};
use highwater_measure::threshold::Threshold;
use highwater_proxy::RuleSpec;

use crate::config::{
    Acks, Arrival, Compression, ConfigError, Fault, FaultKind, KeyKind, Kind, Rate, Resolved, Scenario,
    ValueKind,
};

/// More producers or consumers than this in one process measure the scheduler of the machine, not the cluster.
const MOST_CLIENTS: u32 = 256;
/// Kafka's own tools warn long before this; a topic of the run is made and deleted within seconds.
const MOST_PARTITIONS: i32 = 10_000;
/// Settings of librdkafka that have a key of their own here, or that the harness needs for itself: given twice, the
/// contract would be derived from one and the client run with the other.
const RESERVED: [(&str, &str); 16] = [
    ("bootstrap.servers", "--target"),
    ("metadata.broker.list", "--target"),
    ("acks", "producer.acks"),
    ("request.required.acks", "producer.acks"),
    ("enable.idempotence", "producer.idempotence"),
    ("compression.type", "producer.compression"),
    ("compression.codec", "producer.compression"),
    ("linger.ms", "producer.linger"),
    ("queue.buffering.max.ms", "producer.linger"),
    ("queue.buffering.max.messages", "producer.queue_records"),
    ("queue.buffering.max.kbytes", "producer.queue_bytes"),
    ("message.timeout.ms", "producer.delivery_timeout"),
    ("delivery.timeout.ms", "producer.delivery_timeout"),
    ("client.id", "nothing: records and logs are told apart by it"),
    ("statistics.interval.ms", "nothing: the harness measures with it"),
    (
        "delivery.report.only.error",
        "nothing: every record is accounted for",
    ),
];

/// Starts that `kind = "startup"` may measure.
const MOST_ROUNDS: u32 = 1_000;
/// Times a fault may be repeated.
const MOST_FAULTS: u32 = 10_000;

/// A scenario that can be driven.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The scenario with every layer applied.
    pub resolved: Resolved,
    /// What is promised.
    pub contract: Contract,
    /// The contract in words, for the report.
    pub contract_words: Vec<String>,
    /// When records become due.
    pub schedule: Schedule,
    /// Limits that must hold.
    pub thresholds: Vec<Threshold>,
    /// What the fault proxy breaks; without rules the load goes to the target directly.
    pub rules: Vec<RuleSpec>,
}

impl Plan {
    /// Checks everything and prepares what needs preparing.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn new(resolved: Resolved) -> Result<Self, ConfigError> {
        let scenario = &resolved.scenario;
        check_counts(&resolved, scenario)?;
        check_keys_and_values(&resolved, scenario)?;
        check_fault(&resolved, scenario)?;
        crate::groups::check(&resolved, scenario)?;
        check_connector(&resolved, scenario)?;
        let rules = rules(&resolved, scenario)?;
        let schedule = schedule_of(&resolved, scenario)?;
        let words = contract_words(scenario);
        let contract = Contract::parse(&words.join(", "))
            .map_err(|error| resolved.error("contract", error.to_string()))?;
        let mut thresholds = Vec::with_capacity(scenario.thresholds.len());
        for (index, text) in scenario.thresholds.iter().enumerate() {
            thresholds.push(Threshold::parse(text).map_err(|error| {
                let mut located = resolved.error_within(
                    &format!("thresholds[{index}]"),
                    Some(error.span.clone()),
                    error.message.clone(),
                );
                if located.place.is_none() {
                    located.message = format!("{}: `{text}`", located.message);
                }
                located.help = error.help.clone();
                located
            })?);
        }
        Ok(Self {
            contract,
            contract_words: words,
            schedule,
            thresholds,
            rules,
            resolved,
        })
    }

    /// The scenario.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.resolved.scenario
    }

    /// The fault, if there is one and it is armed.
    #[must_use]
    pub fn armed_fault(&self) -> Option<Fault> {
        self.scenario().fault.filter(|fault| fault.enabled)
    }

    /// How long it is expected to take, for progress: the load, restarts, drain and read-back.
    #[must_use]
    pub fn expected(&self) -> Duration {
        let scenario = self.scenario();
        match scenario.kind {
            Kind::Load => scenario.load.duration.0 + Duration::from_secs(3),
            Kind::Startup => Duration::from_secs(u64::from(scenario.startup.rounds)),
            // PostgreSQL and Connect take a while to start, and a connector to go on.
            Kind::Connector => scenario.load.duration.0 + Duration::from_secs(30),
        }
    }

    /// Bytes that the load will write, as far as that is known before.
    #[must_use]
    pub fn expected_bytes(&self) -> Option<u64> {
        let scenario = self.scenario();
        let records = match (self.schedule.records(), scenario.load.records) {
            (Some(due), Some(limit)) => due.min(limit),
            (Some(records), None) | (None, Some(records)) => records,
            (None, None) => return None,
        };
        Some(records.saturating_mul(scenario.load.values.size.0.saturating_add(64)))
    }

    /// Settings of the producers.
    #[must_use]
    pub fn client(&self) -> load::ClientSettings {
        let producer = &self.scenario().producer;
        load::ClientSettings {
            acks: match producer.acks {
                Acks::All => load::Acks::All,
                Acks::Leader => load::Acks::Leader,
                Acks::None => load::Acks::None,
            },
            idempotence: producer.idempotence,
            compression: match producer.compression {
                Compression::None => load::Codec::None,
                Compression::Gzip => load::Codec::Gzip,
                Compression::Snappy => load::Codec::Snappy,
                Compression::Lz4 => load::Codec::Lz4,
                Compression::Zstd => load::Codec::Zstd,
            },
            linger: producer.linger.0,
            queue_records: producer.queue_records,
            queue_bytes: producer.queue_bytes.0,
            delivery_timeout: producer.delivery_timeout.0,
            extra: producer.settings.clone(),
        }
    }

    /// What the records hold.
    #[must_use]
    pub fn values(&self) -> load::Values {
        let values = self.scenario().load.values;
        let bytes = usize::try_from(values.size.0).unwrap_or(usize::MAX);
        match values.kind {
            ValueKind::Fixed => load::Values::Fixed { bytes },
            ValueKind::ChangeEvents => load::Values::ChangeEvents { bytes },
        }
    }

    /// Keys of the records.
    #[must_use]
    pub fn keys(&self) -> load::Keys {
        let keys = self.scenario().load.keys;
        match keys.kind {
            KeyKind::None => load::Keys::None,
            KeyKind::Uniform => load::Keys::Uniform { keys: keys.count },
            KeyKind::Zipf => load::Keys::Zipf {
                keys: keys.count,
                exponent: keys.exponent,
            },
            KeyKind::HotKey => load::Keys::HotKey {
                keys: keys.count,
                share: keys.hot_share,
            },
        }
    }
}

fn rules(resolved: &Resolved, scenario: &Scenario) -> Result<Vec<RuleSpec>, ConfigError> {
    if !scenario.rules.is_empty() && scenario.kind != Kind::Load {
        return Err(resolved
            .error(
                "rules",
                "rules break what a load does, and this scenario has none",
            )
            .help("use kind = \"load\", or leave the rules out"));
    }
    crate::config::specs(&scenario.rules).map_err(|wrong| {
        let mut located = resolved.error(&wrong.path(), wrong.message.as_str());
        if located.place.is_none() {
            located = resolved.error(&wrong.path_of_fault(), wrong.message.as_str());
        }
        located.help(wrong.help.as_str())
    })
}

fn contract_words(scenario: &Scenario) -> Vec<String> {
    if let Some(contract) = &scenario.contract {
        return contract.split(',').map(|word| word.trim().to_owned()).collect();
    }
    let words: &[&str] = match (scenario.producer.acks, scenario.producer.idempotence) {
        (Acks::None, _) => &["at-most-once"],
        (_, true) => &["exactly-once", "ordered-per-partition"],
        (_, false) => &["at-least-once"],
    };
    words.iter().map(|&word| word.to_owned()).collect()
}

fn check_counts(resolved: &Resolved, scenario: &Scenario) -> Result<(), ConfigError> {
    let within = |key: &str, value: i64, least: i64, most: i64| match (least..=most).contains(&value) {
        true => Ok(()),
        false => Err(resolved.error(key, format!("`{key}` is {value}; it can be {least} to {most}"))),
    };
    within(
        "load.producers",
        scenario.load.producers.into(),
        1,
        MOST_CLIENTS.into(),
    )?;
    within(
        "load.consumers",
        scenario.load.consumers.into(),
        0,
        MOST_CLIENTS.into(),
    )?;
    within(
        "topic.partitions",
        scenario.topic.partitions.into(),
        1,
        MOST_PARTITIONS.into(),
    )?;
    within(
        "startup.rounds",
        scenario.startup.rounds.into(),
        1,
        MOST_ROUNDS.into(),
    )?;
    within(
        "producer.queue_records",
        scenario.producer.queue_records.into(),
        1,
        10_000_000,
    )?;
    within(
        "topic.replication",
        scenario.topic.replication.into(),
        1,
        i64::from(i16::MAX),
    )?;
    for (name, instead) in RESERVED {
        if scenario.producer.settings.contains_key(name) {
            return Err(resolved
                .error("producer.settings", format!("`{name}` can't be set here"))
                .help(format!("use {instead}")));
        }
    }
    let share = |key: &str, value: f64| match (0.0..=1.0).contains(&value) {
        true => Ok(()),
        false => Err(resolved.error(key, format!("`{key}` is {value}; it can be 0.0 to 1.0"))),
    };
    share("validity.achieved", scenario.validity.achieved)?;
    share("validity.generator_cpu", scenario.validity.generator_cpu)?;
    let idempotent_without_all = scenario.producer.idempotence && scenario.producer.acks != Acks::All;
    if idempotent_without_all {
        return Err(resolved
            .error(
                "producer.acks",
                "an idempotent producer needs `producer.acks = \"all\"`",
            )
            .help("set producer.idempotence = false as well, to see what the promise is without it"));
    }
    if scenario.warm_up.limit.0 >= scenario.load.duration.0 && scenario.kind == Kind::Load {
        return Err(resolved
            .error(
                "warm_up.limit",
                format!(
                    "warm-up may last {}, and the load lasts {}: nothing would be judged",
                    scenario.warm_up.limit, scenario.load.duration
                ),
            )
            .help("make load.duration longer than warm_up.limit"));
    }
    Ok(())
}

fn check_keys_and_values(resolved: &Resolved, scenario: &Scenario) -> Result<(), ConfigError> {
    let values = scenario.load.values;
    let least = match values.kind {
        ValueKind::Fixed => load::MIN_FIXED_BYTES,
        ValueKind::ChangeEvents => load::MIN_CHANGE_EVENT_BYTES,
    } as u64;
    if !(least..=load::MAX_VALUE_BYTES as u64).contains(&values.size.0) {
        return Err(resolved
            .error(
                "load.values.size",
                format!(
                    "values of this kind can have {least} B to {} B, not {}",
                    load::MAX_VALUE_BYTES,
                    values.size.0
                ),
            )
            .help("a record carries 36 bytes that identify it, and a change event its envelope"));
    }
    if !(1.0..=load::MAX_COMPRESSIBILITY).contains(&values.compression_ratio) {
        return Err(resolved.error(
            "load.values.compression_ratio",
            format!(
                "a compression ratio of {} can't be made; it can be 1.0 to 100.0",
                values.compression_ratio
            ),
        ));
    }
    let keys = scenario.load.keys;
    if keys.count == 0 || keys.count > load::MAX_KEYS {
        return Err(resolved.error(
            "load.keys.count",
            format!(
                "`load.keys.count` is {}; it can be 1 to {}",
                keys.count,
                load::MAX_KEYS
            ),
        ));
    }
    if !(0.0..=1.0).contains(&keys.hot_share) {
        return Err(resolved.error(
            "load.keys.hot_share",
            format!(
                "`load.keys.hot_share` is {}; it can be 0.0 to 1.0",
                keys.hot_share
            ),
        ));
    }
    if !(keys.exponent > 0.0 && keys.exponent <= load::MAX_EXPONENT) {
        return Err(resolved.error(
            "load.keys.exponent",
            format!(
                "`load.keys.exponent` is {}; it can be above 0.0, to 10.0",
                keys.exponent
            ),
        ));
    }
    Ok(())
}

fn check_fault(resolved: &Resolved, scenario: &Scenario) -> Result<(), ConfigError> {
    let Some(fault) = scenario.fault else {
        return Ok(());
    };
    if scenario.kind == Kind::Startup {
        return Err(resolved.error(
            "fault",
            "a startup scenario has no fault: it stops and starts the broker itself",
        ));
    }
    if fault.times == 0 || fault.times > MOST_FAULTS {
        return Err(resolved.error(
            "fault.times",
            format!("`fault.times` is {}; it can be 1 to {MOST_FAULTS}", fault.times),
        ));
    }
    if let Some(most) = fault.every_at_most.filter(|most| *most < fault.every) {
        return Err(resolved.error(
            "fault.every_at_most",
            format!(
                "`fault.every_at_most` ({most}) is shorter than `fault.every` ({})",
                fault.every
            ),
        ));
    }
    if fault.after.0 >= scenario.load.duration.0 {
        return Err(resolved
            .error("fault.after", format!("the fault comes {} after the load began, and the load lasts {}: it would find nothing in flight", fault.after, scenario.load.duration))
            .help("make fault.after shorter than load.duration"));
    }
    let each = fault.down.0
        + if fault.times > 1 {
            fault.every_at_most.unwrap_or(fault.every).0
        } else {
            Duration::ZERO
        };
    let last = each
        .checked_mul(fault.times)
        .and_then(|all| all.checked_add(fault.after.0));
    if last.is_none_or(|last| last > scenario.load.duration.0 + scenario.drain.limit.0) {
        return Err(resolved
            .error(
                "fault.down",
                format!(
                    "{} of {} from {} on would go on longer than the load ({}) and the drain ({})",
                    counted_times(fault.times),
                    fault.down,
                    fault.after,
                    scenario.load.duration,
                    scenario.drain.limit
                ),
            )
            .help("make load.duration longer, or fault.down, fault.times or fault.every smaller"));
    }
    if fault.after.0 <= scenario.warm_up.limit.0 {
        return Err(resolved
            .error("fault.after", format!("the fault comes {} after the load began, and warm-up may last {}: there would be no steady phase to compare with", fault.after, scenario.warm_up.limit))
            .help("make fault.after longer than warm_up.limit, or warm_up.limit shorter"));
    }
    Ok(())
}

/// Most rows of a table before the connector, most writers, most changes of a transaction.
const MOST_ROWS: i64 = 1_000_000;
const MOST_WRITERS: i64 = 64;
const MOST_CHANGES: i64 = 100;

fn check_connector(resolved: &Resolved, scenario: &Scenario) -> Result<(), ConfigError> {
    if let Some(fault) = scenario.fault
        && !fault.kind.is_of_broker()
        && scenario.kind != Kind::Connector
    {
        return Err(resolved
            .error(
                "fault.kind",
                format!("{} is for scenarios of kind `connector`", fault.kind.name()),
            )
            .help("use broker-kill, broker-stop or broker-pause"));
    }
    if scenario.kind != Kind::Connector {
        return Ok(());
    }
    let connector = &scenario.connector;
    for (key, value, least, most) in [
        ("connector.rows", i64::from(connector.rows), 0, MOST_ROWS),
        ("connector.writers", i64::from(connector.writers), 1, MOST_WRITERS),
        ("connector.changes", i64::from(connector.changes), 1, MOST_CHANGES),
    ] {
        if !(least..=most).contains(&value) {
            return Err(resolved.error(key, format!("`{key}` is {value}; it can be {least} to {most}")));
        }
    }
    if !(0.0..=0.9).contains(&connector.rolled_back) {
        return Err(resolved.error(
            "connector.rolled_back",
            format!(
                "`connector.rolled_back` is {}; it can be 0.0 to 0.9",
                connector.rolled_back
            ),
        ));
    }
    if matches!(scenario.load.rate, Rate::Max) {
        return Err(resolved.error("load.rate", "rows change at a rate, not as fast as they can"));
    }
    let killed = scenario
        .fault
        .is_some_and(|fault| fault.kind == FaultKind::ConnectKill);
    if connector.wrong.is_some() && !killed {
        return Err(resolved
            .error(
                "connector.wrong",
                "things are made wrong while the worker is down",
            )
            .help("use fault.kind = \"connect-kill\""));
    }
    Ok(())
}

fn counted_times(times: u32) -> String {
    match times {
        1 => "a fault".into(),
        times => format!("{times} faults"),
    }
}

fn schedule_of(resolved: &Resolved, scenario: &Scenario) -> Result<Schedule, ConfigError> {
    let load = &scenario.load;
    let per_s = |key: &str, rate: Rate| match rate {
        Rate::PerSecond(rate) => Ok(rate),
        Rate::Max => Err(resolved.error(
            key,
            format!("`{key} = \"max\"` goes with `load.arrival = \"constant\"` only"),
        )),
    };
    let missing = |key: &str| {
        resolved
            .error(
                "load.arrival",
                format!("`load.arrival` of this kind needs `{key}`"),
            )
            .help("`highwater show throughput` has an example")
    };
    let shape = match load.arrival {
        Arrival::Constant => match load.rate {
            Rate::Max => Shape::Saturate,
            Rate::PerSecond(per_s) => Shape::Constant { per_s },
        },
        Arrival::Poisson => Shape::Poisson {
            per_s: per_s("load.rate", load.rate)?,
        },
        Arrival::Ramp => Shape::Ramp {
            from_per_s: per_s("load.rate", load.rate)?,
            to_per_s: per_s(
                "load.ramp_to",
                load.ramp_to.ok_or_else(|| missing("load.ramp_to"))?,
            )?,
        },
        Arrival::Steps if load.steps.is_empty() => return Err(missing("load.steps")),
        Arrival::Steps => Shape::Steps(
            load.steps
                .iter()
                .map(|step| {
                    Ok(schedule::Step {
                        per_s: per_s("load.steps", step.rate)?,
                        duration: step.duration.0,
                    })
                })
                .collect::<Result<_, ConfigError>>()?,
        ),
        Arrival::Bursts => {
            let burst = load.burst.ok_or_else(|| missing("load.burst"))?;
            Shape::Bursts {
                base_per_s: per_s("load.rate", load.rate)?,
                burst_per_s: per_s("load.burst.rate", burst.rate)?,
                burst: burst.duration.0,
                every: burst.every.0,
            }
        }
    };
    let key = match load.arrival {
        Arrival::Constant | Arrival::Poisson => "load.rate",
        Arrival::Ramp => "load.ramp_to",
        Arrival::Steps => "load.steps",
        Arrival::Bursts => "load.burst",
    };
    let schedule =
        Schedule::new(shape, load.duration.0).map_err(|error| resolved.error(key, error.to_string()))?;
    let all = schedule
        .records()
        .map(|all| all.min(load.records.unwrap_or(u64::MAX)));
    match all.map(|all| all / u64::from(load.producers.max(1))).filter(|each| *each > MAX_RECORDS) {
        Some(each) => Err(resolved
            .error(key, format!("{each} records for each producer are more than the {MAX_RECORDS} that one can account for"))
            .help("offer less, for a shorter time, or with more producers (load.producers)")),
        None => Ok(schedule),
    }
}
