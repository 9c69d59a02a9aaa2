//! Helps a client to its first connection, so that the first records of a load do not wait for it.
//!
//! An idempotent client asks for its producer id when it hears about the topic. The first answer comes over the
//! connection to the bootstrap address, which the library closes at once in favour of one to the broker itself;
//! with none open it tries again half a second later. Another answer, over the new connection, makes it ask
//! without that delay.
//!
//! Invariant: it ends by itself after a few answers or with the first acknowledgement.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use rdkafka::producer::{BaseProducer, Producer};

use crate::delivery::Delivery;
use crate::offering::Ending;
use crate::progress::Progress;

/// Answers after which the client has what it needs: one over the first connection, one over the second, and
/// one more in case the second was still being made.
const ANSWERS: u32 = 3;
/// How long one answer may take; also how long the end of the load may have to wait for it.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(250);
/// Time between two questions.
const PAUSE: Duration = Duration::from_millis(5);

/// What is needed to ask on behalf of a producer.
pub(crate) struct Connecting {
    pub(crate) client: Arc<BaseProducer<Delivery>>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) topic: String,
    pub(crate) ending: Arc<Ending>,
}

impl Connecting {
    /// Asks about the topic until that is of no more use.
    pub(crate) fn run(&self) {
        let mut answers = 0;
        while answers < ANSWERS && self.progress.acknowledged() == 0 && !self.ending.over.load(Relaxed) {
            match self
                .client
                .client()
                .fetch_metadata(Some(&self.topic), ANSWER_TIMEOUT)
            {
                Ok(_) => answers += 1,
                // The broker may come later.
                Err(error) => tracing::debug!(%error, topic = self.topic, "no metadata yet"),
            }
            thread::sleep(PAUSE);
        }
    }
}
