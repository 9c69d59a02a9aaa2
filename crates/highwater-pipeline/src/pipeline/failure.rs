//! A handler's failure: what happened, and what it means for the record.

use std::error::Error;

use crate::deadletter::{CHAIN_LIMIT, Letter};
use crate::retry::ErrorClass;

/// Why a record could not be handled. There is no conversion from errors in general: the handler says which of the
/// three it is, since only it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    class: ErrorClass,
    chain: Vec<String>,
}

impl Failure {
    /// It may work later. The record is tried again.
    #[must_use]
    pub fn transient(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorClass::Transient, error)
    }

    /// It never will. The record becomes a dead letter.
    #[must_use]
    pub fn poison(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorClass::Poison, error)
    }

    /// Nothing will. The pipeline stops, and the record stays uncommitted.
    #[must_use]
    pub fn fatal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorClass::Fatal, error)
    }

    /// What it means for the record.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// The messages of the error and of what caused it, outermost first.
    #[must_use]
    pub fn chain(&self) -> &[String] {
        &self.chain
    }

    /// Says it in a letter.
    #[must_use]
    pub fn told_in(&self, letter: Letter) -> Letter {
        Letter {
            class: Some(self.class),
            chain: self.chain.clone(),
            message: self.chain.first().cloned(),
            ..letter
        }
    }

    pub(super) fn panicked(panic: &(dyn std::any::Any + Send)) -> Self {
        let message = panic
            .downcast_ref::<&str>()
            .map(|message| (*message).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        Self {
            class: ErrorClass::Transient,
            chain: vec![format!("handler panicked: {message}")],
        }
    }

    fn new(class: ErrorClass, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let error = error.into();
        let mut chain = Vec::new();
        let mut cause: Option<&dyn Error> = Some(&*error);
        while let Some(error) = cause.filter(|_| chain.len() < CHAIN_LIMIT) {
            chain.push(error.to_string());
            cause = error.source();
        }
        Self { class, chain }
    }
}
