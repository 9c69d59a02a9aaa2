//! ListConfigResources: what has settings.

use kafka_protocol::messages::list_config_resources_response::ConfigResource;
use kafka_protocol::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};
use kafka_protocol::protocol::StrBytes;

use super::Call;
use super::describe_configs::{BROKER, TOPIC};

/// First version that asks for kinds; before, it asks for what clients are to measure, which is nothing.
const KINDS_VERSION: i16 = 1;

/// No kinds stand for every kind.
pub(super) fn list(call: &Call<'_>, request: &ListConfigResourcesRequest) -> ListConfigResourcesResponse {
    if call.version < KINDS_VERSION {
        return ListConfigResourcesResponse::default();
    }
    let kinds = &request.resource_types;
    let wanted = |kind: i8| kinds.is_empty() || kinds.contains(&kind);
    let named = |kind: i8, name: String| {
        ConfigResource::default()
            .with_resource_type(kind)
            .with_resource_name(StrBytes::from_string(name))
    };
    let mut resources = Vec::new();
    if wanted(TOPIC) {
        let all = call.cluster.topics.all();
        resources.extend(all.iter().map(|topic| named(TOPIC, topic.name.to_string())));
    }
    if wanted(BROKER) {
        let nodes = call.cluster.nodes().iter();
        resources.extend(nodes.map(|node| named(BROKER, node.id.to_string())));
    }
    ListConfigResourcesResponse::default().with_config_resources(resources)
}
