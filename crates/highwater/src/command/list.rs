//! `highwater list`: suites and scenarios with what each shows.

use highwater_model::ExitCode;
use highwater_scenario::suites;

use crate::failure::Failure;

pub(crate) fn list() -> Result<ExitCode, Failure> {
    for suite in suites::built_in()? {
        println!("{}", suite.name);
        for scenario in suite.scenarios {
            println!("  {:<22} {}", scenario.name, scenario.summary);
            for variant in &scenario.variants {
                let set = variant
                    .set
                    .iter()
                    .map(|(key, value)| format!("{key} = {value}"))
                    .collect::<Vec<_>>();
                println!("  {:<22}   {}", format!("  /{}", variant.name), set.join(", "));
            }
        }
    }
    println!("\nhighwater run NAME runs a suite or a scenario, highwater show NAME prints it.");
    Ok(ExitCode::Holds)
}
