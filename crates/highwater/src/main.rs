//! The command `highwater`: proves what an event pipeline on Kafka can do and survive.
//!
//! Only this crate reads arguments and the environment. Each subcommand has a module; `main` parses, calls, and
//! turns the answer into the documented exit code.

mod arguments;
mod command;
mod failure;
mod interrupt;
mod screen;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    let color = screen::Screen::new(arguments.color);
    match command::dispatch(arguments.command, &color) {
        Ok(code) => ExitCode::from(u8::from(code)),
        Err(failure) => {
            eprintln!("{}", failure.render(color.errors_in_color()));
            ExitCode::from(u8::from(failure.code))
        }
    }
}
