//! What stands around the tables: their topics, PostgreSQL, Kafka Connect.

use std::collections::BTreeMap;

use highwater_check::changes::{Column, Table};
use highwater_load::rows::{ColumnKind, Database, TABLES};
use highwater_load::{access, admin};
use highwater_target::{
    CdcNames, Connect, ConnectOptions, ConnectorPlan, Postgres, PostgresOptions, TargetError, TargetOptions,
};

use crate::context::Context;
use crate::plan::Plan;
use crate::session::described;

/// PostgreSQL and Connect, running.
pub(super) struct Parts {
    pub(super) database: Postgres,
    pub(super) connect: Connect,
}

/// Why they can't be had, with what would help.
pub(super) struct Missing {
    pub(super) text: String,
    pub(super) remedy: Option<String>,
}

impl From<TargetError> for Missing {
    fn from(error: TargetError) -> Self {
        Self {
            text: described(&error),
            remedy: error.remedy(),
        }
    }
}

/// The names of everything that this scenario makes.
pub(super) fn names(context: &Context<'_>) -> CdcNames {
    CdcNames::of_run(&format!("{}_{}", context.run, context.index))
}

/// Names of the tables.
pub(super) fn table_names() -> [&'static str; TABLES.len()] {
    TABLES.map(|table| table.name)
}

/// The tables as the checker wants to know them.
pub(super) fn tables() -> Vec<Table> {
    let column = |kind| match kind {
        ColumnKind::Boolean => Column::Boolean,
        ColumnKind::Integer => Column::Integer,
        ColumnKind::Decimal => Column::Decimal,
        ColumnKind::Text => Column::Text,
        ColumnKind::Timestamp => Column::Timestamp,
    };
    TABLES
        .iter()
        .map(|table| Table {
            name: table.name.to_owned(),
            key: "id".to_owned(),
            columns: table
                .columns
                .iter()
                .map(|(name, kind)| ((*name).to_owned(), column(*kind)))
                .chain([("id".to_owned(), Column::Integer)])
                .collect(),
        })
        .collect()
}

/// Makes the topics of the tables; each that was made is put into `made`. The broker stamps their records, so that
/// it is known when a repeat came.
pub(super) fn make_topics(
    plan: &Plan,
    bootstrap: &str,
    names: &CdcNames,
    made: &mut Vec<String>,
) -> Result<(), String> {
    let topic = &plan.scenario().topic;
    let mut settings: BTreeMap<&str, &str> = BTreeMap::from([("message.timestamp.type", "LogAppendTime")]);
    settings.extend(
        topic
            .settings
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str())),
    );
    let settings: Vec<(&str, &str)> = settings.into_iter().collect();
    for table in table_names() {
        let name = names.topic(table);
        admin::create_topic(
            bootstrap,
            &name,
            topic.partitions.unsigned_abs(),
            topic.replication,
            &settings,
        )
        .map_err(|error| described(&error))?;
        made.push(name);
    }
    Ok(())
}

impl Parts {
    /// Starts PostgreSQL and Connect.
    pub(super) fn start(
        plan: &Plan,
        bootstrap: &str,
        options: &TargetOptions,
        names: &CdcNames,
    ) -> Result<Self, Missing> {
        let database = Postgres::start(&PostgresOptions {
            dir: options.dir.join("postgres"),
            highwater: options.highwater.clone(),
            binaries: None,
            port: None,
            settings: Vec::new(),
            observer: options.observer.clone(),
            interrupted: options.interrupted.clone(),
        })?;
        let connect = Connect::start(&ConnectOptions {
            dir: options.dir.join("connect"),
            highwater: options.highwater.clone(),
            kafka_home: options.kafka_home.clone(),
            bootstrap: bootstrap.to_owned(),
            replicas: replicas(plan),
            names: names.clone(),
            port: None,
            properties: access::connect_properties(bootstrap),
            observer: options.observer.clone(),
            interrupted: options.interrupted.clone(),
        })?;
        Ok(Self { database, connect })
    }

    /// The database, for the rows.
    pub(super) fn rows(&self) -> Database {
        Database::at(&self.database.url())
    }

    /// Makes the connector. Decimals come as texts: as numbers they would lose digits.
    pub(super) fn register(&self, plan: &Plan, names: &CdcNames) -> Result<(), String> {
        let mut settings = vec![("decimal.handling.mode".to_owned(), "string".to_owned())];
        settings.extend(
            plan.scenario()
                .connector
                .settings
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        let connector = ConnectorPlan {
            names: names.clone(),
            tables: table_names().map(str::to_owned).to_vec(),
            partitions: plan.scenario().topic.partitions.unsigned_abs(),
            replicas: replicas(plan),
            settings,
        };
        self.connect
            .rest()
            .register(&names.connector, &connector.config(&self.database))
            .map_err(|error| described(&error))
    }
}

fn replicas(plan: &Plan) -> u16 {
    u16::try_from(plan.scenario().topic.replication).unwrap_or(1)
}
