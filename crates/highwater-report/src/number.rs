//! Numbers for people: thousands separated, three significant digits, a unit with every figure.
//!
//! Invariant: a value that was not measured is [`NONE`], never a zero.

/// Stands where nothing was measured.
pub(crate) const NONE: &str = "–";

/// `17,204`
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 record`, `37 records`
pub(crate) fn records(value: u64) -> String {
    counted(value, "record")
}

/// A number with its noun in the right number: `1 scenario`, `2 scenarios`.
pub(crate) fn counted(value: u64, noun: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(value))
}

/// Three significant digits, thousands separated: `0.803`, `12.5`, `15,792`.
pub(crate) fn significant(value: f64) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let magnitude = value.abs();
    // The limits are where rounding would give the next power of ten: 9.995 is 10.0 and not 10.00.
    let decimals = match magnitude {
        m if m >= 99.95 => 0,
        m if m >= 9.995 => 1,
        m if m >= 0.9995 || m == 0.0 => 2,
        m if m >= 0.0995 => 3,
        _ => 4,
    };
    if magnitude == 0.0 {
        return "0".to_owned();
    }
    if decimals == 0 {
        let sign = if value < 0.0 { "-" } else { "" };
        return format!("{sign}{}", count(magnitude.round() as u64));
    }
    format!("{value:.decimals$}")
}

/// A length of time: `8.03 µs`, `0.803 ms`, `31.2 ms`, `1.31 s`, `2 min 05 s`, `1 h 02 min`.
pub(crate) fn duration(ns: u64) -> String {
    duration_f64(ns as f64)
}

/// As [`duration`], for means.
pub(crate) fn duration_f64(ns: f64) -> String {
    if ns < 0.0 {
        return format!("-{}", duration_f64(-ns));
    }
    match ns {
        0.0 => "0 s".to_owned(),
        ns if ns < 1e3 => format!("{} ns", significant(ns)),
        ns if ns < 99.95e3 => format!("{} µs", significant(ns / 1e3)),
        ns if ns < 999.5e6 => format!("{} ms", significant(ns / 1e6)),
        ns if ns < 119.5e9 => format!("{} s", significant(ns / 1e9)),
        ns => long_duration((ns / 1e9).round() as u64),
    }
}

fn long_duration(seconds: u64) -> String {
    if seconds < 3600 {
        return format!("{} min {:02} s", seconds / 60, seconds % 60);
    }
    let minutes = (seconds + 30) / 60;
    format!("{} h {:02} min", count(minutes / 60), minutes % 60)
}

/// A length of time that may be missing.
pub(crate) fn optional_duration(ns: Option<u64>) -> String {
    ns.map_or_else(|| NONE.to_owned(), duration)
}

/// A point in time of the run, to the millisecond: `15.002 s`.
pub(crate) fn moment(ns: u64) -> String {
    let milliseconds = (ns + 500_000) / 1_000_000;
    format!("{}.{:03} s", count(milliseconds / 1000), milliseconds % 1000)
}

/// `00:17`, `1:02:03`
pub(crate) fn clock(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// `998/s`
pub(crate) fn rate(per_s: f64) -> String {
    format!("{}/s", significant(per_s))
}

/// A rate that may be missing.
pub(crate) fn optional_rate(per_s: Option<f64>) -> String {
    per_s.map_or_else(|| NONE.to_owned(), rate)
}

/// `212 MiB`
pub(crate) fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut scaled = value as f64;
    let mut unit = 0;
    while scaled >= 999.5 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{} {}", significant(scaled), UNITS[unit])
}

/// Bytes that may be missing.
pub(crate) fn optional_bytes(value: Option<u64>) -> String {
    value.map_or_else(|| NONE.to_owned(), bytes)
}

/// CPU in cores, which may be missing: `0.083`.
pub(crate) fn cores(value: Option<f64>) -> String {
    match value {
        None => NONE.to_owned(),
        Some(cores) if cores < 1.0 => format!("{cores:.3}"),
        Some(cores) => significant(cores),
    }
}

/// A share: `99.8 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits_and_a_unit() {
        for (ns, text) in [
            (0, "0 s"),
            (7, "7.00 ns"),
            (8_030, "8.03 µs"),
            (99_940, "99.9 µs"),
            (99_960, "0.100 ms"),
            (803_000, "0.803 ms"),
            (999_600, "1.00 ms"),
            (9_996_000, "10.0 ms"),
            (31_240_000, "31.2 ms"),
            (999_400_000, "999 ms"),
            (999_600_000, "1.00 s"),
            (1_310_000_000, "1.31 s"),
            (99_960_000_000, "100 s"),
            (119_400_000_000, "119 s"),
            (125_000_000_000, "2 min 05 s"),
            (3_719_000_000_000, "1 h 02 min"),
        ] {
            assert_eq!(duration(ns), text, "{ns} ns");
        }
        assert_eq!(duration_f64(-1.5e6), "-1.50 ms");
    }

    #[test]
    fn counts_are_separated_and_rates_bytes_shares_rounded() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (15_792, "15,792"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(count(value), text);
        }
        assert_eq!(rate(998.4), "998/s");
        assert_eq!(rate(12.54), "12.5/s");
        assert_eq!(rate(0.0), "0/s");
        assert_eq!(rate(49_912.3), "49,912/s");
        assert_eq!(rate(f64::NAN), "–/s");
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(5 * 1024), "5.00 KiB");
        assert_eq!(bytes(1023 * 1024), "0.999 MiB");
        assert_eq!(bytes(212 << 20), "212 MiB");
        assert_eq!(percent(0.9984), "99.8 %");
        assert_eq!(cores(Some(0.0834)), "0.083");
        assert_eq!(cores(Some(1.204)), "1.20");
        assert_eq!(cores(None), NONE);
        assert_eq!(records(1), "1 record");
        assert_eq!(records(0), "0 records");
    }

    #[test]
    fn moments_and_clocks() {
        assert_eq!(moment(15_001_600_000), "15.002 s");
        assert_eq!(moment(999_999_999), "1.000 s");
        assert_eq!(moment(1_204_500_000_000), "1,204.500 s");
        assert_eq!(clock(17_900_000_000), "00:17");
        assert_eq!(clock(3_723_000_000_000), "1:02:03");
    }
}
