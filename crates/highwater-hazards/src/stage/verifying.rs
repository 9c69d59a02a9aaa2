//! A broker that asks the coordinator about transactional batches, or does not.
//!
//! Apache Kafka takes the setting while it runs, and gets it back; the dev broker is started once more with it.

use std::thread;
use std::time::{Duration, Instant};

use highwater_target::TargetSpec;
use highwater_target::{KafkaOptions, Target};

use super::{Stage, address, target_options};
use crate::client::{Client, Protocol, Transactional};
use crate::error::HazardError;
use crate::scene::PATIENCE;

const LOOK: Duration = Duration::from_millis(20);

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
            let mut client = broker.direct()?;
            client.set_of_brokers(SETTING, Some("false"))?;
            await_effect(&mut client)?;
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

/// The answer to a change of a setting says that it is decided. That it has effect is seen by a batch that is taken
/// although its partition is in no transaction.
fn await_effect(client: &mut Client) -> Result<(), HazardError> {
    const PROBE: &str = "verification-probe";
    client.create_topic(PROBE, 1)?;
    let mut producer = Transactional::init(client, PROBE, Protocol::Old, 60_000)?;
    let request = producer.next_batch(PROBE, 0, &["probe".to_owned()]);
    let end = Instant::now() + PATIENCE;
    while producer.send(client, &request)? != 0 {
        if Instant::now() > end {
            return Err(HazardError::Late {
                what: format!("{SETTING}=false has effect"),
                limit: PATIENCE,
            });
        }
        thread::sleep(LOOK);
    }
    Ok(())
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
