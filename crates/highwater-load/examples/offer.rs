//! Offers a load to a broker and prints what was achieved, to measure this crate alone.
//!
//! `offer BOOTSTRAP [rate=N|saturate] [seconds=N] [bytes=N] [records=N] [linger_ms=N] [queue=N] [keys=N]
//! [partitions=N] [codec=zstd] [values=cdc] [consumers=N] [read_back=yes] [keep=yes] [NAME=VALUE for librdkafka]…`

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use highwater_load::{
    ClientSettings, Clock, Codec, Keys, Ledger, Load, Offer, ProducerSpec, Receivers, Values, admin,
    read_back,
};
use highwater_measure::{Latency, Schedule, Shape};
use highwater_model::{Outcome, RunId};

/// Arguments by name.
struct Arguments(BTreeMap<String, String>);

impl Arguments {
    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    fn number(&mut self, name: &str, default: f64) -> Result<f64, Box<dyn Error>> {
        self.take(name).map_or(Ok(default), |text| {
            text.parse().map_err(|error| format!("{name}: {error}").into())
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let bootstrap = words.next().ok_or("usage: offer BOOTSTRAP [name=value]…")?;
    let pairs = words.filter_map(|word| word.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())));
    let mut arguments = Arguments(pairs.collect());
    let duration = Duration::from_secs_f64(arguments.number("seconds", 10.0)?);
    let rate = arguments.number("rate", 0.0)?;
    let shape = if rate > 0.0 {
        Shape::Constant { per_s: rate }
    } else {
        Shape::Saturate
    };
    let bytes = arguments.number("bytes", 100.0)? as usize;
    let values = match arguments.take("values").as_deref() {
        Some("cdc") => Values::ChangeEvents { bytes },
        _ => Values::Fixed { bytes },
    };
    let partitions = arguments.number("partitions", 3.0)? as u32;
    let keys = match arguments.number("keys", 0.0)? as u64 {
        0 => Keys::None,
        keys => Keys::Uniform { keys },
    };
    let records_limit = arguments.take("records").map(|text| text.parse()).transpose()?;
    let consumers = arguments.number("consumers", 0.0)? as u32;
    let compression = match arguments.take("codec").as_deref() {
        Some("zstd") => Codec::Zstd,
        Some("lz4") => Codec::Lz4,
        _ => Codec::None,
    };
    let read_it_back = arguments.take("read_back").is_some();
    let keep = arguments.take("keep").is_some();
    let compressibility = arguments.number("ratio", 1.0)?;
    let client = ClientSettings {
        linger: Duration::from_secs_f64(arguments.number("linger_ms", 5.0)? / 1_000.0),
        queue_records: arguments.number("queue", 500_000.0)? as u32,
        compression,
        extra: arguments.0,
        ..ClientSettings::default()
    };

    let clock = Clock::start();
    let run = RunId(u64::from(std::process::id()));
    let topic = format!("highwater-offer-{run}");
    admin::create_topic(&bootstrap, &topic, partitions, 1, &[])?;
    println!("topic made after {} ms", clock.now_ns() / 1_000_000);
    let spec = ProducerSpec {
        index: 0,
        schedule: Schedule::new(shape, duration)?,
        of: 1,
        records_limit,
        keys,
        values,
        compressibility,
        client,
        seed: 1,
    };
    let stop = Arc::new(AtomicBool::new(false));
    let start_ns = clock.now_ns() + 100_000_000;
    let offer = Offer {
        bootstrap: bootstrap.clone(),
        topic: topic.clone(),
        run,
        clock,
        producers: vec![spec],
        stop: Arc::clone(&stop),
    };
    let mut load = Load::prepare(&offer)?;
    load.start(&offer, start_ns)?;
    let mut receivers = if consumers > 0 {
        let ledgers = load.ledgers();
        let group = format!("{topic}-group");
        Some(Receivers::start(
            &bootstrap, &topic, run, clock, ledgers, consumers, &group, stop,
        )?)
    } else {
        None
    };
    std::thread::sleep(Duration::from_nanos(start_ns.saturating_sub(clock.now_ns())));
    let cpu_before = cpu_seconds()?;
    while !load.offering_done() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let drained = load.drain(Duration::from_secs(60), &AtomicBool::new(false));
    let cpu = cpu_seconds()? - cpu_before;
    let counts = load.counts();
    println!("{counts:?}");
    println!("{drained:?} fatal {:?}", load.fatal());
    let ledgers = load.ledgers();
    figures(&ledgers[0], start_ns, cpu);
    println!("traffic {:?} ratio {:?}", load.traffic(), load.traffic().ratio());
    for event in load.client_events() {
        println!("{event:?}");
    }
    println!("{}", status_line("VmHWM")?);
    if let Some(receivers) = &mut receivers {
        std::thread::sleep(Duration::from_millis(300));
        println!("assigned {} {:?}", receivers.assigned(), receivers.counts());
        receivers.stop();
    }
    drop(load);
    if read_it_back {
        read_all(&bootstrap, &topic, run, &ledgers[0])?;
    }
    if !keep {
        admin::delete_topic(&bootstrap, &topic)?;
    }
    Ok(())
}

fn figures(ledger: &Ledger, start_ns: u64, cpu: f64) {
    let (mut slip, mut response, mut service, mut end_to_end) =
        (Latency::new(), Latency::new(), Latency::new(), Latency::new());
    let (mut first, mut last, mut acknowledged) = (u64::MAX, 0, 0_u64);
    for row in ledger.rows() {
        let since = |moment: Option<u64>, from: Option<u64>| Some(moment?.saturating_sub(from?));
        slip.record(since(row.handed_ns, Some(row.intended_ns)).unwrap_or(u64::MAX));
        if let Some(at_ns) = row.acknowledged_ns {
            response.record(at_ns - row.intended_ns);
            service.record(since(Some(at_ns), row.handed_ns).unwrap_or(0));
            (first, last) = (first.min(at_ns), last.max(at_ns));
        }
        if let Some(ns) = since(row.received_ns, Some(row.intended_ns)) {
            end_to_end.record(ns);
        }
        acknowledged += u64::from(row.outcome == Outcome::Acknowledged);
    }
    let seconds = last.saturating_sub(start_ns) as f64 / 1e9;
    println!(
        "first acknowledgement {:.1} ms after the start",
        first.saturating_sub(start_ns) as f64 / 1e6
    );
    println!(
        "{acknowledged} in {seconds:.3} s: {:.0}/s, {:.3} cores, {:.3} CPU s per million",
        acknowledged as f64 / seconds,
        cpu / seconds,
        cpu / (acknowledged as f64 / 1e6)
    );
    for (name, latency) in [
        ("slip", slip),
        ("response", response),
        ("service", service),
        ("e2e", end_to_end),
    ] {
        let q = latency.quantiles();
        let ms = |ns: Option<u64>| ns.map_or(f64::NAN, |ns| ns as f64 / 1e6);
        println!(
            "{name:9} p50 {:.3} p99 {:.3} p99.9 {:.3} max {:.3} ms",
            ms(q.p50_ns),
            ms(q.p99_ns),
            ms(q.p999_ns),
            ms(q.max_ns)
        );
    }
}

fn read_all(bootstrap: &str, topic: &str, run: RunId, ledger: &Ledger) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let ends = read_back::ends(bootstrap, topic, Duration::from_secs(5))?;
    println!("{ends:?} after {:?}", start.elapsed());
    let start = Instant::now();
    let (mut found, mut again, mut other) = (0_u64, 0_u64, 0_u64);
    let mut observe = |partition, offset, observation| match observation {
        read_back::Observation::Record(id) => match ledger.mark_found(id.sequence, partition, offset) {
            Some(before) if before.times_before == 0 => found += 1,
            Some(_) => again += 1,
            None => other += 1,
        },
        read_back::Observation::Foreign | read_back::Observation::Corrupt(_) => other += 1,
    };
    let never = AtomicBool::new(false);
    let done = read_back::read(bootstrap, topic, run, &ends, &never, &mut |_, _| {}, &mut observe)?;
    let rate = done.read as f64 / start.elapsed().as_secs_f64();
    println!(
        "{done:?}: {found} found, {again} again, {other} other; {:?}, {rate:.0}/s",
        start.elapsed()
    );
    Ok(())
}

/// CPU seconds of this process, from `/proc/self/stat` (100 ticks a second).
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |place: usize| {
        fields
            .get(place)
            .and_then(|text| text.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    Ok((ticks(11) + ticks(12)) / 100.0)
}

fn status_line(name: &str) -> Result<String, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name));
    Ok(line.unwrap_or_default().to_owned())
}
