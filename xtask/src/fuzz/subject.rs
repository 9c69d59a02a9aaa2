//! A broker in this process, whose request path is called without a socket.

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use highwater_broker::{Broker, BrokerConfig, BrokerError};
use highwater_wire::frame::{self, LENGTH_BYTES};
use kafka_protocol::protocol::Request;
use tempfile::TempDir;
use tokio::runtime::{self, Runtime};

use super::corpus::Corpus;
use super::error::FuzzError;

/// What a frame led to.
#[derive(Debug)]
pub(crate) enum Served {
    Answered,
    Unanswered,
    Waiting,
    Closed,
}

pub(crate) struct Subject {
    // Dropped in this order: the broker needs the runtime, and its files the directory.
    broker: Broker,
    runtime: Runtime,
    directory: TempDir,
}

impl Subject {
    pub(crate) fn start() -> Result<Self, FuzzError> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let directory = tempfile::tempdir()?;
        let broker = runtime.block_on(bind(directory.path()))?;
        Ok(Self {
            broker,
            runtime,
            directory,
        })
    }

    /// Serves the content of a frame as far as it goes at once. Whoever waits for something is dropped, as at the
    /// end of a connection.
    pub(crate) fn offer(&self, frame: Bytes) -> Served {
        let _inside = self.runtime.enter();
        let mut serving = pin!(self.broker.answer(frame));
        match serving.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => Served::Waiting,
            Poll::Ready(Ok(Some(_))) => Served::Answered,
            Poll::Ready(Ok(None)) => Served::Unanswered,
            Poll::Ready(Err(_)) => Served::Closed,
        }
    }

    /// The content of the frame that answers at once, if one does.
    pub(crate) fn answer(&self, frame: Bytes) -> Option<Bytes> {
        let _inside = self.runtime.enter();
        let mut serving = pin!(self.broker.answer(frame));
        match serving.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(Some(answer))) => Some(answer.freeze().slice(LENGTH_BYTES..)),
            _ => None,
        }
    }

    /// Asks a good question, and waits for the answer.
    pub(crate) fn ask<R: Request>(&self, request: &R, version: i16) -> Result<R::Response, FuzzError> {
        let frame = frame::encode_request(request, version, 1, "fuzz")?.freeze();
        let answer = self
            .runtime
            .block_on(self.broker.answer(frame.slice(LENGTH_BYTES..)));
        match answer {
            Ok(Some(answer)) => Ok(frame::decode_response::<R>(
                answer.freeze().slice(LENGTH_BYTES..),
                version,
                1,
            )?),
            other => Err(FuzzError::Corpus(format!(
                "{} version {version}: {other:?}",
                R::KEY
            ))),
        }
    }

    /// Good requests are still served.
    pub(crate) fn still_serves(&self, corpus: &Corpus) -> Result<(), String> {
        corpus
            .write_and_read(self)
            .map_err(|error| format!("afterwards: {error}"))
    }

    /// What was accepted can be recovered.
    pub(crate) fn opens_again(self) -> Result<(), String> {
        let Self {
            broker,
            runtime,
            directory,
        } = self;
        drop(broker);
        match runtime.block_on(bind(directory.path())) {
            Ok(_) => Ok(()),
            Err(error) => {
                let kept = directory.keep();
                Err(format!(
                    "the data directory {} does not open again: {error}",
                    kept.display()
                ))
            }
        }
    }
}

async fn bind(directory: &Path) -> Result<Broker, BrokerError> {
    Broker::bind(BrokerConfig::new(([127, 0, 0, 1], 0).into(), directory)).await
}
