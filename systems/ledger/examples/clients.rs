//! Clients of the bank, each with one request at a time: how many are answered, how long it takes, and whether the money
//! is all there afterwards.
//!
//!     cargo run --release -p ledger --example clients -- http://127.0.0.1:8080 64 10
//!
//! instance, clients, seconds. A third of the requests are transfers. A client repeats with the same id until it is told
//! yes or no, and follows to where it is sent.

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

const ACCOUNTS: u64 = 1_000;
const HOPS: usize = 4;
const PAUSE: Duration = Duration::from_millis(50);
const IMPATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Seen {
    done: AtomicU64,
    refused: AtomicU64,
    again: AtomicU64,
    put_in: AtomicI64,
    micros: Mutex<Vec<u64>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments
        .next()
        .unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
    let clients: u64 = arguments.next().map_or(Ok(64), |text| text.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let before = get(&agent(), &format!("{url}/totals"))?;
    let (seen, stop) = (Seen::default(), AtomicBool::new(false));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for client in 0..clients {
            let (url, seen, stop) = (&url, &seen, &stop);
            scope.spawn(move || one(url, run, client, seen, stop));
        }
        std::thread::sleep(Duration::from_secs(seconds));
        stop.store(true, Relaxed);
    });
    let took = began.elapsed().as_secs_f64();
    let mut micros = seen.micros.into_inner().unwrap_or_else(PoisonError::into_inner);
    micros.sort_unstable();
    let at = |share: usize| {
        micros
            .get(micros.len() * share / 1_000)
            .copied()
            .unwrap_or_default()
            / 1_000
    };
    let done = seen.done.load(Relaxed);
    println!(
        "{done} done in {took:.1} s: {:.0}/s; {} refused, {} sent again; p50 {} ms, p99 {} ms, p99.9 {} ms",
        f64::from(u32::try_from(done)?) / took,
        seen.refused.load(Relaxed),
        seen.again.load(Relaxed),
        at(500),
        at(990),
        at(999),
    );
    let expected = before["put_in"].as_i64().unwrap_or_default() + seen.put_in.load(Relaxed);
    let deadline = Instant::now() + IMPATIENCE;
    loop {
        let totals = get(&agent(), &format!("{url}/totals"))?;
        let all_there = totals["put_in"] == json!(expected) && totals["under_way"] == json!(0);
        if totals["conserved"] != json!(true) || (!all_there && Instant::now() > deadline) {
            return Err(format!("{expected} were put in, and the bank says {totals}").into());
        }
        if all_there {
            println!("{totals}");
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(IMPATIENCE))
        .build()
        .into()
}

fn get(agent: &ureq::Agent, url: &str) -> Result<Value, Box<dyn Error>> {
    Ok(serde_json::from_str(
        &agent.get(url).call()?.body_mut().read_to_string()?,
    )?)
}

fn one(url: &str, run: u128, client: u64, seen: &Seen, stop: &AtomicBool) {
    let agent = agent();
    let mut micros = Vec::new();
    let mut number = 0;
    while !stop.load(Relaxed) {
        number += 1;
        let place = client * 7_919 + number * 104_729;
        let account = format!("account-{}", place % ACCOUNTS);
        let (verb, body) = match place % 3 {
            0 => (
                "transfer",
                json!({ "cents": 3, "to": format!("account-{}", (place + 1) % ACCOUNTS) }),
            ),
            _ => ("deposit", json!({ "cents": 5 })),
        };
        let id = format!("{run}-{client}-{number}");
        let began = Instant::now();
        let status = told(
            &agent,
            url,
            &format!("/accounts/{account}/{verb}"),
            &id,
            &body.to_string(),
            seen,
        );
        micros.push(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
        if status < 300 {
            seen.done.fetch_add(1, Relaxed);
            if verb == "deposit" {
                seen.put_in.fetch_add(5, Relaxed);
            }
        } else {
            seen.refused.fetch_add(1, Relaxed);
        }
    }
    seen.micros
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .append(&mut micros);
}

/// Yes or no, however often it takes.
fn told(agent: &ureq::Agent, url: &str, path: &str, id: &str, body: &str, seen: &Seen) -> u16 {
    loop {
        let mut at = format!("{url}{path}");
        for _ in 0..HOPS {
            let Ok(mut answer) = agent.post(&at).header("Request-Id", id).send(body) else {
                break;
            };
            let status = answer.status().as_u16();
            // Read to its end, so that the connection can be used again.
            let _ = answer.body_mut().read_to_vec();
            match (
                status,
                answer
                    .headers()
                    .get("location")
                    .and_then(|location| location.to_str().ok()),
            ) {
                (307, Some(location)) => location.clone_into(&mut at),
                (503 | 307, _) => break,
                _ => return status,
            }
        }
        seen.again.fetch_add(1, Relaxed);
        std::thread::sleep(PAUSE);
    }
}
