//! scratch
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::time::{Duration, Instant};
struct C(Instant);
impl rdkafka::ClientContext for C {
    fn log(&self, _: rdkafka::config::RDKafkaLogLevel, f: &str, t: &str) {
        println!("{:?} {f} {t}", self.0.elapsed());
    }
}
impl rdkafka::consumer::ConsumerContext for C {}
fn main() {
    let t = Instant::now();
    let mut c = ClientConfig::new();
    c.set("bootstrap.servers", std::env::args().nth(1).unwrap())
        .set("group.id", "x")
        .set("debug", "all")
        .set("socket.nagle.disable", "true");
    for a in std::env::args().skip(2) {
        let (k, v) = a.split_once('=').unwrap();
        c.set(k, v);
    }
    let c: BaseConsumer<C> = c.create_with_context(C(t)).unwrap();
    println!("{:?} created", t.elapsed());
    let m = c.client().fetch_metadata(None, Duration::from_secs(5)).unwrap();
    println!("{:?} metadata {}", t.elapsed(), m.topics().len());
    for _ in 0..3 {
        let m = c.client().fetch_metadata(None, Duration::from_secs(5)).unwrap();
        println!("{:?} metadata {}", t.elapsed(), m.topics().len());
    }
    for p in 0..2 {
        let w = c.client().fetch_watermarks("wm", p, Duration::from_secs(5));
        println!("{:?} watermarks {w:?}", t.elapsed());
    }
    let t = Instant::now();
    drop(c);
    println!("drop {:?}", t.elapsed());
}
