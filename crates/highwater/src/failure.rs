//! Errors as a person sees them: what, where, what to do; and the exit code that says the same.

use annotate_snippets::{AnnotationKind, Element, Level, Renderer, Snippet};
use highwater_model::ExitCode;
use highwater_proxy::ProxyError;
use highwater_report::ReportError;
use highwater_scenario::RunError;
use highwater_scenario::config::ConfigError;
use highwater_target::TargetError;

/// Why the command ends without having done what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: ExitCode,
    message: String,
    help: Option<String>,
    config: Option<Box<ConfigError>>,
}

impl Failure {
    pub(crate) fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
            config: None,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The whole error as text.
    pub(crate) fn render(&self, color: bool) -> String {
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut group = Level::ERROR
            .primary_title(self.message.as_str())
            .elements(std::iter::empty::<Element<'_>>());
        if let Some(place) = self.config.as_ref().and_then(|config| config.place.as_ref()) {
            let annotation = AnnotationKind::Primary.span(place.span.clone()).label(
                self.config
                    .as_ref()
                    .and_then(|config| config.label.as_deref())
                    .unwrap_or("here"),
            );
            group = group.element(
                Snippet::source(place.file.text.as_str())
                    .path(place.file.name.as_str())
                    .annotation(annotation),
            );
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let message = match (&error.place, &error.label) {
            (None, Some(label)) => format!("{}: {label}", error.message),
            _ => error.message.clone(),
        };
        Self {
            code: ExitCode::Usage,
            message,
            help: error.help.clone(),
            config: Some(Box::new(error)),
        }
    }
}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        Self {
            code: error.exit_code(),
            message: with_sources(&error),
            help: error.remedy(),
            config: None,
        }
    }
}

impl From<ProxyError> for Failure {
    fn from(error: ProxyError) -> Self {
        let message = with_sources(&error);
        let (code, help) = match &error {
            ProxyError::Rule { source, .. } => (ExitCode::Usage, source.help.clone()),
            ProxyError::Unreachable { .. } => (
                ExitCode::Infrastructure,
                "see that the cluster runs and that --target has its address; `highwater broker` starts one here".into(),
            ),
            ProxyError::NotKafka { .. } => (
                ExitCode::Infrastructure,
                "give the address where clients of Kafka connect with --target bootstrap:HOST:PORT".into(),
            ),
            ProxyError::SpeaksTls { .. } => (
                ExitCode::Infrastructure,
                "open TLS towards the brokers with --upstream-tls on, or --upstream-ca FILE for an authority of your own".into(),
            ),
            ProxyError::UpstreamTls { help, .. } => (ExitCode::Infrastructure, (*help).to_owned()),
            ProxyError::Tls(_) => return Self::new(ExitCode::Infrastructure, message),
            ProxyError::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => (
                ExitCode::Infrastructure,
                "another program listens there, maybe another proxy: choose another address with --listen; port 0 takes a free one".into(),
            ),
            ProxyError::Listen { .. } => (
                ExitCode::Infrastructure,
                "choose an address of this machine with --listen; port 0 takes a free one".into(),
            ),
            ProxyError::History { source, .. } if source.kind() == std::io::ErrorKind::AlreadyExists => (
                ExitCode::Usage,
                "a history is never written over: give another file with --history, or remove this one".into(),
            ),
            ProxyError::History { .. } => (
                ExitCode::Usage,
                "give a file in a directory that can be written with --history".into(),
            ),
        };
        Self::new(code, message).help(help)
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Self::new(ExitCode::Usage, with_sources(&error))
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Config(error) => error.into(),
            RunError::Target(error) => error.into(),
            RunError::Output { .. } => {
                Self::new(ExitCode::Usage, error.to_string()).help("give a directory that can be written with --out DIR")
            }
            RunError::NoSpace { .. } => Self::new(ExitCode::Infrastructure, error.to_string())
                .help("free some space, give a directory on another disk with --out DIR, or offer less with --set load.duration=…"),
        }
    }
}

/// A message with its sources behind it, so that nothing is said twice.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
