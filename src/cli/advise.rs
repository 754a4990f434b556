//! `tollway advise`: what would cost less.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use clap::Args;
use tollway_auth::keys::{Key, KeyTable};

use super::usage::{ended, load, recorded, wrong};
use crate::advice::{given, good_keys};
use crate::auth::{explain, lasting_pepper, open};
use crate::config::{Database, Env, Settings};
use crate::error::BoxError;
use crate::report::{advice_json, advice_text};

/// Arguments of `tollway advise`.
#[derive(Debug, Args)]
pub struct AdviseArgs {
    /// How many days are looked at
    #[arg(long, value_name = "N", default_value = "30")]
    days: String,
    /// How many hours clocks are ahead of UTC where people work
    #[arg(long, value_name = "HOURS", default_value_t = 0, allow_negative_numbers = true)]
    utc_offset: i8,
    /// The configuration, which says where usage is kept; by default the one `serve` would take
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &AdviseArgs) -> ExitCode {
    let days = match args.days.parse::<u32>() {
        Ok(days) if (1..=MOST_DAYS).contains(&days) => days,
        _ => return wrong("days", &format!("not a number of days from 1 to {MOST_DAYS}: {}", args.days)),
    };
    let env = Env::of_process();
    let settings = match load(args.config.as_deref(), &env) {
        Ok(settings) => settings,
        Err(refused) => return refused,
    };
    ended(super::block_on(advised(args, days, &settings)), &env)
}

async fn advised(args: &AdviseArgs, days: u32, settings: &Settings) -> Result<(), BoxError> {
    let (now, store) = (SystemTime::now(), recorded(settings).await?);
    let keys = keys(settings, now).await?;
    let advice = given(settings, &*store, &keys, days, args.utc_offset.into(), now).await?;
    let text =
        if args.json { serde_json::to_string_pretty(&advice_json(&advice))? } else { advice_text(&advice) };
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// The keys of the database, where there is one.
async fn keys(settings: &Settings, now: SystemTime) -> Result<Vec<Key>, BoxError> {
    let state = &settings.state;
    if let Database::Sqlite(file) = &state.database
        && !file.exists()
    {
        return Ok(Vec::new());
    }
    let table = KeyTable::new(lasting_pepper(state)?);
    let store: Arc<_> = open(state)?;
    let read = async {
        store.prepare(table.pepper().fingerprint()).await?;
        good_keys(&*store, now).await
    };
    read.await.map_err(|error| explain(&error).into())
}

/// Records are kept for some months, and reading them takes its time.
const MOST_DAYS: u32 = 366;
