//! `tollway check`: what would run, without running it.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use comfy_table::{ContentArrangement, Table, presets::UTF8_BORDERS_ONLY};
use tollway_auth::Mode;
use tollway_core::Dialect;

use crate::config::{
    ConfigError, Database, Date, Disabled, Env, Group, ModelEntry, Provider, Settings, SimulatorMode, Source,
    Why,
};

/// The arguments of `tollway check`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct CheckArgs {
    /// The configuration to check; by default the one `serve` would take.
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Reads the configuration as `serve` would, from this working directory.
pub fn load(args: &CheckArgs, env: &Env, folder: &Path) -> Result<Settings, ConfigError> {
    Settings::load(&Source::find(args.config.as_deref(), env, folder)?, env)
}

/// Prints what would run on a day.
pub fn report(settings: &Settings, env: &Env, today: Date, out: &mut impl Write) -> io::Result<()> {
    // What is known in the simulator's stead, which answers at an address given at start.
    let played = settings.uses_simulator().then(|| settings.for_simulator(settings.server.listen));
    let running = played.as_ref().unwrap_or(settings);
    let mut parts = vec![
        format!("{}: good", settings.place),
        listener(settings).to_string(),
        callers(settings).to_string(),
        providers(settings, today).to_string(),
        models(running, today),
        endpoints(running).to_string(),
    ];
    if !settings.aliases.is_empty() {
        parts.push(aliases(running).to_string());
    }
    parts.extend(settings.warnings(today).iter().map(|warning| format!("warning: {warning}")));
    writeln!(out, "{}", env.conceal(&parts.join("\n\n")))
}

fn listener(settings: &Settings) -> Table {
    let server = &settings.server;
    let scheme = if server.tls.is_some() { "https" } else { "http" };
    let threads = match server.workers.threads() {
        0 => "a thread for each core".to_owned(),
        threads => format!("{threads} threads"),
    };
    let mut table = table(&["listener", ""]);
    table.add_row(["address".to_owned(), format!("{scheme}://{}", server.listen)]);
    table.add_row(["workers".to_owned(), format!("{}, {threads}", server.workers.as_str())]);
    table.add_row(["largest body".to_owned(), bytes(server.max_body_bytes)]);
    table.add_row(["largest upload".to_owned(), bytes(server.max_upload_bytes)]);
    table.add_row([
        "log".to_owned(),
        format!("access {:?}, level {}", settings.log.access, settings.log.level).to_lowercase(),
    ]);
    table
}

/// Who may pass, and where what is known of them is kept.
fn callers(settings: &Settings) -> Table {
    let mode = match settings.auth.settings.mode {
        Mode::Required => "required",
        Mode::Automatic if !settings.auth.issuers.is_empty() || !settings.auth.certificates.is_empty() => {
            "required, or a token or certificate"
        }
        Mode::Automatic => "required once there is one",
        Mode::Open => "not asked for",
    };
    let kept = match (&settings.state.database, settings.state.is_named) {
        (Database::Postgres(url), _) => format!("PostgreSQL {url}"),
        (Database::Sqlite(file), true) => file.display().to_string(),
        (Database::Sqlite(file), false) if file.exists() => file.display().to_string(),
        (Database::Sqlite(file), false) => format!("{}, once a key is made", file.display()),
    };
    let mut table = table(&["keys", ""]);
    table.add_row(["a key is", mode]);
    table.add_row(["kept in", &kept]);
    // The id is what logs say.
    let declared = settings.keys.iter().map(|key| format!("{} ({})", key.name, key.id()));
    table.add_row(["declared", &or_none(&declared.collect::<Vec<_>>())]);
    if !settings.auth.issuers.is_empty() {
        let issuers = settings.auth.issuers.iter().map(|issuer| issuer.issuer.clone());
        table.add_row(["tokens of", &or_none(&issuers.collect::<Vec<_>>())]);
    }
    if !settings.auth.certificates.is_empty() {
        table.add_row(["certificates", &format!("by {} rules", settings.auth.certificates.len())]);
    }
    if let Some(admin) = settings.admin.listen {
        table.add_row(["administered at", &admin.to_string()]);
    }
    table
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join("\n") }
}

fn providers(settings: &Settings, today: Date) -> Table {
    let mut table = table(&["provider", "dialect", "base URL", "credentials", "models"]);
    if settings.uses_simulator() {
        let why = match settings.simulator {
            SimulatorMode::On => "switched on",
            SimulatorMode::Auto | SimulatorMode::Off => "as no provider has a key",
        };
        table.add_row(["simulator", "all", "in this process", "none needed", why]);
    }
    for provider in &settings.providers {
        table.add_row(enabled(provider, settings, today));
    }
    for provider in &settings.disabled {
        table.add_row(left_out(provider));
    }
    table
}

fn enabled(provider: &Provider, settings: &Settings, today: Date) -> [String; 5] {
    let credentials = match (&provider.credentials, &provider.google) {
        (Some(key), _) => key.origin().to_owned(),
        (None, Some(google)) => google.credentials.origin(),
        (None, None) => "none".to_owned(),
    };
    let known = |model: &&ModelEntry| {
        let alias = settings.aliases.iter().any(|(alias, _)| **alias == *model.id);
        model.owned_by == provider.name && !alias && !model.is_retired(today)
    };
    let models = match (&provider.models, settings.catalogue.list().filter(known).count()) {
        _ if settings.simulator == SimulatorMode::On => "played by the simulator".to_owned(),
        (Some(models), _) => format!("only {}", models.len()),
        (None, 0) => "any".to_owned(),
        (None, known) => format!("{known} known"),
    };
    let dialects = dialects(provider.formats.iter().map(|format| format.dialect));
    [provider.name.to_string(), dialects, provider.base_url.to_string(), credentials, models]
}

fn left_out(provider: &Disabled) -> [String; 5] {
    let why = match &provider.why {
        Why::SwitchedOff => "switched off".to_owned(),
        Why::MissingKey(variables) => format!("missing: {}", variables.join(" or ")),
        Why::Unfit(what) => what.clone(),
    };
    let dialects = dialects(provider.kind.formats().iter().copied());
    [provider.name.to_string(), dialects, provider.base_url.to_string(), why, "left out".to_owned()]
}

fn dialects(formats: impl Iterator<Item = Dialect>) -> String {
    formats.map(Dialect::as_str).collect::<Vec<_>>().join(", ")
}

fn models(settings: &Settings, today: Date) -> String {
    let (retired, current): (Vec<_>, Vec<_>) =
        settings.catalogue.list().partition(|model| model.is_retired(today));
    let others = match &settings.default_provider {
        Some(name) => format!("others go to {name}"),
        None => "others need `provider/model`".to_owned(),
    };
    format!("models: {} by bare name, {} retired ones with a warning; {others}", current.len(), retired.len())
}

/// Who serves what is no call to a model.
fn endpoints(settings: &Settings) -> Table {
    let mut rows: Vec<(String, Vec<&str>)> = Vec::new();
    for group in Group::ALL {
        let who = match settings.serves_group(group) {
            Ok(provider) => provider.name.to_string(),
            Err(_) => "whom the request names".to_owned(),
        };
        match rows.iter_mut().find(|(known, _)| *known == who) {
            Some((_, groups)) => groups.push(group.as_str()),
            None => rows.push((who, vec![group.as_str()])),
        }
    }
    let mut table = table(&["other endpoints", "provider"]);
    for (who, groups) in rows {
        for line in groups.chunks(7) {
            table.add_row([line.join(", "), who.clone()]);
        }
    }
    table
}

fn aliases(settings: &Settings) -> Table {
    let mut table = table(&["alias", "model", "provider"]);
    for (alias, target) in &settings.aliases {
        let (model, provider) = match settings.catalogue.resolve(alias) {
            Ok(resolved) => (resolved.upstream.model.to_string(), resolved.upstream.provider.to_string()),
            Err(_) => (target.clone(), "left out".to_owned()),
        };
        table.add_row([alias.clone(), model, provider]);
    }
    table
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    table
}

fn bytes(bytes: usize) -> String {
    const MEBIBYTE: usize = 1 << 20;
    if bytes.is_multiple_of(MEBIBYTE) {
        format!("{} MiB", bytes / MEBIBYTE)
    } else {
        format!("{bytes} bytes")
    }
}
