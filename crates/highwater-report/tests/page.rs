//! The HTML report: what it must hold and what it must never do.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is a failed test")]

mod samples;

use highwater_model::{GroupReport, LagReport, Report};
use highwater_report::{Format, Style, render};
use samples::outcomes;

fn page(report: &Report) -> String {
    render(Format::Html, report, &Style::default()).unwrap()
}

/// What a person reads, one line for each element, without style, script and drawings.
fn words(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some(open) = rest.find('<') {
        push_words(&mut text, &rest[..open]);
        rest = &rest[open..];
        let close = ["style", "script", "svg", "details"]
            .iter()
            .find(|name| rest[1..].starts_with(**name))
            .map_or_else(|| ">".to_owned(), |name| format!("</{name}>"));
        let end = rest.find(&close).expect("every element is closed");
        rest = &rest[end + close.len()..];
    }
    text
}

fn push_words(text: &mut String, words: &str) {
    let words = words.trim();
    if !words.is_empty() {
        text.push_str(words);
        text.push('\n');
    }
}

#[test]
fn words_of_the_page() {
    for name in [
        "holds",
        "violated",
        "inconclusive",
        "invalid",
        "two-scenarios",
        "no-samples",
    ] {
        let (_, report) = outcomes::all()
            .into_iter()
            .find(|(known, _)| *known == name)
            .unwrap();
        insta::assert_snapshot!(format!("page-{name}"), words(&page(&report)));
    }
}

#[test]
fn consumer_groups_and_their_lag() {
    let mut all = outcomes::all().into_iter();
    let (_, mut report) = all.find(|(name, _)| *name == "holds").unwrap();
    report.scenarios[0].groups = groups();
    let page = page(&report);
    let section = page
        .split("<section>")
        .find(|one| one.contains("Consumer groups"));
    insta::assert_snapshot!("page-groups", words(section.unwrap()));
    // What was skipped, and the lag that is one too many.
    assert_eq!(section.unwrap().matches("class=\"bad\"").count(), 2);
}

/// One group that got everything, and one that went past a record and whose lag is one too many.
fn groups() -> Vec<GroupReport> {
    let lag = |moment: &str, partition, committed, lag| LagReport {
        moment: moment.to_owned(),
        partition,
        committed,
        end: 500,
        lag,
        produced: 500,
        consumed: committed.map_or(0, |offset: i64| offset.unsigned_abs()),
    };
    vec![
        GroupReport {
            name: "billing".to_owned(),
            members: 2,
            expected: 1_000,
            received: 1_000,
            redelivered: 37,
            widest_window: 21,
            lag: vec![
                lag("the load had ended", 0, Some(403), 97),
                lag("the load had ended", 1, None, 500),
            ],
            ..GroupReport::default()
        },
        GroupReport {
            name: "audit".to_owned(),
            members: 1,
            expected: 1_000,
            received: 999,
            skipped: 1,
            // A monitor that is told of one record more than is left.
            lag: vec![lag("the group had caught up", 0, Some(500), 1)],
            ..GroupReport::default()
        },
    ]
}

#[test]
fn the_page_needs_nothing_from_outside() {
    for (name, report) in outcomes::all() {
        let page = page(&report);
        for forbidden in [
            "http://", "https://", "src=", "@import", "url(", "<link", "<img", "<iframe",
        ] {
            assert!(!page.contains(forbidden), "{name} holds {forbidden}");
        }
        assert!(page.contains("default-src 'none'"), "{name}");
    }
}

#[test]
fn hostile_text_stays_text() {
    let page = page(&outcomes::hostile());
    assert!(!page.contains("<script>alert"));
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(page.contains("&lt;/script&gt;"));
}

#[test]
fn the_data_can_be_read_back() {
    for (name, report) in outcomes::all() {
        let page = page(&report);
        let start = page.find("id=\"report\">").unwrap() + "id=\"report\">".len();
        let end = start + page[start..].find("</script>").unwrap();
        let embedded: Report = serde_json::from_str(&page[start..end]).unwrap();
        assert_eq!(embedded.verdict, report.verdict, "{name}");
        assert_eq!(embedded.scenarios.len(), report.scenarios.len(), "{name}");
    }
}

#[test]
fn a_long_run_stays_under_two_megabytes() {
    let mut report = outcomes::holds();
    for scenario in &mut report.scenarios {
        let bins = scenario.timeline.clone();
        scenario.timeline = (0..36_000_usize)
            .map(|index| {
                let mut bin = bins[index % bins.len()].clone();
                bin.start_ns = index as u64 * 100_000_000;
                bin
            })
            .collect();
        let samples = scenario.resources.samples.clone();
        scenario.resources.samples = (0..14_400_usize)
            .map(|index| samples[index % samples.len()].clone())
            .collect();
    }
    let long = page(&report);
    assert!(long.len() < 2_000_000, "{}", long.len());
    assert!(long.contains("\"schema_version\":1"), "the data was left out");
    let scenario = report.scenarios[0].clone();
    report.scenarios = vec![scenario; 12];
    let many = page(&report);
    assert!(many.len() < 2_000_000, "{}", many.len());
}

#[test]
fn every_number_drawn_is_finite() {
    for (name, report) in outcomes::all() {
        let page = page(&report);
        for word in ["NaN", "inf\"", "inf "] {
            assert!(!page.contains(word), "{name} holds {word}");
        }
    }
}
