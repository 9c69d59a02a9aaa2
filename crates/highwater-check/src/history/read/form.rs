//! EDN: forms out of bytes.
//!
//! ```text
//!  {:f :poll, :value [7]}  ─▶  tape:  {  :f  :poll  :value  [  7      each form knows which one comes after it
//! ```
//!
//! Invariant: forms point into the bytes they were read from, and into one tape that is written over for each entry, so
//! that nothing is allocated for a form; nesting is bounded. Tags are passed over, what they tag is kept.

use super::ReadError;
use super::error::excerpt;

/// Forms inside of forms.
const DEEPEST: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Numbers, keywords, symbols, and strings with their quotes: as they are written.
    Word,
    /// Lists, vectors and sets.
    Sequence,
    /// Keys and values, in the order in which they are written.
    Map,
}

/// A form on the tape, before those inside of it.
#[derive(Debug, Clone, Copy)]
struct Node {
    shape: Shape,
    from: u32,
    to: u32,
    /// Place on the tape of what comes after it and all that it has inside.
    after: u32,
}

/// The forms of one entry.
#[derive(Debug, Default)]
pub(super) struct Tape {
    nodes: Vec<Node>,
}

/// A form.
#[derive(Clone, Copy)]
pub(super) struct Form<'a> {
    text: &'a str,
    nodes: &'a [Node],
    at: usize,
}

/// Forms beside each other.
#[derive(Clone, Copy)]
pub(super) struct Forms<'a> {
    text: &'a str,
    nodes: &'a [Node],
    at: usize,
    end: usize,
}

impl<'a> Iterator for Forms<'a> {
    type Item = Form<'a>;

    fn next(&mut self) -> Option<Form<'a>> {
        if self.at >= self.end {
            return None;
        }
        let (text, nodes, at) = (self.text, self.nodes, self.at);
        self.at = nodes[at].after as usize;
        Some(Form { text, nodes, at })
    }
}

impl<'a> Forms<'a> {
    /// Exactly two.
    pub(super) fn two(mut self) -> Option<(Form<'a>, Form<'a>)> {
        let pair = (self.next()?, self.next()?);
        self.next().is_none().then_some(pair)
    }
}

impl<'a> Form<'a> {
    fn node(&self) -> Node {
        self.nodes[self.at]
    }

    /// As it is written.
    pub(super) fn written(&self) -> &'a str {
        let node = self.node();
        &self.text[node.from as usize..node.to as usize]
    }

    pub(super) fn word(&self) -> Option<&'a str> {
        (self.node().shape == Shape::Word).then(|| self.written())
    }

    pub(super) fn integer(&self) -> Option<i64> {
        let word = self.word()?;
        match plain_number(word) {
            Some(number) => i64::try_from(number).ok(),
            None => word.strip_suffix('N').unwrap_or(word).parse().ok(),
        }
    }

    fn inside(&self) -> Forms<'a> {
        Forms {
            text: self.text,
            nodes: self.nodes,
            at: self.at + 1,
            end: self.node().after as usize,
        }
    }

    pub(super) fn sequence(&self) -> Option<Forms<'a>> {
        (self.node().shape == Shape::Sequence).then(|| self.inside())
    }

    /// Keys and values of a map.
    pub(super) fn entries(&self) -> Option<impl Iterator<Item = (Form<'a>, Form<'a>)> + use<'a>> {
        (self.node().shape == Shape::Map).then(|| {
            let mut inside = self.inside();
            std::iter::from_fn(move || Some((inside.next()?, inside.next()?)))
        })
    }

    pub(super) fn is_nil(&self) -> bool {
        self.word() == Some("nil")
    }

    /// What a map has under a key.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let mut entries = self.entries()?;
        let (_, value) = entries.find(|(known, _)| known.word() == Some(key))?;
        Some(value)
    }
}

/// A number of up to 18 digits that is written as it would be shown.
pub(super) fn plain_number(word: &str) -> Option<u64> {
    let digits = word.as_bytes();
    if digits.is_empty() || digits.len() > 18 || digits[0] == b'0' && digits.len() > 1 {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + u64::from(digit))
    })
}

impl Tape {
    /// The form that bytes begin with.
    pub(super) fn read<'a>(&'a mut self, line: u64, bytes: &'a [u8]) -> Result<Form<'a>, ReadError> {
        let text = std::str::from_utf8(bytes).map_err(|_| {
            ReadError::malformed(line, "bytes that are no text", "EDN is UTF-8; convert the file")
        })?;
        self.nodes.clear();
        let mut parser = Parser {
            line,
            text,
            at: 0,
            nodes: &mut self.nodes,
        };
        if !parser.form(0)? {
            return Err(ReadError::malformed(
                line,
                "no form",
                "a history has one map for each operation",
            ));
        }
        Ok(Form {
            text,
            nodes: &self.nodes,
            at: 0,
        })
    }
}

struct Parser<'a, 't> {
    line: u64,
    text: &'a str,
    at: usize,
    nodes: &'t mut Vec<Node>,
}

const NOT_EDN: &str = "give a history in EDN, as Jepsen stores it (history.edn)";

/// Bytes at which a word ends.
const ENDS_WORD: [bool; 256] = {
    let mut ends = [false; 256];
    let bytes = b" \t\n\x0c\r,;\"{}[]()";
    let mut at = 0;
    while at < bytes.len() {
        ends[bytes[at] as usize] = true;
        at += 1;
    }
    ends
};

impl Parser<'_, '_> {
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

    /// Writes the next form to the tape; false before a closing bracket or the end.
    fn form(&mut self, depth: usize) -> Result<bool, ReadError> {
        if depth > DEEPEST {
            return Err(self.error("forms nested too deeply"));
        }
        loop {
            self.skip_space();
            let Some(byte) = self.peek() else {
                return Ok(false);
            };
            match byte {
                b'{' => self.nested(Shape::Map, b'}', depth)?,
                b'[' => self.nested(Shape::Sequence, b']', depth)?,
                b'(' => self.nested(Shape::Sequence, b')', depth)?,
                b'}' | b']' | b')' => return Ok(false),
                b'"' => self.string()?,
                b'#' => {
                    self.at += 1;
                    match self.peek() {
                        Some(b'{') => self.nested(Shape::Sequence, b'}', depth)?,
                        Some(b'_') => {
                            self.at += 1;
                            let kept = self.nodes.len();
                            self.form(depth + 1)?;
                            self.nodes.truncate(kept);
                            continue;
                        }
                        // The tag; what it tags comes next.
                        _ => {
                            self.bare()?;
                            continue;
                        }
                    }
                }
                _ => {
                    let from = self.at;
                    self.bare()?;
                    self.word(from);
                }
            }
            return Ok(true);
        }
    }

    fn word(&mut self, from: usize) {
        let after = self.nodes.len() + 1;
        self.nodes.push(Node {
            shape: Shape::Word,
            from: from as u32,
            to: self.at as u32,
            after: after as u32,
        });
    }

    fn bare(&mut self) -> Result<(), ReadError> {
        let from = self.at;
        if self.peek() == Some(b'\\') {
            // A character; it may be a bracket.
            self.at += 1;
            let character = self.text[self.at..].chars().next();
            self.at += character.map_or(0, char::len_utf8);
        }
        while self.peek().is_some_and(|byte| !ENDS_WORD[usize::from(byte)]) {
            self.at += 1;
        }
        if self.at == from {
            return Err(self.error("no form"));
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), ReadError> {
        let from = self.at;
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'"' => {
                    self.word(from);
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(self.error("a string that never ends"))
    }

    fn nested(&mut self, shape: Shape, close: u8, depth: usize) -> Result<(), ReadError> {
        let (from, node) = (self.at, self.nodes.len());
        self.at += 1;
        self.nodes.push(Node {
            shape,
            from: from as u32,
            to: 0,
            after: 0,
        });
        while self.form(depth + 1)? {
            if shape == Shape::Map && !self.form(depth + 1)? {
                return Err(self.error("a key without a value"));
            }
        }
        if self.peek() != Some(close) {
            return Err(self.error(&format!("`{}` is missing", char::from(close))));
        }
        self.at += 1;
        let after = self.nodes.len();
        (self.nodes[node].to, self.nodes[node].after) = (self.at as u32, after as u32);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_whatever_they_are_tagged_with() {
        let text = b"#jepsen.history.Op{:index 0, :value [[:send :x nil] #{1 2} #_ [8 9]], :error \"a \\\" b\" #_ 7}";
        let mut tape = Tape::default();
        let form = tape.read(1, text).unwrap();
        assert_eq!(form.get(":index").and_then(|form| form.integer()), Some(0));
        assert_eq!(
            form.get(":error").and_then(|form| form.word()),
            Some("\"a \\\" b\"")
        );
        let value: Vec<_> = form
            .get(":value")
            .and_then(|form| form.sequence())
            .unwrap()
            .collect();
        assert_eq!(value.len(), 2);
        assert!(value[0].sequence().unwrap().nth(2).unwrap().is_nil());
        assert_eq!(value[0].written(), "[:send :x nil]");
        let (one, two) = value[1].sequence().unwrap().two().unwrap();
        assert_eq!((one.integer(), two.integer()), (Some(1), Some(2)));
        assert!(value[0].sequence().unwrap().two().is_none());
    }

    #[test]
    fn numbers_are_plain_only_as_they_are_shown() {
        for (word, plain) in [
            ("0", Some(0)),
            ("17", Some(17)),
            ("999999999999999999", Some(999_999_999_999_999_999)),
            ("007", None),
            ("-1", None),
            ("+1", None),
            ("1N", None),
            ("1.0", None),
            ("", None),
            ("1000000000000000000", None),
        ] {
            assert_eq!(plain_number(word), plain, "{word}");
        }
    }

    #[test]
    fn integers_are_all_of_64_bits() {
        for (word, integer) in [
            ("-3", Some(-3)),
            ("12N", Some(12)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("1.5", None),
            (":a", None),
        ] {
            let mut tape = Tape::default();
            let form = tape.read(1, word.as_bytes()).unwrap();
            assert_eq!(form.integer(), integer, "{word}");
        }
    }

    #[test]
    fn what_is_no_edn_is_an_error_with_its_line() {
        for (text, message) in [
            ("{:a}", "line 7: a key without a value"),
            ("{:a [1}", "`]` is missing"),
            ("{:a \"b}", "a string that never ends"),
            ("", "no form"),
        ] {
            let mut tape = Tape::default();
            let error = tape.read(7, text.as_bytes()).err().unwrap().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
        let deep = "[".repeat(1000);
        let error = Tape::default()
            .read(1, deep.as_bytes())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("too deeply"), "{error}");
    }
}
