//! Rules as they are written, and what is said about those that can't be understood.

use crate::pipeline::Lineage;

#[test]
fn a_rule_is_read_and_said_in_full() {
    for (written, in_full) in [
        ("same", "same,one-to-one"),
        (" same , filter ", "same,filter"),
        ("header:order-id", "header:order-id,one-to-one"),
        ("json:/order/id,fan-out=3", "json:/order/id,fan-out=3"),
        ("json:/a~1b/0,fan-out", "json:/a~1b/0,fan-out"),
        ("json:/ids,aggregate", "json:/ids,aggregate"),
        ("json:/n,aggregate=count", "json:/n,aggregate=count"),
        ("key,aggregate=sum", "key,aggregate=sum"),
        ("header:n,aggregate=last", "header:n,aggregate=last"),
        ("key,one-to-one", "key,one-to-one"),
        ("regex:order-(\\d+)", "regex:order-(\\d+),one-to-one"),
        ("regex:\\d{1,3}", "regex:\\d{1,3},one-to-one"),
        ("regex:\\d{1,3},filter", "regex:\\d{1,3},filter"),
    ] {
        let rule: Lineage = written
            .parse()
            .unwrap_or_else(|error| panic!("{written}: {error}"));
        assert_eq!(rule.to_string(), in_full, "{written}");
        assert_eq!(in_full.parse(), Ok(rule), "{written}");
    }
    assert_eq!("same".parse(), Ok(Lineage::default()));
}

#[test]
fn an_error_says_what_to_write() {
    for (written, said) in [
        ("", "unknown lineage ``: an output names"),
        ("jsno:/id", "unknown lineage `jsno:/id` (did you mean `json:`?)"),
        ("Header:id", "(did you mean `header:`?)"),
        (
            "header:",
            "`header:` needs the name of a header after the colon, as in `header:order-id`",
        ),
        (
            "json",
            "`json:` needs a JSON pointer after the colon, as in `json:/order/id`",
        ),
        (
            "json:order.id",
            "`order.id` is no JSON pointer: it begins with `/`",
        ),
        ("json:/a~b", "`/a~b` is no JSON pointer"),
        ("regex:(", "`(` is no regular expression: unclosed group"),
        ("same:value", "`same` takes nothing after it"),
        ("key:id", "`key` takes nothing after it"),
        (
            "same,fanout",
            "unknown cardinality `fanout` (did you mean `fan-out`?)",
        ),
        ("key,twice", "unknown cardinality `twice`: an input has"),
        (
            "key,filter=2",
            "unknown cardinality `filter=2` (did you mean `filter`?)",
        ),
        ("key,fan-out=0", "`fan-out=0` needs a whole number from 1 on"),
        ("key,fan-out=many", "`fan-out=many` needs a whole number"),
        ("json:/n,aggregate=mean", "unknown aggregate `mean`"),
        ("same,fan-out", "`same` and `fan-out` exclude each other"),
        ("same,aggregate", "`same` and `aggregate` exclude each other"),
    ] {
        let error = written.parse::<Lineage>().expect_err(written).to_string();
        assert!(error.contains(said), "{written}: {error}");
    }
}
