/// What can go wrong with the database of a row load.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// No connection.
    #[error("can't connect to PostgreSQL ({address}): {}", in_words(source))]
    Connect {
        /// Where.
        address: String,
        /// What the client says.
        source: postgres::Error,
    },
    /// A question or a command failed.
    #[error("{action}: {}", in_words(source))]
    Query {
        /// What was tried.
        action: &'static str,
        /// What the client says.
        source: postgres::Error,
    },
    /// The database can't do logical decoding.
    #[error(
        "PostgreSQL has `wal_level = {level}`, and a connector needs `logical`: set it and restart PostgreSQL"
    )]
    NoLogicalDecoding {
        /// The level it has.
        level: String,
    },
    /// A table of the load is there already.
    #[error("table `{table}` is there already; nothing is touched: use an empty database")]
    TableExists {
        /// Its name.
        table: String,
    },
    /// A line of the history can't be understood.
    #[error("line {sequence} of the history: {reason}")]
    History {
        /// Its number.
        sequence: i64,
        /// What is wrong.
        reason: String,
    },
}

/// The client's own words are "db error"; what the server says is behind them.
pub(super) fn in_words(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => format!("{} ({})", error.message(), error.code().code()),
        None => {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(error);
            while let Some(inner) = source {
                text = format!("{text}: {inner}");
                source = inner.source();
            }
            text
        }
    }
}
