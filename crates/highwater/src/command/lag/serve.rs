//! `highwater lag serve`: the lag of groups for Prometheus.
//!
//! ```text
//! reader: survey ─▶ judge ─▶ page ──┐
//!                                   ├─ shared ─▶ GET /metrics, /health
//! ```
//! Invariant: a scrape asks no broker. A reading that fails leaves the last one in place, and its age says so.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use highwater_load::Survey;
use highwater_model::ExitCode;
use highwater_report::{Compat, SurveyCounts, lag_exposition};

use super::watched::Watched;
use crate::arguments::{LagCompat, LagServeArguments};
use crate::command::run::print;
use crate::failure::{Failure, with_sources};

/// Without a reading for so many times the time between two, the health is bad.
const MISSED: u32 = 3;
const GLANCE: Duration = Duration::from_millis(100);
/// The version of the format is part of its type.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const INDEX: &str = "highwater lag\n\n/metrics   for Prometheus\n/health    200 while readings succeed\n";

/// What the reader leaves for the server.
#[derive(Debug, Default)]
struct Page {
    text: String,
    read_at: Option<Instant>,
    failures: u64,
    failure: String,
}

#[derive(Clone)]
struct Shared {
    page: Arc<Mutex<Page>>,
    every: Duration,
}

impl Shared {
    fn page(&self) -> std::sync::MutexGuard<'_, Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until it is interrupted.
pub(super) fn serve(
    arguments: &LagServeArguments,
    survey: Survey,
    watched: Watched,
    interrupted: &Arc<AtomicBool>,
) -> Result<ExitCode, Failure> {
    let shared = Shared {
        page: Arc::default(),
        every: arguments.every,
    };
    let failed = |what: &str, error: &dyn std::error::Error| {
        Failure::new(
            ExitCode::Infrastructure,
            format!("{what}: {}", with_sources(error)),
        )
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| failed("no runtime", &error))?;
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind(arguments.listen))
        .map_err(|error| {
            failed(&format!("can't listen at {}", arguments.listen), &error)
                .help("choose another address with --listen, or end what has it")
        })?;
    let address: SocketAddr = listener
        .local_addr()
        .map_err(|error| failed("no address", &error))?;
    let compat: Vec<Compat> = arguments.compat.iter().copied().map(Compat::from).collect();
    let reader = {
        let (shared, interrupted) = (shared.clone(), Arc::clone(interrupted));
        std::thread::spawn(move || read(survey, watched, &shared, &compat, &interrupted))
    };
    print(&format!("ready http://{address}/metrics\n"))?;
    let routes = Router::new()
        .route("/", get(|| async { INDEX }))
        .route("/metrics", get(metrics))
        .route("/health", get(health))
        .with_state(shared);
    let ending = {
        let interrupted = Arc::clone(interrupted);
        async move {
            while !interrupted.load(Relaxed) {
                tokio::time::sleep(GLANCE).await;
            }
        }
    };
    let served =
        runtime.block_on(async { axum::serve(listener, routes).with_graceful_shutdown(ending).await });
    interrupted.store(true, Relaxed);
    // It looks at the note often; a panic has been told on standard error.
    let _ = reader.join();
    served.map_err(|error| failed("the server ended", &error))?;
    Ok(ExitCode::Holds)
}

fn read(
    mut survey: Survey,
    mut watched: Watched,
    shared: &Shared,
    compat: &[Compat],
    interrupted: &AtomicBool,
) {
    let mut due = Instant::now();
    while !interrupted.load(Relaxed) {
        match survey.read() {
            Ok(mut reading) => {
                watched.remember(&mut reading);
                let counts = SurveyCounts {
                    failures: shared.page().failures,
                };
                let text = lag_exposition(&reading, counts, compat);
                let mut page = shared.page();
                page.text = text;
                page.read_at = Some(Instant::now());
            }
            Err(error) => {
                let failure = with_sources(&error);
                eprintln!("no reading: {failure}");
                let mut page = shared.page();
                page.failures += 1;
                page.failure = failure;
            }
        }
        due = (due + shared.every).max(Instant::now());
        while !interrupted.load(Relaxed) && Instant::now() < due {
            std::thread::sleep(GLANCE.min(due.saturating_duration_since(Instant::now())));
        }
    }
}

async fn metrics(State(shared): State<Shared>) -> impl IntoResponse {
    let text = shared.page().text.clone();
    ([(header::CONTENT_TYPE, TEXT)], text)
}

async fn health(State(shared): State<Shared>) -> (StatusCode, String) {
    let page = shared.page();
    match page.read_at {
        Some(at) if at.elapsed() < shared.every * MISSED => (StatusCode::OK, "ok\n".to_owned()),
        Some(at) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("no reading for {} s: {}\n", at.elapsed().as_secs(), page.failure),
        ),
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("no reading yet {}\n", page.failure),
        ),
    }
}

impl From<LagCompat> for Compat {
    fn from(compat: LagCompat) -> Self {
        match compat {
            LagCompat::KafkaExporter => Self::KafkaExporter,
            LagCompat::KafkaLagExporter => Self::KafkaLagExporter,
            LagCompat::Kminion => Self::Kminion,
        }
    }
}
