use std::collections::HashMap;

use super::{HAS_HASHES, HAS_TEXTS, MAX_NAME_BYTES, MAX_NAMES, PREDICTED, put_varint, zigzag};

/// Numbers of the last event of each kind.
pub(super) type Contexts = Vec<Vec<i64>>;

/// The body of one event while it is written, and what carries over to the next.
#[derive(Debug)]
pub(super) struct Writer {
    contexts: Contexts,
    names: HashMap<Box<str>, i64>,
    kind: usize,
    index: usize,
    mask: usize,
    numbers: Vec<u8>,
    hashes: Vec<u8>,
    texts: Vec<u8>,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            contexts: vec![Vec::new(); 64],
            names: HashMap::new(),
            kind: 0,
            index: 0,
            mask: 0,
            numbers: Vec::new(),
            hashes: Vec::new(),
            texts: Vec::new(),
        }
    }

    /// Begins an event of a kind, which is below 64.
    pub(super) fn begin(&mut self, kind: u8) {
        self.kind = usize::from(kind);
        self.index = 0;
        self.numbers.clear();
        self.hashes.clear();
        self.texts.clear();
    }

    /// Ends the event and appends its body.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        let mut kind = self.kind as u8;
        if !self.texts.is_empty() {
            kind |= HAS_TEXTS;
        }
        if !self.hashes.is_empty() {
            kind |= HAS_HASHES;
        }
        out.push(kind);
        if !self.texts.is_empty() {
            put_varint(self.texts.len() as u64, out);
            out.extend_from_slice(&self.texts);
        }
        if !self.hashes.is_empty() {
            put_varint((self.hashes.len() / 8) as u64, out);
            out.extend_from_slice(&self.hashes);
        }
        out.extend_from_slice(&self.numbers);
    }

    /// The next number.
    pub(super) fn number(&mut self, value: i64) {
        self.put(value, true);
    }

    /// The next number, which says nothing about that of the next event.
    pub(super) fn step(&mut self, value: i64) {
        self.put(value, false);
    }

    fn put(&mut self, value: i64, predicts: bool) {
        if self.index >= PREDICTED {
            put_varint(zigzag(value), &mut self.numbers);
            return;
        }
        let context = &mut self.contexts[self.kind];
        let predicted = match context.get_mut(self.index) {
            Some(slot) => std::mem::replace(slot, if predicts { value } else { 0 }),
            None => {
                context.push(if predicts { value } else { 0 });
                0
            }
        };
        let bit = self.index % 8;
        if bit == 0 {
            self.mask = self.numbers.len();
            self.numbers.push(0);
        }
        let difference = zigzag(value.wrapping_sub(predicted));
        if difference != 0 {
            self.numbers[self.mask] |= 1 << bit;
            put_varint(difference, &mut self.numbers);
        }
        self.index += 1;
    }

    /// Eight bytes that no difference makes shorter.
    pub(super) fn hash(&mut self, value: u64) {
        self.hashes.extend_from_slice(&value.to_le_bytes());
    }

    /// A text, or none: 0; 1 and its length when it is spelled out; from 2 on the number of one that was seen.
    pub(super) fn text(&mut self, text: Option<&str>) {
        let Some(text) = text else {
            return self.number(0);
        };
        if let Some(name) = self.names.get(text) {
            let number = *name;
            return self.number(number);
        }
        self.number(1);
        self.literal(text);
        if text.len() <= MAX_NAME_BYTES && self.names.len() < MAX_NAMES {
            let number = self.names.len() as i64 + 2;
            self.names.insert(text.into(), number);
        }
    }

    /// A text that is not expected again.
    pub(super) fn literal(&mut self, text: &str) {
        self.number(text.len() as i64);
        self.texts.extend_from_slice(text.as_bytes());
    }
}
