//! What a pipeline does that is not what it was started for, in a sentence.

use std::collections::BTreeSet;
use std::time::Duration;

use super::ProveOptions;
use super::stage::Stage;

/// What a pipeline does that is not what it was started for.
pub(super) fn why_idle(options: &ProveOptions, stage: &Stage<'_>, limit: Duration) -> String {
    let moments = stage.moments();
    let limit = limit.as_secs();
    let list = |topics: &BTreeSet<String>| topics.iter().cloned().collect::<Vec<_>>().join(", ");
    let (inputs, outputs) = (options.inputs.join(", "), options.outputs.join(", "));
    let foreign: BTreeSet<String> = moments
        .read_topics
        .iter()
        .filter(|topic| !options.inputs.contains(topic))
        .cloned()
        .collect();
    if moments.connections == 0 {
        return match stage.past.first() {
            Some(address) => format!(
                "the pipeline talks to {address}, past the proxy: its bootstrap address must be {{bootstrap}} in its \
                 arguments, or come from HIGHWATER_BOOTSTRAP or BOOTSTRAP_SERVERS in its environment"
            ),
            None => format!(
                "the pipeline never connected to the proxy within {limit} s: its bootstrap address must be {{bootstrap}} \
                 in its arguments, or come from HIGHWATER_BOOTSTRAP or BOOTSTRAP_SERVERS in its environment"
            ),
        };
    }
    if moments.fetched == 0 {
        if !foreign.is_empty() {
            return format!(
                "the pipeline reads {} and not {inputs}: correct --input, or the settings of the pipeline",
                list(&foreign)
            );
        }
        if moments.joins == 0 && moments.read_topics.is_empty() {
            return format!(
                "the pipeline connected, and never joined a group nor read {inputs} within {limit} s: does it wait for \
                 something?"
            );
        }
        return format!(
            "the pipeline joined its group, and got no record of {inputs} within {limit} s, though {} are there",
            stage.feed.acknowledged()
        );
    }
    let written: BTreeSet<String> = moments
        .written_topics
        .iter()
        .filter(|topic| !options.outputs.contains(topic))
        .cloned()
        .collect();
    if let Some(address) = stage.past.first() {
        return format!(
            "the pipeline reads {inputs}, and is connected to {address}, past the proxy: what it writes \
             there can't be seen; give it {{bootstrap}} for its producer too"
        );
    }
    if written.is_empty() {
        format!(
            "the pipeline read {} records of {inputs}, and wrote nothing to {outputs} within {limit} s",
            moments.fetched
        )
    } else {
        format!(
            "the pipeline reads {inputs}, and writes to {} and not to {outputs}: correct --output",
            list(&written)
        )
    }
}
