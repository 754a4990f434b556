//! `tollway estimate`: what a request will cost, before it is sent.

mod asked;
mod print;
mod quote;

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Args, ValueEnum};
use tollway_core::Dialect;
use tollway_cost::Day;

use self::asked::Asked;
use self::quote::Quotes;
use crate::config::{Env, Settings, Source};
use crate::error::{BoxError, chain};

/// Arguments of `tollway estimate`.
#[derive(Debug, Args)]
pub struct EstimateArgs {
    /// The request's body, as a client would send it; `-` or nothing for standard input
    file: Option<PathBuf>,
    /// The format it is in; by default the one it looks like
    #[arg(long, value_enum)]
    dialect: Option<Format>,
    /// The model to ask, in place of the one the request names
    #[arg(long, short)]
    model: Option<String>,
    /// How many tokens of input there are, in place of a guess
    #[arg(long, value_name = "N")]
    input_tokens: Option<u64>,
    /// How many of them are read from the provider's cache
    #[arg(long, value_name = "N", default_value_t = 0)]
    cached_tokens: u64,
    /// How many tokens of output there will be, in place of a guess
    #[arg(long, value_name = "N")]
    output_tokens: Option<u64>,
    /// The tier that will serve it: flex, priority, batch
    #[arg(long)]
    tier: Option<String>,
    /// The configuration, whose providers and prices hold; by default the one `serve` would take
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The formats that clients speak.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// `OpenAI`'s Chat Completions, Completions and Embeddings
    Openai,
    /// `OpenAI`'s Responses
    Responses,
    /// Anthropic's Messages
    Anthropic,
    /// Gemini's `generateContent`; the model is told by `--model`
    Gemini,
}

impl Format {
    const fn dialect(self) -> Dialect {
        match self {
            Self::Openai => Dialect::OpenAi,
            Self::Responses => Dialect::Responses,
            Self::Anthropic => Dialect::Anthropic,
            Self::Gemini => Dialect::Gemini,
        }
    }
}

/// Runs the command.
pub fn run(args: &EstimateArgs) -> ExitCode {
    let env = Env::of_process();
    let settings = Source::find(args.config.as_deref(), &env, Path::new(""))
        .and_then(|source| Settings::load(&source, &env));
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => return super::refused(&error),
    };
    match estimate(args, &settings, Day::of(SystemTime::now())) {
        Ok(text) => super::printed(writeln!(io::stdout(), "{}", env.conceal(&text))),
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {}", env.conceal(&chain(&*error)));
            ExitCode::FAILURE
        }
    }
}

fn estimate(args: &EstimateArgs, settings: &Settings, today: Day) -> Result<String, BoxError> {
    let body = match (&args.file, args.input_tokens) {
        (None, Some(_)) => None,
        (None, None) if io::stdin().is_terminal() => {
            return Err(
                "nothing to estimate: give a file, standard input, or --model and --input-tokens".into()
            );
        }
        (None, None) => Some(standard_input()?),
        (Some(file), _) if file.as_os_str() == "-" => Some(standard_input()?),
        (Some(file), _) => {
            let read = std::fs::read(file);
            Some(read.map_err(|error| format!("cannot be read: {error}: {}", file.display()))?)
        }
    };
    let dialect = args.dialect.map(Format::dialect);
    let mut asked = match body {
        Some(body) => Asked::read(body, dialect, args.model.as_deref())?,
        None => Asked::of_model(args.model.as_deref().ok_or("no model is named: give --model")?),
    };
    if let Some(input) = args.input_tokens {
        asked = asked.with_input(input);
    }
    if args.cached_tokens > asked.input {
        let input = asked.input;
        return Err(format!(
            "--cached-tokens: more than there are of input, {input}: {}",
            args.cached_tokens
        )
        .into());
    }
    asked.cached = args.cached_tokens;
    asked.output = args.output_tokens.or(asked.output);
    asked.is_output_known = args.output_tokens.is_some();
    let quotes = Quotes::of(&asked, settings, args.tier.as_deref(), today)?;
    if args.json { Ok(print::json(&asked, &quotes)?) } else { Ok(print::text(&asked, &quotes)) }
}

fn standard_input() -> Result<Vec<u8>, BoxError> {
    let mut body = Vec::new();
    io::stdin().lock().read_to_end(&mut body).map_err(|error| format!("standard input: {error}"))?;
    Ok(body)
}
