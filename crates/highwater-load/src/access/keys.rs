//! Which settings of Java's clients are understood, and what becomes of each.

/// What becomes of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It says how a cluster is reached, and is translated together with others.
    Access,
    /// The client library knows it under this name.
    Named(&'static str),
    /// It is about what a client does, which the scenario says, or about Java: it is left out.
    LeftOut,
    /// It would have to be obeyed and can't be: why, and what to do.
    Refused(&'static str),
}

use Meaning::{Access, LeftOut, Named, Refused};

const JAVA_TLS: &str =
    "names something of Java's TLS; the clients here use OpenSSL: take it out of a copy of the file";
const MODULE: &str =
    "runs a class of Java's client, and the clients here are not Java: only PLAIN and SCRAM can be used";

const KEYS: [(&str, Meaning); 75] = [
    ("security.protocol", Access),
    ("sasl.mechanism", Access),
    ("sasl.jaas.config", Access),
    ("ssl.truststore.location", Access),
    ("ssl.truststore.type", Access),
    ("ssl.truststore.certificates", Access),
    ("ssl.truststore.password", Access),
    ("ssl.keystore.location", Access),
    ("ssl.keystore.type", Access),
    ("ssl.keystore.password", Access),
    ("ssl.keystore.certificate.chain", Access),
    ("ssl.keystore.key", Access),
    ("ssl.key.password", Access),
    ("ssl.endpoint.identification.algorithm", Access),
    ("client.dns.lookup", Named("client.dns.lookup")),
    ("client.rack", Named("client.rack")),
    ("connections.max.idle.ms", Named("connections.max.idle.ms")),
    ("metadata.max.age.ms", Named("metadata.max.age.ms")),
    ("request.timeout.ms", Named("socket.timeout.ms")),
    (
        "socket.connection.setup.timeout.ms",
        Named("socket.connection.setup.timeout.ms"),
    ),
    ("ssl.protocol", Refused(JAVA_TLS)),
    ("ssl.enabled.protocols", Refused(JAVA_TLS)),
    ("ssl.cipher.suites", Refused(JAVA_TLS)),
    ("ssl.provider", Refused(JAVA_TLS)),
    ("ssl.keymanager.algorithm", Refused(JAVA_TLS)),
    ("ssl.trustmanager.algorithm", Refused(JAVA_TLS)),
    ("ssl.secure.random.implementation", Refused(JAVA_TLS)),
    ("ssl.engine.factory.class", Refused(MODULE)),
    ("security.providers", Refused(JAVA_TLS)),
    ("sasl.client.callback.handler.class", Refused(MODULE)),
    ("sasl.login.callback.handler.class", Refused(MODULE)),
    ("sasl.login.class", Refused(MODULE)),
    ("sasl.kerberos.service.name", Refused(MODULE)),
    ("sasl.kerberos.kinit.cmd", Refused(MODULE)),
    ("sasl.oauthbearer.token.endpoint.url", Refused(MODULE)),
    ("bootstrap.servers", LeftOut),
    ("client.id", LeftOut),
    ("group.id", LeftOut),
    ("group.instance.id", LeftOut),
    ("acks", LeftOut),
    ("allow.auto.create.topics", LeftOut),
    ("auto.commit.interval.ms", LeftOut),
    ("auto.offset.reset", LeftOut),
    ("batch.size", LeftOut),
    ("buffer.memory", LeftOut),
    ("compression.type", LeftOut),
    ("default.api.timeout.ms", LeftOut),
    ("delivery.timeout.ms", LeftOut),
    ("enable.auto.commit", LeftOut),
    ("enable.idempotence", LeftOut),
    ("fetch.max.bytes", LeftOut),
    ("fetch.max.wait.ms", LeftOut),
    ("fetch.min.bytes", LeftOut),
    ("heartbeat.interval.ms", LeftOut),
    ("interceptor.classes", LeftOut),
    ("isolation.level", LeftOut),
    ("key.deserializer", LeftOut),
    ("key.serializer", LeftOut),
    ("linger.ms", LeftOut),
    ("max.block.ms", LeftOut),
    ("max.in.flight.requests.per.connection", LeftOut),
    ("max.partition.fetch.bytes", LeftOut),
    ("max.poll.interval.ms", LeftOut),
    ("max.poll.records", LeftOut),
    ("max.request.size", LeftOut),
    ("partitioner.class", LeftOut),
    ("receive.buffer.bytes", LeftOut),
    ("reconnect.backoff.max.ms", LeftOut),
    ("reconnect.backoff.ms", LeftOut),
    ("retries", LeftOut),
    ("retry.backoff.ms", LeftOut),
    ("send.buffer.bytes", LeftOut),
    ("session.timeout.ms", LeftOut),
    ("value.deserializer", LeftOut),
    ("value.serializer", LeftOut),
];

/// Below this closeness a suggestion is more often wrong than helpful.
const CLOSE_ENOUGH: f64 = 0.6;

/// What becomes of a setting; none if nobody knows it.
pub(super) fn meaning(key: &str) -> Option<Meaning> {
    KEYS.iter()
        .find(|(name, _)| *name == key)
        .map(|(_, meaning)| *meaning)
}

/// The known setting that is meant, probably.
pub(super) fn nearest(key: &str) -> Option<&'static str> {
    KEYS.iter()
        .map(|(name, _)| (*name, strsim::normalized_damerau_levenshtein(key, name)))
        .max_by(|one, other| one.1.total_cmp(&other.1))
        .filter(|(_, closeness)| *closeness >= CLOSE_ENOUGH)
        .map(|(name, _)| name)
}
