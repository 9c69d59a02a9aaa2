//! Tokens to a checked threshold.

use std::ops::Range;

use highwater_model::Phase;

use super::expression::{Expression, Kind, Operator};
use super::token::{Spanned, Token, tokens};
use super::{MAX_LENGTH, METRICS, Metric, Threshold, ThresholdError, metric};
use crate::quantity::Unit;

/// Deepest nesting: no person writes more, and reading recurses.
const MAX_DEPTH: usize = 32;

type Parsed<T> = Result<T, ThresholdError>;

pub(super) fn parse(text: &str) -> Parsed<Threshold> {
    if text.len() > MAX_LENGTH {
        return Err(error(
            0..text.len(),
            "the expression is too long",
            "one limit, one line",
        ));
    }
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens: &tokens,
        next: 0,
        end: text.trim_end().len(),
        phase: None,
        depth: 0,
    };
    parser.threshold(text)
}

/// A part of the right side with what it measures and where it stands.
struct Part {
    expression: Expression,
    kind: Kind,
    span: Range<usize>,
}

struct Parser<'a> {
    tokens: &'a [Spanned],
    next: usize,
    end: usize,
    /// Phase of the left side.
    phase: Option<Phase>,
    depth: usize,
}

impl Parser<'_> {
    fn threshold(&mut self, text: &str) -> Parsed<Threshold> {
        let Some((Token::Word(word), span)) = self.take() else {
            return Err(error(
                self.before(),
                "a threshold begins with the metric that is limited",
                "for example `ack.p95 < 100 ms`",
            ));
        };
        let (phase, metric) = resolve(&word, span.clone())?;
        self.phase = phase;
        let comparison = match self.take() {
            Some((Token::Comparison(comparison), _)) => comparison,
            Some((Token::Operator(_), span)) => {
                return Err(error(
                    span,
                    "the left side is one metric, without arithmetic",
                    &format!("put it on the right, as in `{word} <= 0.01 * attempted`"),
                ));
            }
            other => {
                return Err(error(
                    other.map_or(self.end..self.end, |(_, span)| span),
                    "a comparison is missing after the metric",
                    "one of < <= > >= == !=",
                ));
            }
        };
        let limit = self.sum()?;
        if let Some((token, span)) = self.take() {
            let message = match token {
                Token::Comparison(_) => "a threshold has one comparison",
                Token::Close => "this parenthesis was never opened",
                _ => "an operator is missing before this",
            };
            return Err(error(span, message, "one of + - * / between two values"));
        }
        compare(metric, &limit)?;
        Ok(Threshold {
            text: text.trim().to_owned(),
            phase,
            metric,
            comparison,
            limit: limit.expression,
        })
    }

    fn sum(&mut self) -> Parsed<Part> {
        let mut left = self.product()?;
        while let Some(operator) = self.operator(&[Operator::Plus, Operator::Minus]) {
            let right = self.product()?;
            left = combine(operator, left, right)?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Parsed<Part> {
        let mut left = self.factor()?;
        while let Some(operator) = self.operator(&[Operator::Times, Operator::Over]) {
            let right = self.factor()?;
            left = combine(operator, left, right)?;
        }
        Ok(left)
    }

    fn factor(&mut self) -> Parsed<Part> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(error(
                self.before(),
                "the expression is nested too deeply",
                "remove parentheses",
            ));
        }
        let part = self.nested_factor();
        self.depth -= 1;
        part
    }

    fn nested_factor(&mut self) -> Parsed<Part> {
        let Some((token, span)) = self.take() else {
            return Err(error(
                self.end..self.end,
                "a value is missing at the end",
                "a number or a metric",
            ));
        };
        match token {
            Token::Number(value, unit) => Ok(Part {
                expression: Expression::Number(value),
                kind: unit.map_or(Kind::Plain, Kind::Of),
                span,
            }),
            Token::Word(word) => {
                let (phase, metric) = resolve(&word, span.clone())?;
                let phase = phase.or(self.phase.filter(|_| metric.per_phase));
                Ok(Part {
                    expression: Expression::Metric(phase, metric),
                    kind: Kind::Of(metric.unit),
                    span,
                })
            }
            Token::Operator(Operator::Minus) => {
                let inner = self.factor()?;
                Ok(Part {
                    expression: Expression::Negative(Box::new(inner.expression)),
                    kind: inner.kind,
                    span: span.start..inner.span.end,
                })
            }
            Token::Open => {
                let inner = self.sum()?;
                match self.take() {
                    Some((Token::Close, close)) => Ok(Part {
                        span: span.start..close.end,
                        ..inner
                    }),
                    _ => Err(error(span, "this parenthesis is never closed", "add `)`")),
                }
            }
            Token::Comparison(_) | Token::Operator(_) | Token::Close => Err(error(
                span,
                "a value is missing before this",
                "a number or a metric",
            )),
        }
    }

    fn take(&mut self) -> Option<Spanned> {
        let token = self.tokens.get(self.next).cloned();
        self.next += usize::from(token.is_some());
        token
    }

    fn operator(&mut self, of: &[Operator]) -> Option<Operator> {
        match self.tokens.get(self.next) {
            Some((Token::Operator(operator), _)) if of.contains(operator) => {
                self.next += 1;
                Some(*operator)
            }
            _ => None,
        }
    }

    /// Place of the last token taken.
    fn before(&self) -> Range<usize> {
        self.tokens
            .get(self.next.saturating_sub(1))
            .map_or(0..self.end, |(_, span)| span.clone())
    }
}

fn combine(operator: Operator, left: Part, right: Part) -> Parsed<Part> {
    let span = left.span.start..right.span.end;
    let Some((kind, scale)) = Kind::combined(operator, left.kind, right.kind) else {
        return Err(ThresholdError {
            span,
            message: format!(
                "`{}` has no meaning between {} and {}",
                operator.symbol(),
                left.kind.noun(),
                right.kind.noun()
            ),
            help: None,
        });
    };
    Ok(Part {
        expression: Expression::Combined {
            operator,
            left: Box::new(left.expression),
            right: Box::new(right.expression),
            scale,
        },
        kind,
        span,
    })
}

fn compare(metric: &Metric, limit: &Part) -> Parsed<()> {
    let measured = Kind::Of(metric.unit);
    if measured.common(limit.kind).is_some() {
        return Ok(());
    }
    let help = if metric.unit == Unit::Records && limit.kind == Kind::Of(Unit::Ratio) {
        "say a share of what, as in `1 % * attempted`".to_owned()
    } else if metric.unit == Unit::Rate && limit.kind == Kind::Of(Unit::Ratio) {
        "say a share of what, as in `99 % * offered`".to_owned()
    } else {
        format!("write it like `{}`", metric.unit.example())
    };
    let message = format!(
        "`{}` is {}, and its limit is {}",
        metric.name,
        metric.unit.noun(),
        limit.kind.noun()
    );
    Err(error(limit.span.clone(), &message, &help))
}

/// A word as a metric, perhaps of a phase.
fn resolve(word: &str, span: Range<usize>) -> Parsed<(Option<Phase>, &'static Metric)> {
    let phase = Phase::ALL
        .into_iter()
        .find_map(|phase| Some((phase, word.strip_prefix(phase.name())?.strip_prefix('.')?)));
    let Some((phase, name)) = phase else {
        return metric(word)
            .map(|metric| (None, metric))
            .ok_or_else(|| unknown(word, span));
    };
    let name_span = span.end - name.len()..span.end;
    let Some(metric) = metric(name) else {
        return Err(unknown(name, name_span));
    };
    if !metric.per_phase {
        return Err(error(
            span,
            &format!("`{name}` exists for the whole scenario only"),
            &format!("write `{name}`"),
        ));
    }
    Ok((Some(phase), metric))
}

fn unknown(word: &str, span: Range<usize>) -> ThresholdError {
    if let Some((phase, name)) = word.split_once('.')
        && metric(name).is_some()
    {
        let names = Phase::ALL.map(Phase::name);
        let help = match nearest(phase, names.into_iter()) {
            Some(near) => format!("did you mean `{near}.{name}`?"),
            None => format!("phases are {}", names.join(", ")),
        };
        return error(
            span.start..span.start + phase.len(),
            &format!("unknown phase `{phase}`"),
            &help,
        );
    }
    let help = match nearest(word, METRICS.iter().map(|metric| metric.name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("metrics are {}", groups().join(", ")),
    };
    error(span, &format!("unknown metric `{word}`"), &help)
}

/// Metrics in short: `ack.*`, `lost`.
fn groups() -> Vec<String> {
    let mut groups: Vec<String> = METRICS
        .iter()
        .map(|metric| {
            metric
                .name
                .rsplit_once('.')
                .map_or_else(|| metric.name.to_owned(), |(group, _)| format!("{group}.*"))
        })
        .collect();
    groups.dedup();
    groups
}

/// The name that a typing error most likely meant: at most a third of the letters amiss.
pub(super) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance * 3 <= word.chars().count())
        .map(|(_, name)| name)
}

fn error(span: Range<usize>, message: &str, help: &str) -> ThresholdError {
    ThresholdError {
        span,
        message: message.to_owned(),
        help: Some(help.to_owned()),
    }
}
