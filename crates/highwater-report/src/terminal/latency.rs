use highwater_model::{Quantiles, ScenarioReport};

use super::Page;
use crate::number::{NONE, count, counted, duration_f64, records};
use crate::text::{left, right, width};

/// Width of the first column of a table.
const TITLE: usize = 20;
/// Width of a column of figures: `≥9,999 s` is the widest.
const COLUMN: usize = 9;
/// Width of the last column: `999,999 records` and a gap would need more.
const SUFFERING: usize = 15;
/// From here on a column has whole seconds: `2 min 05 s` would leave no gap.
const LONG_NS: f64 = 119.5e9;

impl Page {
    pub(super) fn latency(&mut self, scenario: &ScenarioReport) {
        let paths = [
            ("ack latency", &scenario.latency.ack),
            ("end to end", &scenario.latency.end_to_end),
        ];
        for (title, timing) in paths {
            if timing.response.count == 0 && timing.service.count == 0 {
                continue;
            }
            self.blank();
            let mut head: String = ["mean", "p50", "p95", "p99", "max"]
                .map(|word| right(word, COLUMN))
                .concat();
            head.push_str(&right("over 100 ms", SUFFERING));
            self.heading(title, &head);
            self.quantiles("response", &timing.response, "since it was due");
            self.quantiles("service", &timing.service, "since the client took it");
            if self.width < 110 {
                self.indented(
                    2,
                    "response: since a record was due; service: since the client took it",
                );
            }
            let censored = timing.response.censored;
            if censored > 0 {
                let text = format!(
                    "{} never got an answer and count as at least as long as was waited",
                    counted(censored, "record")
                );
                self.row("", &text);
            }
        }
    }

    fn quantiles(&mut self, name: &str, quantiles: &Quantiles, since: &str) {
        let mean = quantiles.mean_ns.map_or_else(|| NONE.to_owned(), figure);
        let mean = if quantiles.censored > 0 {
            format!("≥{mean}")
        } else {
            mean
        };
        let mut figures = right(&mean, COLUMN);
        for value in [
            quantiles.p50_ns,
            quantiles.p95_ns,
            quantiles.p99_ns,
            quantiles.max_ns,
        ] {
            figures.push_str(&right(
                &value.map_or_else(|| NONE.to_owned(), |ns| figure(ns as f64)),
                COLUMN,
            ));
        }
        figures.push_str(&right(&suffering(quantiles, self.width), SUFFERING));
        if self.width >= 110 {
            figures.push_str("   ");
            figures.push_str(since);
        }
        self.table_row(name, &figures);
    }

    pub(super) fn heading(&mut self, title: &str, columns: &str) {
        let line = format!("{}{columns}", left(&format!("  {title}"), TITLE));
        self.lines.push(self.paint.dim(&line));
    }

    pub(super) fn table_row(&mut self, title: &str, columns: &str) {
        self.lines
            .push(format!("{}{columns}", left(&format!("  {title}"), TITLE)));
    }
}

/// How many took longer than 100 ms, as a bare number where the word would touch the column before.
fn suffering(quantiles: &Quantiles, page: usize) -> String {
    if quantiles.count == 0 {
        return NONE.to_owned();
    }
    let in_words = records(quantiles.over_100ms);
    if page < 80 || width(&in_words) >= SUFFERING {
        count(quantiles.over_100ms)
    } else {
        in_words
    }
}

fn figure(ns: f64) -> String {
    if ns < LONG_NS {
        duration_f64(ns)
    } else {
        format!("{} s", count((ns / 1e9).round() as u64))
    }
}

#[cfg(test)]
mod tests {
    use highwater_model::Quantiles;

    use super::{COLUMN, SUFFERING, figure, suffering};
    use crate::text::width;

    #[test]
    fn there_is_a_gap_between_columns() {
        for (ns, text) in [
            (118.4e9, "118 s"),
            (119.5e9, "120 s"),
            (122.0e9, "122 s"),
            (9_999.0e9, "9,999 s"),
        ] {
            assert_eq!(figure(ns), text);
            assert!(width(&format!("≥{text}")) < COLUMN);
        }
    }
    #[test]
    fn millions_that_took_long_keep_a_gap() {
        for (over_100ms, text) in [
            (0, "0 records"),
            (999, "999 records"),
            (85_918, "85,918 records"),
            (585_918, "585,918"),
            (1_585_918, "1,585,918"),
        ] {
            let quantiles = Quantiles {
                count: 2_000_000,
                over_100ms,
                ..Quantiles::default()
            };
            assert_eq!(suffering(&quantiles, 80), text);
            assert!(width(&suffering(&quantiles, 80)) < SUFFERING);
        }
    }
}
