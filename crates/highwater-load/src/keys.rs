//! Which key a record gets.
//!
//! Invariant: the keys of a producer are a function of its seed and of the order of its records, so a run can
//! be repeated. Keys are text of a fixed length (`key-00000042`), so that sizes don't depend on the choice.

mod zipf;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use zipf::Zipf;

/// Most different keys: the number of decimal digits that a key has room for.
pub const MAX_KEYS: u64 = 100_000_000;

/// Length of a key in bytes.
pub const KEY_BYTES: usize = 12;

/// Largest exponent of [`Keys::Zipf`]; beyond it all but a handful of records get the first key.
pub const MAX_EXPONENT: f64 = 10.0;

/// How keys are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Keys {
    /// No key: the client chooses the partition.
    None,
    /// Every key is as likely as the other.
    Uniform {
        /// Number of keys, 1 to [`MAX_KEYS`].
        keys: u64,
    },
    /// The k-th key is chosen in proportion to `1 / k^exponent`.
    Zipf {
        /// Number of keys, 1 to [`MAX_KEYS`].
        keys: u64,
        /// Exponent, above 0 and up to [`MAX_EXPONENT`].
        exponent: f64,
    },
    /// The first key takes a share of the records, the others are equally likely.
    HotKey {
        /// Number of keys, 2 to [`MAX_KEYS`].
        keys: u64,
        /// Share of the first key, 0 to 1.
        share: f64,
    },
}

impl Keys {
    /// Says what is wrong with the figures, if something is.
    pub(crate) fn check(self) -> Result<(), String> {
        let keys = match self {
            Self::None => return Ok(()),
            Self::Uniform { keys } => keys,
            Self::Zipf { keys, exponent } => {
                if !(exponent > 0.0 && exponent <= MAX_EXPONENT) {
                    return Err(format!(
                        "the exponent is {exponent}, not above 0 and up to {MAX_EXPONENT}"
                    ));
                }
                keys
            }
            Self::HotKey { keys, share } => {
                if !(0.0..=1.0).contains(&share) {
                    return Err(format!("the share of the hot key is {share}, not within 0 to 1"));
                }
                if keys < 2 {
                    return Err("a hot key needs at least one other key".to_owned());
                }
                keys
            }
        };
        if keys == 0 || keys > MAX_KEYS {
            return Err(format!(
                "the number of keys is {keys}, not within 1 to {MAX_KEYS}"
            ));
        }
        Ok(())
    }
}

/// Chooses the keys of one producer, one after the other.
#[derive(Debug)]
pub struct KeyChoice {
    keys: Keys,
    zipf: Option<Zipf>,
    random: ChaCha8Rng,
    text: [u8; KEY_BYTES],
}

impl KeyChoice {
    /// A choice that is the same for the same seed.
    #[must_use]
    pub fn new(keys: Keys, seed: u64) -> Self {
        let zipf = match keys {
            Keys::Zipf { keys, exponent } => Some(Zipf::new(keys, exponent)),
            Keys::None | Keys::Uniform { .. } | Keys::HotKey { .. } => None,
        };
        Self {
            keys,
            zipf,
            random: ChaCha8Rng::seed_from_u64(seed),
            text: *b"key-00000000",
        }
    }

    /// Number of the key of the next record, from 0; none if records have no key.
    pub fn choose(&mut self) -> Option<u64> {
        match self.keys {
            Keys::None => None,
            Keys::Uniform { keys } => Some(self.random.random_range(0..keys)),
            Keys::Zipf { .. } => {
                let zipf = self.zipf.as_ref()?;
                Some(zipf.sample(|| self.random.random()) - 1)
            }
            Keys::HotKey { keys, share } => {
                if self.random.random::<f64>() < share {
                    Some(0)
                } else {
                    Some(self.random.random_range(1..keys))
                }
            }
        }
    }

    /// Chooses the key of the next record.
    pub fn next_key(&mut self) -> Option<&[u8]> {
        let mut number = self.choose()?;
        for digit in self.text[4..].iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
        Some(&self.text)
    }

    /// The key chosen last.
    #[must_use]
    pub fn current(&self) -> Option<&[u8]> {
        match self.keys {
            Keys::None => None,
            Keys::Uniform { .. } | Keys::Zipf { .. } | Keys::HotKey { .. } => Some(&self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: u32 = 200_000;

    fn share_of(keys: Keys, wanted: u64) -> f64 {
        let mut choice = KeyChoice::new(keys, 7);
        let hits = (0..DRAWS).filter(|_| choice.choose() == Some(wanted)).count();
        hits as f64 / f64::from(DRAWS)
    }

    #[test]
    fn shares_are_those_asked_for() {
        let harmonic: f64 = (1..=100).map(|k| 1.0 / f64::from(k)).sum();
        let zeta: f64 = (1..=1_000).map(|k| f64::from(k).powf(-1.5)).sum();
        let uniform = Keys::Uniform { keys: 10 };
        let zipf = |keys, exponent| Keys::Zipf { keys, exponent };
        let hot = Keys::HotKey { keys: 5, share: 0.6 };
        let cases = [
            ("uniform", uniform, 3, 0.1),
            ("zipf 1, first", zipf(100, 1.0), 0, 1.0 / harmonic),
            ("zipf 1, tenth", zipf(100, 1.0), 9, 0.1 / harmonic),
            ("zipf 1.5, first", zipf(1_000, 1.5), 0, 1.0 / zeta),
            ("zipf 1.5, second", zipf(1_000, 1.5), 1, 2_f64.powf(-1.5) / zeta),
            ("zipf of one", zipf(1, 1.0), 0, 1.0),
            ("hot", hot, 0, 0.6),
            ("not hot", hot, 4, 0.1),
        ];
        for (name, keys, wanted, expected) in cases {
            let share = share_of(keys, wanted);
            assert!(
                (share - expected).abs() < 0.005,
                "{name}: {share} instead of {expected}"
            );
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_keys_and_no_key_leaves_the_range() {
        let keys = Keys::Zipf {
            keys: 50,
            exponent: 0.9,
        };
        let draw = |seed| {
            let mut choice = KeyChoice::new(keys, seed);
            (0..1_000).map(|_| choice.choose().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(3).iter().all(|key| *key < 50));
    }

    #[test]
    fn keys_are_text_of_one_length() {
        let mut choice = KeyChoice::new(Keys::Uniform { keys: 1 }, 0);
        assert_eq!(choice.next_key(), Some(&b"key-00000000"[..]));
        assert_eq!(choice.current(), Some(&b"key-00000000"[..]));
        assert_eq!(KeyChoice::new(Keys::None, 0).next_key(), None);
    }

    #[test]
    fn impossible_figures_are_refused() {
        let cases = [
            (Keys::Uniform { keys: 0 }, "number of keys"),
            (Keys::Uniform { keys: MAX_KEYS + 1 }, "number of keys"),
            (
                Keys::Zipf {
                    keys: 1,
                    exponent: f64::NAN,
                },
                "exponent",
            ),
            (Keys::HotKey { keys: 1, share: 0.5 }, "other key"),
            (Keys::HotKey { keys: 3, share: 1.5 }, "share"),
        ];
        for (keys, word) in cases {
            let message = keys.check().unwrap_err();
            assert!(message.contains(word), "{message}");
        }
        assert_eq!(Keys::None.check(), Ok(()));
    }
}
