//! `--kafka-config`: a cluster that wants TLS or a login.
//!
//! Invariant: what is wrong with the file, and whether the cluster lets a client in, is known before anything is made.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use highwater_load::access::{Access, AccessError};
use highwater_load::{LoadError, admin};
use highwater_model::ExitCode;
use highwater_target::TargetSpec;

use super::run::quoted;
use crate::arguments::AccessArguments;
use crate::failure::Failure;

/// Longest wait until the cluster has let a client in.
const ADMISSION_LIMIT: Duration = Duration::from_secs(15);

/// The target as it is to be reached, once a client was let in.
pub(crate) fn target(given: &TargetSpec, access: &AccessArguments) -> Result<TargetSpec, Failure> {
    let Some(config) = &access.kafka_config else {
        return Ok(given.clone());
    };
    let TargetSpec::Bootstrap(servers) = given else {
        let reason = format!("--kafka-config is for a cluster that is there, and not for --target {given}");
        let help =
            "brokers that Highwater starts want no login; name a cluster with --target bootstrap:HOST:PORT";
        return Err(Failure::new(ExitCode::Usage, reason).help(help));
    };
    let wrong = |error: AccessError| Failure::new(ExitCode::Usage, described(&error));
    let file = Access::read(config).map_err(wrong)?;
    file.check_files().map_err(wrong)?;
    if !file.left_out().is_empty() {
        let names = file.left_out().join(", ");
        let _ = writeln!(
            io::stderr(),
            "{}: left to the scenario: {names}",
            config.display()
        );
    }
    file.admit(servers);
    match admin::admitted(servers, ADMISSION_LIMIT) {
        Ok(_) => Ok(TargetSpec::Secured(servers.clone())),
        Err(error) => Err(refused(&error, config)),
    }
}

impl AccessArguments {
    /// As it was typed, for a command that does the same again.
    pub(crate) fn words(&self) -> Vec<String> {
        let path = self.kafka_config.as_ref();
        path.map_or_else(Vec::new, |path| {
            vec!["--kafka-config".to_owned(), quoted(&path.display().to_string())]
        })
    }
}

fn refused(error: &LoadError, config: &Path) -> Failure {
    let config = config.display();
    match error {
        LoadError::Setting { .. } | LoadError::Settings { .. } => {
            Failure::new(ExitCode::Usage, format!("{config}: {}", described(error)))
        }
        LoadError::NotAdmitted { .. } => Failure::new(ExitCode::Infrastructure, described(error)).help(format!(
            "look at the user, the password, the mechanism and the truststore in {config}, and that the port is that of \
             a listener with this security.protocol"
        )),
        _ => Failure::new(ExitCode::Infrastructure, described(error)).help(format!(
            "look at the address, and that the port is that of a listener with the security.protocol in {config}"
        )),
    }
}

fn described(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
