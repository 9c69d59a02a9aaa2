//! Where scenarios come from: those inside the program, a file, a directory of files.

use std::path::{Path, PathBuf};

use crate::config::{ConfigError, LARGEST_FILE_BYTES, Scenario, Set, SourceFile, Variant, nearest, parse};

/// A built-in file: suite, scenario, text.
const BUILT_IN: &[(&str, &str, &str)] = &[
    ("demo", "demo", include_str!("../../../suites/demo.toml")),
    (
        "kafka-baseline",
        "throughput",
        include_str!("../../../suites/kafka-baseline/throughput.toml"),
    ),
    (
        "kafka-baseline",
        "burst",
        include_str!("../../../suites/kafka-baseline/burst.toml"),
    ),
    (
        "kafka-baseline",
        "sustained",
        include_str!("../../../suites/kafka-baseline/sustained.toml"),
    ),
    (
        "kafka-baseline",
        "snapshot",
        include_str!("../../../suites/kafka-baseline/snapshot.toml"),
    ),
    (
        "kafka-baseline",
        "resources",
        include_str!("../../../suites/kafka-baseline/resources.toml"),
    ),
    (
        "kafka-baseline",
        "startup",
        include_str!("../../../suites/kafka-baseline/startup.toml"),
    ),
    (
        "kafka-delivery",
        "broker-restart",
        include_str!("../../../suites/kafka-delivery/broker-restart.toml"),
    ),
    (
        "kafka-delivery",
        "consumer-restart",
        include_str!("../../../suites/kafka-delivery/consumer-restart.toml"),
    ),
    (
        "kafka-delivery",
        "network-partition",
        include_str!("../../../suites/kafka-delivery/network-partition.toml"),
    ),
    (
        "kafka-delivery",
        "multiple-consumer-groups",
        include_str!("../../../suites/kafka-delivery/multiple-consumer-groups.toml"),
    ),
    (
        "kafka-delivery",
        "lost-acks",
        include_str!("../../../suites/kafka-delivery/lost-acks.toml"),
    ),
    (
        "kafka-delivery",
        "stall",
        include_str!("../../../suites/kafka-delivery/stall.toml"),
    ),
    (
        "kafka-delivery",
        "connector-offset-recovery",
        include_str!("../../../suites/kafka-delivery/connector-offset-recovery.toml"),
    ),
];

/// A scenario file, read and right, with the variants to run.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The file.
    pub file: SourceFile,
    /// The scenario as the file gives it.
    pub scenario: Scenario,
    /// The variant to run, if the scenario has variants.
    pub variant: Option<Variant>,
}

impl Chosen {
    /// Whether the shortened form changes anything.
    #[must_use]
    pub fn has_quick_form(&self) -> bool {
        let of_variant = self
            .variant
            .as_ref()
            .is_some_and(|variant| !variant.quick.is_empty());
        of_variant || !self.scenario.quick.is_empty()
    }

    /// Why the shortened form leaves it out, if it does.
    #[must_use]
    pub fn left_out_when_quick(&self) -> Option<&str> {
        let of_variant = self
            .variant
            .as_ref()
            .and_then(|variant| variant.quick.not_run.as_deref());
        of_variant.or(self.scenario.quick.not_run.as_deref())
    }

    /// Name with the variant after a slash.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.variant {
            Some(variant) => format!("{}/{}", self.scenario.name, variant.name),
            None => self.scenario.name.clone(),
        }
    }
}

/// A built-in suite for `highwater list`.
#[derive(Debug, Clone)]
pub struct Suite {
    /// Name.
    pub name: &'static str,
    /// Its scenarios, each with its variants.
    pub scenarios: Vec<Scenario>,
}

/// The built-in suites in order.
///
/// # Errors
/// A built-in file that can't be read, which a test rules out.
pub fn built_in() -> Result<Vec<Suite>, ConfigError> {
    let mut suites: Vec<Suite> = Vec::new();
    for (suite, scenario, text) in BUILT_IN {
        let scenario = parse(&built_in_file(scenario, text))?;
        match suites.last_mut().filter(|last| last.name == *suite) {
            Some(last) => last.scenarios.push(scenario),
            None => suites.push(Suite {
                name: suite,
                scenarios: vec![scenario],
            }),
        }
    }
    Ok(suites)
}

/// The text of a built-in scenario.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    BUILT_IN
        .iter()
        .find(|(_, scenario, _)| *scenario == name)
        .map(|(_, _, text)| *text)
}

fn built_in_file(name: &str, text: &str) -> SourceFile {
    SourceFile {
        name: format!("built-in {name}"),
        text: text.to_owned(),
    }
}

/// Finds what `highwater run WHAT --scenario ONLY` means: a suite, a scenario, a file, a directory.
///
/// # Errors
/// Unknown names with the nearest one, unreadable or wrong files, a filter that leaves nothing.
pub fn choose(what: &str, only: Option<&str>) -> Result<Vec<Chosen>, ConfigError> {
    let files = files(what)?;
    let mut all = Vec::new();
    for file in files {
        let scenario = parse(&file)?;
        check_name(&scenario, &file)?;
        if scenario.variants.is_empty() {
            all.push(Chosen {
                file,
                scenario,
                variant: None,
            });
        } else {
            all.extend(scenario.variants.iter().map(|variant| Chosen {
                file: file.clone(),
                scenario: scenario.clone(),
                variant: Some(variant.clone()),
            }));
        }
    }
    let variant = what
        .split_once('/')
        .filter(|_| text(what.split('/').next().unwrap_or(what)).is_some())
        .map(|_| what);
    let Some(only) = only.or(variant) else {
        return Ok(all);
    };
    let names: Vec<String> = all
        .iter()
        .flat_map(|chosen| [chosen.scenario.name.clone(), chosen.name()])
        .collect();
    all.retain(|chosen| chosen.scenario.name == only || chosen.name() == only);
    if all.is_empty() {
        let near = nearest(only, names.iter().map(String::as_str));
        let mut error = ConfigError::new(format!("no scenario `{only}` in {what}"));
        error.label = near.map(|near| format!("did you mean `{near}`?"));
        let mut names = names;
        names.sort_unstable();
        names.dedup();
        return Err(error.help(format!("{what} has: {}", names.join(", "))));
    }
    Ok(all)
}

fn files(what: &str) -> Result<Vec<SourceFile>, ConfigError> {
    let base = what.split('/').next().unwrap_or(what);
    let path = Path::new(what);
    let suite: Vec<SourceFile> = BUILT_IN
        .iter()
        .filter(|(suite, scenario, _)| {
            *suite == what || *scenario == what || (!path.exists() && *scenario == base)
        })
        .map(|(_, name, text)| built_in_file(name, text))
        .collect();
    if !suite.is_empty() {
        return Ok(suite);
    }
    if path.is_dir() {
        return directory(path);
    }
    if path.is_file() {
        return Ok(vec![read(path)?]);
    }
    let looks_like_a_file = what.ends_with(".toml") || what.contains('/');
    let mut error = ConfigError::new(match looks_like_a_file {
        true => format!("there is no file {what}"),
        false => format!("no suite or scenario is called `{what}`"),
    });
    let names = BUILT_IN
        .iter()
        .flat_map(|(suite, scenario, _)| [*suite, *scenario]);
    error.label = nearest(what, names).map(|near| format!("did you mean `{near}`?"));
    Err(error.help(
        "`highwater list` shows suites and scenarios; a file or a directory of files can also be given",
    ))
}

fn directory(path: &Path) -> Result<Vec<SourceFile>, ConfigError> {
    let unreadable =
        |error: std::io::Error| ConfigError::new(format!("can't read directory {}: {error}", path.display()));
    let mut paths: Vec<PathBuf> = std::fs::read_dir(path)
        .map_err(unreadable)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    paths.sort();
    if paths.is_empty() {
        return Err(ConfigError::new(format!(
            "{} holds no .toml file",
            path.display()
        )));
    }
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Result<SourceFile, ConfigError> {
    let name = path.display().to_string();
    let fail = |error: std::io::Error| ConfigError::new(format!("can't read {name}: {error}"));
    let size = std::fs::metadata(path).map_err(fail)?.len();
    if size > LARGEST_FILE_BYTES {
        return Err(ConfigError::new(format!(
            "{name} has {size} bytes; a scenario file has at most {LARGEST_FILE_BYTES}"
        )));
    }
    Ok(SourceFile {
        text: std::fs::read_to_string(path).map_err(fail)?,
        name,
    })
}

fn check_name(scenario: &Scenario, file: &SourceFile) -> Result<(), ConfigError> {
    let good = |name: &str| {
        !name.is_empty()
            && name.len() <= 64
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    match std::iter::once(&scenario.name)
        .chain(scenario.variants.iter().map(|variant| &variant.name))
        .find(|name| !good(name))
    {
        Some(name) => Err(
            ConfigError::new(format!("`{name}` in {} can't be a name", file.name))
                .help("names have lower-case letters, digits and hyphens, at most 64"),
        ),
        None => Ok(()),
    }
}

/// Parses `--set` arguments.
///
/// # Errors
/// The first that is no `KEY=VALUE`.
pub fn sets(arguments: &[String]) -> Result<Vec<Set>, ConfigError> {
    arguments
        .iter()
        .map(|argument| argument.parse().map_err(ConfigError::new))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::resolve;

    #[test]
    fn every_built_in_file_is_right_in_every_variant() {
        for (_, name, _) in BUILT_IN {
            for chosen in choose(name, None).unwrap() {
                let resolved = resolve(&chosen.file, chosen.variant.as_ref(), false, &[]).unwrap();
                assert_eq!(resolved.scenario.name, chosen.name());
                let quick = resolve(&chosen.file, chosen.variant.as_ref(), true, &[]).unwrap();
                let plan = crate::plan::Plan::new(quick).unwrap();
                let whole = crate::plan::Plan::new(resolved).unwrap();
                assert!(plan.expected() <= whole.expected(), "{}", chosen.name());
            }
        }
    }

    #[test]
    fn names_mean_suites_scenarios_and_variants() {
        let names = |what: &str, only: Option<&str>| -> Vec<String> {
            choose(what, only).unwrap().iter().map(Chosen::name).collect()
        };
        assert_eq!(
            names("kafka-delivery", None),
            [
                "broker-restart/sigkill",
                "broker-restart/graceful",
                "consumer-restart/sigkill",
                "consumer-restart/sigterm",
                "consumer-restart/halted",
                "network-partition/black-hole",
                "network-partition/reset",
                "network-partition/half-open",
                "network-partition/broker-from-broker",
                "multiple-consumer-groups",
                "lost-acks/idempotent",
                "lost-acks/at-least-once",
                "stall",
                "connector-offset-recovery/worker",
                "connector-offset-recovery/postgres",
                "connector-offset-recovery/broker"
            ]
        );
        assert_eq!(
            names("broker-restart/graceful", None),
            ["broker-restart/graceful"]
        );
        assert_eq!(names("kafka-delivery", Some("stall")), ["stall"]);
        assert_eq!(names("kafka-delivery", Some("broker-restart")).len(), 2);
    }

    #[test]
    fn unknown_names_are_met_with_the_nearest() {
        let error = choose("broker-restrat", None).unwrap_err();
        assert_eq!(error.label.as_deref(), Some("did you mean `broker-restart`?"));
        let error = choose("kafka-delivery", Some("stal")).unwrap_err();
        assert_eq!(error.label.as_deref(), Some("did you mean `stall`?"));
        assert!(
            choose("nowhere/at/all.toml", None)
                .unwrap_err()
                .message
                .contains("no file")
        );
    }

    #[test]
    fn the_comments_of_throughput_name_every_default() {
        // Uncommenting every `# key = value` line must give a file that reads, with the same scenario.
        let text = text("throughput").unwrap();
        let uncommented: String = text
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest)
                    if rest
                        .split_once(" = ")
                        .is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')) =>
                {
                    rest
                }
                _ => line,
            })
            .filter(|line| {
                !["ramp_to", "steps", "burst ", "records", "settings", "contract"]
                    .iter()
                    .any(|key| line.starts_with(key))
            })
            .fold(String::new(), |all, line| all + line + "\n");
        let shown = parse(&SourceFile {
            name: "shown".into(),
            text: uncommented,
        })
        .unwrap();
        let real = parse(&built_in_file("throughput", text)).unwrap();
        assert_eq!(
            shown, real,
            "a default in the comments differs from the program's"
        );
    }
}
