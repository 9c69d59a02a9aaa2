//! What makes the record of the wire less than complete, in words.

use highwater_model::history::Trouble;
use highwater_wire::api;

/// A trouble in a sentence.
pub fn trouble_in_words(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Bypass { evidence } => format!("a client talks past the proxy: {evidence}"),
        Trouble::Undecoded {
            api_key,
            api_version,
            wanted_by_rule,
            reason,
            ..
        } => {
            let name = api::name(*api_key).map_or_else(|| format!("API {api_key}"), str::to_owned);
            let who = if *wanted_by_rule { "a rule" } else { "the history" };
            format!("{name} {api_version} could not be read and {who} wanted it: {reason}")
        }
        Trouble::Unrecorded { bytes, .. } => {
            format!(
                "a frame of {bytes} bytes was too long to keep; it passed without its contents in the history"
            )
        }
        Trouble::Opaque { reason, .. } => {
            format!("a connection went on as plain bytes, nothing of it is in the history: {reason}")
        }
    }
}
