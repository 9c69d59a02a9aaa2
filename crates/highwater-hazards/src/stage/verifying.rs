//! A broker that asks the coordinator about transactional batches, or does not.
//!
//! Apache Kafka takes the setting while it runs, and gets it back; the dev broker is started once more with it.

use highwater_target::TargetSpec;
use highwater_target::{KafkaOptions, Target};

use super::{Stage, address, target_options};
use crate::client::Client;
use crate::error::HazardError;

/// Kafka's name of the setting (KIP-890).
const SETTING: &str = "transaction.partition.verification.enable";

/// A broker with the setting as it was asked for.
pub(crate) struct Verifying {
    bootstrap: String,
    /// Only held: it ends with this.
    _own: Option<Target>,
    changed: bool,
}

impl Verifying {
    pub(super) fn start(stage: &Stage, verifies: bool) -> Result<Self, HazardError> {
        let mut broker = Self {
            bootstrap: stage.bootstrap().to_owned(),
            _own: None,
            changed: false,
        };
        if verifies {
            return Ok(broker);
        }
        if *stage.spec() == TargetSpec::Dev {
            let wishes = KafkaOptions {
                properties: vec![(SETTING.to_owned(), "false".to_owned())],
                ..KafkaOptions::default()
            };
            let own = Target::start_with(
                stage.spec(),
                target_options(stage.options(), "not-verifying"),
                &wishes,
            )?;
            own.bootstrap().clone_into(&mut broker.bootstrap);
            broker._own = Some(own);
        } else {
            broker.changed = true;
            broker.direct()?.set_of_brokers(SETTING, Some("false"))?;
        }
        Ok(broker)
    }

    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    pub(crate) fn direct(&self) -> Result<Client, HazardError> {
        Ok(Client::new(address(&self.bootstrap)?, "read-back"))
    }
}

impl Drop for Verifying {
    fn drop(&mut self) {
        if self.changed
            && let Ok(mut client) = self.direct()
        {
            // The target ends with the stage; another hazard that minds would show it.
            let _ = client.set_of_brokers(SETTING, None);
        }
    }
}
