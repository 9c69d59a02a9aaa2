//! Zipf's law over a bounded range, sampled in constant time and memory by rejection-inversion
//! (Hörmann and Derflinger, "Rejection-inversion to generate variates from monotone discrete distributions",
//! 1996).

/// A sampler for 1..=keys where k is drawn in proportion to `k^-exponent`.
#[derive(Debug)]
pub(super) struct Zipf {
    keys: f64,
    exponent: f64,
    area_low: f64,
    area_high: f64,
    /// A candidate this close below its continuous value is always right.
    surely_within: f64,
}

impl Zipf {
    pub(super) fn new(keys: u64, exponent: f64) -> Self {
        let mut zipf = Self {
            keys: keys as f64,
            exponent,
            area_low: 0.0,
            area_high: 0.0,
            surely_within: 0.0,
        };
        zipf.area_low = zipf.area(1.5) - 1.0;
        zipf.area_high = zipf.area(zipf.keys + 0.5);
        zipf.surely_within = 2.0 - zipf.inverse_area(zipf.area(2.5) - zipf.height(2.0));
        zipf
    }

    /// Draws a number; `uniform` gives numbers in 0..1.
    pub(super) fn sample(&self, mut uniform: impl FnMut() -> f64) -> u64 {
        loop {
            let area = self.area_high + uniform() * (self.area_low - self.area_high);
            let value = self.inverse_area(area);
            let candidate = value.round().clamp(1.0, self.keys);
            let right = candidate - value <= self.surely_within
                || area >= self.area(candidate + 0.5) - self.height(candidate);
            if right {
                return candidate as u64;
            }
        }
    }

    fn height(&self, x: f64) -> f64 {
        x.powf(-self.exponent)
    }

    /// Integral of the height, up to a constant.
    fn area(&self, x: f64) -> f64 {
        if self.is_harmonic() {
            x.ln()
        } else {
            let power = 1.0 - self.exponent;
            (power * x.ln()).exp_m1() / power
        }
    }

    fn inverse_area(&self, area: f64) -> f64 {
        if self.is_harmonic() {
            area.exp()
        } else {
            let power = 1.0 - self.exponent;
            // Rounding may carry the product just below -1, where the logarithm ends.
            ((power * area).max(-1.0).ln_1p() / power).exp()
        }
    }

    fn is_harmonic(&self) -> bool {
        (self.exponent - 1.0).abs() < 1e-9
    }
}
