//! The configuration files of a node, written beside its data.
//!
//! Invariant: a name is set once. What a caller sets takes the place of the usual line, because Kafka would use
//! the last of two without a word.

use std::path::Path;
use std::time::Duration;

use super::layout::{CONTROLLER, Door, Layout};
use crate::error::TargetError;

/// Name of the broker's configuration in the folder of the node.
pub(super) const FILE: &str = "server.properties";
const ALONE: &str = include_str!("server.properties");
const ONE_OF_SEVERAL: &str = include_str!("cluster.properties");
/// Everything to the standard output.
pub(crate) const LOGGING: &str = include_str!("log4j2.xml");

/// Writes `server.properties` and `log4j2.xml` of the node at `index`.
pub(super) fn write(
    dir: &Path,
    layout: &Layout,
    index: usize,
    session: Duration,
    properties: &[(String, String)],
) -> Result<(), TargetError> {
    let save = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::write(&path, text).map_err(TargetError::file("write", path))
    };
    save(FILE, &with(&filled(layout, index, session), properties))?;
    save("log4j2.xml", LOGGING)
}

fn filled(layout: &Layout, index: usize, session: Duration) -> String {
    let several = layout.nodes.len() > 1;
    let doors = layout.nodes.get(index).map_or(&[][..], Vec::as_slice);
    let joined = |one: &dyn Fn(&Door) -> String, which: &dyn Fn(&&Door) -> bool| {
        let parts: Vec<String> = doors.iter().filter(which).map(one).collect();
        parts.join(",")
    };
    let voters = (1..).zip(&layout.nodes).filter_map(|(id, doors)| {
        let controller = doors.iter().find(|door| door.name == CONTROLLER)?;
        Some(format!("{id}@{}", controller.told))
    });
    let template = if several { ONE_OF_SEVERAL } else { ALONE };
    template
        .replace("@NODE_ID@", &(index + 1).to_string())
        .replace("@VOTERS@", &voters.collect::<Vec<_>>().join(","))
        .replace(
            "@LISTENERS@",
            &joined(
                &|door| format!("{}://127.0.0.1:{}", door.name, door.port),
                &|_| true,
            ),
        )
        .replace(
            "@TOLD_LISTENERS@",
            // A lone controller has nobody to tell.
            &joined(&|door| format!("{}://{}", door.name, door.told), &|door| {
                several || door.name != CONTROLLER
            }),
        )
        .replace(
            "@PROTOCOLS@",
            &joined(&|door| format!("{}:{}", door.name, door.protocol), &|_| true),
        )
        .replace("@SESSION_TIMEOUT_MS@", &session.as_millis().to_string())
}

fn with(text: &str, properties: &[(String, String)]) -> String {
    let replaced = |line: &&str| {
        let name = line.split_once('=').map(|(name, _)| name);
        !properties.iter().any(|(other, _)| Some(other.as_str()) == name)
    };
    let mut text: String = text
        .lines()
        .filter(replaced)
        .fold(String::new(), |text, line| text + line + "\n");
    if !properties.is_empty() {
        text += "\n# Set by whoever started it.\n";
    }
    for (name, value) in properties {
        text += &format!("{name}={}\n", escaped(value));
    }
    text
}

/// A value in one line: a PEM certificate has several (java.util.Properties).
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(nodes: u16) -> Layout {
        let door = |name: &str, port: u16| Door {
            name: name.to_owned(),
            protocol: "PLAINTEXT".to_owned(),
            port,
            told: format!("127.0.0.1:{port}"),
        };
        let node = |at: u16| {
            let mut doors = vec![door("CLIENT", 100 + at), door("CONTROLLER", 300 + at)];
            if nodes > 1 {
                doors.insert(1, door("INTERNAL", 200 + at));
            }
            doors
        };
        Layout {
            nodes: (1..=nodes).map(node).collect(),
        }
    }

    fn left_to_fill_in(text: &str) -> bool {
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("controller.quorum.voters"));
        lines.into_iter().any(|line| line.contains('@'))
    }

    #[test]
    fn a_lone_node_tells_nobody_of_its_controller() {
        let text = filled(&layout(1), 0, Duration::from_secs(9));
        assert!(!left_to_fill_in(&text), "{text}");
        for line in [
            "node.id=1",
            "controller.quorum.voters=1@127.0.0.1:301",
            "listeners=CLIENT://127.0.0.1:101,CONTROLLER://127.0.0.1:301",
            "advertised.listeners=CLIENT://127.0.0.1:101",
            "offsets.topic.replication.factor=1",
            "broker.session.timeout.ms=9000",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}");
        }
    }

    #[test]
    fn one_of_three_knows_all_voters_and_keeps_two_copies() {
        let mut layout = layout(3);
        layout.nodes[1][1].told = "localhost:7".to_owned();
        let text = filled(&layout, 1, Duration::from_secs(9));
        assert!(!left_to_fill_in(&text), "{text}");
        for line in [
            "node.id=2",
            "controller.quorum.voters=1@127.0.0.1:301,2@127.0.0.1:302,3@127.0.0.1:303",
            "listeners=CLIENT://127.0.0.1:102,INTERNAL://127.0.0.1:202,CONTROLLER://127.0.0.1:302",
            "advertised.listeners=CLIENT://127.0.0.1:102,INTERNAL://localhost:7,CONTROLLER://127.0.0.1:302",
            "inter.broker.listener.name=INTERNAL",
            "default.replication.factor=3",
            "min.insync.replicas=2",
            "transaction.state.log.min.isr=2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}");
        }
    }

    #[test]
    fn what_the_caller_sets_takes_the_place_of_the_usual_and_stays_in_one_line() {
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let usual = filled(&layout(3), 0, Duration::from_secs(9));
        let text = with(
            &usual,
            &[
                set("min.insync.replicas", "3"),
                set("ssl.keystore.key", "-----BEGIN\na\\b\n"),
            ],
        );
        let found: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("min.insync.replicas"))
            .collect();
        assert_eq!(found, ["min.insync.replicas=3"]);
        assert!(
            text.ends_with("ssl.keystore.key=-----BEGIN\\na\\\\b\\n\n"),
            "{text}"
        );
        assert_eq!(with(&usual, &[]), usual);
    }
}
