//! `highwater proxy`: the fault proxy in the foreground, for any application.
//!
//! ```text
//! arguments, rules file ─▶ Proxy ─▶ the address on standard output; what passes on standard error, until a signal
//!                                   └▶ summary on standard output, exit code
//! ```

mod ending;
mod passing;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use highwater_model::ExitCode;
use highwater_model::history::NodeAddress;
use highwater_proxy::{Proxy, ProxyOptions, RuleSpec};
use highwater_report::passing::{self as shown, Passing};
use highwater_report::{LiveMode, Panel};
use highwater_scenario::config::{ConfigError, LARGEST_FILE_BYTES, SourceFile, parse_rules};
use highwater_target::TargetSpec;

use crate::arguments::{ProxyArguments, TextFormat};
use crate::failure::Failure;
use crate::interrupt;
use crate::screen::Screen;

/// How often it is looked whether to stop.
const GLANCE: Duration = Duration::from_millis(50);
const SECOND: Duration = Duration::from_secs(1);
/// Moments kept to tell rates of the last second from.
const MOMENTS: usize = 10;

/// Runs the proxy until it is asked to stop.
pub(crate) fn proxy(arguments: &ProxyArguments, screen: &Screen) -> Result<ExitCode, Failure> {
    let upstream = upstream(&arguments.target)?;
    let rules = match &arguments.rules {
        Some(path) => rules(path)?,
        None => Vec::new(),
    };
    let interrupted = interrupt::flag()?;
    let seed = arguments.seed.unwrap_or_else(super::run::fresh_seed);
    let options = ProxyOptions {
        listen: arguments.listen,
        advertise: arguments.advertise.clone(),
        rules,
        seed,
        history: arguments.history.clone(),
        record_headers: arguments.keep_header.clone(),
        tls: arguments.tls.tls(),
        ..ProxyOptions::new(upstream)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(
                ExitCode::Infrastructure,
                format!("can't start the proxy: {error}"),
            )
        })?;
    runtime.block_on(serve(options, arguments, &interrupted, screen))
}

async fn serve(
    options: ProxyOptions,
    arguments: &ProxyArguments,
    interrupted: &Arc<AtomicBool>,
    screen: &Screen,
) -> Result<ExitCode, Failure> {
    let began = options.began;
    let rules = options.rules.len();
    let mut frame = Passing {
        target: options
            .upstream
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(","),
        seed: format!("{:x}", options.seed),
        ..Passing::default()
    };
    let proxy = Proxy::start(options).await?;
    frame.bootstrap = proxy.bootstrap().to_string();
    super::run::print(&announcement(&proxy, &frame, arguments.format, rules))?;
    watch(&proxy, &frame, began, arguments, interrupted, screen).await;
    let elapsed = began.elapsed();
    let summary = proxy.stop().await;
    let passing = passing::passing(&frame, &summary.snapshot, elapsed);
    let passed = ending::passed(passing, &summary, arguments.history.as_deref());
    let text = match arguments.format {
        TextFormat::Text => shown::summary(&passed, &screen.style()),
        TextFormat::Json => serde_json::to_string(&passed).map_err(|error| {
            Failure::new(
                ExitCode::Infrastructure,
                format!("can't write the summary: {error}"),
            )
        })?,
    };
    super::run::print(&text)?;
    Ok(passed.exit_code)
}

/// Shows what passes until it is time to stop.
async fn watch(
    proxy: &Proxy,
    frame: &Passing,
    began: Instant,
    arguments: &ProxyArguments,
    interrupted: &AtomicBool,
    screen: &Screen,
) {
    let mode = screen.live(arguments.quiet);
    let mut panel = Panel::new(Box::new(std::io::stderr()));
    let now = || passing::passing(frame, &proxy.snapshot(), began.elapsed());
    let mut moments = std::collections::VecDeque::from([now()]);
    let mut next_moment = Instant::now();
    let mut next_line = Instant::now() + SECOND;
    let mut line_before = moments[0].clone();
    let mut told = 0;
    let over = |elapsed: Duration| arguments.r#for.is_some_and(|limit| elapsed >= limit);
    while !interrupted.load(Ordering::Relaxed) && !over(began.elapsed()) {
        let left = arguments
            .r#for
            .map_or(GLANCE, |limit| limit.saturating_sub(began.elapsed()));
        tokio::time::sleep(GLANCE.min(left)).await;
        let written = match mode {
            LiveMode::Silent => Ok(()),
            LiveMode::Terminal { width, color } if panel.is_due() => {
                let now = now();
                let written = panel.draw(&shown::panel(&now, &moments[0], width, color));
                if Instant::now() >= next_moment {
                    next_moment += SECOND / MOMENTS as u32;
                    moments.push_back(now);
                    if moments.len() > MOMENTS {
                        moments.pop_front();
                    }
                }
                written
            }
            LiveMode::Lines if Instant::now() >= next_line => {
                next_line += SECOND;
                let now = now();
                let troubles = now
                    .troubles
                    .iter()
                    .skip(told)
                    .map(|trouble| format!("trouble: {trouble}"));
                let mut lines: Vec<String> = troubles.collect();
                told = now.troubles.len();
                lines.push(shown::line(&now, &line_before));
                line_before = now;
                lines.iter().try_for_each(|line| panel.line(line))
            }
            LiveMode::Terminal { .. } | LiveMode::Lines => Ok(()),
        };
        if written.is_err() {
            // Nobody looks any more; the application goes on.
            return wait(began, arguments, interrupted).await;
        }
    }
}

async fn wait(began: Instant, arguments: &ProxyArguments, interrupted: &AtomicBool) {
    while !interrupted.load(Ordering::Relaxed) && arguments.r#for.is_none_or(|limit| began.elapsed() < limit)
    {
        tokio::time::sleep(GLANCE).await;
    }
}

/// The first line is for the program that started the proxy; the rest is for people.
fn announcement(proxy: &Proxy, frame: &Passing, format: TextFormat, rules: usize) -> String {
    let brokers = proxy.brokers();
    match format {
        TextFormat::Json => serde_json::json!({
            "ready": frame.bootstrap,
            "target": frame.target,
            "brokers": brokers
                .iter()
                .map(|(node, address)| serde_json::json!({ "node": node, "address": address.to_string() }))
                .collect::<Vec<_>>(),
            "seed": frame.seed,
        })
        .to_string(),
        TextFormat::Text => {
            let nodes = match brokers.len() {
                0 => "its brokers are learnt from the first client that logs in".to_owned(),
                1 => "1 broker".to_owned(),
                many => format!("{many} brokers"),
            };
            let rules = match rules {
                0 => "no rules: nothing is broken".to_owned(),
                1 => "1 rule".to_owned(),
                many => format!("{many} rules"),
            };
            format!(
                "ready {}\nGive this address to the application as its bootstrap server.\nBehind it: {} ({nodes}), {rules}. Ctrl-C stops.\n",
                frame.bootstrap, frame.target
            )
        }
    }
}

/// The rules of a file.
pub(crate) fn rules(path: &Path) -> Result<Vec<RuleSpec>, Failure> {
    let unread = |reason: String| {
        ConfigError::new(format!("can't read the rules {}: {reason}", path.display()))
            .help("give a file with [[rules]]; `highwater faults` shows an example of each")
    };
    let size = std::fs::metadata(path)
        .map_err(|error| unread(error.to_string()))?
        .len();
    if size > LARGEST_FILE_BYTES {
        return Err(unread(format!("it has {size} bytes, more than any file of rules")).into());
    }
    let text = std::fs::read_to_string(path).map_err(|error| unread(error.to_string()))?;
    let file = SourceFile {
        name: path.display().to_string(),
        text,
    };
    Ok(parse_rules(&file)?)
}

/// The cluster behind the proxy.
pub(crate) fn upstream(target: &TargetSpec) -> Result<Vec<NodeAddress>, Failure> {
    let TargetSpec::Bootstrap(servers) = target else {
        let start = match target {
            TargetSpec::Kafka => "`highwater up kafka` starts one",
            _ => "`highwater broker` starts one",
        };
        return Err(Failure::new(
            ExitCode::Usage,
            format!("the proxy stands before a cluster that runs already, not before `{target}`"),
        )
        .help(format!(
            "{start}; then give its address: --target bootstrap:127.0.0.1:9092"
        )));
    };
    servers
        .split(',')
        .map(|server| {
            let parts = server
                .rsplit_once(':')
                .and_then(|(host, port)| Some((host, port.parse().ok()?)));
            let (host, port) = parts.ok_or_else(|| {
                Failure::new(ExitCode::Usage, format!("`{server}` is not an address"))
                    .help("write HOST:PORT, several separated by commas")
            })?;
            Ok(NodeAddress {
                host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
                port,
            })
        })
        .collect()
}
