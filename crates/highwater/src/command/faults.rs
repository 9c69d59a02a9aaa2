//! `highwater faults`: what the fault proxy can break, each with an example.

use highwater_model::ExitCode;
use highwater_proxy::{Entry, catalogue};
use highwater_scenario::config::{PARAMETER_KEYS, SCOPE_KEYS, TRIGGER_KEYS};

use super::run::print;
use crate::arguments::TextFormat;
use crate::failure::Failure;

/// Lists all faults, or shows one in full.
pub(crate) fn faults(name: Option<&str>, format: TextFormat) -> Result<ExitCode, Failure> {
    let chosen: Vec<&Entry> = match name {
        None => catalogue().to_vec(),
        Some(name) => vec![
            catalogue()
                .iter()
                .copied()
                .find(|entry| entry.name == name)
                .ok_or_else(|| unknown(name))?,
        ],
    };
    print(&match (format, name) {
        (TextFormat::Json, _) => json(&chosen),
        (TextFormat::Text, None) => list(&chosen),
        (TextFormat::Text, Some(_)) => chosen.iter().map(|entry| in_full(entry)).collect(),
    })?;
    Ok(ExitCode::Holds)
}

fn unknown(name: &str) -> Failure {
    let names: Vec<&str> = catalogue().iter().map(|entry| entry.name).collect();
    Failure::new(ExitCode::Usage, format!("there is no fault `{name}`"))
        .help(format!("there are {}", names.join(", ")))
}

fn list(entries: &[&Entry]) -> String {
    let mut text = String::from(
        "Faults of the proxy. A rule names one, says where (scope) and when (trigger), and stands in a file for\n\
         `highwater proxy --rules FILE` or in a scenario:\n",
    );
    for entry in entries {
        text += &format!("\n{}  ({})\n", entry.name, entry.point.name());
        text += &described(entry);
        text += &indented(entry.example);
    }
    text += "\n`highwater faults NAME` shows one with every key that it takes.\n";
    text
}

fn described(entry: &Entry) -> String {
    let takes = match entry.takes {
        [] => "nothing besides scope and trigger".to_owned(),
        keys => keys.join(", "),
    };
    format!(
        "  does   {}\n  known  {}\n  takes  {takes}\n",
        entry.summary, entry.known
    )
}

fn in_full(entry: &Entry) -> String {
    let mut text = format!("{}  ({})\n{}", entry.name, entry.point.name(), described(entry));
    text += &indented(entry.example);
    let section = |title: &str, keys: &mut dyn Iterator<Item = &(&str, &str)>| {
        let lines: String = keys
            .map(|(key, meaning)| format!("  {key:<18}{meaning}\n"))
            .collect();
        match lines.is_empty() {
            true => String::new(),
            false => format!("\n{title}\n{lines}"),
        }
    };
    text += &section(
        "Keys of this fault",
        &mut PARAMETER_KEYS.iter().filter(|(key, _)| entry.takes.contains(key)),
    );
    text += &section(
        "Where: everything that is given must match; texts may begin or end with *",
        &mut SCOPE_KEYS.iter(),
    );
    text += &section(
        "When: matches are counted while the window is open and after the event was seen",
        &mut TRIGGER_KEYS.iter(),
    );
    text += "\nname = \"…\" names the rule in logs, reports and histories; without it, it is called by its fault.\n";
    text
}

fn indented(example: &str) -> String {
    let lines: String = example.lines().map(|line| format!("      {line}\n")).collect();
    format!("\n{lines}")
}

fn json(entries: &[&Entry]) -> String {
    let keys = |keys: &[(&str, &str)]| -> serde_json::Map<String, serde_json::Value> {
        keys.iter()
            .map(|(key, meaning)| ((*key).to_owned(), (*meaning).into()))
            .collect()
    };
    let faults: Vec<serde_json::Value> = entries
        .iter()
        .map(|entry| {
            serde_json::json!({
                "name": entry.name,
                "summary": entry.summary,
                "known": entry.known,
                "point": entry.point.name(),
                "takes": entry.takes,
                "example": entry.example,
            })
        })
        .collect();
    let all = serde_json::json!({
        "faults": faults,
        "scope": keys(&SCOPE_KEYS),
        "trigger": keys(&TRIGGER_KEYS),
        "parameters": keys(&PARAMETER_KEYS),
    });
    format!("{all:#}\n")
}
