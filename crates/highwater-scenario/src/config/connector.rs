//! The keys of `[connector]`, for `kind = "connector"`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A connector and the rows that it watches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Connector {
    /// Rows of each table that are there before the connector: its snapshot.
    pub rows: u32,
    /// Connections that write.
    pub writers: u32,
    /// Most changes of one transaction.
    pub changes: u32,
    /// Share of the transactions that is rolled back, on top of the load.
    pub rolled_back: f64,
    /// Settings of the connector as Debezium names them; they win.
    pub settings: BTreeMap<String, String>,
    /// What is made wrong on purpose while the worker is down, to see that it is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrong: Option<Wrong>,
}

impl Default for Connector {
    fn default() -> Self {
        Self {
            rows: 1_000,
            writers: 4,
            changes: 4,
            rolled_back: 0.1,
            settings: BTreeMap::new(),
            wrong: None,
        }
    }
}

/// Something made wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    /// The topic with the connector's offsets is deleted.
    OffsetsWiped,
    /// The replication slot is dropped and made anew.
    SlotMadeAnew,
}
