//! Quantities as people write them: `30s`, `1000/s`, `5KiB`. A bare number is refused, so that a unit is
//! never guessed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A span of time, written `250us`, `5ms`, `30s`, `2min`, `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct Span(pub Duration);

/// Records per second, written `1000/s`, `50k/s`, or `max` for as many as the client takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub enum Rate {
    /// Records per second.
    PerSecond(f64),
    /// As many as the client takes.
    Max,
}

/// A size, written `100B`, `5KiB`, `2MB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct Size(pub u64);

/// Bytes per second, written `1MB/s`, `64KiB/s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct ByteRate(pub u64);

/// Versions of a request, written `9` or `"3-11"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct Versions {
    /// The first.
    pub first: i16,
    /// The last, not below the first.
    pub last: i16,
}

/// What may stand in a file where a quantity is wanted; only text is right, numbers get a better error.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Integer(i64),
    Float(f64),
}

impl Written {
    fn text(self, example: &str) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Integer(number) => Err(format!(
                "{number} has no unit; write it as text, e.g. \"{example}\""
            )),
            Self::Float(number) => Err(format!(
                "{number} has no unit; write it as text, e.g. \"{example}\""
            )),
        }
    }
}

const TIME_UNITS: [(&str, f64); 7] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("ms", 1e6),
    ("min", 6e10),
    ("m", 6e10),
    ("s", 1e9),
    ("h", 3.6e12),
];
const SIZE_UNITS: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];
/// Longest span: a year, far above every run, so that arithmetic on it can't overflow.
const LONGEST: f64 = 366.0 * 24.0 * 3.6e12;

fn number(text: &str) -> Option<f64> {
    let text = text.trim().replace('_', "");
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (value, factor) = TIME_UNITS
            .iter()
            .find_map(|(unit, factor)| Some((number(text.strip_suffix(unit)?)?, factor)))
            .ok_or_else(|| format!("\"{text}\" is not a span of time; write a number and ns, us, ms, s, min or h, e.g. \"30s\""))?;
        let nanos = value * factor;
        if nanos > LONGEST {
            return Err(format!("\"{text}\" is longer than a year"));
        }
        Ok(Self(Duration::from_nanos(nanos.round() as u64)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let (unit, size) = [
            ("h", 3_600_000_000_000),
            ("min", 60_000_000_000),
            ("s", 1_000_000_000),
            ("ms", 1_000_000),
            ("us", 1_000),
        ]
        .into_iter()
        .find(|(_, size)| nanos > 0 && nanos.is_multiple_of(*size))
        .unwrap_or(if nanos == 0 { ("s", 1) } else { ("ns", 1) });
        write!(f, "{}{unit}", nanos / size)
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "max" {
            return Ok(Self::Max);
        }
        let error = || {
            format!(
                "\"{text}\" is not a rate; write records per second such as \"1000/s\" or \"50k/s\", or \"max\""
            )
        };
        let amount = text.strip_suffix("/s").ok_or_else(error)?.trim();
        let (digits, factor) = match (amount.strip_suffix('k'), amount.strip_suffix('M')) {
            (Some(rest), _) => (rest, 1e3),
            (_, Some(rest)) => (rest, 1e6),
            _ => (amount, 1.0),
        };
        number(digits)
            .map(|value| Self::PerSecond(value * factor))
            .ok_or_else(error)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerSecond(rate) => write!(f, "{rate}/s"),
            Self::Max => f.write_str("max"),
        }
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (value, factor) = SIZE_UNITS
            .iter()
            .find_map(|(unit, factor)| Some((number(text.strip_suffix(unit)?)?, factor)))
            .ok_or_else(|| format!("\"{text}\" is not a size; write a number and B, KiB, MiB, GiB, KB, MB or GB, e.g. \"5KiB\""))?;
        let bytes = value * *factor as f64;
        if bytes > 1e15 {
            return Err(format!("\"{text}\" is too large"));
        }
        Ok(Self(bytes.round() as u64))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, size) = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
            .into_iter()
            .find(|(_, size)| self.0 > 0 && self.0.is_multiple_of(*size))
            .unwrap_or(("B", 1));
        write!(f, "{}{unit}", self.0 / size)
    }
}

impl FromStr for ByteRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.trim()
            .strip_suffix("/s")
            .and_then(|size| size.parse::<Size>().ok())
            .map(|size| Self(size.0))
            .ok_or_else(|| {
                format!("\"{text}\" is not a rate of bytes; write a size per second, e.g. \"1MB/s\"")
            })
    }
}

impl fmt::Display for ByteRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", Size(self.0))
    }
}

impl FromStr for Versions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.trim().parse(), last.trim().parse()) {
            (Ok(first), Ok(last)) if (0..=last).contains(&first) => Ok(Self { first, last }),
            _ => Err(format!(
                "\"{text}\" is no version of a request; write one, 9, or the first and the last, \"3-11\""
            )),
        }
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

impl TryFrom<Written> for Versions {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Text(text) => text,
            Written::Integer(number) => number.to_string(),
            Written::Float(number) => number.to_string(),
        }
        .parse()
    }
}

impl From<Versions> for String {
    fn from(versions: Versions) -> Self {
        versions.to_string()
    }
}

macro_rules! written {
    ($kind:ty, $example:literal) => {
        impl TryFrom<Written> for $kind {
            type Error = String;

            fn try_from(written: Written) -> Result<Self, String> {
                written.text($example)?.parse()
            }
        }

        impl From<$kind> for String {
            fn from(value: $kind) -> Self {
                value.to_string()
            }
        }
    };
}
written!(Span, "30s");
written!(Rate, "1000/s");
written!(Size, "5KiB");
written!(ByteRate, "1MB/s");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_and_written_alike() {
        for (text, nanos) in [
            ("250us", 250_000),
            ("5ms", 5_000_000),
            ("30s", 30_000_000_000),
            ("2min", 120_000_000_000),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!((span.0.as_nanos(), span.to_string().as_str()), (nanos, text));
        }
        for (text, bytes) in [("100B", 100), ("5KiB", 5120), ("1MiB", 1 << 20)] {
            let size: Size = text.parse().unwrap();
            assert_eq!((size.0, size.to_string().as_str()), (bytes, text));
        }
        assert_eq!("64KiB/s".parse::<ByteRate>().unwrap().to_string(), "64KiB/s");
        assert_eq!("1MB/s".parse::<ByteRate>().unwrap(), ByteRate(1_000_000));
        for (text, first, last) in [("9", 9, 9), ("3-11", 3, 11)] {
            let versions: Versions = text.parse().unwrap();
            assert_eq!(
                (versions.first, versions.last, versions.to_string().as_str()),
                (first, last, text)
            );
        }
        assert_eq!("1.5KB".parse::<Size>().unwrap(), Size(1500));
        assert_eq!("50k/s".parse::<Rate>().unwrap(), Rate::PerSecond(50_000.0));
        assert_eq!("max".parse::<Rate>().unwrap(), Rate::Max);
    }

    #[test]
    fn wrong_quantities_say_what_would_be_right() {
        for text in ["30", "s", "-5s", "5 parsecs", "1e400s", "NaNs", "infs", ""] {
            let error = text.parse::<Span>().unwrap_err();
            assert!(error.contains("\"30s\""), "{text}: {error}");
        }
        assert!("9999999h".parse::<Span>().unwrap_err().contains("year"));
        for text in ["1000", "x/s", "-1/s", "1000/min"] {
            assert!(text.parse::<Rate>().unwrap_err().contains("1000/s"), "{text}");
        }
        for text in ["1MB", "x/s", "-1B/s", "5/s"] {
            assert!(text.parse::<ByteRate>().unwrap_err().contains("1MB/s"), "{text}");
        }
        for text in ["", "-1", "11-3", "3-", "a", "40000"] {
            assert!(text.parse::<Versions>().unwrap_err().contains("3-11"), "{text}");
        }
        for text in ["5", "5 kilo", "-1B"] {
            assert!(text.parse::<Size>().unwrap_err().contains("5KiB"), "{text}");
        }
    }
}
