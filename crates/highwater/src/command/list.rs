//! `highwater list`: suites and scenarios with what each shows.

use highwater_model::ExitCode;
use highwater_scenario::suites;

use super::run::print;
use crate::failure::Failure;

pub(crate) fn list() -> Result<ExitCode, Failure> {
    let mut text = String::new();
    for suite in suites::built_in()? {
        text += &format!("{}\n", suite.name);
        for scenario in suite.scenarios {
            text += &format!("  {:<22} {}\n", scenario.name, scenario.summary);
            for variant in &scenario.variants {
                let set = variant
                    .set
                    .iter()
                    .map(|(key, value)| format!("{key} = {value}"))
                    .collect::<Vec<_>>();
                text += &format!("  {:<22}   {}\n", format!("  /{}", variant.name), set.join(", "));
            }
        }
    }
    text += "\nhighwater run NAME runs a suite or a scenario, highwater show NAME prints it.\n";
    print(&text)?;
    Ok(ExitCode::Holds)
}
