//! A dashboard for Grafana, made from the table of metrics.

use serde_json::{Value, json};

use super::table::{AGE, HELD, LAG, LOST, MEMBERS, RISK, SURVEY_REQUESTS, SURVEY_TOOK, VERDICT};

/// Title, expression, legend, unit as Grafana calls it.
struct Panel(&'static str, String, &'static str, &'static str);

fn panels() -> Vec<Panel> {
    let by_group =
        |metric: &str, how: &str| format!("{how} by (group, topic) ({metric}{{group=~\"$group\"}})");
    vec![
        Panel(
            "Groups with trouble",
            format!(
                "sum by (group, topic, verdict) ({VERDICT}{{group=~\"$group\", verdict!~\"ok|unknown|catching-up\"}})"
            ),
            "{{group}} {{topic}}: {{verdict}}",
            "short",
        ),
        Panel("Lag", by_group(LAG, "sum"), "{{group}} {{topic}}", "short"),
        Panel(
            "Age of what is read next",
            by_group(AGE, "max"),
            "{{group}} {{topic}}",
            "s",
        ),
        Panel(
            "Time until retention takes it",
            by_group(RISK, "min"),
            "{{group}} {{topic}}",
            "s",
        ),
        Panel(
            "Lost to retention",
            by_group(LOST, "sum"),
            "{{group}} {{topic}}",
            "short",
        ),
        Panel(
            "Members",
            format!("max by (group) ({MEMBERS}{{group=~\"$group\"}})"),
            "{{group}}",
            "short",
        ),
        Panel(
            "Held back by open transactions",
            format!("sum by (topic) ({HELD})"),
            "{{topic}}",
            "short",
        ),
        Panel("Duration of a reading", SURVEY_TOOK.to_owned(), "reading", "s"),
        Panel(
            "Requests of a reading",
            SURVEY_REQUESTS.to_owned(),
            "requests",
            "short",
        ),
    ]
}

#[cfg(test)]
pub(super) fn expressions() -> Vec<String> {
    panels().into_iter().map(|panel| panel.1).collect()
}

/// A dashboard as JSON, to be imported.
#[must_use]
pub fn lag_dashboard() -> String {
    let panels: Vec<Value> = panels()
        .into_iter()
        .enumerate()
        .map(|(index, Panel(title, expression, legend, unit))| {
            json!({
                "id": index + 1,
                "type": "timeseries",
                "title": title,
                "datasource": { "type": "prometheus", "uid": "${datasource}" },
                "gridPos": { "h": 8, "w": 12, "x": 12 * (index % 2), "y": 8 * (index / 2) },
                "fieldConfig": { "defaults": { "unit": unit, "min": 0 }, "overrides": [] },
                "targets": [{ "refId": "A", "expr": expression, "legendFormat": legend }],
            })
        })
        .collect();
    let dashboard = json!({
        "title": "Lag of consumer groups",
        "uid": "highwater-lag",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": { "from": "now-3h", "to": "now" },
        "templating": { "list": [
            { "name": "datasource", "type": "datasource", "query": "prometheus" },
            {
                "name": "group",
                "type": "query",
                "datasource": { "type": "prometheus", "uid": "${datasource}" },
                "query": { "query": format!("label_values({VERDICT}, group)"), "refId": "groups" },
                "includeAll": true,
                "multi": true,
                "current": { "text": "All", "value": "$__all" },
            },
        ] },
        "panels": panels,
    });
    let mut text = serde_json::to_string_pretty(&dashboard).unwrap_or_default();
    text.push('\n');
    text
}
