//! The door: commands and questions over HTTP.
//!
//! Invariant: a command without a request id is refused. With one it may be sent again after any answer, or after none.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;

use super::answers::{self, Answer, error, later, say};
use super::bank::{Bank, Reply, Route, lock};
use super::metrics::add;
use super::partition::with_sources;
use super::projector;
use crate::account::{AccountId, Action, Cents, Command, RequestId};
use crate::projection::{ProjectionError, Reader};

/// The header with the id of a request.
const REQUEST_ID: &str = "request-id";
/// The longest command, in bytes.
const MAX_BODY: usize = 4 << 10;
/// How long a command may take until its client is told to ask again.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a question waits for a version.
const VERSION_PATIENCE: Duration = Duration::from_secs(5);
const LINES: u64 = 100;
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

type Shared = State<Arc<Bank>>;

/// All paths.
pub(super) fn routes(bank: Arc<Bank>) -> Router {
    Router::new()
        .route("/accounts/{id}/deposit", post(deposit))
        .route("/accounts/{id}/withdraw", post(withdraw))
        .route("/accounts/{id}/transfer", post(transfer))
        .route("/accounts/{id}", get(account))
        .route("/accounts/{id}/statement", get(statement))
        .route("/totals", get(totals))
        .route("/days", get(days))
        .route("/projections/rebuild", post(rebuild))
        .route("/health", get(|| async { "ok\n" }))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .fallback(|| async {
            error(
                StatusCode::NOT_FOUND,
                "no-such-path",
                "see docs/ledger.md for the paths there are",
            )
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(bank)
}

/// The body of a command.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    cents: u64,
    to: Option<String>,
    expected_version: Option<u64>,
}

async fn deposit(bank: Shared, id: Path<String>, headers: HeaderMap, uri: Uri, body: Bytes) -> Answer {
    command(&bank, &id, &headers, &uri, &body, |cents, _| {
        Ok(Action::Deposit(cents))
    })
    .await
}

async fn withdraw(bank: Shared, id: Path<String>, headers: HeaderMap, uri: Uri, body: Bytes) -> Answer {
    command(&bank, &id, &headers, &uri, &body, |cents, _| {
        Ok(Action::Withdraw(cents))
    })
    .await
}

async fn transfer(bank: Shared, id: Path<String>, headers: HeaderMap, uri: Uri, body: Bytes) -> Answer {
    let action = |cents, to: Option<String>| {
        let to = to.ok_or("say who is to get it: {\"to\": \"bob\", \"cents\": 500}")?;
        let to = AccountId::new(&to).map_err(|error| error.to_string())?;
        Ok(Action::Transfer { to, cents })
    };
    command(&bank, &id, &headers, &uri, &body, action).await
}

fn bad(message: &str) -> Answer {
    error(StatusCode::BAD_REQUEST, "bad-request", message)
}

/// A command as it was asked.
fn understand(
    id: &str,
    headers: &HeaderMap,
    body: &[u8],
    action: impl FnOnce(Cents, Option<String>) -> Result<Action, String>,
) -> Result<Command, String> {
    let account = AccountId::new(id).map_err(|error| error.to_string())?;
    let request = headers.get(REQUEST_ID).ok_or(
        "give the request an id in the header Request-Id, a new one for each request and the same one for each repeat",
    )?;
    let request = request
        .to_str()
        .map_err(|_| "the header Request-Id is no text".to_owned())?;
    let request = RequestId::new(request).map_err(|error| error.to_string())?;
    let asked: Asked = serde_json::from_slice(body)
        .map_err(|error| format!("the body is not what is expected, like {{\"cents\": 500}}: {error}"))?;
    let action = action(Cents(asked.cents), asked.to)?;
    Ok(Command {
        account,
        request,
        expected: asked.expected_version,
        action,
    })
}

async fn command(
    bank: &Bank,
    id: &str,
    headers: &HeaderMap,
    uri: &Uri,
    body: &[u8],
    action: impl FnOnce(Cents, Option<String>) -> Result<Action, String>,
) -> Answer {
    let command = match understand(id, headers, body, action) {
        Ok(command) => command,
        Err(why) => return bad(&why),
    };
    let named = command.clone();
    let receiver = match bank.send(command) {
        Route::Here(receiver) => receiver,
        Route::There(url) => {
            add(&bank.metrics.redirected, 1);
            let path = uri.path_and_query().map_or("/", |path| path.as_str());
            return answers::elsewhere(&format!("{}{path}", url.trim_end_matches('/')), &url);
        }
        Route::Nowhere(why) => {
            add(&bank.metrics.not_done, 1);
            return not_done(&why);
        }
    };
    match tokio::time::timeout(PATIENCE, receiver).await {
        Ok(Ok(Reply::Told(Ok(answer)))) => {
            let (status, transfer) = match named.action {
                // Its second half is still to come.
                Action::Transfer { .. } => (
                    StatusCode::ACCEPTED,
                    Some(format!("{}/{}", named.account, named.request)),
                ),
                Action::Deposit(_) | Action::Withdraw(_) => (StatusCode::OK, None),
            };
            let mut said = json!({
                "account": named.account,
                "request": named.request,
                "version": answer.version,
                "balance": answer.balance,
            });
            if let Some(transfer) = transfer {
                said["transfer"] = json!(transfer);
            }
            say(status, &said)
        }
        Ok(Ok(Reply::Told(Err(refusal)))) => answers::refused(&refusal),
        Ok(Ok(Reply::NotDone(why))) => not_done(&why),
        Ok(Ok(Reply::Unknown(why))) => unknown(&why),
        Ok(Err(_)) => unknown("the partition was given back meanwhile"),
        Err(_) => unknown("no answer in time"),
    }
}

fn not_done(why: &str) -> Answer {
    let message = format!("nothing was done: {why}; send the same request again");
    later(StatusCode::SERVICE_UNAVAILABLE, "not-done", &message)
}

fn unknown(why: &str) -> Answer {
    let message = format!(
        "it is not known whether this was done: {why}; send it again with the same Request-Id, and it is done once"
    );
    later(StatusCode::SERVICE_UNAVAILABLE, "unknown", &message)
}

/// A number in the query of a request.
fn number(uri: &Uri, name: &str) -> Result<Option<u64>, String> {
    let pairs = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    let mut found = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
    found
        .next()
        .map(|text| {
            text.parse()
                .map_err(|_| format!("{name}={text} is no number: give one from 0 on"))
        })
        .transpose()
}

/// Asks the projections, on a thread that may wait for the disk.
async fn ask<T: Send + 'static>(
    bank: &Arc<Bank>,
    question: impl FnOnce(&Reader) -> Result<T, ProjectionError> + Send + 'static,
) -> Result<T, Answer> {
    let bank = Arc::clone(bank);
    let asked = tokio::task::spawn_blocking(move || bank.views.read(question)).await;
    let failed = |why: &str| later(StatusCode::SERVICE_UNAVAILABLE, "projections", why);
    match asked {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(failed(&with_sources(&error))),
        Err(error) => Err(failed(&error.to_string())),
    }
}

/// Waits until projections have this version of an account.
async fn version_of(bank: &Arc<Bank>, id: &AccountId, wanted: u64) -> Result<(), Answer> {
    let mut progress = bank.progress.subscribe();
    let deadline = tokio::time::Instant::now() + VERSION_PATIENCE;
    loop {
        progress.mark_unchanged();
        let asked = id.clone();
        let row = ask(bank, move |reader| reader.account(&asked)).await?;
        let version = row.map_or(0, |row| row.version);
        if version >= wanted {
            return Ok(());
        }
        if tokio::time::timeout_at(deadline, progress.changed())
            .await
            .is_err()
        {
            let message = format!(
                "{id} is at version {version} here, and not yet at {wanted} after {} s: ask again, or for a version that it has",
                VERSION_PATIENCE.as_secs()
            );
            return Err(later(StatusCode::GATEWAY_TIMEOUT, "not-yet", &message));
        }
    }
}

/// The account of a path, at least at the version of the query.
async fn seen(bank: &Arc<Bank>, id: &str, uri: &Uri) -> Result<AccountId, Answer> {
    let id = AccountId::new(id).map_err(|error| bad(&error.to_string()))?;
    if let Some(version) = number(uri, "version").map_err(|why| bad(&why))? {
        version_of(bank, &id, version).await?;
    }
    Ok(id)
}

async fn account(State(bank): Shared, Path(id): Path<String>, uri: Uri) -> Result<Answer, Answer> {
    let id = seen(&bank, &id, &uri).await?;
    let asked = id.clone();
    match ask(&bank, move |reader| reader.account(&asked)).await? {
        Some(row) => Ok(say(StatusCode::OK, &row)),
        None => {
            let message = format!("account {id} does not exist: a first deposit opens it");
            Ok(error(StatusCode::NOT_FOUND, "unknown-account", &message))
        }
    }
}

async fn statement(State(bank): Shared, Path(id): Path<String>, uri: Uri) -> Result<Answer, Answer> {
    let id = seen(&bank, &id, &uri).await?;
    let from = number(&uri, "from").map_err(|why| bad(&why))?.unwrap_or(0);
    let limit = number(&uri, "limit").map_err(|why| bad(&why))?.unwrap_or(LINES);
    let asked = id.clone();
    let lines = ask(&bank, move |reader| reader.statement(&asked, from, limit)).await?;
    let next = lines.last().map(|line| line.sequence + 1);
    Ok(say(
        StatusCode::OK,
        &json!({ "account": id, "lines": lines, "next": next }),
    ))
}

async fn totals(State(bank): Shared) -> Result<Answer, Answer> {
    Ok(say(StatusCode::OK, &ask(&bank, Reader::totals).await?))
}

async fn days(State(bank): Shared, uri: Uri) -> Result<Answer, Answer> {
    let limit = number(&uri, "limit").map_err(|why| bad(&why))?.unwrap_or(LINES);
    Ok(say(
        StatusCode::OK,
        &ask(&bank, move |reader| reader.days(limit)).await?,
    ))
}

async fn rebuild(State(bank): Shared) -> Answer {
    if std::mem::replace(&mut lock(&bank.projecting).rebuilding, true) {
        return error(
            StatusCode::CONFLICT,
            "rebuilding",
            "projections are being made again already: wait for it",
        );
    }
    let generation = bank.views.generation() + 1;
    let beside = Arc::clone(&bank);
    match std::thread::Builder::new()
        .name("rebuild".to_owned())
        .spawn(move || projector::rebuild(&beside))
    {
        Ok(_) => say(StatusCode::ACCEPTED, &json!({ "generation": generation })),
        Err(error) => later(StatusCode::SERVICE_UNAVAILABLE, "projections", &error.to_string()),
    }
}

async fn ready(State(bank): Shared) -> Answer {
    let reasons = bank.not_ready();
    let status = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    say(
        status,
        &json!({ "ready": reasons.is_empty(), "because": reasons }),
    )
}

async fn metrics(State(bank): Shared) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, TEXT)], bank.metrics.page(&bank.now()))
}
