use super::writer::Contexts;
use super::{HAS_HASHES, HAS_TEXTS, KIND_MASK, MAX_NAME_BYTES, MAX_NAMES, PREDICTED, take_varint, unzigzag};

/// What is wrong with a body.
pub(super) type Malformed = &'static str;

/// What carries over from event to event.
#[derive(Debug)]
pub(super) struct Memory {
    contexts: Contexts,
    names: Vec<Box<str>>,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            contexts: vec![Vec::new(); 64],
            names: Vec::new(),
        }
    }
}

/// The body of one event while it is read.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    memory: &'a mut Memory,
    kind: u8,
    index: usize,
    mask: u8,
    numbers: &'a [u8],
    hashes: &'a [u8],
    texts: &'a str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(memory: &'a mut Memory, body: &'a [u8]) -> Result<Self, Malformed> {
        let (&first, mut rest) = body.split_first().ok_or("an event is empty")?;
        let texts = if first & HAS_TEXTS == 0 {
            &[][..]
        } else {
            section(&mut rest, 1)?
        };
        let hashes = if first & HAS_HASHES == 0 {
            &[][..]
        } else {
            section(&mut rest, 8)?
        };
        Ok(Self {
            memory,
            kind: first & KIND_MASK,
            index: 0,
            mask: 0,
            numbers: rest,
            hashes,
            texts: std::str::from_utf8(texts).map_err(|_| "a text is not UTF-8")?,
        })
    }

    pub(super) fn kind(&self) -> u8 {
        self.kind
    }

    /// Ends the event; everything must have been read.
    pub(super) fn end(self) -> Result<(), Malformed> {
        if self.numbers.is_empty() && self.hashes.is_empty() && self.texts.is_empty() {
            Ok(())
        } else {
            Err("an event has more bytes than its fields")
        }
    }

    /// The next number.
    pub(super) fn number(&mut self) -> Result<i64, Malformed> {
        self.take(true)
    }

    /// The next number, which says nothing about that of the next event.
    pub(super) fn step(&mut self) -> Result<i64, Malformed> {
        self.take(false)
    }

    fn take(&mut self, predicts: bool) -> Result<i64, Malformed> {
        if self.index >= PREDICTED {
            return self.varint();
        }
        let bit = self.index % 8;
        if bit == 0 {
            let (first, rest) = self.numbers.split_first().ok_or("an event has too few numbers")?;
            self.mask = *first;
            self.numbers = rest;
        }
        let difference = if self.mask & (1 << bit) == 0 {
            0
        } else {
            self.varint()?
        };
        let context = &mut self.memory.contexts[usize::from(self.kind)];
        if context.len() == self.index {
            context.push(0);
        }
        let slot = &mut context[self.index];
        let value = slot.wrapping_add(difference);
        *slot = if predicts { value } else { 0 };
        self.index += 1;
        Ok(value)
    }

    fn varint(&mut self) -> Result<i64, Malformed> {
        take_varint(&mut self.numbers)
            .map(unzigzag)
            .ok_or("an event has too few numbers")
    }

    /// A number that fits a smaller type.
    pub(super) fn narrow<T: TryFrom<i64>>(&mut self) -> Result<T, Malformed> {
        T::try_from(self.number()?).map_err(|_| "a number is too large for its field")
    }

    /// How many entries a list has; never more than the bytes that are left can hold.
    pub(super) fn count(&mut self) -> Result<usize, Malformed> {
        let count: usize = self.narrow()?;
        // Each entry takes one number at least: a bit of the first ones, a byte of the others; a record a hash.
        let most = PREDICTED + self.numbers.len() + self.hashes.len() / 8;
        if count > most {
            return Err("a list is longer than its event");
        }
        Ok(count)
    }

    /// Hashes left.
    pub(super) fn hashes_left(&self) -> usize {
        self.hashes.len() / 8
    }

    pub(super) fn hash(&mut self) -> Result<u64, Malformed> {
        let (first, rest) = self
            .hashes
            .split_first_chunk::<8>()
            .ok_or("an event has too few hashes")?;
        self.hashes = rest;
        Ok(u64::from_le_bytes(*first))
    }

    pub(super) fn text(&mut self) -> Result<Option<String>, Malformed> {
        match self.number()? {
            0 => Ok(None),
            1 => {
                let text = self.literal()?;
                if text.len() <= MAX_NAME_BYTES && self.memory.names.len() < MAX_NAMES {
                    self.memory.names.push(text.into());
                }
                Ok(Some(text.to_owned()))
            }
            number => {
                let name = usize::try_from(number)
                    .ok()
                    .and_then(|number| self.memory.names.get(number - 2));
                name.map(|name| Some(String::from(&**name)))
                    .ok_or("a text was never spelled out")
            }
        }
    }

    pub(super) fn literal(&mut self) -> Result<&'a str, Malformed> {
        let bytes: usize = self.narrow()?;
        let (text, rest) = self
            .texts
            .split_at_checked(bytes)
            .ok_or("a text is longer than its event")?;
        self.texts = rest;
        Ok(text)
    }
}

/// A count and that many entries of a fixed size.
fn section<'a>(bytes: &mut &'a [u8], entry_bytes: usize) -> Result<&'a [u8], Malformed> {
    let length = take_varint(bytes)
        .and_then(|count| usize::try_from(count).ok()?.checked_mul(entry_bytes))
        .filter(|length| *length <= bytes.len())
        .ok_or("a section is longer than its event")?;
    let (section, rest) = bytes.split_at(length);
    *bytes = rest;
    Ok(section)
}
