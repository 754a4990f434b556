//! The binary.

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
    time::SystemTime,
};

use clap::{Parser, Subcommand};
use tollway::{
    cli::{check, schema},
    config::{Date, Env},
};

/// The exit code of a configuration that is refused: `EX_USAGE` of sysexits.h.
const BAD_CONFIG: u8 = 64;

/// An AI gateway.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what would run, without running it
    Check(check::CheckArgs),
    /// Print the JSON Schema of the configuration
    Schema,
}

fn main() -> ExitCode {
    let env = Env::of_process();
    let mut out = io::stdout().lock();
    let printed = match Arguments::parse().command {
        Command::Schema => schema::run(&mut out),
        Command::Check(args) => match check::load(&args, &env, Path::new("")) {
            Ok(settings) => check::report(&settings, &env, Date::of(SystemTime::now()), &mut out),
            Err(error) => {
                let _ = writeln!(io::stderr(), "error: {error}");
                return ExitCode::from(BAD_CONFIG);
            }
        },
    };
    printed.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
