//! Quantities in words: `1.9 ms`, `37 records`, `998.2/s`.
//!
//! Invariant: every value in here is in base units (nanoseconds, bytes, records, records per second, cores).
//! This is what messages of thresholds and verdicts need and no more; charts and tables are laid out by the
//! reports.

use std::fmt;

/// What is measured, and thereby the base unit of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Nanoseconds.
    Time,
    /// Bytes.
    Bytes,
    /// Records.
    Records,
    /// Records per second.
    Rate,
    /// Processor cores, 1.0 is one core fully used.
    Cores,
    /// A share or a factor.
    Ratio,
    /// A change as a share of the whole, for each minute: 0.01 is one percent more each minute.
    Drift,
    /// Times that something happened.
    Count,
}

impl Unit {
    /// The kind of quantity, as in "`ack.p95` is a time".
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Time => "a time",
            Self::Bytes => "a size",
            Self::Records => "a number of records",
            Self::Rate => "a rate",
            Self::Cores => "a number of cores",
            Self::Ratio => "a share",
            Self::Drift => "a drift",
            Self::Count => "a number of times",
        }
    }

    /// A value as one would write it for this unit.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Self::Time => "100 ms",
            Self::Bytes => "512 MiB",
            Self::Records => "0",
            Self::Rate => "1000/s",
            Self::Cores => "0.5",
            Self::Ratio => "1 %",
            Self::Drift => "0.5 %/min",
            Self::Count => "0",
        }
    }
}

/// Units that may be written after a number: name, what it measures, size in base units.
pub const WRITTEN_UNITS: &[(&str, Unit, f64)] = &[
    ("ns", Unit::Time, 1.0),
    ("us", Unit::Time, 1e3),
    ("µs", Unit::Time, 1e3),
    ("ms", Unit::Time, 1e6),
    ("s", Unit::Time, 1e9),
    ("min", Unit::Time, 60e9),
    ("B", Unit::Bytes, 1.0),
    ("KB", Unit::Bytes, 1e3),
    ("MB", Unit::Bytes, 1e6),
    ("GB", Unit::Bytes, 1e9),
    ("KiB", Unit::Bytes, 1_024.0),
    ("MiB", Unit::Bytes, 1_048_576.0),
    ("GiB", Unit::Bytes, 1_073_741_824.0),
    ("records", Unit::Records, 1.0),
    ("/s", Unit::Rate, 1.0),
    ("cores", Unit::Cores, 1.0),
    ("%", Unit::Ratio, 0.01),
    ("%/min", Unit::Drift, 0.01),
    ("times", Unit::Count, 1.0),
];

/// Significant digits of a figure that only has to be read.
const DIGITS: usize = 3;

/// Significant digits beyond which two different figures are shown as equal after all: those of a `f64`.
const MOST_DIGITS: usize = 15;

/// A value in base units with what it measures; displays with three significant digits, whole numbers of
/// records exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity {
    /// In base units.
    pub value: f64,
    /// What it measures.
    pub unit: Unit,
}

impl Quantity {
    /// A value of a unit.
    #[must_use]
    pub fn new(value: f64, unit: Unit) -> Self {
        Self { value, unit }
    }

    /// Both in words, with as many digits as it takes to tell them apart if they differ: `100.04 ms` and
    /// `100 ms`, so that a limit never looks kept that was missed by little.
    #[must_use]
    pub fn told_apart(self, other: Self) -> (String, String) {
        let at = |digits| (self.with_digits(digits), other.with_digits(digits));
        if self.value == other.value || self.unit != other.unit {
            return at(DIGITS);
        }
        (DIGITS..=MOST_DIGITS)
            .map(at)
            .find(|(a, b)| a != b)
            .unwrap_or_else(|| at(MOST_DIGITS))
    }

    fn with_digits(self, digits: usize) -> String {
        let Self { value, unit } = self;
        match unit {
            Unit::Time if value == 0.0 => "0 s".to_owned(),
            Unit::Time => scaled(
                value,
                digits,
                &[
                    (60e9 * 2.0, 60e9, " min"),
                    (1e9, 1e9, " s"),
                    (1e5, 1e6, " ms"),
                    (1e3, 1e3, " µs"),
                ],
                " ns",
            ),
            Unit::Bytes => scaled(
                value,
                digits,
                &[
                    (1_073_741_824.0, 1_073_741_824.0, " GiB"),
                    (1_048_576.0, 1_048_576.0, " MiB"),
                    (1_024.0, 1_024.0, " KiB"),
                ],
                " B",
            ),
            Unit::Records if value == 1.0 => "1 record".to_owned(),
            Unit::Records => format!("{} records", number(value, digits.max(whole_digits(value)))),
            Unit::Rate => format!("{}/s", number(value, digits.max(whole_digits(value) + 1))),
            Unit::Cores if value == 1.0 => "1 core".to_owned(),
            Unit::Cores => format!("{} cores", number(value, digits)),
            Unit::Ratio => format!("{} %", number(value * 100.0, digits)),
            Unit::Drift => format!("{} %/min", number(value * 100.0, digits)),
            Unit::Count => number(value, digits.max(whole_digits(value))),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_digits(DIGITS))
    }
}

/// A length of time in words: `1.31 s`.
#[must_use]
pub fn duration(ns: u64) -> String {
    Quantity::new(ns as f64, Unit::Time).to_string()
}

/// A moment since the start of the run in words, to the millisecond, as in the other places where it can be
/// looked up: `15.002 s`.
#[must_use]
pub fn moment(ns: u64) -> String {
    let ms = ns / 1_000_000;
    format!("{}.{:03} s", count(ms / 1_000), ms % 1_000)
}

/// A whole number with separators between thousands: `30,000`.
#[must_use]
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// A whole number of things: `1 record`, `30,000 records`.
#[must_use]
pub fn counted(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// `steps`: from which value on, divided by what, with which suffix; descending.
fn scaled(value: f64, digits: usize, steps: &[(f64, f64, &str)], base: &str) -> String {
    let (divisor, suffix) = steps
        .iter()
        .find(|(from, _, _)| value.abs() >= *from)
        .map_or((1.0, base), |(_, divisor, suffix)| (*divisor, *suffix));
    let value = value / divisor;
    format!("{}{suffix}", number(value, digits.max(whole_digits(value))))
}

fn whole_digits(value: f64) -> usize {
    let value = value.abs();
    if value < 1.0 || !value.is_finite() {
        return 0;
    }
    value.log10().floor() as usize + 1
}

/// A number with significant digits, without trailing zeros, with separators between thousands.
fn number(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let leading = if value == 0.0 {
        0
    } else {
        value.abs().log10().floor() as i64
    };
    let decimals = usize::try_from(digits as i64 - 1 - leading)
        .unwrap_or(0)
        .min(MOST_DIGITS);
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0.0 && (whole != "0" || !fraction.is_empty()) {
        "-"
    } else {
        ""
    };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", grouped(whole))
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_in_words() {
        let cases = [
            (0.0, Unit::Time, "0 s"),
            (999.0, Unit::Time, "999 ns"),
            (1_870_000.0, Unit::Time, "1.87 ms"),
            (800_000.0, Unit::Time, "0.8 ms"),
            (31_000_000.0, Unit::Time, "31 ms"),
            (15_200.0, Unit::Time, "15.2 µs"),
            (1_310_000_000.0, Unit::Time, "1.31 s"),
            (100e9, Unit::Time, "100 s"),
            (150e9, Unit::Time, "2.5 min"),
            (512.0, Unit::Bytes, "512 B"),
            (5_242_880.0, Unit::Bytes, "5 MiB"),
            (0.0, Unit::Records, "0 records"),
            (1.0, Unit::Records, "1 record"),
            (1_234_567.0, Unit::Records, "1,234,567 records"),
            (998.2, Unit::Rate, "998.2/s"),
            (50_000.0, Unit::Rate, "50,000/s"),
            (0.0832, Unit::Cores, "0.0832 cores"),
            (1.0, Unit::Cores, "1 core"),
            (0.995, Unit::Ratio, "99.5 %"),
            (0.0042, Unit::Drift, "0.42 %/min"),
            (1_234.0, Unit::Count, "1,234"),
            (-2_000_000.0, Unit::Time, "-2 ms"),
            (f64::INFINITY, Unit::Records, "inf records"),
        ];
        for (value, unit, words) in cases {
            assert_eq!(Quantity::new(value, unit).to_string(), words);
        }
        assert_eq!(moment(15_002_900_000), "15.002 s");
        assert_eq!(counted(1, "record", "records"), "1 record");
        assert_eq!(counted(30_000, "record", "records"), "30,000 records");
    }

    #[test]
    fn a_limit_missed_by_little_does_not_look_kept() {
        let ms = |value: f64| Quantity::new(value * 1e6, Unit::Time);
        let words = |a: Quantity, b: Quantity| a.told_apart(b);
        assert_eq!(
            words(ms(100.04), ms(100.0)),
            ("100.04 ms".into(), "100 ms".into())
        );
        assert_eq!(words(ms(131.42), ms(100.0)), ("131 ms".into(), "100 ms".into()));
        assert_eq!(words(ms(100.0), ms(100.0)), ("100 ms".into(), "100 ms".into()));
    }
}
