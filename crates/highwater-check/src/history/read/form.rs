//! EDN: forms out of bytes.
//!
//! Invariant: forms point into the bytes they were read from; nesting is bounded. Tags are passed over, what they tag
//! is kept.

use std::io::BufRead;

use super::ReadError;
use super::error::excerpt;

/// Bytes of one map of a history at most.
const LARGEST: usize = 64 << 20;
/// Forms inside of forms.
const DEEPEST: usize = 64;

/// A form.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form<'a> {
    /// Numbers, keywords, symbols, and strings with their quotes: as they are written.
    Word(&'a str),
    /// Lists, vectors and sets.
    Sequence(Vec<Form<'a>>),
    /// Keys and values, in the order in which they are written.
    Map(Vec<(Form<'a>, Form<'a>)>),
}

impl<'a> Form<'a> {
    pub(super) fn word(&self) -> Option<&'a str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn integer(&self) -> Option<i64> {
        let word = self.word()?;
        word.strip_suffix('N').unwrap_or(word).parse().ok()
    }

    pub(super) fn sequence(&self) -> Option<&[Self]> {
        match self {
            Self::Sequence(forms) => Some(forms),
            _ => None,
        }
    }

    pub(super) fn is_nil(&self) -> bool {
        self.word() == Some("nil")
    }

    /// What a map has under a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries
                .iter()
                .find(|(known, _)| known.word() == Some(key))
                .map(|(_, value)| value),
            _ => None,
        }
    }
}

/// Cuts a stream into the maps on its top level; a vector or a list around all of them is passed over.
pub(super) struct Maps<'r, R> {
    input: &'r mut R,
    line: u64,
    map: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Forms,
    Text,
    Escape,
    Comment,
    Character,
}

impl<'r, R: BufRead> Maps<'r, R> {
    pub(super) fn new(input: &'r mut R) -> Self {
        Self {
            input,
            line: 1,
            map: Vec::new(),
        }
    }

    /// The next map and the line at which it begins.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &[u8])>, ReadError> {
        self.map.clear();
        let (mut inside, mut depth, mut began) = (Inside::Forms, 0usize, self.line);
        loop {
            let line = self.line;
            let bytes = self
                .input
                .fill_buf()
                .map_err(|source| ReadError::Io { line, source })?;
            if bytes.is_empty() {
                return match depth {
                    0 => Ok(None),
                    _ => Err(ReadError::malformed(
                        began,
                        "a map that never ends",
                        "the file was cut off; copy it again",
                    )),
                };
            }
            let mut used = 0;
            let mut done = false;
            for byte in bytes {
                used += 1;
                self.line += u64::from(*byte == b'\n');
                let before = depth;
                match (inside, byte) {
                    (Inside::Text, b'\\') => inside = Inside::Escape,
                    (Inside::Text, b'"') | (Inside::Comment, b'\n') => inside = Inside::Forms,
                    (Inside::Escape, _) => inside = Inside::Text,
                    (Inside::Character, _) => inside = Inside::Forms,
                    (Inside::Forms, b'"') => inside = Inside::Text,
                    (Inside::Forms, b';') => inside = Inside::Comment,
                    (Inside::Forms, b'\\') => inside = Inside::Character,
                    (Inside::Forms, b'{') => depth += 1,
                    (Inside::Forms, b'[' | b'(') if depth > 0 => depth += 1,
                    (Inside::Forms, b'}' | b']' | b')') => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if before == 0 && depth == 1 {
                    began = self.line;
                }
                if before > 0 || depth > 0 {
                    self.map.push(*byte);
                }
                if before == 1 && depth == 0 {
                    done = true;
                    break;
                }
            }
            self.input.consume(used);
            if self.map.len() > LARGEST {
                return Err(ReadError::TooLarge {
                    line: began,
                    limit_mib: LARGEST >> 20,
                });
            }
            if done {
                return Ok(Some((began, &self.map)));
            }
        }
    }
}

/// The form that bytes begin with.
pub(super) fn parse(line: u64, bytes: &[u8]) -> Result<Form<'_>, ReadError> {
    let text = std::str::from_utf8(bytes).map_err(|_| {
        ReadError::malformed(line, "bytes that are no text", "EDN is UTF-8; convert the file")
    })?;
    let mut parser = Parser { line, text, at: 0 };
    parser
        .form(0)?
        .ok_or_else(|| ReadError::malformed(line, "no form", "a history has one map for each operation"))
}

struct Parser<'a> {
    line: u64,
    text: &'a str,
    at: usize,
}

const NOT_EDN: &str = "give a history in EDN, as Jepsen stores it (history.edn)";

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn error(&self, what: &str) -> ReadError {
        let rest = self.text.get(self.at..).unwrap_or_default();
        ReadError::malformed(self.line, format!("{what} at {}", excerpt(rest)), NOT_EDN)
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b';' => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                }
                b',' => self.at += 1,
                _ if byte.is_ascii_whitespace() => self.at += 1,
                _ => break,
            }
        }
    }

    /// The next form, or none before a closing bracket or the end.
    fn form(&mut self, depth: usize) -> Result<Option<Form<'a>>, ReadError> {
        if depth > DEEPEST {
            return Err(self.error("forms nested too deeply"));
        }
        loop {
            self.skip_space();
            let Some(byte) = self.peek() else {
                return Ok(None);
            };
            match byte {
                b'{' => return self.map(depth).map(Some),
                b'[' => return self.sequence(b']', depth).map(Some),
                b'(' => return self.sequence(b')', depth).map(Some),
                b'}' | b']' | b')' => return Ok(None),
                b'"' => return self.string().map(Some),
                b'#' => {
                    self.at += 1;
                    match self.peek() {
                        Some(b'{') => return self.sequence(b'}', depth).map(Some),
                        Some(b'_') => {
                            self.at += 1;
                            self.form(depth + 1)?;
                        }
                        // The tag; what it tags comes next.
                        _ => {
                            self.bare()?;
                        }
                    }
                }
                _ => return self.bare().map(|word| Some(Form::Word(word))),
            }
        }
    }

    fn bare(&mut self) -> Result<&'a str, ReadError> {
        let from = self.at;
        if self.peek() == Some(b'\\') {
            // A character; it may be a bracket.
            self.at += 1;
            let character = self.text[self.at..].chars().next();
            self.at += character.map_or(0, char::len_utf8);
        }
        while self.peek().is_some_and(|byte| {
            !byte.is_ascii_whitespace()
                && !matches!(byte, b',' | b';' | b'"' | b'{' | b'}' | b'[' | b']' | b'(' | b')')
        }) {
            self.at += 1;
        }
        if self.at == from {
            return Err(self.error("no form"));
        }
        Ok(&self.text[from..self.at])
    }

    fn string(&mut self) -> Result<Form<'a>, ReadError> {
        let from = self.at;
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'"' => return Ok(Form::Word(&self.text[from..self.at])),
                _ => {}
            }
        }
        Err(self.error("a string that never ends"))
    }

    fn sequence(&mut self, close: u8, depth: usize) -> Result<Form<'a>, ReadError> {
        self.at += 1;
        let mut forms = Vec::new();
        while let Some(form) = self.form(depth + 1)? {
            forms.push(form);
        }
        self.close(close)?;
        Ok(Form::Sequence(forms))
    }

    fn map(&mut self, depth: usize) -> Result<Form<'a>, ReadError> {
        self.at += 1;
        let mut entries = Vec::new();
        while let Some(key) = self.form(depth + 1)? {
            let Some(value) = self.form(depth + 1)? else {
                return Err(self.error("a key without a value"));
            };
            entries.push((key, value));
        }
        self.close(b'}')?;
        Ok(Form::Map(entries))
    }

    fn close(&mut self, close: u8) -> Result<(), ReadError> {
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        Err(self.error(&format!("`{}` is missing", char::from(close))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps(mut text: &[u8]) -> Vec<(u64, String)> {
        let mut maps = Maps::new(&mut text);
        let mut found = Vec::new();
        while let Some((line, map)) = maps.next().unwrap() {
            found.push((line, String::from_utf8(map.to_vec()).unwrap()));
        }
        found
    }

    #[test]
    fn maps_are_cut_from_lines_and_from_one_vector() {
        let expected = [
            (1, "{:a \"}\\\"\"}".to_owned()),
            (2, "{:b [{:c 1}\n]}".to_owned()),
            (5, "{}".to_owned()),
        ];
        assert_eq!(
            maps(b"{:a \"}\\\"\"}\n{:b [{:c 1}\n]}\n; {:not 1}\n {}"),
            expected
        );
        assert_eq!(maps(b"[{:a \"}\\\"\"}\n{:b [{:c 1}\n]}\n\n{} ]"), expected);
    }

    #[test]
    fn forms_are_read_whatever_they_are_tagged_with() {
        let text = b"#jepsen.history.Op{:index 0, :value [[:send :x nil] #{1 2}], :error \"a \\\" b\" #_ 7}";
        let form = parse(1, text).unwrap();
        assert_eq!(form.get(":index").and_then(Form::integer), Some(0));
        assert_eq!(form.get(":error").and_then(Form::word), Some("\"a \\\" b\""));
        let value = form.get(":value").and_then(Form::sequence).unwrap();
        assert!(value[0].sequence().unwrap()[2].is_nil());
        assert_eq!(value[1].sequence().unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_edn_is_an_error_with_its_line() {
        for (text, message) in [
            ("{:a}", "line 7: a key without a value"),
            ("{:a [1}", "`]` is missing"),
            ("{:a \"b}", "a string that never ends"),
            ("", "no form"),
        ] {
            let error = parse(7, text.as_bytes()).expect_err(text).to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
        let deep = "[".repeat(1000);
        assert!(
            parse(1, deep.as_bytes())
                .unwrap_err()
                .to_string()
                .contains("too deeply")
        );
        let mut cut: &[u8] = b"{}\n{:a 1";
        let mut maps = Maps::new(&mut cut);
        assert!(maps.next().unwrap().is_some());
        let error = maps.next().unwrap_err().to_string();
        assert_eq!(
            error,
            "line 2: a map that never ends; the file was cut off; copy it again"
        );
    }
}
