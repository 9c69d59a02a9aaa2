//! Rules as people write them, right and wrong.

use std::time::Duration;

use super::*;

fn file(text: &str) -> SourceFile {
    SourceFile {
        name: "rules.toml".to_owned(),
        text: text.to_owned(),
    }
}

#[test]
fn the_example_of_every_fault_is_a_rule_of_that_fault() {
    for entry in highwater_proxy::catalogue() {
        let rules =
            parse_rules(&file(entry.example)).unwrap_or_else(|error| panic!("{}: {error}", entry.name));
        assert_eq!(rules.len(), 1, "{}", entry.name);
        assert_eq!(
            (rules[0].fault.as_str(), rules[0].name.as_str()),
            (entry.name, entry.name)
        );
    }
}

#[test]
fn every_parameter_of_every_fault_is_known_here() {
    for entry in highwater_proxy::catalogue() {
        for key in entry.takes {
            assert!(
                PARAMETER_KEYS.iter().any(|(known, _)| known == key),
                "{}: {key}",
                entry.name
            );
        }
    }
}

#[test]
fn the_keys_that_are_documented_are_those_that_are_read() {
    let error = toml::from_str::<Rule>("fault = \"reset\"\nnonsense = 1").unwrap_err();
    let read: BTreeSet<&str> = error.message().split('`').skip(3).step_by(2).collect();
    let documented: BTreeSet<&str> = SCOPE_KEYS
        .iter()
        .chain(&TRIGGER_KEYS)
        .chain(&PARAMETER_KEYS)
        .map(|(key, _)| *key)
        .chain(["name", "fault"])
        .collect();
    assert_eq!(read, documented);
}

#[test]
fn a_rule_with_everything_says_what_is_written() {
    let text = r#"
[[rules]]
name = "late"
fault = "hold"
api = ["Produce", "EndTxn"]
version = "3-11"
node = 1
client_id = "a*"
principal = "alice"
group = "g"
member = "m"
transactional_id = "t"
producer_id = 7
producer_epoch = 2
topic = "orders"
partition = 3
first_sequence = 40
transaction = 2
every = 5
probability = 0.5
times = 9
from = "1s"
until = "2min"
after = { api = "Fetch", version = 4, topic = "orders", nth = 3, answered = true }
delay = "250ms"
direction = "to-client"
release_after = { api = "Produce" }
"#;
    let expected = RuleSpec {
        name: "late".into(),
        fault: "hold".into(),
        scope: Scope {
            apis: vec!["Produce".into(), "EndTxn".into()],
            versions: Some((3, 11)),
            node: Some(1),
            client_id: Some("a*".into()),
            principal: Some("alice".into()),
            group: Some("g".into()),
            member: Some("m".into()),
            transactional_id: Some("t".into()),
            producer_id: Some(7),
            producer_epoch: Some(2),
            topic: Some("orders".into()),
            partition: Some(3),
            first_sequence: Some(40),
            transaction: Some(2),
        },
        trigger: Trigger {
            nth: None,
            every: Some(5),
            probability: Some(0.5),
            times: Some(9),
            by_hand: false,
            also_new: false,
            from: Some(Duration::from_secs(1)),
            until: Some(Duration::from_secs(120)),
            after: Some(Watch {
                scope: Scope {
                    apis: vec!["Fetch".into()],
                    versions: Some((4, 4)),
                    topic: Some("orders".into()),
                    ..Scope::default()
                },
                nth: 3,
                answered: true,
            }),
        },
        parameters: Parameters {
            delay: Some(Duration::from_millis(250)),
            direction: Some(Direction::ToClient),
            release_after: Some(Watch {
                scope: Scope {
                    apis: vec!["Produce".into()],
                    ..Scope::default()
                },
                nth: 1,
                answered: false,
            }),
            ..Parameters::default()
        },
    };
    assert_eq!(parse_rules(&file(text)).unwrap(), [expected]);
}

#[test]
fn rules_without_names_are_numbered() {
    let rule = |name: &str| format!("[[rules]]\nfault = \"reset\"\n{name}\n");
    let text = [
        rule(""),
        rule("name = \"reset-2\""),
        rule(""),
        rule("name = \"mine\""),
    ]
    .concat();
    let names: Vec<String> = parse_rules(&file(&text))
        .unwrap()
        .into_iter()
        .map(|rule| rule.name)
        .collect();
    assert_eq!(names, ["reset", "reset-2", "reset-3", "mine"]);
}

/// The whole error in one text, as the command line puts it together.
fn wrong(text: &str) -> String {
    let error = parse_rules(&file(text)).unwrap_err();
    let marked = error
        .place
        .as_ref()
        .map_or("", |place| &place.file.text[place.span.clone()]);
    let first = marked.lines().next().unwrap_or_default();
    format!(
        "{error}\n  at    {first}\n  help  {}",
        error.help.as_deref().unwrap_or("-")
    )
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_a_remedy() {
    let cases = [
        ("unknown fault", "fault = \"drop-akc\""),
        ("unknown api", "fault = \"reset\"\napi = [\"Fetch\", \"Prodcue\"]"),
        (
            "unknown api of an event",
            "fault = \"reset\"\nafter = { api = \"Prodcue\" }",
        ),
        (
            "event without an api",
            "fault = \"reset\"\nafter = { topic = \"orders\" }",
        ),
        ("unknown scope", "fault = \"reset\"\ntopci = \"orders\""),
        (
            "unknown scope of an event",
            "fault = \"reset\"\nafter = { api = \"Fetch\", topci = \"orders\" }",
        ),
        ("no fault", "api = \"Produce\""),
        ("unknown error", "fault = \"reject\"\nerror = \"NOT_A_LEADER\""),
        ("missing parameter", "fault = \"reject\"\napi = \"Produce\""),
        (
            "parameter of another fault",
            "fault = \"reject\"\nerror = \"NONE\"\njitter = \"5ms\"",
        ),
        (
            "parameter of a fault without any",
            "fault = \"stale-metadata\"\ndelay = \"5ms\"",
        ),
        (
            "api of another fault",
            "fault = \"stale-metadata\"\napi = \"Produce\"",
        ),
        (
            "trigger that never fires",
            "fault = \"reset\"\nnth = 3\nevery = 2",
        ),
        (
            "window without time",
            "fault = \"reset\"\nfrom = \"20s\"\nuntil = \"10s\"",
        ),
        ("probability", "fault = \"reset\"\nprobability = 1.5"),
        ("direction", "fault = \"reset\"\ndirection = \"up\""),
        ("half of both", "fault = \"half-open\"\ndirection = \"both\""),
        ("span without unit", "fault = \"latency\"\ndelay = 80"),
        ("rate without time", "fault = \"bandwidth\"\nrate = \"1MB\""),
        ("version", "fault = \"reset\"\nversion = \"11-3\""),
        (
            "two of one name",
            "fault = \"reset\"\nname = \"a\"\n[[rules]]\nfault = \"reset\"\nname = \"a\"",
        ),
        ("not toml", "fault = reset"),
    ];
    let all: Vec<String> = cases
        .iter()
        .map(|(name, text)| format!("# {name}\n{}", wrong(&format!("[[rules]]\n{text}\n"))))
        .collect();
    insta::assert_snapshot!("wrong_rules", all.join("\n\n"));
}

#[test]
fn a_file_that_is_no_file_of_rules_is_told_so() {
    insta::assert_snapshot!(
        "no_rules",
        [wrong(""), wrong("[rule]\nfault = \"reset\""), wrong("rules = 5")].join("\n\n")
    );
}
