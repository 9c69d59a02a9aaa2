//! Java's properties: `key=value`, `key: value` or `key value`, comments, lines that go on, escapes.
//!
//! Source: `java.util.Properties.load`. Invariant: a line number is that of the first line of an entry. UTF-8 is read,
//! which is what Kafka's users write, and not Java's Latin-1.

use super::error::Wrong;
use super::secret::Secret;

/// An entry. Every value is kept as a secret: which ones are is known only later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) value: Secret,
}

/// All entries, in order.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, Wrong> {
    let mut entries = Vec::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        let line = line.trim_start_matches(is_blank);
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut logical = line.to_owned();
        while goes_on(&logical) {
            logical.pop();
            let Some((_, more)) = lines.next() else { break };
            logical.push_str(more.trim_start_matches(is_blank));
        }
        entries.push(entry(number, &logical)?);
    }
    Ok(entries)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

/// Whether an odd number of backslashes stands at the end.
fn goes_on(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

fn entry(number: usize, line: &str) -> Result<Entry, Wrong> {
    let mut escaped = false;
    let end = line
        .find(|c: char| {
            let ends = !escaped && (matches!(c, '=' | ':') || is_blank(c));
            escaped = !escaped && c == '\\';
            ends
        })
        .unwrap_or(line.len());
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start_matches(is_blank);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    let key = unescaped(key).map_err(|reason| Wrong::at(number, reason))?;
    if key.is_empty() {
        return Err(Wrong::at(number, "the name of the setting is missing"));
    }
    let value = unescaped(value.trim_start_matches(is_blank)).map_err(|reason| Wrong::at(number, reason))?;
    Ok(Entry {
        line: number,
        key,
        // Trailing blanks are part of a value in Java, and of no use in any of these settings.
        value: Secret::new(value.trim_end().to_owned()),
    })
}

fn unescaped(text: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match rest.next() {
            None => {}
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let digits: String = rest.by_ref().take(4).collect();
                let code = (digits.len() == 4)
                    .then(|| u32::from_str_radix(&digits, 16).ok())
                    .flatten();
                let c = code.and_then(char::from_u32);
                out.push(c.ok_or("\\u needs four hexadecimal digits of a character")?);
            }
            Some(other) => out.push(other),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text, and line, key and value of its entries.
    type Case<'a> = (&'a str, &'a [(usize, &'a str, &'a str)]);

    fn read(text: &str) -> Vec<(usize, String, String)> {
        let entries = parse(text).expect("it can be read");
        let told = entries.into_iter();
        told.map(|entry| (entry.line, entry.key, entry.value.reveal().to_owned()))
            .collect()
    }

    #[test]
    fn entries_are_read_as_java_reads_them() {
        let cases: [Case<'_>; 9] = [
            ("a=b", &[(1, "a", "b")]),
            ("a: b\nc d", &[(1, "a", "b"), (2, "c", "d")]),
            ("# a=b\n! c=d\n\n  e = f  ", &[(4, "e", "f")]),
            ("a=b=c:d", &[(1, "a", "b=c:d")]),
            (
                "a=one \\\n   two \\\n three\nb=c",
                &[(1, "a", "one two three"), (4, "b", "c")],
            ),
            ("a=C:\\\\x\\\\\nb=c", &[(1, "a", "C:\\x\\"), (2, "b", "c")]),
            ("a\\=b=\\u00e4\\n", &[(1, "a=b", "ä")]),
            ("a", &[(1, "a", "")]),
            ("a=b\\", &[(1, "a", "b")]),
        ];
        for (text, expected) in cases {
            let expected: Vec<_> = expected
                .iter()
                .map(|(line, key, value)| (*line, (*key).to_owned(), (*value).to_owned()))
                .collect();
            assert_eq!(read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert_eq!(parse("a=b\n=c").unwrap_err().line, Some(2));
        assert_eq!(parse("\n\na=\\u12").unwrap_err().line, Some(3));
    }

    #[test]
    fn no_value_is_ever_shown() {
        let entries = parse("sasl.jaas.config=hunter2").unwrap();
        assert!(!format!("{entries:?}").contains("hunter2"));
    }
}
