//! Writes every kind of report for sample results into a directory, to look at them:
//! `cargo run -p highwater-report --example sample -- DIR`.

#[path = "../tests/samples/mod.rs"]
mod samples;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(dir) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: sample DIR");
        return ExitCode::from(2);
    };
    for (name, report) in samples::outcomes::all() {
        let dir = dir.join(name);
        let written = std::fs::create_dir_all(&dir)
            .map_err(|error| error.to_string())
            .and_then(|()| {
                highwater_report::write_all(&dir, &report, &[]).map_err(|error| error.to_string())
            });
        match written {
            Ok(paths) => println!("{}", paths[0].display()),
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::from(4);
            }
        }
    }
    ExitCode::SUCCESS
}
