//! Starting the threads of an instance, and ending them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::error::KafkaError;

use super::bank::{Arrivals, Bank};
use super::{http, owners, projector};
use crate::kafka::{Cluster, Membership, TopicsError, prepare};
use crate::projection::{ProjectionError, Views};
use crate::serve::Settings;

const GLANCE: Duration = Duration::from_millis(50);

/// Why an instance did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The topics.
    #[error(transparent)]
    Topics(#[from] TopicsError),
    /// The projections.
    #[error(transparent)]
    Projections(#[from] ProjectionError),
    /// The address.
    #[error("can't listen at {address}: choose another one with --listen, or end what has it")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The client library.
    #[error("can't join the group")]
    Join(#[source] KafkaError),
    /// The system gives no thread, or the server ended.
    #[error("can't run")]
    Run(#[source] io::Error),
}

/// Runs an instance until `stopping` is set: says where it listens as soon as it does, ends its windows, and leaves the
/// group.
///
/// # Errors
/// [`ServeError`]
pub fn serve(
    settings: &Settings,
    stopping: &Arc<AtomicBool>,
    listening: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(ServeError::Run)?;
    let served = runtime.block_on(run(settings, stopping, listening));
    stopping.store(true, Ordering::Relaxed);
    served
}

async fn run(
    settings: &Settings,
    stopping: &Arc<AtomicBool>,
    listening: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    let cluster = Cluster {
        bootstrap: settings.bootstrap.clone(),
        name: settings.name.clone(),
        settings: settings.kafka.clone(),
    };
    let topics = prepare(&cluster, settings.partitions, settings.replicas).await?;
    let (views, projection) = Views::open(&settings.directory)?;
    let address = settings.listen;
    let listen = |source| ServeError::Listen { address, source };
    let listener = tokio::net::TcpListener::bind(address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let url = settings
        .url
        .clone()
        .unwrap_or_else(|| format!("http://{address}"));
    let bank = Arc::new(Bank::new(
        cluster.clone(),
        topics.partitions,
        url,
        settings.linger,
        views,
        Arc::clone(stopping),
    ));
    let membership =
        Membership::join(&cluster, Arc::new(Arrivals(Arc::clone(&bank)))).map_err(ServeError::Join)?;
    let thread = |name: &str, body: Box<dyn FnOnce() + Send>| {
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map_err(ServeError::Run)
    };
    let threads = [
        thread("owners", {
            let bank = Arc::clone(&bank);
            Box::new(move || owners::follow(&bank))
        })?,
        thread("projector", {
            let bank = Arc::clone(&bank);
            Box::new(move || projector::run(&bank, projection))
        })?,
        thread("member", {
            let stopping = Arc::clone(stopping);
            Box::new(move || membership.stay(&stopping))
        })?,
    ];
    listening(address);
    let ending = {
        let stopping = Arc::clone(stopping);
        async move {
            while !stopping.load(Ordering::Relaxed) {
                tokio::time::sleep(GLANCE).await;
            }
        }
    };
    let served = axum::serve(listener, http::routes(bank))
        .with_graceful_shutdown(ending)
        .await;
    stopping.store(true, Ordering::Relaxed);
    let ended = tokio::task::spawn_blocking(move || {
        for thread in threads {
            // A panic was told on standard error.
            let _ = thread.join();
        }
    });
    let _ = ended.await;
    served.map_err(ServeError::Run)
}
