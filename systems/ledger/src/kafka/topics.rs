//! The three topics: made if they are missing, and looked at before anything is written.
//!
//! Invariant: an account never moves to another partition. A topic whose number of partitions was changed is refused.

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::client::{Cluster, Consumer, PATIENCE};

/// What is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Topics {
    /// Of events, and of legs.
    pub(crate) partitions: i32,
}

/// Why the topics can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TopicsError {
    /// The cluster does not answer, or refuses.
    #[error("can't {what} at {bootstrap}; another cluster is named with --bootstrap")]
    Kafka {
        /// What was tried.
        what: String,
        /// The cluster.
        bootstrap: String,
        /// What the client library says.
        #[source]
        source: KafkaError,
    },
    /// The numbers of partitions differ, so one of them was changed.
    #[error(
        "{events} has {of_events} partitions and {legs} has {of_legs}: one was changed, and accounts would lie in other partitions than their history; move to new topics with --name, or remove the partitions"
    )]
    Changed {
        /// The topic of events.
        events: String,
        /// Its partitions.
        of_events: i32,
        /// The topic of legs.
        legs: String,
        /// Its partitions.
        of_legs: i32,
    },
}

/// Makes what is missing, with so many partitions and replicas; what is there stays as it is.
pub(crate) async fn prepare(
    cluster: &Cluster,
    partitions: i32,
    replicas: i32,
) -> Result<Topics, TopicsError> {
    let failed = |what: String| {
        let bootstrap = cluster.bootstrap.clone();
        move |source| TopicsError::Kafka {
            what,
            bootstrap,
            source,
        }
    };
    let admin: AdminClient<DefaultClientContext> = cluster
        .client()
        .create()
        .map_err(failed("make a client".to_owned()))?;
    let (events, legs, owners) = (cluster.events(), cluster.legs(), cluster.owners());
    let kept = |name, partitions| {
        // History is for ever. Legs too: a leg that is gone before it was taken is money that never arrives.
        NewTopic::new(name, partitions, TopicReplication::Fixed(replicas)).set("retention.ms", "-1")
    };
    let topics = [
        kept(&events, partitions),
        kept(&legs, partitions),
        NewTopic::new(&owners, 1, TopicReplication::Fixed(replicas)).set("cleanup.policy", "compact"),
    ];
    let options = AdminOptions::new()
        .operation_timeout(Some(PATIENCE))
        .request_timeout(Some(PATIENCE));
    let made = admin
        .create_topics(&topics, &options)
        .await
        .map_err(failed("make topics".to_owned()))?;
    for made in made {
        if let Err((topic, code)) = made
            && code != RDKafkaErrorCode::TopicAlreadyExists
        {
            return Err(failed(format!("make {topic}"))(KafkaError::AdminOp(code)));
        }
    }
    let consumer = cluster
        .lone_consumer()
        .map_err(failed("make a client".to_owned()))?;
    let of_events = count(&consumer, &events).map_err(failed(format!("look at {events}")))?;
    let of_legs = count(&consumer, &legs).map_err(failed(format!("look at {legs}")))?;
    if of_events != of_legs {
        return Err(TopicsError::Changed {
            events,
            of_events,
            legs,
            of_legs,
        });
    }
    Ok(Topics {
        partitions: of_events,
    })
}

fn count(consumer: &Consumer, topic: &str) -> Result<i32, KafkaError> {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
        let partitions = metadata
            .topics()
            .first()
            .map_or(0, |topic| topic.partitions().len());
        // A topic that was just made may not be known yet.
        if partitions > 0 || std::time::Instant::now() > deadline {
            return i32::try_from(partitions)
                .ok()
                .filter(|partitions| *partitions > 0)
                .ok_or(KafkaError::MetadataFetch(
                    RDKafkaErrorCode::UnknownTopicOrPartition,
                ));
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
