//! `highwater cluster`: who leads and coordinates what, and moving it, through Kafka's protocol.

mod client;
mod moving;
mod show;

use highwater_model::ExitCode;

use self::client::Client;
use crate::arguments::ClusterCommand;
use crate::failure::Failure;

pub(crate) fn cluster(command: &ClusterCommand) -> Result<ExitCode, Failure> {
    match command {
        ClusterCommand::Show { bootstrap, topic } => {
            show::show(&mut Client::open(&bootstrap.bootstrap)?, topic.as_deref())?;
        }
        ClusterCommand::Move(arguments) => {
            moving::carry_out(&mut Client::open(&arguments.bootstrap.bootstrap)?, arguments)?;
        }
    }
    Ok(ExitCode::Holds)
}
