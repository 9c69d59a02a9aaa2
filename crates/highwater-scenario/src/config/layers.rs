//! From a file and `--set` to a scenario, and where each value came from.
//!
//! Precedence: built-in default < file < variant < `--quick` < `--quick` of the variant < `--set`. The file alone must be right before anything is
//! laid over it, so that an error is always laid at the right door.

use std::collections::BTreeMap;
use std::ops::Range;

use highwater_model::Setting;
use toml_edit::{Document, DocumentMut, Item, TableLike};

use super::error::{ConfigError, Place, SourceFile};
use super::scenario::{Quick, Scenario, Variant};

/// Names further off than this are not offered as "did you mean".
const NEAR_ENOUGH: f64 = 0.6;
/// A scenario file is read whole; none is larger.
pub const LARGEST_FILE_BYTES: u64 = 1 << 20;

/// The origin of a value that nobody gave.
const BUILT_IN: &str = "built-in";

/// `key=value` from the command line.
#[derive(Debug, Clone, PartialEq)]
pub struct Set {
    /// Dotted key, e.g. `load.rate`.
    pub key: String,
    /// Value, as TOML or as plain text.
    pub value: String,
}

impl std::str::FromStr for Set {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| format!("`{text}` has no `=`; write KEY=VALUE, e.g. load.rate=500/s"))?;
        let key = key.trim();
        if key.is_empty() || key.split('.').any(str::is_empty) {
            return Err(format!(
                "`{text}` has no key before `=`; write KEY=VALUE, e.g. load.rate=500/s"
            ));
        }
        Ok(Self {
            key: key.to_owned(),
            value: value.trim().to_owned(),
        })
    }
}

/// A scenario with every layer applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The scenario; its name has the variant after a slash.
    pub scenario: Scenario,
    /// Every value with where it came from, by dotted key.
    pub settings: BTreeMap<String, Setting>,
    /// Thresholds that the shortened form is too short to judge.
    pub left_out: Vec<String>,
    file: SourceFile,
    set_keys: Vec<(String, String)>,
}

impl Resolved {
    /// Sets the replicas of the topic for a target of several nodes, unless somebody said how many there are to be.
    pub(crate) fn replicate(&mut self, replicas: u32, target: &str) {
        let Some(setting) = self.settings.get_mut("topic.replication") else {
            return;
        };
        if setting.origin == BUILT_IN {
            self.scenario.topic.replication = replicas;
            setting.value = replicas.to_string();
            setting.origin = format!("--target {target}");
        }
    }

    /// An error about a key: laid at the file's line, or at the `--set` or variant that gave it.
    #[must_use]
    pub fn error(&self, key: &str, message: impl Into<String>) -> ConfigError {
        self.error_within(key, None, message)
    }

    /// As [`Resolved::error`], narrowed to a stretch of the text at that key (for expressions).
    #[must_use]
    pub fn error_within(
        &self,
        key: &str,
        within: Option<Range<usize>>,
        message: impl Into<String>,
    ) -> ConfigError {
        let mut error = ConfigError::new(message);
        let list = key.split('[').next().unwrap_or(key);
        if let Some((_, origin)) = self
            .set_keys
            .iter()
            .rev()
            .find(|(set, _)| set == list || list.starts_with(&format!("{set}.")))
        {
            error.message = format!("{}, in {origin}", error.message);
            return error;
        }
        if let Some(span) = span_of(&self.file, key) {
            let span = match within {
                // Past the opening quote; only exact for texts without escapes, which expressions don't have.
                Some(part) => span.start + 1 + part.start..(span.start + 1 + part.end).min(span.end),
                None => span,
            };
            error.place = Some(Place {
                file: self.file.clone(),
                span,
            });
        }
        error
    }
}

/// Reads a file alone, to learn its name and variants.
pub fn parse(file: &SourceFile) -> Result<Scenario, ConfigError> {
    toml::from_str(&file.text).map_err(|error| from_toml(&error, file))
}

/// Lays a variant, the shortened form if asked for, and `--set` over a file.
pub fn resolve(
    file: &SourceFile,
    variant: Option<&Variant>,
    quick: bool,
    sets: &[Set],
) -> Result<Resolved, ConfigError> {
    let mut scenario = parse(file)?;
    let mut document: DocumentMut = file
        .text
        .parse()
        .map_err(|error: toml_edit::TomlError| ConfigError::new(error.message().to_owned()))?;
    let mut set_keys = Vec::new();
    if let Some(variant) = variant {
        for (key, value) in &variant.set {
            let origin = format!("variant {} of {}", variant.name, file.name);
            scenario = lay(&mut document, key, &value.to_string(), &origin)?;
            set_keys.push((key.clone(), origin));
        }
    }
    let mut left_out = Vec::new();
    if quick {
        let full = scenario.thresholds.clone();
        let of_all = std::mem::take(&mut scenario.quick.set).into_iter();
        let of_variant = variant
            .map(|variant| variant.quick.set.clone())
            .unwrap_or_default();
        for (key, value) in of_all.chain(of_variant) {
            let origin = format!("[quick] of {}", file.name);
            scenario = lay(&mut document, &key, &value.to_string(), &origin)?;
            set_keys.push((key, origin));
        }
        left_out.extend(
            full.into_iter()
                .filter(|limit| !scenario.thresholds.contains(limit)),
        );
    }
    for set in sets {
        let origin = format!("--set {}={}", set.key, set.value);
        scenario = lay(&mut document, &set.key, &set.value, &origin)?;
        set_keys.push((set.key.clone(), origin));
    }
    if let Some(variant) = variant {
        scenario.name = format!("{}/{}", scenario.name, variant.name);
    }
    scenario.variants.clear();
    scenario.quick = Quick::default();
    let settings = settings(&scenario, file, &set_keys);
    Ok(Resolved {
        scenario,
        settings,
        left_out,
        file: file.clone(),
        set_keys,
    })
}

/// Lays one value over the document and reads the whole again, so that its error is its own.
fn lay(document: &mut DocumentMut, key: &str, value: &str, origin: &str) -> Result<Scenario, ConfigError> {
    let item: Item = match value.parse::<toml_edit::Value>() {
        Ok(value) => toml_edit::value(value),
        Err(_) => toml_edit::value(value),
    };
    let mut table: &mut dyn TableLike = document.as_table_mut();
    let mut parts = key.split('.').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            table.insert(part, item);
            break;
        }
        // Settings of Kafka and librdkafka have dots in their own names.
        if part == "settings" {
            let rest: Vec<&str> = parts.collect();
            let inner = table.entry(part).or_insert_with(toml_edit::table);
            let inner = inner
                .as_table_like_mut()
                .ok_or_else(|| ConfigError::new(format!("`{part}` is not a table, in {origin}")))?;
            // Settings are texts, also those that look like numbers.
            let text = item.as_str().map_or_else(|| value.to_owned(), str::to_owned);
            inner.insert(&rest.join("."), toml_edit::value(text));
            break;
        }
        let inner = table.entry(part).or_insert_with(toml_edit::table);
        table = inner
            .as_table_like_mut()
            .ok_or_else(|| ConfigError::new(format!("`{part}` has no keys below it, in {origin}")))?;
    }
    let text = document.to_string();
    toml::from_str(&text).map_err(|error| {
        let mut laid = describe(&error);
        if laid.message.contains("missing field") && key.starts_with("fault.") {
            laid.help = Some(
                "this scenario has no fault; give fault.kind, fault.after and fault.down in a file".into(),
            );
        }
        laid.message = format!("{}, in {origin}", laid.message);
        laid
    })
}

/// A toml error with its place in the file.
fn from_toml(error: &toml::de::Error, file: &SourceFile) -> ConfigError {
    let mut described = describe(error);
    described.place = error.span().map(|span| Place {
        file: file.clone(),
        span,
    });
    described
}

/// The message of a toml error in our words, with a suggestion for unknown keys.
pub(super) fn describe(error: &toml::de::Error) -> ConfigError {
    let message = error.message().trim();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    for (prefix, what) in [("unknown field", "key"), ("unknown variant", "value")] {
        if message.starts_with(prefix) {
            let Some((wrong, possible)) = quoted.split_first() else {
                break;
            };
            let mut described = ConfigError::new(format!("unknown {what} `{wrong}`"));
            described.label =
                nearest(wrong, possible.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            described.help = Some(format!("possible here: {}", possible.join(", ")));
            return described;
        }
    }
    ConfigError::new(message.to_owned()).help("`highwater show throughput` prints every key with its meaning")
}

/// The nearest of some names, if any is near.
pub(crate) fn nearest<'a>(wrong: &str, possible: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    possible
        .into_iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .filter(|(near, _)| *near >= NEAR_ENOUGH)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Where a dotted key stands in a file; `thresholds[2]` and `rules[0].api` name elements of lists.
pub(super) fn span_of(file: &SourceFile, key: &str) -> Option<Range<usize>> {
    let document = Document::parse(file.text.as_str()).ok()?;
    let mut item: &Item = document.as_item();
    for part in key.split('.') {
        let (name, index) = match part.split_once('[') {
            Some((name, index)) => (name, Some(index.trim_end_matches(']').parse::<usize>().ok()?)),
            None => (part, None),
        };
        item = item.get(name)?;
        let Some(index) = index else { continue };
        match item.get(index) {
            Some(element) => item = element,
            // An array of plain values: its elements are no items.
            None => return item.as_array()?.get(index)?.span(),
        }
    }
    item.span()
}

/// Every value of the scenario with its origin.
fn settings(scenario: &Scenario, file: &SourceFile, sets: &[(String, String)]) -> BTreeMap<String, Setting> {
    let mut settings = BTreeMap::new();
    let Ok(toml::Value::Table(table)) = toml::Value::try_from(scenario) else {
        return settings;
    };
    flatten("", &toml::Value::Table(table), &mut |key, value| {
        let origin = match sets
            .iter()
            .rev()
            .find(|(set, _)| set == key || key.starts_with(&format!("{set}.")))
        {
            Some((_, origin)) if origin.starts_with("--set") => "--set".to_owned(),
            Some((_, origin)) => origin.clone(),
            None => match span_of(file, key) {
                Some(span) => format!("{}:{}", file.name, file.line_column(span.start).0),
                None => BUILT_IN.to_owned(),
            },
        };
        settings.insert(
            key.to_owned(),
            Setting {
                value: value.to_string(),
                origin,
            },
        );
    });
    settings
}

fn flatten(prefix: &str, value: &toml::Value, visit: &mut dyn FnMut(&str, &toml::Value)) {
    let toml::Value::Table(table) = value else {
        return visit(prefix, value);
    };
    for (key, value) in table {
        let name = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        flatten(&name, value, visit);
    }
}
