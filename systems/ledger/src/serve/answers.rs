//! What is said over HTTP: JSON, and errors that say what to do.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::json;

use crate::account::Refusal;

/// A client that is told to come back waits so many seconds.
const COME_BACK_S: &str = "1";

/// An answer.
pub(super) type Answer = Response<Body>;

/// JSON with a status.
pub(super) fn say(status: StatusCode, body: &impl Serialize) -> Answer {
    let text = serde_json::to_string(body).unwrap_or_default();
    let mut answer = Response::new(Body::from(text + "\n"));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// An error: a stable name for programs, and a sentence for people.
pub(super) fn error(status: StatusCode, name: &str, message: &str) -> Answer {
    say(status, &json!({ "error": name, "message": message }))
}

/// Nothing can be done now; the same request later.
pub(super) fn later(status: StatusCode, name: &str, message: &str) -> Answer {
    let mut answer = error(status, name, message);
    answer
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static(COME_BACK_S));
    answer
}

/// Somebody else has the account.
pub(super) fn elsewhere(location: &str, url: &str) -> Answer {
    let message = format!("another instance has this account: send the same request to {location}");
    let mut answer = say(
        StatusCode::TEMPORARY_REDIRECT,
        &json!({ "error": "elsewhere", "message": message, "instance": url }),
    );
    if let Ok(location) = HeaderValue::from_str(location) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    answer
}

/// A command that the account refused.
pub(super) fn refused(refusal: &Refusal) -> Answer {
    let status = match refusal {
        Refusal::UnknownAccount { .. } => StatusCode::NOT_FOUND,
        Refusal::InsufficientFunds { .. } | Refusal::TooMuch => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::NoAmount | Refusal::SameAccount { .. } => StatusCode::BAD_REQUEST,
        Refusal::VersionConflict { .. } | Refusal::RequestReused { .. } => StatusCode::CONFLICT,
        Refusal::TooManyOpenTransfers { .. } => StatusCode::TOO_MANY_REQUESTS,
    };
    error(status, refusal.name(), &refusal.to_string())
}
