//! A stream of EDN, cut into the maps on its top level.
//!
//! Invariant: every byte is looked at once, and copied once; one map at a time is in memory, of a bounded size.

use std::io::BufRead;

use super::ReadError;

/// Bytes of one map of a history at most.
const LARGEST: usize = 64 << 20;

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

/// Bytes that may change what is inside of what, or the line; all others are passed over.
const TELLING: [bool; 256] = {
    let mut telling = [false; 256];
    let bytes = b"\n\"\\;{}[]()";
    let mut at = 0;
    while at < bytes.len() {
        telling[bytes[at] as usize] = true;
        at += 1;
    }
    telling
};

impl<'r, R: BufRead> Maps<'r, R> {
    pub(super) fn new(input: &'r mut R) -> Self {
        Self {
            input,
            line: 1,
            map: Vec::new(),
        }
    }

    /// The next map and the line at which it begins. Whoever takes the bytes leaves others to be written over.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &mut Vec<u8>)>, ReadError> {
        self.map.clear();
        let (mut inside, mut depth, mut began) = (Inside::Forms, 0usize, self.line);
        // Between `#` and the map that it tags, as in `#jepsen.history.Op{…}`.
        let mut tag = false;
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
            // Where the map begins among these bytes, and the first byte not looked at.
            let (mut from, mut at) = (0, 0);
            let mut done = false;
            while at < bytes.len() {
                let byte = bytes[at];
                at += 1;
                if depth == 0 && inside == Inside::Forms && !tag {
                    match byte {
                        b'{' | b'[' | b']' | b'(' | b')' | b',' | b';' => {}
                        b'#' => tag = true,
                        byte if byte.is_ascii_whitespace() => {}
                        _ => {
                            return Err(ReadError::malformed(
                                self.line,
                                "something between the maps of a history",
                                "each operation is a map of its own; a byte of the file may be damaged",
                            ));
                        }
                    }
                }
                if !TELLING[usize::from(byte)] && !matches!(inside, Inside::Escape | Inside::Character) {
                    continue;
                }
                self.line += u64::from(byte == b'\n');
                match (inside, byte) {
                    (Inside::Text, b'\\') => inside = Inside::Escape,
                    (Inside::Text, b'"') | (Inside::Comment, b'\n') => inside = Inside::Forms,
                    (Inside::Escape, _) => inside = Inside::Text,
                    (Inside::Character, _) => inside = Inside::Forms,
                    (Inside::Forms, b'"') => inside = Inside::Text,
                    (Inside::Forms, b';') => inside = Inside::Comment,
                    (Inside::Forms, b'\\') => inside = Inside::Character,
                    (Inside::Forms, b'{') => {
                        if depth == 0 {
                            (began, from, tag) = (self.line, at - 1, false);
                        }
                        depth += 1;
                    }
                    (Inside::Forms, b'[' | b'(') if depth > 0 => depth += 1,
                    (Inside::Forms, b'}' | b']' | b')') if depth > 0 => {
                        depth -= 1;
                        done = depth == 0;
                        if done {
                            break;
                        }
                    }
                    _ => {}
                }
            }
            if depth > 0 || done {
                self.map.extend_from_slice(&bytes[from..at]);
            }
            self.input.consume(at);
            if self.map.len() > LARGEST {
                return Err(ReadError::TooLarge {
                    line: began,
                    limit_mib: LARGEST >> 20,
                });
            }
            if done {
                return Ok(Some((began, &mut self.map)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn maps(text: &[u8], buffer: usize) -> Vec<(u64, String)> {
        let mut input = BufReader::with_capacity(buffer, text);
        let mut maps = Maps::new(&mut input);
        let mut found = Vec::new();
        while let Some((line, map)) = maps.next().unwrap() {
            found.push((line, String::from_utf8(map.clone()).unwrap()));
        }
        found
    }

    #[test]
    fn a_damaged_byte_between_maps_is_an_error_and_not_a_gap() {
        for text in ["{:a 1}\n?:a 2}\n{:a 3}", "{:a 1} x", "{:a 1}\n\"{:a 2}\""] {
            let mut input = BufReader::new(text.as_bytes());
            let mut maps = Maps::new(&mut input);
            let mut last = maps.next().map(|map| map.is_some());
            while let Ok(true) = last {
                last = maps.next().map(|map| map.is_some());
            }
            assert!(last.is_err(), "{text}");
        }
    }

    #[test]
    fn maps_are_cut_from_lines_and_from_one_vector_however_they_come() {
        let expected = [
            (1, "{:a \"}\\\"\"}".to_owned()),
            (2, "{:b [{:c 1}\n]}".to_owned()),
            (5, "{\\} \\\n}".to_owned()),
        ];
        for buffer in [1, 2, 7, 1 << 10] {
            let lines = b"{:a \"}\\\"\"}\n{:b [{:c 1}\n]}\n; {:not 1}\n {\\} \\\n}";
            assert_eq!(maps(lines, buffer), expected, "buffer of {buffer}");
            let vector = b"[{:a \"}\\\"\"}\n{:b [{:c 1}\n]}\n\n{\\} \\\n} ]";
            assert_eq!(maps(vector, buffer), expected, "buffer of {buffer}");
        }
    }

    #[test]
    fn a_map_that_is_cut_off_names_its_line() {
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
