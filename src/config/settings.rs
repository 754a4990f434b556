use std::{
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tollway_auth::Mode;
use tollway_cost::budget::{AtLimit, Budget};
use tollway_rate_limit::Rule;

use super::{
    Admin, Authentication, Catalogue, ConfigError, Date, Disabled, Env, Files, Groups, Kept, KeyDeclaration,
    Log, Media, Notify, Path, Prices, Provider, Reason, Server, Source, State, Usage, Why, budgets,
    catalogue::{Fault, Parts},
    context::{Context, read_small},
    document::Document,
    error::Problem,
    interpolate::interpolate,
    keys, limits,
    models::Models,
    nearest::{did_you_mean, list},
    overrides, read, validate, yaml,
};

/// What runs: read, checked and complete. Pure data.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The listener and its limits.
    pub server: Server,
    /// What is written about requests and about the gateway itself.
    pub log: Log,
    /// Limits on fetched pictures and documents.
    pub media: Media,
    /// The providers that requests can go to.
    pub providers: Vec<Provider>,
    /// The providers that are configured and left out.
    pub disabled: Vec<Disabled>,
    /// Where a model's name leads.
    pub catalogue: Catalogue,
    /// The aliases, in order, with what they stand for.
    pub aliases: Vec<(String, String)>,
    /// The provider that gets models nobody else claims.
    pub default_provider: Option<Arc<str>>,
    /// Who serves which of OpenAI's other endpoints.
    pub groups: Groups,
    /// Who may pass.
    pub auth: Authentication,
    /// Keys that stand in the configuration.
    pub keys: Vec<KeyDeclaration>,
    /// Where keys are administered.
    pub admin: Admin,
    /// Limits on requests, tokens and concurrency.
    pub limits: Vec<Rule>,
    /// Limits on what is spent.
    pub budgets: Vec<Budget>,
    /// Who is told when something happens.
    pub notify: Notify,
    /// What models cost.
    pub prices: Prices,
    /// What is remembered of what was used.
    pub usage: Usage,
    /// What replicas share, and what outlives a restart.
    pub state: State,
    /// Whether the simulated provider answers.
    pub simulator: SimulatorMode,
    /// Where all this was read, for messages.
    pub place: String,
    pub(super) models: Arc<Models>,
}

/// Whether the built-in simulated provider answers in place of the real ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SimulatorMode {
    /// When no provider is enabled.
    #[default]
    Auto,
    /// Always: no request leaves the machine.
    On,
    /// Never: without a provider, every request is refused.
    Off,
}

impl Settings {
    /// Reads a configuration. Reads nothing but the files that it names.
    pub fn load(source: &Source, env: &Env) -> Result<Self, ConfigError> {
        Self::load_noting(source, env, &Files::default())
    }

    /// Reads a configuration, and notes the files that it names, also when it is refused.
    pub fn load_noting(source: &Source, env: &Env, files: &Files) -> Result<Self, ConfigError> {
        Self::read(source, env, files).map_err(|error| error.concealing(env))
    }

    fn read(source: &Source, env: &Env, files: &Files) -> Result<Self, ConfigError> {
        let mut tree = yaml::parse(&source.text, &source.place)?;
        let mut context = Context {
            env,
            files,
            place: &source.place,
            folder: source.folder.clone(),
            written: tree.clone(),
            overridden: Vec::new(),
        };
        interpolate(&mut tree, env).map_err(|problem| context.refuse(problem))?;
        add_usual_providers(&mut tree);
        context.overridden = overrides::apply(&mut tree, env)?;
        let document = read::read(tree).map_err(|problem| context.refuse(problem))?;
        let models = match &document.models_file {
            None => Models::built_in()?,
            Some(file) => models(file, &context)?,
        };
        let prices = document.prices.validate(&context).map_err(|problem| context.refuse(problem))??;
        Self::validate(document, models, prices, &context).map_err(|problem| context.refuse(problem))
    }

    fn validate(
        document: Document,
        models: Models,
        prices: Prices,
        context: &Context<'_>,
    ) -> Result<Self, Problem> {
        let (mut providers, mut disabled) = (Vec::new(), Vec::new());
        for (name, file) in document.providers {
            match validate::provider(&name, file, context)? {
                Ok(provider) => providers.push(provider),
                Err(why) => disabled.push(why),
            }
        }
        let default_provider =
            document.default_provider.map(|name| default(name, &providers, &disabled)).transpose()?;
        let aliases: Vec<_> = document.aliases.into_iter().collect();
        let models = Arc::new(models);
        let state = document.state.validate(context)?;
        let parts = Parts {
            providers: &providers,
            disabled: &disabled,
            aliases: &aliases,
            default_provider: default_provider.as_deref(),
            models: models.clone(),
        };
        let catalogue = Catalogue::build(parts).map_err(problem)?;
        let keys = keys::keys(document.keys, context)?;
        let limits = limits::rules(document.limits, state.redis.is_some(), &keys)?;
        // A provider may get its key later, and the simulated one needs none.
        let knows = |model: &str| match catalogue.resolve(model) {
            Ok(_) => true,
            Err(unresolved) => matches!(unresolved.reason, Reason::Disabled { .. }),
        };
        let budgets = budgets::budgets(document.budgets, state.redis.is_some(), &keys, knows)?;
        let server = document.server.validate(context)?;
        let is_simulated = match document.simulator {
            SimulatorMode::Auto => providers.is_empty(),
            mode => mode == SimulatorMode::On,
        };
        let auth = document.auth.validate(&server, is_simulated, context)?;
        Ok(Self {
            auth,
            keys,
            admin: document.admin.validate()?,
            usage: document.usage.validate(&state, &server, context)?,
            server,
            log: document.log.validate(context)?,
            media: document.media.validate()?,
            catalogue,
            groups: document.endpoints.validate(&providers, &disabled)?,
            limits,
            budgets,
            notify: document.notify.validate(context)?,
            prices,
            state,
            simulator: document.simulator,
            place: context.place.to_owned(),
            providers,
            disabled,
            aliases,
            default_provider,
            models,
        })
    }

    /// A copy that shares no reference counts with this one, where requests would count: a worker's
    /// own.
    #[must_use]
    pub fn apart(&self) -> Self {
        let providers: Vec<Provider> = self.providers.iter().map(Provider::apart).collect();
        let catalogue = Catalogue::build(Parts {
            providers: &providers,
            disabled: &self.disabled,
            aliases: &self.aliases,
            default_provider: self.default_provider.as_deref(),
            models: self.models.clone(),
        });
        // It was built of the same before.
        let catalogue = catalogue.unwrap_or_else(|_| self.catalogue.clone());
        Self { providers, catalogue, ..self.clone() }
    }

    /// Whether the simulated provider is to answer.
    pub fn uses_simulator(&self) -> bool {
        match self.simulator {
            SimulatorMode::Auto => self.providers.is_empty(),
            SimulatorMode::On => true,
            SimulatorMode::Off => false,
        }
    }

    /// What changed between these settings and newer ones that only a restart can bring about.
    pub fn needs_restart(&self, newer: &Self) -> Vec<&'static str> {
        let mut changed = Vec::new();
        if self.server.listen != newer.server.listen {
            changed.push("server.listen");
        }
        if self.server.workers != newer.server.workers {
            changed.push("server.workers");
        }
        if self.server.tls.is_some() != newer.server.tls.is_some() {
            changed.push("server.tls");
        }
        if self.log != newer.log {
            changed.push("log");
        }
        if self.admin != newer.admin {
            changed.push("admin");
        }
        // Where records wait for their database follows the address.
        let kept = |settings: &Self| {
            settings.usage.kept.clone().map(|kept| Kept { spill: PathBuf::default(), ..kept })
        };
        if kept(self) != kept(newer) {
            changed.push("usage");
        }
        changed
    }

    /// Takes over what those that run listen to, until they end, and what follows from it: administration
    /// does not move to everybody's address meanwhile, and who was to be kept out of an address is not let
    /// in because the next one is this machine's alone.
    pub fn stay_where(&mut self, running: &Self) {
        self.admin = running.admin;
        if self.server.listen != running.server.listen {
            self.server.listen = running.server.listen;
            if running.auth.settings.mode == Mode::Required {
                self.auth.settings.mode = Mode::Required;
            }
        }
    }

    /// What runs all the same and may not be meant.
    pub fn warnings(&self, today: Date) -> Vec<String> {
        let mut warnings = Vec::new();
        for provider in &self.providers {
            let name = &provider.name;
            if provider.base_url.is_in_the_clear()
                && (provider.credentials.is_some() || provider.google.is_some())
            {
                warnings.push(format!("providers.{name}: the key goes over the network in the clear"));
            }
            if provider.credentials.as_ref().is_some_and(|key| key.origin() == "from the configuration") {
                warnings.push(format!(
                    "providers.{name}: the key stands in the configuration; write ${{NAME}} or {{file: PATH}}"
                ));
            }
            for model in provider.models.iter().flatten() {
                let entry = self.catalogue.get(&format!("{name}/{model}"));
                if let Some(what) = entry.and_then(|entry| entry.leaving(today)) {
                    warnings.push(format!("providers.{name}.models: {what}: {model}"));
                }
            }
        }
        for (alias, _) in &self.aliases {
            match self.catalogue.get(alias) {
                Some(entry) => {
                    warnings.extend(entry.leaving(today).map(|what| format!("aliases.{alias}: {what}")));
                }
                None => warnings.push(format!("aliases.{alias}: its provider is not enabled")),
            }
        }
        for budget in &self.budgets {
            let AtLimit::Degrade { to: Some(to) } = &budget.at_limit else { continue };
            let what = match self.catalogue.resolve(to) {
                Ok(_) => self.catalogue.get(to).and_then(|entry| entry.leaving(today)),
                Err(_) => Some("its provider is not enabled".to_owned()),
            };
            warnings.extend(what.map(|what| format!("budgets.{}.degrade_to: {what}", budget.name)));
        }
        if let Some(name) = &self.default_provider
            && self.providers.iter().all(|provider| provider.name != *name)
        {
            warnings.push(format!("default_provider: not enabled: {name}"));
        }
        let providers = self.providers.iter().map(|provider| &*provider.name);
        let providers: Vec<_> =
            providers.chain(self.disabled.iter().map(|provider| &*provider.name)).collect();
        let now = std::time::SystemTime::now();
        warnings.extend(self.keys.iter().flat_map(|key| key.warnings(&providers, now)));
        let enabled = |name: &str| self.provider(name).is_some();
        let missing = self.groups.all().filter(|(_, name)| !enabled(name));
        warnings.extend(missing.map(|(word, name)| format!("endpoints.{word}: not enabled: {name}")));
        if self.providers.is_empty() && self.simulator == SimulatorMode::Off {
            warnings.push(
                "no provider is enabled and the simulator is off: every request will be refused".to_owned(),
            );
        }
        warnings
    }
}

/// The providers whose credentials in the environment are enough, where the file names none.
fn add_usual_providers(tree: &mut Value) {
    const USUAL: [&str; 6] = ["openai", "anthropic", "gemini", "mistral", "groq", "vertex"];
    if let Value::Object(fields) = tree {
        let providers = fields.entry("providers").or_insert(Value::Null);
        if providers.is_null() {
            *providers = USUAL.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        }
    }
}

fn models(file: &FilePath, context: &Context<'_>) -> Result<Models, ConfigError> {
    let found = context.locate(file);
    context.files.note(&found);
    let text = read_small(&found).map_err(|what| {
        context.refuse(
            Problem::plain(Path::of(&["models_file"]), format!("{what}: {}", found.display()))
                .hint("relative paths begin at the configuration file's folder"),
        )
    })?;
    Models::parse(&text, &found.display().to_string())
}

/// The default provider is one of those configured; enabled or not, as keys come and go.
fn default(name: String, providers: &[Provider], disabled: &[Disabled]) -> Result<Arc<str>, Problem> {
    let configured = || {
        let left_out = disabled.iter().filter(|one| one.why != Why::SwitchedOff).map(|one| &*one.name);
        providers.iter().map(|provider| &*provider.name).chain(left_out)
    };
    if configured().any(|known| known == name) {
        return Ok(name.into());
    }
    let hint = did_you_mean(&name, configured()).unwrap_or_else(|| {
        let known: Vec<_> = configured().collect();
        format!("configured are: {}", known.join(", "))
    });
    Err(Problem::value(Path::of(&["default_provider"]), "no such provider").hint(hint))
}

fn problem(fault: Fault) -> Problem {
    let aliases = Path::of(&["aliases"]);
    match fault {
        Fault::Alias(alias, reason) => {
            let hint = match &reason {
                Reason::Unknown(near) | Reason::NotServed { near, .. } if !near.is_empty() => {
                    let near: Vec<&str> = near.iter().map(String::as_str).collect();
                    format!("did you mean {}?", list(&near, "or"))
                }
                Reason::NotConfigured { kind } => format!("add `{}` to `providers`", kind.as_str()),
                _ => "an alias leads to `provider/model` or a known model".to_owned(),
            };
            let what = match &reason {
                Reason::NotServed { provider, .. } => format!("`{provider}` is restricted to other models"),
                Reason::NotConfigured { .. } => "its provider is not configured".to_owned(),
                Reason::NotAName => "not a model's name".to_owned(),
                _ => "no known model".to_owned(),
            };
            Problem::value(aliases.key(&alias), what).hint(hint)
        }
        Fault::Chain(alias) => {
            Problem::value(aliases.key(&alias), "an alias of an alias").hint("name the model itself")
        }
        Fault::AliasName(alias) => Problem::plain(aliases.key(&alias), "not a name a client could send")
            .hint("use letters, digits and signs"),
        Fault::Ambiguous(model, first, second) => Problem::plain(
            Path::of(&["providers", &second, "models"]),
            format!("`{first}` lists the same model: {model}"),
        )
        .hint(format!("say who gets the bare name, as in `aliases: {{{model}: {first}/{model}}}`")),
    }
}
