//! Tollway's command line.

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tollway::cli::simulate::{SimulateArgs, run};

#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Simulate(SimulateArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let Command::Simulate(args) = Arguments::parse().command;
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot simulate");
            ExitCode::FAILURE
        }
    }
}
