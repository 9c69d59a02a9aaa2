//! A comparison as a table for a terminal, 80 columns wide.

use highwater_model::{ComparedMetric, ComparedScenario, Comparison, EffectClass};

use super::words::{because, change, extent, figure, gate, heading, interval, p_value, share};
use crate::Style;
use crate::paint::Paint;
use crate::text::{left, plain, right, wrap};

const NAME: usize = 18;
const FIGURE: usize = 10;
const CHANGE: usize = 9;
const INTERVAL: usize = 18;
const NOISE: usize = 8;

/// The comparison for a person.
#[must_use]
pub fn comparison_text(comparison: &Comparison, style: &Style) -> String {
    let mut page = Page {
        text: String::new(),
        paint: Paint::new(style.color),
        width: usize::from(style.width).clamp(80, 120),
    };
    page.head(comparison);
    for scenario in &comparison.scenarios {
        page.scenario(scenario);
    }
    page.foot(comparison);
    page.text
}

/// The answer in one line.
#[must_use]
pub fn verdict_line(comparison: &Comparison) -> String {
    format!("{}  {}", heading(comparison), because(comparison))
}

struct Page {
    text: String,
    paint: Paint,
    width: usize,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn labelled(&mut self, label: &str, words: &str) {
        for (index, line) in wrap(&plain(words), self.width - 14).into_iter().enumerate() {
            let label = left(if index == 0 { label } else { "" }, 12);
            let label = self.paint.dim(&label);
            self.line(&format!("  {label}{line}"));
        }
    }

    fn head(&mut self, comparison: &Comparison) {
        let word = heading(comparison);
        let word = match comparison.answer {
            EffectClass::Regressed => self.paint.trouble(word),
            _ => self.paint.bold(word),
        };
        self.line(&format!("{word}  {}", plain(&because(comparison))));
        self.line("");
        self.labelled("base", &comparison.base.name);
        self.labelled("candidate", &comparison.candidate.name);
        self.labelled(
            "compared",
            &format!("{}, on {}", extent(comparison), comparison.base.target),
        );
        for difference in &comparison.fingerprint {
            self.labelled(
                "not alike",
                &format!(
                    "{}: {} and {}",
                    difference.what, difference.base, difference.candidate
                ),
            );
        }
    }

    fn scenario(&mut self, scenario: &ComparedScenario) {
        self.line("");
        let head = [
            left(&plain(&scenario.name), NAME),
            right("base", FIGURE),
            right("candidate", FIGURE),
            right("change", CHANGE),
            right("interval", INTERVAL),
            right("noise", NOISE),
        ];
        let head = self.paint.bold(&head.concat());
        self.line(&format!("  {head}"));
        // Too few runs are too few for every metric: said once.
        let shared = scenario.metrics.first().map(|first| &first.why).filter(|why| {
            scenario
                .metrics
                .iter()
                .all(|metric| metric.why == **why && metric.interval.is_none())
        });
        for metric in &scenario.metrics {
            self.metric(metric, shared.is_none());
        }
        if let Some(why) = shared {
            let word = self.paint.dim(EffectClass::Inconclusive.name());
            self.line(&format!("    {word}, all of them: {}", plain(why)));
        }
    }

    fn metric(&mut self, metric: &ComparedMetric, with_why: bool) {
        let class = metric.class.name();
        let class = match metric.class {
            EffectClass::Regressed => self.paint.trouble(class),
            EffectClass::Improved => self.paint.bold(class),
            EffectClass::Equivalent => class.to_owned(),
            EffectClass::Inconclusive => self.paint.dim(class),
        };
        let row = [
            left(&metric.name, NAME),
            right(&figure(metric.base_median, metric.unit), FIGURE),
            right(&figure(metric.candidate_median, metric.unit), FIGURE),
            right(&change(metric.change), CHANGE),
            right(&interval(metric.interval), INTERVAL),
            right(&share(metric.noise_floor), NOISE),
        ];
        self.line(&format!("  {}", row.concat()));
        let why = match metric.p_adjusted {
            Some(p) => format!("{} (p {})", metric.why, p_value(Some(p))),
            None => metric.why.clone(),
        };
        if with_why {
            self.line(&format!("    {class}: {}", plain(&why)));
        }
        if let Some(words) = metric.gate.and_then(|of| gate(metric, of)) {
            self.line(&format!("    {words}"));
        }
    }

    fn foot(&mut self, comparison: &Comparison) {
        self.line("");
        self.labelled(
            "read it so",
            &format!(
                "figures are medians; the interval covers the true change in {:.0} of 100 comparisons; noise is what equal \
                 sides would show; a change matters beyond {} or beyond the noise, whichever is more",
                (1.0 - comparison.alpha) * 100.0,
                share(Some(comparison.margin)),
            ),
        );
        for words in &comparison.left_out {
            self.labelled("left out", words);
        }
        for hint in &comparison.hints {
            self.labelled("next", hint);
        }
    }
}
