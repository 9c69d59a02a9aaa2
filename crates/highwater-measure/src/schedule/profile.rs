//! Rate over time as pieces, and its exact inverse.
//!
//! Invariant: areas are whole numbers in units of half of 10⁻¹⁵ records (millionths of a record per second
//! × nanoseconds × 2, the factor so that the area under a slope is whole too). [`MAX_RATE_PER_S`] ×
//! [`MAX_DURATION`] × 2 is below 2¹²⁷ in that unit, and so is the area of any count of records in that time.
//!
//! [`MAX_RATE_PER_S`]: super::MAX_RATE_PER_S
//! [`MAX_DURATION`]: super::MAX_DURATION

/// One record in the unit of areas.
const RECORD_AREA: u128 = 2_000_000_000_000_000;

/// Rates are kept in whole millionths of a record per second.
const MICRO: f64 = 1e6;

/// A stretch in which the rate is constant or changes linearly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    start_ns: u64,
    end_ns: u64,
    from_micro: u64,
    to_micro: u64,
}

impl Segment {
    pub(super) fn flat(start_ns: u64, end_ns: u64, per_s: f64) -> Self {
        Self::sloped(start_ns, end_ns, per_s, per_s)
    }

    pub(super) fn sloped(start_ns: u64, end_ns: u64, from_per_s: f64, to_per_s: f64) -> Self {
        let micro = |per_s: f64| (per_s * MICRO).round() as u64;
        Self {
            start_ns,
            end_ns,
            from_micro: micro(from_per_s),
            to_micro: micro(to_per_s),
        }
    }

    fn length_ns(&self) -> u64 {
        self.end_ns - self.start_ns
    }

    fn area(&self) -> u128 {
        (u128::from(self.from_micro) + u128::from(self.to_micro)) * u128::from(self.length_ns())
    }

    /// Rate in millionths after `into_ns` of the segment.
    fn micro_at(&self, into_ns: u64) -> f64 {
        let (from, to) = (self.from_micro as f64, self.to_micro as f64);
        from + (to - from) * into_ns as f64 / self.length_ns() as f64
    }

    fn area_before(&self, into_ns: u64) -> u128 {
        if self.from_micro == self.to_micro {
            return 2 * u128::from(self.from_micro) * u128::from(into_ns);
        }
        if into_ns >= self.length_ns() {
            return self.area();
        }
        ((self.from_micro as f64 + self.micro_at(into_ns)) * into_ns as f64) as u128
    }

    /// Nanoseconds into the segment at which its area reaches `area`, rounded down.
    fn time_of(&self, area: u128) -> u64 {
        if self.from_micro == self.to_micro {
            return u64::try_from(area / (2 * u128::from(self.from_micro))).unwrap_or(u64::MAX);
        }
        // area/2 = from·t + (to−from)·t²/2T, solved in the form that does not cancel when the slope is small.
        let (from, to) = (self.from_micro as f64, self.to_micro as f64);
        let length = self.length_ns() as f64;
        let area = area as f64;
        let discriminant = (from * from + (to - from) * area / length).max(0.0);
        let into_ns = area / (from + discriminant.sqrt());
        (into_ns as u64).min(self.length_ns() - 1)
    }
}

/// A rate over time: its segments once, or again and again.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    segments: Vec<Segment>,
    /// Area before each segment.
    before: Vec<u128>,
    area: u128,
    /// Length of all segments if they repeat.
    period_ns: Option<u64>,
}

impl Profile {
    /// Segments must follow each other from 0 without gaps.
    pub(super) fn once(segments: Vec<Segment>) -> Self {
        let mut area = 0;
        let before = segments
            .iter()
            .map(|segment| {
                let before = area;
                area += segment.area();
                before
            })
            .collect();
        Self {
            segments,
            before,
            area,
            period_ns: None,
        }
    }

    pub(super) fn repeated(segments: Vec<Segment>) -> Self {
        let period_ns = segments.last().map(|segment| segment.end_ns);
        Self {
            period_ns,
            ..Self::once(segments)
        }
    }

    pub(super) fn rate_at(&self, at_ns: u64) -> f64 {
        let at_ns = self.period_ns.map_or(at_ns, |period| at_ns % period);
        let place = self.segments.partition_point(|segment| segment.end_ns <= at_ns);
        self.segments
            .get(place)
            .map_or(0.0, |segment| segment.micro_at(at_ns - segment.start_ns) / MICRO)
    }

    /// Number of records due before a moment.
    pub(super) fn count_before(&self, at_ns: u64) -> u64 {
        let (periods, at_ns) = match self.period_ns {
            Some(period) => (at_ns / period, at_ns % period),
            None => (0, at_ns),
        };
        let place = self.segments.partition_point(|segment| segment.end_ns <= at_ns);
        let within = match self.segments.get(place) {
            Some(segment) => self.before[place] + segment.area_before(at_ns - segment.start_ns),
            None => self.area,
        };
        let area = u128::from(periods) * self.area + within;
        u64::try_from(area.div_ceil(RECORD_AREA)).unwrap_or(u64::MAX)
    }

    /// Moment at which record `k` is due. Only for records below the count of the load.
    pub(super) fn due_ns(&self, k: u64) -> u64 {
        let area = u128::from(k) * RECORD_AREA;
        let (start_ns, area) = match self.period_ns {
            Some(period) => ((area / self.area) as u64 * period, area % self.area),
            None => (0, area),
        };
        // The last segment that begins at or before this area; one without area is never the last such.
        let place = self.before.partition_point(|before| *before <= area) - 1;
        let segment = &self.segments[place];
        start_ns + segment.start_ns + segment.time_of(area - self.before[place])
    }
}
