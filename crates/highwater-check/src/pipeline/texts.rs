//! Byte strings as numbers, compact: about eight bytes and the text itself for each.

use xxhash_rust::xxh3::xxh3_64;

/// Different byte strings, numbered in the order in which they came.
///
/// Equal means equal byte for byte; the hash only says where to look.
#[derive(Debug, Default)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    /// Where each text ends.
    ends: Vec<u64>,
    /// Numbers plus one by hash; zero is free. A power of two, at most three quarters taken.
    slots: Vec<u32>,
}

impl Texts {
    /// The number of this text, and whether it is new.
    pub(super) fn number(&mut self, text: &[u8]) -> (u32, bool) {
        if self.ends.len() * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        match self.place(text) {
            Ok(number) => (number, false),
            Err(slot) => {
                let number = self.len();
                self.bytes.extend_from_slice(text);
                self.ends.push(self.bytes.len() as u64);
                self.slots[slot] = number + 1;
                (number, true)
            }
        }
    }

    /// The number of this text, if it was given one.
    pub(super) fn find(&self, text: &[u8]) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        self.place(text).ok()
    }

    /// The text with that number.
    pub(super) fn text(&self, number: u32) -> &[u8] {
        let at = number as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.bytes[start..self.ends[at] as usize]
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        // More than memory can hold long before that.
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX - 1)
    }

    /// The number, or the free slot where it belongs.
    fn place(&self, text: &[u8]) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = xxh3_64(text) as usize & mask;
        loop {
            match self.slots[slot] {
                0 => return Err(slot),
                taken if self.text(taken - 1) == text => return Ok(taken - 1),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(16);
        let mut slots = vec![0; size];
        for number in 0..self.len() {
            let mut slot = xxh3_64(self.text(number)) as usize & (size - 1);
            while slots[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            slots[slot] = number + 1;
        }
        self.slots = slots;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(texts in prop::collection::vec(prop::collection::vec(0_u8..4, 0..4), 0..300)) {
            let (mut numbers, mut model) = (Texts::default(), BTreeMap::new());
            for text in &texts {
                let next = u32::try_from(model.len()).unwrap();
                let before = model.get(text).copied();
                prop_assert_eq!(numbers.find(text), before);
                let number = *model.entry(text.clone()).or_insert(next);
                prop_assert_eq!(numbers.number(text), (number, before.is_none()));
            }
            for (text, number) in &model {
                prop_assert_eq!(numbers.text(*number), &text[..]);
            }
        }
    }
}
