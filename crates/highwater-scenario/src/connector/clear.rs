//! The end: what the run made is removed, as far as what it stands in is not removed with it.

use std::time::Duration;

use highwater_load::admin;
use highwater_model::NoticeLevel;
use highwater_target::CdcNames;

use super::drive::Ground;
use super::parts::Parts;
use crate::context::Context;
use crate::session::described;

/// A worker gives up its tasks within seconds; what it does not end it is killed with.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Removes connector, slot, publication and topics, and ends Connect and PostgreSQL with their data. On a broker that
/// the run started nothing needs to be removed: it goes as a whole.
pub(super) fn clear(
    context: &Context<'_>,
    ground: &Ground<'_>,
    names: &CdcNames,
    parts: Option<Parts>,
    made: &[String],
) {
    let tell = |what: &str, error: &dyn std::error::Error| {
        let text = format!("{what} could not be removed: {}", described(error));
        context.events.notice(NoticeLevel::Warning, text);
    };
    let lasting = !ground.own_brokers && !ground.keep;
    if let Some(mut parts) = parts {
        // On a lasting cluster the worker's own topics would keep the connector.
        if lasting && let Err(error) = parts.connect.rest().delete(&names.connector) {
            tell("the connector", &error);
        }
        if parts.connect.part().died().is_none()
            && let Err(error) = parts.connect.part().stop(STOP_LIMIT)
            && !context.is_interrupted()
        {
            tell("the worker", &error);
        }
        if parts.database.part().died().is_none()
            && let Err(error) = parts.database.remove(names)
        {
            tell("the replication slot", &error);
        }
    }
    if lasting {
        let own = [&names.configs_topic, &names.offsets_topic, &names.status_topic];
        for topic in made.iter().chain(own) {
            if let Err(error) = admin::delete_topic(ground.bootstrap, topic) {
                tell(&format!("topic {topic}"), &error);
            }
        }
    }
}
