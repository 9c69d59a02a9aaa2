//! The tables of the load, and the history that the database keeps of them.

/// The type of a column, as far as it matters for what a connector says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// `boolean`.
    Boolean,
    /// `integer` or `bigint`.
    Integer,
    /// `numeric`.
    Decimal,
    /// `text`.
    Text,
    /// `timestamp` or `timestamptz`.
    Timestamp,
}

/// A table of the load; its primary key is `id`.
#[derive(Debug, Clone, Copy)]
pub struct TableSpec {
    /// Name.
    pub name: &'static str,
    /// Columns beside `id`, with their types and how they are made.
    pub columns: &'static [(&'static str, ColumnKind)],
    pub(super) create: &'static str,
}

/// The column that says which change of the load left the row as it is.
pub const REVISION: &str = "revision";

/// Name of the history table.
pub const HISTORY: &str = "highwater_history";

/// The tables of the load.
pub const TABLES: [TableSpec; 3] = [
    TableSpec {
        name: "videos",
        columns: &[
            ("title", ColumnKind::Text),
            ("note", ColumnKind::Text),
            ("duration_ms", ColumnKind::Integer),
            ("price", ColumnKind::Decimal),
            ("published", ColumnKind::Boolean),
            ("at", ColumnKind::Timestamp),
            (REVISION, ColumnKind::Integer),
        ],
        create: "CREATE TABLE videos (id bigint PRIMARY KEY, title text NOT NULL, note text, \
                 duration_ms integer NOT NULL, price numeric(12, 2) NOT NULL, published boolean NOT NULL, \
                 at timestamptz NOT NULL, revision bigint NOT NULL)",
    },
    TableSpec {
        name: "users",
        columns: &[
            ("email", ColumnKind::Text),
            ("note", ColumnKind::Text),
            ("logins", ColumnKind::Integer),
            ("balance", ColumnKind::Decimal),
            ("active", ColumnKind::Boolean),
            ("at", ColumnKind::Timestamp),
            (REVISION, ColumnKind::Integer),
        ],
        create: "CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, note text, \
                 logins integer NOT NULL, balance numeric(12, 2) NOT NULL, active boolean NOT NULL, \
                 at timestamp NOT NULL, revision bigint NOT NULL)",
    },
    TableSpec {
        name: "comments",
        columns: &[
            ("body", ColumnKind::Text),
            ("note", ColumnKind::Text),
            ("likes", ColumnKind::Integer),
            ("score", ColumnKind::Decimal),
            ("hidden", ColumnKind::Boolean),
            ("at", ColumnKind::Timestamp),
            (REVISION, ColumnKind::Integer),
        ],
        create: "CREATE TABLE comments (id bigint PRIMARY KEY, body text NOT NULL, note text, \
                 likes integer NOT NULL, score numeric(12, 2) NOT NULL, hidden boolean NOT NULL, \
                 at timestamptz NOT NULL, revision bigint NOT NULL)",
    },
];

/// The history: filled by a trigger for each row, so that nothing that changes a row can forget it. Every column
/// is kept as the text that the database has for it: JSON's numbers would lose digits of decimals. The position is
/// the one at which the change was written; its commit stands behind it.
pub(super) const HISTORY_DDL: &str = "
CREATE TABLE highwater_history (
  sequence bigserial PRIMARY KEY,
  table_name text NOT NULL,
  operation text NOT NULL,
  before jsonb,
  after jsonb,
  transaction bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint & 4294967295),
  wal_position bigint NOT NULL DEFAULT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint
);
CREATE FUNCTION highwater_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO highwater_history (table_name, operation, before, after) VALUES (
    TG_TABLE_NAME,
    CASE TG_OP WHEN 'INSERT' THEN 'c' WHEN 'UPDATE' THEN 'u' ELSE 'd' END,
    CASE WHEN TG_OP <> 'INSERT' THEN (SELECT jsonb_object_agg(key, value) FROM jsonb_each_text(to_jsonb(OLD))) END,
    CASE WHEN TG_OP <> 'DELETE' THEN (SELECT jsonb_object_agg(key, value) FROM jsonb_each_text(to_jsonb(NEW))) END
  );
  RETURN NULL;
END $$;
";

impl TableSpec {
    /// Makes the table, with whole old rows in the write-ahead log, and its trigger.
    pub(super) fn ddl(&self) -> String {
        let (create, name) = (self.create, self.name);
        format!(
            "{create}; ALTER TABLE {name} REPLICA IDENTITY FULL; \
             CREATE TRIGGER highwater_note AFTER INSERT OR UPDATE OR DELETE ON {name} \
             FOR EACH ROW EXECUTE FUNCTION highwater_note();"
        )
    }

    /// The names of the columns that are set: all but the key.
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|(name, _)| *name)
    }

    /// Inserts a row; the parameters are those of [`super::choice::Content`], with the key first.
    pub(super) fn insert(&self) -> String {
        let names: Vec<&str> = self.names().collect();
        format!(
            "INSERT INTO {} (id, {}) VALUES ($1, $2, $3, $4, $5::text::numeric, $6, $7::text::timestamptz AT TIME ZONE 'UTC', $8)",
            self.name,
            names.join(", ")
        )
    }

    /// Changes a row.
    pub(super) fn update(&self) -> String {
        let values = [
            "$2",
            "$3",
            "$4",
            "$5::text::numeric",
            "$6",
            "$7::text::timestamptz AT TIME ZONE 'UTC'",
            "$8",
        ];
        let sets: Vec<String> = self
            .names()
            .zip(values)
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        format!("UPDATE {} SET {} WHERE id = $1", self.name, sets.join(", "))
    }

    /// Deletes a row.
    pub(super) fn delete(&self) -> String {
        format!("DELETE FROM {} WHERE id = $1", self.name)
    }
}
