//! `tollway budgets`: what is left of each budget, by what is recorded.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;
use serde_json::json;

use super::usage::{ended, load, recorded};
use crate::config::{Env, Settings};
use crate::cost::recorded_budgets;
use crate::error::BoxError;
use crate::report::{standings, standings_text};

/// Arguments of `tollway budgets`.
#[derive(Debug, Args)]
pub struct BudgetsArgs {
    /// The configuration, which has the budgets and says where usage is kept; by default the one `serve` would
    /// take
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &BudgetsArgs) -> ExitCode {
    let env = Env::of_process();
    match load(args.config.as_deref(), &env) {
        Ok(settings) => ended(super::block_on(shown(args, &settings)), &env),
        Err(refused) => refused,
    }
}

async fn shown(args: &BudgetsArgs, settings: &Settings) -> Result<(), BoxError> {
    let (now, store) = (SystemTime::now(), recorded(settings).await?);
    let (budgets, unknown) = recorded_budgets(settings, &*store).await?;
    let mut standings = standings(&budgets, now);
    // Of these nothing was taken over, which is not to say that nothing was spent.
    standings.retain(|standing| unknown.iter().all(|unknown| *unknown.budget != *standing.budget()));
    let text = if args.json {
        serde_json::to_string_pretty(&json!({ "data": standings, "unknown": unknown }))?
    } else {
        standings_text(&standings, &unknown)
    };
    Ok(writeln!(io::stdout(), "{text}")?)
}
