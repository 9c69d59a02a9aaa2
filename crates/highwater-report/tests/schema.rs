//! `report.json` keeps to the published schema, and the schema is strict enough to notice when it doesn't.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is a failed test")]

mod samples;
mod streams;

use highwater_report::{Format, SCHEMA, Style, render};
use jsonschema::Validator;
use samples::outcomes;
use serde_json::{Value, json};

fn validator() -> Validator {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::draft202012::meta::validate(&schema).expect("the schema itself is valid");
    jsonschema::draft202012::new(&schema).unwrap()
}

fn samples() -> Vec<(String, Value)> {
    let mut samples: Vec<(String, Value)> = outcomes::all()
        .into_iter()
        .map(|(name, report)| {
            let text = render(Format::Json, &report, &Style::default()).unwrap();
            (name.to_owned(), serde_json::from_str(&text).unwrap())
        })
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let events: String = streams::of(&outcomes::holds(), 15_900_000_000)
        .events
        .iter()
        .map(|event| serde_json::to_string(event).unwrap() + "\n")
        .collect();
    std::fs::write(dir.path().join("events.jsonl"), events).unwrap();
    let report = highwater_report::read_run(dir.path()).unwrap();
    samples.push(("interrupted".to_owned(), serde_json::to_value(report).unwrap()));
    samples
}

#[test]
fn every_sample_keeps_to_the_schema() {
    let validator = validator();
    for (name, value) in samples() {
        let problems: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{name}: {problems:#?}");
    }
}

#[test]
fn the_schema_notices_what_is_missing_unknown_or_of_another_kind() {
    let validator = validator();
    let (_, good) = samples().swap_remove(1);
    for (pointer, bad) in [
        ("/verdict", json!("PERHAPS")),
        ("/schema_version", json!(99)),
        ("/exit_code", json!(17)),
        ("/scenarios/0/records/lost", json!(-1)),
        ("/scenarios/0/records/lost", Value::Null),
        ("/scenarios/0/latency/ack/response/p99_ns", json!("1 ms")),
        ("/scenarios/0/thresholds/0/result", json!("maybe")),
        ("/scenarios/0/phases/0/phase", json!("lunch")),
        ("/scenarios/0/anomalies/0/examples/0/producer", Value::Null),
    ] {
        let mut value = good.clone();
        *value
            .pointer_mut(pointer)
            .unwrap_or_else(|| panic!("{pointer} exists")) = bad;
        assert!(!validator.is_valid(&value), "{pointer}");
    }
}

/// Takes every field away, one at a time, wherever the sample has one: each must be missed.
#[test]
fn every_field_is_required_and_no_other_is_allowed() {
    let validator = validator();
    let (_, good) = samples().swap_remove(1);
    let mut pointers = Vec::new();
    objects(&good, "", &mut pointers);
    for pointer in pointers {
        let object = good.pointer(&pointer).and_then(Value::as_object).unwrap();
        let free = ["/configuration", "/measurements"]
            .iter()
            .any(|name| pointer.ends_with(name));
        if free {
            continue;
        }
        for key in object.keys() {
            let mut value = good.clone();
            value
                .pointer_mut(&pointer)
                .and_then(Value::as_object_mut)
                .unwrap()
                .remove(key);
            assert!(!validator.is_valid(&value), "{pointer}/{key} is not required");
        }
        let mut value = good.clone();
        let object = value
            .pointer_mut(&pointer)
            .and_then(Value::as_object_mut)
            .unwrap();
        object.insert("surprise".to_owned(), json!(1));
        assert!(!validator.is_valid(&value), "{pointer} allows anything");
    }
}

/// Pointers to every object, of arrays only the first element.
fn objects(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            found.push(pointer.to_owned());
            for (key, value) in object {
                objects(
                    value,
                    &format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        Value::Array(items) => {
            if let Some(first) = items.first() {
                objects(first, &format!("{pointer}/0"), found);
            }
        }
        _ => {}
    }
}
