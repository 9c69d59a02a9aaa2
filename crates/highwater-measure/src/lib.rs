//! Pure measuring: schedules, histograms, statistics, thresholds.
