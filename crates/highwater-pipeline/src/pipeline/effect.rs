//! What a pipeline does with what its handler gives, and in which transaction that can be.

use std::marker::PhantomData;

use super::payload::{Encode, PayloadError};
use crate::settings::Guarantee;

/// A record to be produced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its topic.
    pub topic: String,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; nothing is a tombstone.
    pub value: Option<Vec<u8>>,
}

/// The effect of one record, ready to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made<R> {
    /// Records to produce.
    pub records: Vec<Outgoing>,
    /// Rows to write.
    pub rows: R,
}

/// What becomes of a handler's output.
#[diagnostic::on_unimplemented(message = "`{Self}` is no effect of a pipeline")]
pub trait Effect {
    /// What the handler gives.
    type Output;
    /// What goes into a database; `()` when nothing does.
    type Rows;

    /// Turns an output into what is to be made.
    ///
    /// # Errors
    ///
    /// The output cannot be written: the record that it came from is poison.
    fn prepare(&self, output: Self::Output) -> Result<Made<Self::Rows>, PayloadError>;

    /// The topics that records go to.
    fn topics(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// An effect that can be in one transaction with the offset of its record.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made exactly once: it is in no transaction with the offset of its record",
    note = "use `ToTopic` or `ToDatabase`, or leave `exactly_once` out and deduplicate"
)]
pub trait Transactional: Effect {
    /// In which transaction it is.
    const GUARANTEE: Guarantee;
}

/// A value with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<V> {
    /// The key; records of one key keep their order.
    pub key: Option<Vec<u8>>,
    /// The value.
    pub value: V,
}

impl<V> Message<V> {
    /// With a key.
    #[must_use]
    pub fn keyed(key: impl Into<Vec<u8>>, value: V) -> Self {
        Self {
            key: Some(key.into()),
            value,
        }
    }

    /// Without a key, and so without an order.
    #[must_use]
    pub fn unkeyed(value: V) -> Self {
        Self { key: None, value }
    }
}

/// Records to a topic, any number for each record read.
#[derive(Debug)]
pub struct ToTopic<E> {
    topic: String,
    payload: E,
}

impl<E: Encode> ToTopic<E> {
    /// To this topic, in this form.
    #[must_use]
    pub fn new(topic: impl Into<String>, payload: E) -> Self {
        Self {
            topic: topic.into(),
            payload,
        }
    }
}

impl<E: Encode> Effect for ToTopic<E> {
    type Output = Vec<Message<E::Value>>;
    type Rows = ();

    fn prepare(&self, output: Self::Output) -> Result<Made<()>, PayloadError> {
        let records = output
            .into_iter()
            .map(|message| {
                let value = self.payload.encode(&message.value)?;
                Ok(Outgoing {
                    topic: self.topic.clone(),
                    key: message.key,
                    value,
                })
            })
            .collect::<Result<_, PayloadError>>()?;
        Ok(Made { records, rows: () })
    }

    fn topics(&self) -> Vec<&str> {
        vec![&self.topic]
    }
}

impl<E: Encode> Transactional for ToTopic<E> {
    const GUARANTEE: Guarantee = Guarantee::ExactlyOnceKafka;
}

/// Rows to a database, in one transaction with the offset of their record.
#[derive(Debug)]
pub struct ToDatabase<R>(PhantomData<fn() -> R>);

impl<R> ToDatabase<R> {
    /// Rows of this type.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R> Default for ToDatabase<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> Effect for ToDatabase<R> {
    type Output = R;
    type Rows = R;

    fn prepare(&self, rows: R) -> Result<Made<R>, PayloadError> {
        Ok(Made {
            records: Vec::new(),
            rows,
        })
    }
}

impl<R> Transactional for ToDatabase<R> {
    const GUARANTEE: Guarantee = Guarantee::ExactlyOnceDatabase;
}

/// The handler does it itself: a call to a service. It may happen again after a failure.
#[derive(Debug, Clone, Copy, Default)]
pub struct InHandler;

impl Effect for InHandler {
    type Output = ();
    type Rows = ();

    fn prepare(&self, (): ()) -> Result<Made<()>, PayloadError> {
        Ok(Made {
            records: Vec::new(),
            rows: (),
        })
    }
}
