//! Alert rules for Prometheus, made from the table of metrics.

use super::table::{AGE, ETA, LOST, RISK, SURVEY_TIME, VERDICT};

pub(super) struct Rule {
    pub(super) alert: &'static str,
    pub(super) expression: String,
    pub(super) lasting: &'static str,
    pub(super) severity: &'static str,
    pub(super) summary: &'static str,
}

/// What is worth waking somebody for. Verdicts are judged over a window already: `for` only spans a scrape that failed.
pub(super) fn rules() -> Vec<Rule> {
    let verdict =
        |name: &str| format!("max by (group, topic, partition) ({VERDICT}{{verdict=\"{name}\"}}) == 1");
    let rule = |alert, expression, lasting, severity, summary| Rule {
        alert,
        expression,
        lasting,
        severity,
        summary,
    };
    vec![
        rule(
            "KafkaGroupDataLost",
            format!("{} or {LOST} > 0", verdict("data-lost")),
            "0m",
            "critical",
            "{{ $labels.group }} has not read records of {{ $labels.topic }}/{{ $labels.partition }} that retention took",
        ),
        rule(
            "KafkaGroupAtRisk",
            format!("{RISK} < 3600"),
            "0m",
            "critical",
            "retention takes what {{ $labels.group }} reads next in {{ $labels.topic }}/{{ $labels.partition }} within {{ $value }} s",
        ),
        rule(
            "KafkaGroupStopped",
            verdict("stopped"),
            "1m",
            "critical",
            "{{ $labels.group }} has no members, and records wait in {{ $labels.topic }}/{{ $labels.partition }}",
        ),
        rule(
            "KafkaGroupStalled",
            verdict("stalled"),
            "1m",
            "critical",
            "{{ $labels.group }} has members and commits nothing in {{ $labels.topic }}/{{ $labels.partition }}",
        ),
        rule(
            "KafkaGroupRewound",
            verdict("rewound"),
            "0m",
            "warning",
            "the offset of {{ $labels.group }} went back in {{ $labels.topic }}/{{ $labels.partition }}",
        ),
        rule(
            "KafkaGroupSlowing",
            verdict("slowing"),
            "5m",
            "warning",
            "{{ $labels.group }} falls behind in {{ $labels.topic }}/{{ $labels.partition }}",
        ),
        rule(
            "KafkaGroupCatchingUpForLong",
            format!("{ETA} > 3600 and {AGE} > 300"),
            "15m",
            "warning",
            "{{ $labels.group }} needs more than an hour to catch up in {{ $labels.topic }}/{{ $labels.partition }}",
        ),
        rule(
            "KafkaLagNotRead",
            format!("time() - {SURVEY_TIME} > 120"),
            "1m",
            "critical",
            "no reading of consumer groups has succeeded for two minutes",
        ),
    ]
}

/// A file of rules.
#[must_use]
pub fn lag_rules() -> String {
    let mut text = "groups:\n  - name: highwater-lag\n    rules:\n".to_owned();
    for rule in rules() {
        text += &format!(
            "      - alert: {}\n        expr: {}\n        for: {}\n        labels:\n          severity: {}\n        annotations:\n          summary: {}\n",
            rule.alert,
            quoted(&rule.expression),
            rule.lasting,
            rule.severity,
            quoted(rule.summary)
        );
    }
    text
}

/// A string of YAML.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::super::dashboard;
    use super::super::table::METRICS;
    use super::*;

    /// Names of metrics in an expression.
    fn named(expression: &str) -> Vec<&str> {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        expression
            .split(|c| !word(c))
            .filter(|word| word.starts_with("highwater_"))
            .collect()
    }

    #[test]
    fn rules_and_panels_name_metrics_that_are_there() {
        let mut seen = 0;
        let expressions = rules().into_iter().map(|rule| rule.expression);
        for expression in expressions.chain(dashboard::expressions()) {
            let names = named(&expression);
            assert!(!names.is_empty(), "{expression}");
            for name in names {
                assert!(
                    METRICS.iter().any(|metric| metric.name == name),
                    "{name} is in no table"
                );
                seen += 1;
            }
        }
        assert!(seen > 10);
    }

    #[test]
    fn the_file() {
        insta::assert_snapshot!("lag-rules", lag_rules());
    }
}
