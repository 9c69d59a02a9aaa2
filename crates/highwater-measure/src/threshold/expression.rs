//! Checked expressions: what they measure, and their value.

use highwater_model::Phase;

use super::Metric;
use crate::histogram::FEWEST_SAMPLES;
use crate::quantity::{Unit, count};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

impl Comparison {
    pub(super) fn written(text: &str) -> Option<Self> {
        Some(match text {
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "==" => Self::Equal,
            "!=" => Self::NotEqual,
            _ => return None,
        })
    }

    pub(super) fn holds(self, measured: f64, limit: f64) -> bool {
        match self {
            Self::Less => measured < limit,
            Self::LessOrEqual => measured <= limit,
            Self::Greater => measured > limit,
            Self::GreaterOrEqual => measured >= limit,
            Self::Equal => measured == limit,
            Self::NotEqual => measured != limit,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

impl Operator {
    pub(super) fn written(symbol: char) -> Option<Self> {
        Some(match symbol {
            '+' => Self::Plus,
            '-' => Self::Minus,
            '*' => Self::Times,
            '/' => Self::Over,
            _ => return None,
        })
    }

    pub(super) fn symbol(self) -> char {
        match self {
            Self::Plus => '+',
            Self::Minus => '-',
            Self::Times => '*',
            Self::Over => '/',
        }
    }
}

/// What an expression measures. A plain number was written without a unit and takes that of its neighbour,
/// where nobody could mean another one: never for a time or a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Of(Unit),
}

impl Kind {
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Plain => "a number without a unit",
            Self::Of(unit) => unit.noun(),
        }
    }

    /// The common kind of two that can be added or compared.
    pub(super) fn common(self, other: Self) -> Option<Self> {
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Self::Plain, Self::Of(unit)) | (Self::Of(unit), Self::Plain) => {
                (!matches!(unit, Unit::Time | Unit::Bytes | Unit::Drift)).then_some(Self::Of(unit))
            }
            // `broker.cpu.mean < 85 %`
            (Self::Of(Unit::Cores), Self::Of(Unit::Ratio))
            | (Self::Of(Unit::Ratio), Self::Of(Unit::Cores)) => Some(Self::Of(Unit::Cores)),
            _ => None,
        }
    }

    fn is_factor(self) -> bool {
        matches!(self, Self::Plain | Self::Of(Unit::Ratio))
    }

    /// The kind of a combination, if it has one, and what the value has to be multiplied with.
    pub(super) fn combined(operator: Operator, left: Self, right: Self) -> Option<(Self, f64)> {
        use Unit::{Rate, Ratio, Records, Time};
        const SECOND: f64 = 1e9;
        let same = |kind| Some((kind, 1.0));
        match (operator, left, right) {
            (Operator::Plus | Operator::Minus, _, _) => left.common(right).and_then(same),
            (Operator::Times, _, factor) if factor.is_factor() => same(left),
            (Operator::Times, factor, _) if factor.is_factor() => same(right),
            (Operator::Times, Self::Of(Rate), Self::Of(Time))
            | (Operator::Times, Self::Of(Time), Self::Of(Rate)) => Some((Self::Of(Records), 1.0 / SECOND)),
            (Operator::Over, _, factor) if factor.is_factor() => same(left),
            (Operator::Over, Self::Of(a), Self::Of(b)) if a == b => same(Self::Of(Ratio)),
            (Operator::Over, Self::Of(Records), Self::Of(Rate)) => Some((Self::Of(Time), SECOND)),
            (Operator::Over, Self::Of(Records) | Self::Plain, Self::Of(Time)) => {
                Some((Self::Of(Rate), SECOND))
            }
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) enum Expression {
    Number(f64),
    Metric(Option<Phase>, &'static Metric),
    Negative(Box<Expression>),
    Combined {
        operator: Operator,
        left: Box<Expression>,
        right: Box<Expression>,
        scale: f64,
    },
}

impl Expression {
    /// The value in base units, or why there is none.
    pub(super) fn value(&self, lookup: &dyn Fn(Option<Phase>, &str) -> Option<f64>) -> Result<f64, String> {
        let value = match self {
            Self::Number(value) => *value,
            Self::Metric(phase, metric) => {
                lookup(*phase, metric.name).ok_or_else(|| not_measured(*phase, metric))?
            }
            Self::Negative(inner) => -inner.value(lookup)?,
            Self::Combined {
                operator,
                left,
                right,
                scale,
            } => {
                let (left, right) = (left.value(lookup)?, right.value(lookup)?);
                let combined = match operator {
                    Operator::Plus => left + right,
                    Operator::Minus => left - right,
                    Operator::Times => left * right,
                    Operator::Over => left / right,
                };
                combined * scale
            }
        };
        if value.is_finite() {
            Ok(value)
        } else {
            Err("the limit is not a number: something is divided by zero".to_owned())
        }
    }
}

/// Why a metric has no value, as far as can be told here.
pub(super) fn not_measured(phase: Option<Phase>, metric: &Metric) -> String {
    let phase = phase.map_or(String::new(), |phase| format!("{}.", phase.name()));
    let fewest = FEWEST_SAMPLES.iter().find(|(quantile, fewest)| {
        *fewest > 1 && metric.per_phase && metric.name.ends_with(&format!(".p{}", digits(*quantile)))
    });
    let needs = fewest.map_or(String::new(), |(_, fewest)| {
        format!("; it needs at least {} samples", count(*fewest))
    });
    format!("`{phase}{}` was not measured{needs}", metric.name)
}

/// `0.999` as in `p999`, `0.5` as in `p50`.
fn digits(quantile: f64) -> String {
    let percent = format!("{}", quantile * 100.0);
    percent.replace('.', "")
}
