//! The page that Prometheus reads (text format 0.0.4).

use std::collections::BTreeMap;

use highwater_model::{LagPartition, LagSurvey};

use super::compat::{self, Compat};
use super::table::{METRICS, SURVEY_FAILURES, SURVEY_REQUESTS, SURVEY_TIME, SURVEY_TOOK, Source};

/// What is known of readings beside the last one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SurveyCounts {
    /// Readings that failed since the start.
    pub failures: u64,
}

/// One family of samples: its help and type, and its lines.
pub(super) struct Family {
    text: String,
    name: &'static str,
    any: bool,
}

impl Family {
    pub(super) fn new(name: &'static str, kind: &str, help: &str) -> Self {
        Self {
            text: format!("# HELP {name} {}\n# TYPE {name} {kind}\n", escaped(help, false)),
            name,
            any: false,
        }
    }

    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.any = true;
        self.text += self.name;
        if !labels.is_empty() {
            let labels: Vec<String> = labels
                .iter()
                .map(|(name, value)| format!("{name}=\"{}\"", escaped(value, true)))
                .collect();
            self.text += &format!("{{{}}}", labels.join(","));
        }
        self.text += &format!(" {value}\n");
    }

    /// Nothing if there is no sample.
    pub(super) fn finish(self) -> String {
        if self.any { self.text } else { String::new() }
    }
}

fn escaped(text: &str, quoted: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quoted { text.replace('"', "\\\"") } else { text }
}

/// The page of a survey, with families under the names that other exporters gave them.
#[must_use]
pub fn lag_exposition(survey: &LagSurvey, counts: SurveyCounts, compat: &[Compat]) -> String {
    let mut logs: BTreeMap<(&str, i32), &LagPartition> = BTreeMap::new();
    for partition in survey.groups.iter().flat_map(|group| &group.partitions) {
        if partition.sample.unreadable.is_none() {
            logs.insert((&partition.topic, partition.partition), partition);
        }
    }
    let mut text = String::new();
    for metric in METRICS {
        let mut family = Family::new(metric.name, metric.kind, metric.help);
        match metric.source {
            Source::Partition(value) => {
                for group in &survey.groups {
                    for one in &group.partitions {
                        if let Some(value) = value(one) {
                            let partition = one.partition.to_string();
                            let labels = [
                                ("group", group.name.as_str()),
                                ("topic", &one.topic),
                                ("partition", &partition),
                            ];
                            family.sample(&labels, value);
                        }
                    }
                }
            }
            Source::Verdict => {
                for group in &survey.groups {
                    for one in &group.partitions {
                        if let Some(judgement) = &one.judgement {
                            let partition = one.partition.to_string();
                            let labels = [
                                ("group", group.name.as_str()),
                                ("topic", &one.topic),
                                ("partition", &partition),
                                ("verdict", judgement.verdict.name()),
                            ];
                            family.sample(&labels, 1.0);
                        }
                    }
                }
            }
            Source::Group(value) => {
                for group in &survey.groups {
                    if let Some(value) = value(group) {
                        family.sample(&[("group", &group.name)], value);
                    }
                }
            }
            Source::Log(value) => {
                for ((topic, partition), one) in &logs {
                    if let Some(value) = value(one) {
                        family.sample(&[("topic", topic), ("partition", &partition.to_string())], value);
                    }
                }
            }
            Source::Survey => {
                let value = match metric.name {
                    SURVEY_TIME => Some(survey.at_ms as f64 / 1e3),
                    SURVEY_TOOK => Some(survey.took_ns as f64 / 1e9),
                    SURVEY_REQUESTS => Some(survey.requests as f64),
                    SURVEY_FAILURES => Some(counts.failures as f64),
                    _ => None,
                };
                if let Some(value) = value {
                    family.sample(&[], value);
                }
            }
        }
        text += &family.finish();
    }
    for compat in compat {
        text += &compat::families(*compat, survey, &logs);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use highwater_model::{LagGroup, LagJudgement, LagSample, LagVerdict};

    use super::*;

    fn survey() -> LagSurvey {
        let partition = |partition, committed: Option<i64>, log_start, judgement: Option<LagVerdict>| {
            let sample = LagSample {
                committed,
                log_start,
                high_watermark: 1_000,
                last_stable: 990,
                behind_ms: Some(2_500),
                ..LagSample::default()
            };
            LagPartition {
                topic: "orders".to_owned(),
                partition,
                state: sample.state(),
                sample,
                judgement: judgement.map(|verdict| LagJudgement {
                    verdict,
                    evidence: String::new(),
                }),
            }
        };
        LagSurvey {
            at_ms: 1_700_000_000_500,
            took_ns: 12_000_000,
            requests: 11,
            groups: vec![LagGroup {
                name: "bill\"ing\\\n".to_owned(),
                state: "Stable".to_owned(),
                members: Some(2),
                partitions: vec![
                    partition(0, Some(97), 0, Some(LagVerdict::Ok)),
                    partition(1, Some(10), 50, Some(LagVerdict::DataLost { records: 40 })),
                    partition(2, None, 0, None),
                    partition(3, Some(1_500), 0, Some(LagVerdict::AtRisk { seconds: 60 })),
                ],
            }],
            ..LagSurvey::default()
        }
    }

    #[test]
    fn the_page() {
        let all = [Compat::KafkaExporter, Compat::KafkaLagExporter, Compat::Kminion];
        let page = lag_exposition(&survey(), SurveyCounts { failures: 3 }, &all);
        insta::assert_snapshot!("lag-exposition", page);
    }

    /// Every line can be read by the rules of the format, and no family comes twice.
    #[test]
    fn the_format_is_kept() {
        let page = lag_exposition(&survey(), SurveyCounts::default(), &[Compat::Kminion]);
        let mut families = BTreeSet::new();
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert!(["gauge", "counter"].contains(&kind), "{line}");
                assert!(families.insert(name.to_owned()), "{name} comes twice");
            } else if !line.starts_with('#') {
                let (series, value) = line.rsplit_once(' ').expect("a value");
                let name = series.split('{').next().expect("a name");
                assert!(families.contains(name), "{line} comes before its type");
                value.parse::<f64>().expect("a number");
            }
        }
    }
}
