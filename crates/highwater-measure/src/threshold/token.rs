//! Expressions cut into tokens. A number takes its unit along.

use std::ops::Range;

use super::ThresholdError;
use super::expression::{Comparison, Operator};
use super::parser::nearest;
use crate::quantity::{Unit, WRITTEN_UNITS};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// In base units; without a unit the number as it is.
    Number(f64, Option<Unit>),
    /// A metric, perhaps with its phase.
    Word(String),
    Comparison(Comparison),
    Operator(Operator),
    Open,
    Close,
}

pub(super) type Spanned = (Token, Range<usize>);

pub(super) fn tokens(text: &str) -> Result<Vec<Spanned>, ThresholdError> {
    let mut cursor = Cursor { text, at: 0 };
    let mut tokens = Vec::new();
    while let Some(first) = cursor.skip_spaces() {
        let start = cursor.at;
        let token = match first {
            '0'..='9' => cursor.number()?,
            'a'..='z' | 'A'..='Z' | '_' => Token::Word(cursor.word()),
            _ => cursor.symbol(first)?,
        };
        tokens.push((token, start..cursor.at));
    }
    Ok(tokens)
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character that is not a space.
    fn skip_spaces(&mut self) -> Option<char> {
        let trimmed = self.rest().trim_start();
        self.at = self.text.len() - trimmed.len();
        trimmed.chars().next()
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|next| !belongs(next)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Names of phases contain a hyphen, which elsewhere is a minus: only a phase before a dot takes it along.
    fn word(&mut self) -> String {
        let phase = highwater_model::Phase::ALL
            .into_iter()
            .map(highwater_model::Phase::name)
            .find(|phase| {
                let after = self.rest().strip_prefix(phase);
                after.is_some_and(|after| after.starts_with('.'))
            })
            .unwrap_or("");
        self.at += phase.len();
        let name = self.take_while(|next| next.is_ascii_alphanumeric() || next == '_' || next == '.');
        format!("{phase}{name}")
    }

    fn number(&mut self) -> Result<Token, ThresholdError> {
        let start = self.at;
        let digits = self.take_while(|next| next.is_ascii_digit() || next == '_' || next == '.');
        let span = start..self.at;
        let value: f64 = digits.replace('_', "").parse().map_err(|_| ThresholdError {
            span: span.clone(),
            message: format!("`{digits}` is not a number"),
            help: Some("write it as `1000`, `1_000` or `0.99`".to_owned()),
        })?;
        let before_unit = self.at;
        self.skip_spaces();
        let unit_start = self.at;
        let Some(unit) = self.unit() else {
            self.at = before_unit;
            return Ok(Token::Number(value, None));
        };
        let (_, measures, size) = WRITTEN_UNITS
            .iter()
            .find(|(name, _, _)| *name == unit)
            .ok_or_else(|| unknown_unit(unit, unit_start..self.at))?;
        Ok(Token::Number(value * size, Some(*measures)))
    }

    fn unit(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        if rest.starts_with('%') {
            let per_minute = rest.strip_prefix("%/min").filter(|after| !continues(after));
            let unit = if per_minute.is_some() { "%/min" } else { "%" };
            self.at += unit.len();
            return Some(unit);
        }
        // `/s` is a unit unless it begins the division by something whose name begins with s.
        if let Some(after) = rest.strip_prefix("/s")
            && !continues(after)
        {
            self.at += 2;
            return Some("/s");
        }
        let word = self.take_while(|next| next.is_alphanumeric() || next == '_' || next == '.');
        match word {
            "" => None,
            // The Greek letter is what many keyboards give for the sign of a millionth.
            "μs" => Some("µs"),
            word => Some(word),
        }
    }

    fn symbol(&mut self, first: char) -> Result<Token, ThresholdError> {
        let start = self.at;
        let two = self.rest().get(..2).unwrap_or("");
        if let Some(comparison) = Comparison::written(two) {
            self.at += 2;
            return Ok(Token::Comparison(comparison));
        }
        self.at += first.len_utf8();
        let token = match first {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            _ => Operator::written(first)
                .map(Token::Operator)
                .or_else(|| Comparison::written(&self.text[start..self.at]).map(Token::Comparison)),
        };
        token.ok_or_else(|| ThresholdError {
            span: start..self.at,
            message: format!("`{first}` has no meaning here"),
            help: match first {
                '=' => Some("write `==` for equal".to_owned()),
                '%' => Some("a share stands after its number, as in `1 %`".to_owned()),
                _ => None,
            },
        })
    }
}

/// Whether a name goes on here.
fn continues(text: &str) -> bool {
    text.starts_with(|next: char| next.is_ascii_alphanumeric() || "_.-".contains(next))
}

fn unknown_unit(unit: &str, span: Range<usize>) -> ThresholdError {
    let names = || WRITTEN_UNITS.iter().map(|(name, _, _)| *name);
    let help = match names()
        .find(|name| name.eq_ignore_ascii_case(unit))
        .or_else(|| nearest(unit, names()))
    {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("units are {}", names().collect::<Vec<_>>().join(", ")),
    };
    ThresholdError {
        span,
        message: format!("unknown unit `{unit}`"),
        help: Some(help),
    }
}
