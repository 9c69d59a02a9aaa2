//! Rows and their columns, as a database and a connector both can say them.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use thiserror::Error;

/// Longest text that is shown of a field.
const MOST_SHOWN: usize = 40;

/// A row: its columns by name.
pub type Row = BTreeMap<String, Field>;

/// What is done to a row, with the letter that Debezium has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// `c`: inserted.
    Create,
    /// `u`: updated.
    Update,
    /// `d`: deleted.
    Delete,
    /// `r`: not changed at all, but read by the initial snapshot.
    Read,
}

impl Operation {
    /// The operation of that letter.
    #[must_use]
    pub fn of_letter(letter: &str) -> Option<Self> {
        Some(match letter {
            "c" => Self::Create,
            "u" => Self::Update,
            "d" => Self::Delete,
            "r" => Self::Read,
            _ => return None,
        })
    }

    /// In words: `insert`, `update`, `delete`, `snapshot`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Read => "snapshot",
        }
    }
}

/// The value of a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// No value.
    Null,
    /// Truth.
    Boolean(bool),
    /// A whole number of up to 64 bits.
    Integer(i64),
    /// A decimal as text, with as many digits as its column has.
    Decimal(String),
    /// Text.
    Text(String),
    /// A moment, in microseconds since 1970 in UTC.
    Timestamp(i64),
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Decimal(value) => f.write_str(value),
            Self::Text(value) if value.chars().count() > MOST_SHOWN => {
                write!(f, "\"{}…\"", value.chars().take(MOST_SHOWN).collect::<String>())
            }
            Self::Text(value) => write!(f, "\"{value}\""),
            Self::Timestamp(micros) => write!(f, "{micros} µs"),
        }
    }
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// `boolean`.
    Boolean,
    /// `smallint`, `integer`, `bigint`.
    Integer,
    /// `numeric`; a connector must give it as text (`decimal.handling.mode=string`).
    Decimal,
    /// `text`.
    Text,
    /// `timestamp` (in UTC) or `timestamptz`.
    Timestamp,
}

/// A table that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its primary key, one column.
    pub key: String,
    /// All its columns.
    pub columns: BTreeMap<String, Column>,
}

/// Why a row can't be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FieldError {
    /// Not an object.
    #[error("the row is {found}, not an object")]
    NotARow {
        /// What it is instead.
        found: &'static str,
    },
    /// A column that the table has not.
    #[error("the table has no column `{column}`")]
    UnknownColumn {
        /// The column.
        column: String,
    },
    /// A column of the table is not there.
    #[error("column `{column}` is missing")]
    MissingColumn {
        /// The column.
        column: String,
    },
    /// The value is not of the column's type.
    #[error("column `{column}` holds {found}, which is not {wanted}")]
    WrongType {
        /// The column.
        column: String,
        /// The start of what is there.
        found: String,
        /// The type.
        wanted: &'static str,
    },
}

impl Column {
    fn words(self) -> &'static str {
        match self {
            Self::Boolean => "a boolean",
            Self::Integer => "a whole number",
            Self::Decimal => "a decimal as text",
            Self::Text => "a text",
            Self::Timestamp => "a moment",
        }
    }

    /// The value as a database prints it.
    #[must_use]
    pub fn of_text(self, text: &str) -> Option<Field> {
        Some(match self {
            Self::Boolean => match text {
                "true" | "t" => Field::Boolean(true),
                "false" | "f" => Field::Boolean(false),
                _ => return None,
            },
            Self::Integer => Field::Integer(text.parse().ok()?),
            Self::Decimal => Field::Decimal(decimal(text)?),
            Self::Text => Field::Text(text.to_owned()),
            Self::Timestamp => Field::Timestamp(moment(text)?),
        })
    }

    /// The value as a connector gives it.
    #[must_use]
    pub fn of_json(self, value: &Value) -> Option<Field> {
        Some(match (self, value) {
            (_, Value::Null) => Field::Null,
            (Self::Boolean, Value::Bool(value)) => Field::Boolean(*value),
            (Self::Integer, Value::Number(value)) => Field::Integer(value.as_i64()?),
            (Self::Timestamp, Value::Number(value)) => Field::Timestamp(value.as_i64()?),
            (Self::Decimal | Self::Text | Self::Timestamp, Value::String(text)) => self.of_text(text)?,
            _ => return None,
        })
    }
}

impl Table {
    /// The row as a connector gives it: every column of the table, and no other.
    ///
    /// # Errors
    /// [`FieldError`] with the first column that is wrong.
    pub fn row_of_json(&self, value: &Value) -> Result<Row, FieldError> {
        self.row(value, Column::of_json)
    }

    /// The row as the history table keeps it: an object with every column as text.
    ///
    /// # Errors
    /// As [`Table::row_of_json`].
    pub fn row_of_texts(&self, value: &Value) -> Result<Row, FieldError> {
        self.row(value, |column, value| match value {
            Value::Null => Some(Field::Null),
            Value::String(text) => column.of_text(text),
            _ => None,
        })
    }

    fn row(&self, value: &Value, field: impl Fn(Column, &Value) -> Option<Field>) -> Result<Row, FieldError> {
        let Value::Object(object) = value else {
            return Err(FieldError::NotARow { found: kind(value) });
        };
        if let Some(column) = object.keys().find(|name| !self.columns.contains_key(*name)) {
            return Err(FieldError::UnknownColumn {
                column: column.chars().take(MOST_SHOWN).collect(),
            });
        }
        self.columns
            .iter()
            .map(|(name, column)| {
                let value = object
                    .get(name)
                    .ok_or_else(|| FieldError::MissingColumn { column: name.clone() })?;
                let field = field(*column, value).ok_or_else(|| FieldError::WrongType {
                    column: name.clone(),
                    found: value.to_string().chars().take(MOST_SHOWN).collect(),
                    wanted: column.words(),
                })?;
                Ok((name.clone(), field))
            })
            .collect()
    }
}

/// What a JSON value is, in a word.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Digits with at most one point and a sign: what can be compared as text.
fn decimal(text: &str) -> Option<String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (all_digits(whole) && all_digits(fraction)).then(|| text.to_owned())
}

/// `2026-11-21T23:40:59.123456Z`, with any offset, or without one for UTC; microseconds since 1970.
fn moment(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', ' '])?;
    let (time, offset_s) = match time.find(['Z', '+', '-']) {
        None => (time, 0),
        Some(at) => (&time[..at], offset(&time[at..])?),
    };
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut clock = clock.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute) = (clock.next()??, clock.next()??);
    let second = clock.next().unwrap_or(Some(0))?;
    let valid = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (1..=9999).contains(&year)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second)
        && fraction.len() <= 9
        && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !valid || date.next().is_some() || clock.next().is_some() {
        return None;
    }
    let micros = format!("{fraction:0<6}").get(..6)?.parse::<i64>().ok()?;
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset_s;
    Some(seconds * 1_000_000 + micros)
}

/// `Z`, `+02`, `+02:00`, `-0930`, in seconds.
fn offset(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.get(1..)?.chars().filter(|letter| *letter != ':').collect();
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours = digits.get(..2)?.parse::<i64>().ok()?;
    let minutes = digits
        .get(2..)
        .filter(|rest| !rest.is_empty())
        .unwrap_or("0")
        .parse::<i64>()
        .ok()?;
    Some(sign * (hours * 3_600 + minutes * 60))
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counted in eras of 400 years from a March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}
