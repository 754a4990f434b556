use schemars::JsonSchema;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use super::{Path, context::Context, error::Problem};

/// What is written about requests and about the gateway itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Where the line a request goes.
    pub access: AccessLog,
    /// What the gateway says of itself: a filter as in `info,tollway=debug`.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

/// Where the line a request goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessLog {
    /// Nowhere.
    Off,
    /// To standard output.
    #[default]
    Stdout,
    /// To standard error.
    Stderr,
}

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// A JSON object a line.
    Json,
    /// For people.
    Text,
}

/// What is written, as the file says it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LogFile {
    /// Where the line a request goes. Default: stdout.
    access: AccessLog,
    /// What the gateway says of itself: a filter as in `info,tollway=debug`. Default: the variable `RUST_LOG`, else `info`.
    level: Option<String>,
    /// How lines look: text on a terminal and JSON elsewhere (`auto`), or one of them always.
    format: LogFormat,
}

impl LogFile {
    pub(super) fn validate(self, context: &Context<'_>) -> Result<Log, Problem> {
        let path = Path::of(&["log", "level"]);
        let given = self.level.as_deref().or_else(|| context.env.filled("RUST_LOG"));
        let level = given.unwrap_or("info").trim().to_owned();
        if EnvFilter::builder().parse(&level).is_err() {
            let what = if self.level.is_some() {
                "not a log filter"
            } else {
                "environment variable RUST_LOG is not a log filter"
            };
            return Err(
                Problem::value(path, what).hint("write a level, as in `info`, or `info,tollway=debug`")
            );
        }
        Ok(Log { access: self.access, level, format: self.format })
    }
}
