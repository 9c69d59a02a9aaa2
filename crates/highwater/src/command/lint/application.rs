//! An application, run behind the proxy.
//!
//! ```text
//! target ◀── proxy ◀── application        the proxy's recorder tells the linter of every event
//! ```
//! Invariant: the application and the target are stopped on every way out; nothing of the cluster is changed.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use highwater_model::ExitCode;
use highwater_model::history::NodeAddress;
use highwater_proxy::{Proxy, ProxyOptions};
use highwater_target::{Target, TargetOptions, TargetSpec};

use super::observed::Observed;
use super::watch::{Seen, Watch};
use crate::arguments::LintArguments;
use crate::command::proxy::upstream;
use crate::failure::Failure;
use crate::interrupt;
use crate::screen::Screen;

/// Runs it, watches it, stops it, and says what was seen.
pub(super) fn application(arguments: &LintArguments, screen: &Screen) -> Result<ExitCode, Failure> {
    let interrupted = interrupt::flag()?;
    let dir = tempfile::Builder::new()
        .prefix("highwater-lint-")
        .tempdir()
        .map_err(|error| Failure::new(ExitCode::Infrastructure, format!("can't make a folder: {error}")))?;
    let target = Target::start(
        &arguments.target,
        target_options(arguments, dir.path(), &interrupted)?,
    )?;
    let upstream = upstream(&TargetSpec::Bootstrap(target.bootstrap().to_owned()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(ExitCode::Infrastructure, format!("can't start: {error}")))?;
    let observed = Observed::new();
    let mut options = ProxyOptions::new(upstream.clone());
    options.history.clone_from(&arguments.history);
    options.observer = Some(observed.observer());
    let proxy = runtime.block_on(Proxy::start(options))?;
    let watch = Watch {
        proxy: &proxy,
        observed: &observed,
        arguments,
        interrupted: &interrupted,
        log: dir.path().join("application.log"),
        brokers: sockets(
            upstream
                .iter()
                .chain(proxy.brokers().iter().map(|(_, address)| address)),
        ),
    };
    let seen = watch.run();
    let connections = proxy.snapshot().connections_total;
    let summary = runtime.block_on(proxy.stop());
    let seen = seen?;
    if let Some(failure) = summary.history_failure {
        return Err(failure.into());
    }
    refuse(&seen, connections)?;
    let report = observed.finish();
    let subject = arguments
        .command
        .first()
        .map_or("", |name| name.to_str().unwrap_or("application"));
    let subject = subject.rsplit('/').next().unwrap_or(subject);
    if let Some(how) = &seen.failed {
        eprintln!("note: {how}{}", seen.log);
    }
    super::show(
        &report,
        subject,
        seen.past.is_empty() && !seen.interrupted,
        arguments,
        screen,
    )
}

/// Errors instead of a report that has nothing to say.
fn refuse(seen: &Seen, connections: u64) -> Result<(), Failure> {
    if connections > 0 {
        return Ok(());
    }
    if let Some(how) = &seen.failed {
        let message = format!("{how}, and never connected{}", seen.log);
        return Err(Failure::new(ExitCode::Infrastructure, message));
    }
    let help = "its bootstrap address must be {bootstrap} in its arguments, or come from HIGHWATER_BOOTSTRAP or \
                BOOTSTRAP_SERVERS in its environment";
    let message = match seen.past.first() {
        Some(address) => format!("the application talks to {address}, past the proxy{}", seen.log),
        None => format!("the application never connected to the proxy{}", seen.log),
    };
    Err(Failure::new(ExitCode::Inconclusive, message).help(help))
}

fn target_options(
    arguments: &LintArguments,
    dir: &std::path::Path,
    interrupted: &Arc<AtomicBool>,
) -> Result<TargetOptions, Failure> {
    Ok(TargetOptions {
        dir: dir.join("target"),
        highwater: crate::command::run::own_path()?,
        bugs: Vec::new(),
        kafka_home: arguments.kafka.kafka_home.clone(),
        observer: Arc::new(|_| {}),
        interrupted: Arc::clone(interrupted),
    })
}

/// Names that can't be resolved here can't be connected to from here either.
fn sockets<'a>(addresses: impl Iterator<Item = &'a NodeAddress>) -> Vec<SocketAddr> {
    addresses
        .filter_map(|address| (address.host.as_str(), address.port).to_socket_addrs().ok())
        .flatten()
        .map(|address| SocketAddr::new(address.ip().to_canonical(), address.port()))
        .collect()
}
