//! One module for each subcommand.

mod ab;
mod broker;
mod calibrate;
mod check;
mod cluster;
mod compare;
mod completions;
mod contracts;
mod dlq;
mod doctor;
mod faults;
mod hazards;
mod history;
mod knee;
mod lag;
mod lint;
mod list;
mod member;
mod outcomes;
mod prove;
mod proxy;
mod report;
mod run;
mod secured;
mod selftest;
mod show;
mod up;

use highwater_model::ExitCode;

use crate::arguments::Command;
use crate::failure::Failure;
use crate::screen::Screen;

/// Carries out a subcommand; its answer is the exit code.
pub(crate) fn dispatch(command: Command, screen: &Screen) -> Result<ExitCode, Failure> {
    match command {
        Command::Demo(arguments) => run::run("demo", None, &arguments, screen),
        Command::Run { what, scenario, run } => run::run(&what, scenario.as_deref(), &run, screen),
        Command::Report { directory, format } => report::report(&directory, format, screen),
        Command::Ab(arguments) => ab::ab(&arguments, screen),
        Command::Calibrate { format, quiet } => calibrate::calibrate(format, quiet, screen),
        Command::Compare(arguments) => compare::compare(&arguments, screen),
        Command::Knee(arguments) => knee::knee(&arguments, screen),
        Command::Lag(arguments) => lag::lag(&arguments, screen),
        Command::List => list::list(),
        Command::Selftest(arguments) => selftest::prove_checkers(&arguments, screen),
        Command::Contracts(arguments) => contracts::contracts(&arguments),
        Command::Outcomes { format } => outcomes::outcomes(format),
        Command::Show { name } => show::show(&name),
        Command::Up { what, kafka } => up::up(what, kafka),
        Command::Down => up::down(),
        Command::Dlq(command) => dlq::dlq(&command, screen),
        Command::Doctor => doctor::doctor(),
        Command::Broker(arguments) => broker::broker(&arguments),
        Command::Cluster(command) => cluster::cluster(&command),
        Command::Proxy(arguments) => proxy::proxy(&arguments, screen),
        Command::Faults { name, format } => faults::faults(name.as_deref(), format),
        Command::Lint(arguments) => lint::lint(&arguments, screen),
        Command::Hazards(arguments) => hazards::hazards(&arguments, screen),
        Command::Prove(arguments) => prove::prove(&arguments, screen),
        Command::Check(arguments) => check::check(&arguments, screen),
        Command::History(command) => history::history(command, screen),
        Command::Completions { shell } => completions::completions(shell),
        Command::Member(arguments) => member::member(&arguments),
        Command::CleanUpAfter { data, remove } => {
            highwater_target::clean_up_after(&data, remove.as_deref())?;
            Ok(ExitCode::Holds)
        }
        Command::ExecWithParent {
            parent,
            user,
            command,
        } => match highwater_target::exec_with_parent(parent, user, &command)? {},
    }
}
