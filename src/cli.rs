//! The command line.

pub mod advise;
pub mod budgets;
pub mod check;
pub mod estimate;
pub mod keys;
pub mod schema;
pub mod serve;
pub mod simulate;
pub mod usage;

mod start;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;
use tracing_subscriber::EnvFilter;

use crate::config::{ConfigError, Date, Env, LogFormat};
use crate::error::{BoxError, chain};

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
    /// Makes keys, shows them, and takes them back
    Keys(keys::KeysArgs),
    /// Shows what was used and what it cost, and what it will cost
    Usage(Box<usage::UsageArgs>),
    /// Shows what is left of each budget, by what is recorded
    Budgets(budgets::BudgetsArgs),
    /// Says what would cost less, with the amount and how to do it
    Advise(advise::AdviseArgs),
    /// Prices a request before it is sent
    Estimate(estimate::EstimateArgs),
    /// Prints the JSON Schema of the configuration
    Schema,
    /// Starts a simulated provider: `OpenAI`, Anthropic and Gemini endpoints with faults on request
    Simulate(simulate::SimulateArgs),
}

/// Runs a command. Exit codes: 0 done, 1 failed, 64 wrong configuration (`EX_USAGE`).
pub fn run(cli: Cli) -> ExitCode {
    match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Check(args) => {
            let env = Env::of_process();
            match check::load(&args, &env, Path::new("")) {
                Ok(settings) => {
                    let today = Date::of(SystemTime::now());
                    printed(check::report(&settings, &env, today, &mut io::stdout().lock()))
                }
                Err(error) => refused(&error),
            }
        }
        Command::Keys(args) => keys::run(args),
        Command::Usage(args) => usage::run(&args),
        Command::Budgets(args) => budgets::run(&args),
        Command::Advise(args) => advise::run(&args),
        Command::Estimate(args) => estimate::run(&args),
        Command::Schema => printed(schema::run(&mut io::stdout().lock())),
        Command::Simulate(args) => {
            log_to_stderr("info", LogFormat::Auto);
            ended(block_on(async { Ok(simulate::run(args).await?) }))
        }
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

/// Runs a command on a runtime in this thread.
fn block_on(command: impl Future<Output = Result<(), BoxError>>) -> Result<(), BoxError> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(command);
    // A second signal has ended the wait for the workers; dropping the runtime would wait again.
    runtime.shutdown_background();
    result
}

/// The exit code of a command that has logged to stderr.
fn ended(result: Result<(), BoxError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Sends diagnostics to stderr; stdout belongs to the access log.
fn log_to_stderr(level: &str, format: LogFormat) {
    let json = match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !io::stderr().is_terminal(),
    };
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let mut builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    if !io::stderr().is_terminal() {
        // Left alone it colours text in files too, and minds NO_COLOR.
        builder = builder.with_ansi(false);
    }
    if json {
        builder.json().flatten_event(true).init();
    } else {
        builder.init();
    }
}
