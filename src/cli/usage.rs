//! `tollway usage`: what was used and what it cost, from where it is kept.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use clap::{Args, Subcommand, ValueEnum};
use tollway_usage::{Day, Export, Format as ExportFormat, UsageQuery, UsageStore};

use crate::config::{Database, Env, Settings, Source};
use crate::cost::open;
use crate::error::{BoxError, chain};
use crate::report::{Asked, forecast_json, forecast_text, report, this_month};

/// Arguments of `tollway usage`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct UsageArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    report: ReportArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes every attempt at a provider, with the column names of the `FinOps` FOCUS specification
    Export(ExportArgs),
}

/// Which days.
#[derive(Debug, Args)]
struct DaysArgs {
    /// The first day, of UTC: 2026-11-01, 7d, 30d, month; by default this month
    #[arg(long, value_name = "DAY", allow_hyphen_values = true)]
    from: Option<String>,
    /// The last day; by default today
    #[arg(long, value_name = "DAY", allow_hyphen_values = true)]
    to: Option<String>,
    /// The configuration, which says where usage is kept; by default the one `serve` would take
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Arguments of a report.
#[derive(Debug, Args)]
struct ReportArgs {
    /// By what it is told apart, with commas between: day, week, month, key, user, team, tag:NAME,
    /// provider, model, `model_served`, route, dialect
    #[arg(long, value_name = "WHAT")]
    by: Option<String>,
    #[command(flatten)]
    days: DaysArgs,
    /// Only this many rows, those that cost most
    #[arg(long, value_name = "N")]
    top: Option<String>,
    /// What counts: team=blue; several of one kind are any of them, and `team=` is what has none (of tags there is no such sum)
    #[arg(long, value_name = "WHAT=VALUE")]
    filter: Vec<String>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Also what this month will have cost
    #[arg(long)]
    forecast: bool,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// For spreadsheets
    Csv,
    /// For programs
    Json,
}

/// Arguments of `tollway usage export`.
#[derive(Debug, Args)]
struct ExportArgs {
    /// How it is written
    #[arg(long, value_enum, default_value_t = Lines::Csv)]
    format: Lines,
    #[command(flatten)]
    days: DaysArgs,
    /// Where to; by default standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// How an export is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Lines {
    /// Comma-separated values, with a line of names
    Csv,
    /// An object a line
    Jsonl,
}

/// Runs the command.
pub fn run(args: &UsageArgs) -> ExitCode {
    let days = match &args.command {
        Some(Command::Export(export)) => &export.days,
        None => &args.report.days,
    };
    let env = Env::of_process();
    let settings = match load(days.config.as_deref(), &env) {
        Ok(settings) => settings,
        Err(refused) => return refused,
    };
    let now = SystemTime::now();
    match &args.command {
        Some(Command::Export(export)) => {
            let days = match asked(&args.report, days).days(Day::of(now)) {
                Ok(days) => days,
                Err((field, what)) => return wrong(field, &what),
            };
            ended(super::block_on(written(&settings, export, days)), &env)
        }
        None => {
            if args.report.forecast && args.report.format == Format::Csv {
                return wrong("forecast", "has no place in a table of rows, ask for table or json: csv");
            }
            match asked(&args.report, days).read(Day::of(now)) {
                Ok(query) => ended(super::block_on(shown(&settings, &args.report, &query, now)), &env),
                Err((field, what)) => wrong(field, &what),
            }
        }
    }
}

async fn shown(
    settings: &Settings,
    args: &ReportArgs,
    query: &UsageQuery,
    now: SystemTime,
) -> Result<(), BoxError> {
    let store = recorded(settings).await?;
    let report = report(&*store, query, settings, now).await?;
    let outlook = if args.forecast { Some(this_month(&*store, &query.filters, now).await?) } else { None };
    let outlook = outlook.map(|(forecast, last)| (forecast, last.to_string()));
    let text = match args.format {
        Format::Csv => report.to_csv(),
        Format::Json => {
            let mut json = report.to_json();
            if let Some((forecast, last)) = outlook {
                json["forecast"] = forecast_json(&forecast, &last);
            }
            format!("{json:#}\n")
        }
        Format::Table => match outlook {
            Some((forecast, last)) => {
                format!("{}\n\n{}\n", report.to_table(), forecast_text(&forecast, &last))
            }
            None => format!("{}\n", report.to_table()),
        },
    };
    Ok(io::stdout().write_all(text.as_bytes())?)
}

fn asked(args: &ReportArgs, days: &DaysArgs) -> Asked {
    Asked {
        by: args.by.clone(),
        from: days.from.clone(),
        to: days.to.clone(),
        top: args.top.clone(),
        filters: args.filter.clone(),
    }
}

/// The configuration of a command that reads usage.
pub(super) fn load(config: Option<&Path>, env: &Env) -> Result<Settings, ExitCode> {
    let found = Source::find(config, env, Path::new("")).and_then(|source| Settings::load(&source, env));
    found.map_err(|error| super::refused(&error))
}

/// Where usage is kept. A report makes no file where there is none.
pub(super) async fn recorded(settings: &Settings) -> Result<Arc<dyn UsageStore>, BoxError> {
    let kept = settings.usage.kept.as_ref();
    let kept =
        kept.ok_or("usage is not recorded: leave out `enabled: false` in `usage` of the configuration")?;
    if let Database::Sqlite(file) = &kept.database
        && !file.exists()
    {
        return Err(format!(
            "nothing was recorded yet; `tollway serve` records what it serves, or name the file in \
             `usage.database`: no such file: {}",
            file.display()
        )
        .into());
    }
    let store = open(&kept.database)?;
    store.prepare().await?;
    Ok(store)
}

/// Says which argument is wrong.
pub(super) fn wrong(argument: &str, what: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "error: --{argument}: {what}");
    ExitCode::from(super::EX_USAGE)
}

/// The exit code of a command that printed what it was asked for.
pub(super) fn ended(result: Result<(), BoxError>, env: &Env) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    // What cannot be asked for together is known only where it is answered.
    let is_asked_wrongly = matches!(
        error.downcast_ref::<tollway_usage::StoreError>(),
        Some(tollway_usage::StoreError::Query(_))
    );
    let _ = writeln!(io::stderr(), "error: {}", env.conceal(&chain(&*error)));
    if is_asked_wrongly { ExitCode::from(super::EX_USAGE) } else { ExitCode::FAILURE }
}

async fn written(settings: &Settings, args: &ExportArgs, (from, to): (Day, Day)) -> Result<(), BoxError> {
    let store = recorded(settings).await?;
    let format = match args.format {
        Lines::Csv => ExportFormat::Csv,
        Lines::Jsonl => ExportFormat::JsonLines,
    };
    let mut output: Box<dyn Write> = match &args.output {
        None => Box::new(io::stdout()),
        Some(file) => {
            let made = File::create(file);
            Box::new(made.map_err(|error| format!("cannot be written: {error}: {}", file.display()))?)
        }
    };
    let mut export = Export::new(store, format, from, to);
    while let Some(piece) = export.next().await? {
        output.write_all(&piece)?;
    }
    Ok(output.flush()?)
}
