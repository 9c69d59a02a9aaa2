//! `highwater cluster show`: nodes, topics, leaders.

use kafka_protocol::messages::MetadataResponse;

use super::client::Client;
use crate::command::run::print;
use crate::failure::Failure;

pub(super) fn show(client: &mut Client, topic: Option<&str>) -> Result<(), Failure> {
    if let Some(name) = topic {
        client.topic(name)?;
    }
    print(&describe(&client.metadata(topic)?, topic.is_some()))
}

fn describe(metadata: &MetadataResponse, internal_too: bool) -> String {
    let mut out = String::new();
    for node in &metadata.brokers {
        out += &format!("node {}  {}:{}\n", node.node_id.0, &*node.host, node.port);
    }
    let mut left_out = Vec::new();
    for topic in &metadata.topics {
        let name = topic
            .name
            .as_ref()
            .map(|name| name.0.to_string())
            .unwrap_or_default();
        if topic.is_internal && !internal_too {
            left_out.push(name);
            continue;
        }
        out += &format!("\n{name}\n");
        let mut partitions: Vec<_> = topic.partitions.iter().collect();
        partitions.sort_by_key(|partition| partition.partition_index);
        for partition in partitions {
            let replicas: Vec<String> = partition
                .replica_nodes
                .iter()
                .map(|id| id.0.to_string())
                .collect();
            out += &format!(
                "  {:>4}  leader {}  epoch {}  replicas {}\n",
                partition.partition_index,
                partition.leader_id.0,
                partition.leader_epoch,
                replicas.join(",")
            );
        }
    }
    if !left_out.is_empty() {
        out += &format!("\nalso {}: --topic NAME shows one\n", left_out.join(", "));
    }
    out
}
