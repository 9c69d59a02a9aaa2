/// How a history is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A recording of the fault proxy.
    Highwater,
    /// Operations of Jepsen's workload for Kafka.
    JepsenEdn,
    /// Lines of Kafka's `VerifiableProducer` and `VerifiableConsumer`.
    Verifiable,
}

/// First bytes of a recording.
const HIGHWATER: [u8; 4] = [0x89, b'H', b'W', b'H'];

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Highwater, Self::JepsenEdn, Self::Verifiable];

    /// The name as it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Highwater => "highwater",
            Self::JepsenEdn => "jepsen-edn",
            Self::Verifiable => "verifiable",
        }
    }

    /// The format of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Told from the first bytes of a file. EDN writes keys as `:key`, JSON as `"key"`.
    #[must_use]
    pub fn told(beginning: &[u8]) -> Option<Self> {
        if beginning.starts_with(&HIGHWATER) {
            return Some(Self::Highwater);
        }
        let mut rest = beginning;
        loop {
            rest = rest.trim_ascii_start();
            match rest.first()? {
                // A comment of EDN.
                b';' => {
                    let line = rest.iter().position(|byte| *byte == b'\n')?;
                    rest = &rest[line..];
                }
                b'#' => return Some(Self::JepsenEdn),
                b'[' | b'(' => rest = &rest[1..],
                b'{' => break,
                _ => return None,
            }
        }
        match rest[1..].trim_ascii_start().first() {
            Some(b':' | b'}') => Some(Self::JepsenEdn),
            Some(b'"') => {
                let line = rest.split(|byte| *byte == b'\n').next().unwrap_or(rest);
                let has = |word: &[u8]| line.windows(word.len()).any(|window| window == word);
                match has(b"\"name\"") && has(b"\"timestamp\"") {
                    true => Some(Self::Verifiable),
                    false => Some(Self::Highwater),
                }
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_told_by_its_first_bytes() {
        assert_eq!(Format::told(b"\x89HWH\r\n\x1a\n"), Some(Format::Highwater));
    }

    #[test]
    fn formats_are_told_from_the_content() {
        let cases: [(&str, Option<Format>); 8] = [
            ("{:index 0, :type :invoke}", Some(Format::JepsenEdn)),
            ("; a run\n[ {:index 0}", Some(Format::JepsenEdn)),
            ("#jepsen.history.Op{:index 0}", Some(Format::JepsenEdn)),
            ("{}", Some(Format::JepsenEdn)),
            (
                "{\"timestamp\":17,\"name\":\"startup_complete\"}\n",
                Some(Format::Verifiable),
            ),
            ("{\"version\":1,\"kind\":\"history\"}", Some(Format::Highwater)),
            ("", None),
            ("time,offset\n", None),
        ];
        for (text, format) in cases {
            assert_eq!(Format::told(text.as_bytes()), format, "{text}");
        }
        for format in Format::ALL {
            assert_eq!(Format::named(format.name()), Some(format));
        }
    }
}
