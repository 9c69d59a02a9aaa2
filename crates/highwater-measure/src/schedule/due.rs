//! The due times of one producer.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::profile::Profile;

/// Due times of one producer in nanoseconds since the start of the load, ascending; ends with the load.
#[derive(Debug, Clone)]
pub struct DueTimes(Source);

#[derive(Debug, Clone)]
enum Source {
    Exact {
        profile: Profile,
        next: u64,
        step: u64,
        count: u64,
    },
    Poisson(Box<Poisson>),
    None,
}

#[derive(Debug, Clone)]
struct Poisson {
    random: ChaCha8Rng,
    mean_gap_ns: f64,
    at_ns: f64,
    end_ns: f64,
}

impl DueTimes {
    pub(super) fn exact(profile: Profile, count: u64, index: u32, of: u32) -> Self {
        Self(Source::Exact {
            profile,
            next: u64::from(index),
            step: u64::from(of),
            count,
        })
    }

    pub(super) fn poisson(per_s: f64, duration_ns: u64, index: u32, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(u64::from(index));
        Self(Source::Poisson(Box::new(Poisson {
            random,
            mean_gap_ns: 1e9 / per_s,
            at_ns: 0.0,
            end_ns: duration_ns as f64,
        })))
    }

    pub(super) fn none() -> Self {
        Self(Source::None)
    }
}

impl Poisson {
    /// A sum of at most some 10¹⁰ gaps in a `f64` is off by far less than the random walk it describes.
    fn next(&mut self) -> Option<u64> {
        // 53 random bits: uniform in [0, 1), so the logarithm is finite.
        let uniform = (self.random.next_u64() >> 11) as f64 * (-53_f64).exp2();
        self.at_ns -= self.mean_gap_ns * (-uniform).ln_1p();
        (self.at_ns < self.end_ns).then_some(self.at_ns as u64)
    }
}

impl Iterator for DueTimes {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        match &mut self.0 {
            Source::Exact {
                profile,
                next,
                step,
                count,
            } => {
                let k = *next;
                if k >= *count {
                    return None;
                }
                *next = k.saturating_add(*step);
                Some(profile.due_ns(k))
            }
            Source::Poisson(poisson) => poisson.next(),
            Source::None => None,
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Source::Exact {
                next, step, count, ..
            } => {
                let left = usize::try_from(count.saturating_sub(*next).div_ceil(*step)).unwrap_or(usize::MAX);
                (left, Some(left))
            }
            Source::Poisson(_) => (0, None),
            Source::None => (0, Some(0)),
        }
    }
}
