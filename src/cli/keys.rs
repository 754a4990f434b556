//! `tollway keys`: makes keys, shows them, and takes them back, at the database itself.

mod print;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use tollway_auth::audit::Act;
use tollway_auth::keys::{Key, KeyId, KeyTable, Keyring, StoreError, Token, store::verify_audit};

use self::print::{audit_table, key_list, key_table, print_json};
use crate::admin::form::{AuditForm, GrantForm, KeyForm, hex};
use crate::auth::{explain, lasting_pepper, open};
use crate::config::{Database, Env, Settings, Source, span_of};
use crate::error::BoxError;

/// Arguments of `tollway keys`.
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: Command,
    /// The configuration, whose `state` says where keys are kept; by default the one `serve` would take
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON, as the API does
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a key and shows its token, this once
    Create(Box<CreateArgs>),
    /// Lists keys
    List {
        /// Also those that are expired or revoked
        #[arg(long)]
        all: bool,
    },
    /// Shows a key
    Show {
        /// Its id, or its name
        key: String,
    },
    /// Takes a key back, for good; effective everywhere within two seconds
    Revoke {
        /// Its id, or its name
        key: String,
    },
    /// Gives a key another token
    Rotate {
        /// Its id, or its name
        key: String,
        /// For how long the token it has stays good: 24h
        #[arg(long, value_name = "TIME", default_value = "0s")]
        overlap: String,
    },
    /// Shows or changes the limits of a key
    Limits {
        /// Its id, or its name
        key: String,
        /// Give it these limits in place of those it has: requests=60/1m, tokens=100000/1h,
        /// requests=20/1s/40 (bursts of 40), `concurrent_requests=4`
        #[arg(long, value_name = "LIMIT")]
        set: Vec<String>,
        /// Take all of them off
        #[arg(long, conflicts_with = "set")]
        clear: bool,
    },
    /// Makes a token and its hash, to declare a key in the configuration
    Hash,
    /// Shows what was done to keys, by whom and from where
    Audit {
        /// Check that nothing in it was changed
        #[arg(long)]
        verify: bool,
    },
}

/// Arguments of `tollway keys create`.
#[derive(Debug, Args)]
struct CreateArgs {
    /// What people call the key
    name: String,
    /// Who uses it
    #[arg(long)]
    user: Option<String>,
    /// For which team
    #[arg(long)]
    team: Option<String>,
    /// The models it may ask, with `*` for any run of characters; default: all
    #[arg(long, value_delimiter = ',')]
    models: Vec<String>,
    /// The providers it may be served by; default: all
    #[arg(long, value_delimiter = ',')]
    providers: Vec<String>,
    /// The paths it may use; default: all
    #[arg(long, value_delimiter = ',')]
    routes: Vec<String>,
    /// What it may do than ask models: admin
    #[arg(long, value_delimiter = ',')]
    scopes: Vec<String>,
    /// A word for reports: cost-center=42
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    tag: Vec<(String, String)>,
    /// How much its requests matter when not all can be served: low, normal, high
    #[arg(long)]
    priority: Option<String>,
    /// A limit of its own: requests=60/1m, tokens=100000/1h, requests=20/1s/40 (bursts of 40),
    /// `concurrent_requests=4`
    #[arg(long, value_name = "LIMIT")]
    limit: Vec<String>,
    /// When it expires: 2027-01-31, or in how long a time: 720h
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    /// Print nothing but the token
    #[arg(long, short)]
    quiet: bool,
}

/// Runs the command.
pub fn run(args: KeysArgs) -> ExitCode {
    let env = Env::of_process();
    let settings = Source::find(args.config.as_deref(), &env, Path::new(""))
        .and_then(|source| Settings::load(&source, &env));
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => return super::refused(&error),
    };
    match super::block_on(Desk { settings, json: args.json }.serve(args.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = match error.downcast_ref::<StoreError>() {
                Some(error) => explain(error),
                None => crate::error::chain(&*error),
            };
            let _ = writeln!(io::stderr(), "error: {}", env.conceal(&text));
            ExitCode::FAILURE
        }
    }
}

/// Where commands are served.
struct Desk {
    settings: Settings,
    json: bool,
}

impl Desk {
    async fn serve(&self, command: Command) -> Result<(), BoxError> {
        match command {
            Command::Create(args) => self.create(*args).await,
            Command::List { all } => self.list(all).await,
            Command::Show { key } => {
                let key = self.find(&self.keyring(false).await?, &key).await?;
                self.show(&key, None)
            }
            Command::Revoke { key } => {
                let keyring = self.keyring(false).await?;
                let key = self.find(&keyring, &key).await?;
                self.show(&keyring.revoke(key.id, act()).await?, None)
            }
            Command::Rotate { key, overlap } => {
                let overlap = span_of(&overlap).map_err(|what| format!("--overlap: {what}: {overlap}"))?;
                let keyring = self.keyring(false).await?;
                let key = self.find(&keyring, &key).await?;
                let (key, token) = keyring.rotate(key.id, overlap, act()).await?;
                self.show(&key, Some(&token))
            }
            Command::Limits { key, set, clear } => self.limits(&key, &set, clear).await,
            Command::Hash => self.hash(),
            Command::Audit { verify } => self.audit(verify).await,
        }
    }

    async fn create(&self, args: CreateArgs) -> Result<(), BoxError> {
        let is_moment = |text: &str| text.contains('-');
        let (expires_at, expires_in) = match args.expires {
            Some(text) if is_moment(&text) => (Some(text), None),
            other => (None, other),
        };
        let form = GrantForm {
            name: args.name,
            user: args.user,
            team: args.team,
            scopes: args.scopes,
            models: args.models,
            providers: args.providers,
            routes: args.routes,
            tags: args.tag.into_iter().collect(),
            priority: args.priority,
            limits: args.limit.iter().map(|text| print::limit(text)).collect::<Result<_, _>>()?,
            expires_at,
            expires_in,
        };
        let grant = form.read_new(SystemTime::now()).map_err(|(field, what)| format!("{field}: {what}"))?;
        let (key, token) = self.keyring(true).await?.create(grant, act()).await?;
        if args.quiet {
            return Ok(writeln!(io::stdout(), "{}", token.expose())?);
        }
        self.show(&key, Some(&token))
    }

    async fn list(&self, all: bool) -> Result<(), BoxError> {
        let keyring = self.keyring(false).await?;
        let (now, mut keys, mut after) = (SystemTime::now(), Vec::new(), None);
        loop {
            let page = keyring.store().list(after, PAGE).await?;
            after = page.last().map(|key| key.id);
            let is_last = page.len() < PAGE as usize;
            keys.extend(
                page.into_iter().filter(|key| all || key.standing(now) == tollway_auth::keys::Standing::Good),
            );
            if is_last {
                break;
            }
        }
        if self.json {
            let keys: Vec<_> = keys.iter().map(|key| KeyForm::of(key, now)).collect();
            return print_json(&keys);
        }
        Ok(writeln!(io::stdout(), "{}", key_list(&keys, now))?)
    }

    async fn limits(&self, name: &str, set: &[String], clear: bool) -> Result<(), BoxError> {
        let keyring = self.keyring(false).await?;
        let key = self.find(&keyring, name).await?;
        if set.is_empty() && !clear {
            return self.show(&key, None);
        }
        let limits = set.iter().map(|text| {
            let limit = print::limit(text)?;
            limit.read().map_err(|(_, what)| BoxError::from(format!("{what}: {text}")))
        });
        let mut grant = key.grant.clone();
        grant.limits = limits.collect::<Result<_, _>>()?;
        self.show(&keyring.update(&key, grant, act()).await?, None)
    }

    fn hash(&self) -> Result<(), BoxError> {
        if self.settings.state.secret.is_none() {
            return Err("state.secret: missing, and a hash is only good with the secret it was made with; \
                        make one with `openssl rand -hex 32`"
                .into());
        }
        let (token, pepper) = (Token::random()?, lasting_pepper(&self.settings.state)?);
        let hash = pepper.hash(token.expose().as_bytes()).to_string();
        if self.json {
            return print_json(&serde_json::json!({ "token": token.expose(), "hash": hash }));
        }
        Ok(writeln!(io::stdout(), "token  {}\nhash   {hash}", token.expose())?)
    }

    async fn audit(&self, verify: bool) -> Result<(), BoxError> {
        let keyring = self.keyring(false).await?;
        if verify {
            let head = verify_audit(&**keyring.store()).await?;
            let (rows, hash) = (head.sequence, hex(head.hash));
            if self.json {
                return print_json(&serde_json::json!({ "valid": true, "sequence": rows, "hash": hash }));
            }
            return Ok(writeln!(
                io::stdout(),
                "the log is as it was written: {rows} rows, the last one {hash}"
            )?);
        }
        let mut entries = Vec::new();
        loop {
            let after = entries.last().map_or(0, |entry: &tollway_auth::audit::AuditEntry| entry.sequence);
            let page = keyring.store().audit(after, PAGE).await?;
            if page.entries.is_empty() {
                break;
            }
            entries.extend(page.entries);
        }
        if self.json {
            return print_json(&entries.iter().map(AuditForm::of).collect::<Vec<_>>());
        }
        Ok(writeln!(io::stdout(), "{}", audit_table(&entries))?)
    }

    /// What administers keys. Makes the database, and the secret, for who `may_make` them.
    async fn keyring(&self, may_make: bool) -> Result<Keyring, BoxError> {
        let state = &self.settings.state;
        if let Database::Sqlite(file) = &state.database
            && !may_make
            && !file.exists()
        {
            return Err(format!("there are no keys yet, no such file: {}", file.display()).into());
        }
        let table = Arc::new(KeyTable::new(lasting_pepper(state)?));
        let store = open(state)?;
        store.prepare(table.pepper().fingerprint()).await?;
        Ok(Keyring::new(store, table))
    }

    /// The key of an id, or the one good key of a name.
    async fn find(&self, keyring: &Keyring, name: &str) -> Result<Key, BoxError> {
        if let Ok(id) = name.parse::<KeyId>() {
            let found = keyring.store().find(id).await?;
            return found.ok_or_else(|| format!("no such key: {id}").into());
        }
        let (mut found, mut after): (Vec<Key>, _) = (Vec::new(), None);
        loop {
            let page = keyring.store().list(after, PAGE).await?;
            after = page.last().map(|key| key.id);
            let is_last = page.len() < PAGE as usize;
            found.extend(page.into_iter().filter(|key| key.grant.name == name));
            if is_last {
                break;
            }
        }
        if found.len() > 1 {
            found.retain(|key| key.revoked.is_none());
        }
        match (found.pop(), found.len()) {
            (Some(key), 0) => Ok(key),
            (Some(last), _) => {
                let ids: Vec<_> = found.iter().chain([&last]).map(|key| key.id.to_string()).collect();
                Err(format!("several keys have this name, say the id of one, of {}: {name}", ids.join(", "))
                    .into())
            }
            (None, _) if self.settings.keys.iter().any(|key| key.name == name) => {
                Err(format!("this key is declared, change it in the configuration: keys.{name}").into())
            }
            (None, _) => Err(format!("no key has this id or name: {name}").into()),
        }
    }

    fn show(&self, key: &Key, token: Option<&Token>) -> Result<(), BoxError> {
        let form = KeyForm::of(key, SystemTime::now());
        let form = match token {
            Some(token) => form.with_token(token.expose()),
            None => form,
        };
        if self.json {
            return print_json(&form);
        }
        writeln!(io::stdout(), "{}", key_table(&form)?)?;
        if token.is_some() && io::stdout().is_terminal() {
            writeln!(io::stderr(), "The token is shown this once; keep it like a password.")?;
        }
        Ok(())
    }
}

/// Who acts at a command line: whoever the system says.
fn act() -> Act {
    let user = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let user = user.filter(|user| !user.is_empty()).map_or_else(String::new, |user| format!(" of {user}"));
    Act { actor: format!("command line{user}"), address: None, at: SystemTime::now() }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// How many keys, or rows, are read at once.
const PAGE: u32 = 1000;
