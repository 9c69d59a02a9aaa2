//! The configuration files of a node, written beside its data.

use std::path::Path;
use std::time::Duration;

use crate::error::TargetError;

/// Name of the broker's configuration in the folder of the node.
pub(super) const FILE: &str = "server.properties";
const TEMPLATE: &str = include_str!("server.properties");
const LOGGING: &str = include_str!("log4j2.xml");

/// Writes `server.properties` and `log4j2.xml`.
pub(super) fn write(
    dir: &Path,
    client_port: u16,
    controller_port: u16,
    session: Duration,
) -> Result<(), TargetError> {
    let save = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::write(&path, text).map_err(TargetError::file("write", path))
    };
    save(FILE, &filled(client_port, controller_port, session))?;
    save("log4j2.xml", LOGGING)
}

fn filled(client_port: u16, controller_port: u16, session: Duration) -> String {
    TEMPLATE
        .replace("@CLIENT_PORT@", &client_port.to_string())
        .replace("@CONTROLLER_PORT@", &controller_port.to_string())
        .replace("@SESSION_TIMEOUT_MS@", &session.as_millis().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_fill_in() {
        let text = filled(11, 22, Duration::from_secs(9));
        assert!(!text.contains('@') || text.contains("=1@127.0.0.1:22"), "{text}");
        assert_eq!(
            text.matches('@').count(),
            1,
            "only the voter's id is followed by one"
        );
        for line in [
            "controller.quorum.voters=1@127.0.0.1:22",
            "advertised.listeners=CLIENT://127.0.0.1:11",
            "broker.session.timeout.ms=9000",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}");
        }
    }
}
