//! The command line.

pub mod check;
pub mod schema;
pub mod serve;
pub mod simulate;

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Parser, Subcommand};

use crate::config::{ConfigError, Date, Env};

/// The exit code of a configuration that is refused: `EX_USAGE` of sysexits.h.
const EX_USAGE: u8 = 64;

/// An AI gateway: one small binary between applications and model providers.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the gateway
    Serve(serve::ServeArgs),
    /// Validates the configuration and shows what would run
    Check(check::CheckArgs),
    /// Prints the JSON Schema of the configuration
    Schema,
    /// Starts a simulated provider: `OpenAI`, Anthropic and Gemini endpoints with faults on request
    Simulate(simulate::SimulateArgs),
}

/// Runs a command. Exit codes: 0 done, 1 failed, 64 wrong configuration (`EX_USAGE`).
pub fn run(cli: Cli) -> ExitCode {
    match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Check(args) => match check::load(&args, &Env::of_process(), Path::new("")) {
            Ok(settings) => printed(check::report(&settings, Date::of(SystemTime::now()), &mut io::stdout().lock())),
            Err(error) => refused(&error),
        },
        Command::Schema => printed(schema::run(&mut io::stdout().lock())),
        Command::Simulate(args) => simulate::run(args),
    }
}

/// Says what is wrong with the configuration.
fn refused(error: &ConfigError) -> ExitCode {
    let _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::from(EX_USAGE)
}

/// A closed pipe is the only way printing fails.
fn printed(result: io::Result<()>) -> ExitCode {
    result.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
