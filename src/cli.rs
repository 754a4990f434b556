//! The command line.

pub mod check;
pub mod schema;
pub mod serve;
pub mod simulate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    Schema(schema::SchemaArgs),
    /// Starts a simulated provider: `OpenAI`, Anthropic and Gemini endpoints with faults on request
    Simulate(simulate::SimulateArgs),
}

/// Runs a command. Exit codes: 0 done, 1 failed, 64 wrong configuration (`EX_USAGE`).
pub fn run(cli: Cli) -> ExitCode {
    match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Simulate(args) => simulate::run(args),
    }
}
