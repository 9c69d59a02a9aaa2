//! `highwater list`: suites and scenarios with what each shows.

use highwater_model::ExitCode;
use highwater_scenario::suites;

use super::run::print;
use crate::failure::Failure;

pub(crate) fn list() -> Result<ExitCode, Failure> {
    let mut text = String::new();
    let suites = suites::built_in()?;
    let scenarios = suites.iter().flat_map(|suite| &suite.scenarios);
    let widest = scenarios.map(|scenario| scenario.name.len()).max().unwrap_or(0) + 1;
    for suite in suites {
        text += &format!("{}\n", suite.name);
        for scenario in suite.scenarios {
            text += &format!("  {:<widest$} {}\n", scenario.name, scenario.summary);
            for variant in &scenario.variants {
                let set = variant
                    .set
                    .iter()
                    .map(|(key, value)| format!("{key} = {value}"))
                    .collect::<Vec<_>>();
                text += &format!(
                    "  {:<widest$}   {}\n",
                    format!("  /{}", variant.name),
                    set.join(", ")
                );
            }
        }
    }
    text += "\nhighwater run NAME runs a suite or a scenario, highwater show NAME prints it.\n";
    print(&text)?;
    Ok(ExitCode::Holds)
}
