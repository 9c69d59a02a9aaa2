//! What there is to be reached: producers that do nothing but commit windows of records as large as events, one for each
//! partition, as `ledger serve` has them.
//!
//!     cargo run --release -p ledger --example bare -- 127.0.0.1:9092 6 11 10
//!
//! cluster, partitions, records in a window, seconds. Give it the records of a window that the ledger had in the same
//! minutes on the same machine (`ledger_events_total` / `ledger_transactions_total`), and compare records per second with
//! `ledger_events_total` per second. It makes a topic of its own, `ledger-bare`, and leaves it there.

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

const TOPIC: &str = "ledger-bare";
const PATIENCE: Duration = Duration::from_secs(30);
const REPORTS: Duration = Duration::from_micros(500);
/// As long as an event of a deposit.
const VALUE: [u8; 170] = [b'x'; 170];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let bootstrap = arguments.next().unwrap_or_else(|| "127.0.0.1:9092".to_owned());
    let partitions: i32 = arguments.next().map_or(Ok(6), |text| text.parse())?;
    let window: usize = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", &bootstrap)
        .create()?;
    let topic = NewTopic::new(TOPIC, partitions, TopicReplication::Fixed(1));
    let runtime = tokio::runtime::Runtime::new()?;
    // One that is there already has to do.
    let _ = runtime.block_on(admin.create_topics([&topic], &AdminOptions::new()))?;
    let mut producers = Vec::new();
    for partition in 0..partitions {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &bootstrap)
            .set("transactional.id", format!("{TOPIC}-{partition}"))
            .set("linger.ms", "0")
            .create()?;
        producer.init_transactions(PATIENCE)?;
        producers.push((partition, producer));
    }
    let (stop, windows) = (AtomicBool::new(false), AtomicU64::new(0));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for (partition, producer) in &producers {
            let (stop, windows) = (&stop, &windows);
            scope.spawn(move || {
                while !stop.load(Relaxed) {
                    match commit(producer, *partition, window) {
                        Ok(()) => windows.fetch_add(1, Relaxed),
                        Err(error) => {
                            eprintln!("partition {partition} ended: {error}");
                            return;
                        }
                    };
                }
            });
        }
        std::thread::sleep(Duration::from_secs(seconds));
        stop.store(true, Relaxed);
    });
    let (took, windows) = (began.elapsed().as_secs_f64(), windows.load(Relaxed));
    let rate = f64::from(u32::try_from(windows)?) / took;
    println!(
        "{windows} windows of {window} in {took:.1} s: {rate:.0} windows/s, {:.0} records/s",
        rate * f64::from(u32::try_from(window)?)
    );
    Ok(())
}

fn commit(producer: &BaseProducer, partition: i32, window: usize) -> Result<(), Box<dyn Error>> {
    producer.begin_transaction()?;
    for _ in 0..window {
        let record = BaseRecord::to(TOPIC)
            .partition(partition)
            .key("account-1234")
            .payload(&VALUE[..]);
        producer.send(record).map_err(|(error, _)| error)?;
    }
    // rdkafka's own flush looks only every 100 ms.
    while producer.in_flight_count() > 0 {
        producer.poll(REPORTS);
    }
    Ok(producer.commit_transaction(PATIENCE)?)
}
