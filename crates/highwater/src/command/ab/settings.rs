//! Settings of one side in one argument.

/// Splits `key=value key=value,key=value` at the spaces and commas that are within no quotes, brackets or braces.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut settings = Vec::new();
    let mut current = String::new();
    let mut depth = 0_u32;
    let mut quote: Option<char> = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            (None, c) if depth == 0 && (c == ',' || c.is_whitespace()) => {
                settings.push(std::mem::take(&mut current));
                continue;
            }
            _ => {}
        }
        current.push(c);
    }
    settings.push(current);
    settings.retain(|setting| !setting.is_empty());
    settings
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn spaces_and_commas_separate_outside_of_values() {
        assert!(split(" , ").is_empty());
        assert_eq!(split("a.b=1"), ["a.b=1"]);
        assert_eq!(split("a=1, b=2 c=3"), ["a=1", "b=2", "c=3"]);
        assert_eq!(
            split(r#"thresholds=["lost == 0", "ack.p95 < 5ms"],x='y z'"#),
            [r#"thresholds=["lost == 0", "ack.p95 < 5ms"]"#, "x='y z'"]
        );
        assert_eq!(
            split(r#"rules=[{ fault = "latency", delay = "5ms" }] load.rate=9/s"#),
            [r#"rules=[{ fault = "latency", delay = "5ms" }]"#, "load.rate=9/s"]
        );
    }
}
