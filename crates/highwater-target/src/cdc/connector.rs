//! The names of a run and the settings of its connector.
//!
//! Invariant: a name has nothing in it that needs quoting, in SQL, in an address or in a topic.

use std::collections::BTreeMap;

use super::Postgres;

/// The tables of the change-data-capture scenarios.
pub const TABLES: [&str; 3] = ["videos", "users", "comments"];
/// Names of slots and publications have at most 63 bytes (NAMEDATALEN); the end of an id tells runs apart best.
const LONGEST_ID: usize = 40;

/// The names of everything that change data capture makes for one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CdcNames {
    /// Replication slot in PostgreSQL.
    pub slot: String,
    /// Publication in PostgreSQL.
    pub publication: String,
    /// Connector in Kafka Connect.
    pub connector: String,
    /// What the topics of the tables begin with: `PREFIX.SCHEMA.TABLE`.
    pub topic_prefix: String,
    /// Group of the worker.
    pub group: String,
    /// Where the worker keeps the settings of connectors.
    pub configs_topic: String,
    /// Where the worker keeps their offsets.
    pub offsets_topic: String,
    /// Where the worker keeps their state.
    pub status_topic: String,
}

impl CdcNames {
    /// The names of the run with this id; whatever can't stand in a name becomes `_`.
    #[must_use]
    pub fn of_run(id: &str) -> Self {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        };
        let id: String = id.chars().map(plain).collect();
        let id = &id[id.len().saturating_sub(LONGEST_ID)..];
        let name = format!("highwater_{id}");
        let topic = |what: &str| format!("{name}.connect-{what}");
        Self {
            configs_topic: topic("configs"),
            offsets_topic: topic("offsets"),
            status_topic: topic("status"),
            group: format!("{name}.connect"),
            slot: name.clone(),
            publication: name.clone(),
            connector: name.clone(),
            topic_prefix: name,
        }
    }

    /// The topic of a table in the schema `public`.
    #[must_use]
    pub fn topic(&self, table: &str) -> String {
        format!("{}.public.{table}", self.topic_prefix)
    }

    /// All topics that a run with these tables makes; to be removed at its end.
    #[must_use]
    pub fn topics(&self, tables: &[&str]) -> Vec<String> {
        let own = [&self.configs_topic, &self.offsets_topic, &self.status_topic];
        let tables = tables.iter().map(|table| self.topic(table));
        tables.chain(own.into_iter().cloned()).collect()
    }
}

/// What a connector is to capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorPlan {
    /// The names of the run.
    pub names: CdcNames,
    /// Tables of the schema `public`.
    pub tables: Vec<String>,
    /// Partitions of the topic of each table.
    pub partitions: u32,
    /// Replicas of the topic of each table.
    pub replicas: u16,
    /// Settings of the connector; they take the place of the usual ones of the same name.
    pub settings: Vec<(String, String)>,
}

impl ConnectorPlan {
    /// The settings of Debezium's connector (debezium.io, connector for PostgreSQL, connector properties). The
    /// password is among them: not to be printed.
    #[must_use]
    pub fn config(&self, database: &Postgres) -> BTreeMap<String, String> {
        let names = &self.names;
        let tables: Vec<String> = self
            .tables
            .iter()
            .map(|table| format!("public.{table}"))
            .collect();
        let address = database.address();
        let usual = [
            (
                "connector.class",
                "io.debezium.connector.postgresql.PostgresConnector".to_owned(),
            ),
            ("tasks.max", "1".to_owned()),
            ("database.hostname", address.ip().to_string()),
            ("database.port", address.port().to_string()),
            ("database.user", database.user().to_owned()),
            ("database.password", database.password().to_owned()),
            ("database.dbname", database.database().to_owned()),
            ("topic.prefix", names.topic_prefix.clone()),
            ("table.include.list", tables.join(",")),
            ("plugin.name", "pgoutput".to_owned()),
            ("slot.name", names.slot.clone()),
            ("publication.name", names.publication.clone()),
            ("publication.autocreate.mode", "filtered".to_owned()),
            ("snapshot.mode", "initial".to_owned()),
            // Half a second otherwise, which would be most of what is measured.
            ("poll.interval.ms", "50".to_owned()),
            // After the database was away (default: 10000).
            ("retriable.restart.connector.wait.ms", "1000".to_owned()),
            ("topic.creation.default.partitions", self.partitions.to_string()),
            (
                "topic.creation.default.replication.factor",
                self.replicas.to_string(),
            ),
        ];
        let usual = usual.into_iter().map(|(name, value)| (name.to_owned(), value));
        usual.chain(self.settings.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_the_id_of_the_run_and_need_no_quoting() {
        let names = CdcNames::of_run("20261121-2344-ABC");
        assert_eq!(names.slot, "highwater_20261121_2344_abc");
        assert_eq!(names.topic("users"), "highwater_20261121_2344_abc.public.users");
        assert_eq!(names.topics(&TABLES).len(), 6);
        for (id, expected) in [("", "highwater_"), ("a'b\"é", "highwater_a_b__")] {
            assert_eq!(CdcNames::of_run(id).slot, expected, "{id}");
        }
        let long = "x".repeat(500) + "end";
        let names = CdcNames::of_run(&long);
        assert!(
            names.slot.len() <= 63 && names.slot.ends_with("end"),
            "{}",
            names.slot
        );
        assert!(names.topics(&["t"]).iter().all(|topic| topic.contains("end")));
    }
}
