//! Who may pass: the layer of `tollway_auth`, told which keys there are and whom to believe.

mod issuers;
mod notice;
mod permit;
mod refusal;
mod store;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Extensions;
use tokio::sync::watch;
use tollway_auth::certificate::Certificates;
use tollway_auth::keys::{
    DeclaredKey, Digest, FeedStatus, KeyFeed, KeyStore, KeyTable, Keyring, Keys, Pepper, StoreError,
};
use tollway_auth::{AuthLayer, Method};

use self::issuers::Issuers;
pub(crate) use self::notice::notice;
pub(crate) use self::permit::{Permit, limited, may_ask, may_ask_all, may_use};
pub(crate) use self::refusal::to_api_error;
pub use self::store::{lasting_pepper, open, pepper};
use crate::BoxError;
use crate::access_log::ClientAddr;
use crate::config::{Database, KeyDeclaration, KnownBy, Settings};
use crate::respond::InDialect;
use crate::upstream::Connector;

/// The scope that administers keys.
pub const ADMIN: &str = "admin";

/// The scope that reads metrics.
pub const METRICS: &str = "metrics";

/// Who may pass, as all workers know it. Outlives a reload that leaves the store as it is.
#[derive(Clone, Debug)]
pub struct Auth {
    layer: Arc<tollway_auth::Auth>,
    table: Arc<KeyTable>,
    keyring: Option<Keyring>,
    feed: Arc<Feed>,
    issuers: Arc<Issuers>,
}

/// What carries the keys of a store into the table, once it is started.
#[derive(Debug)]
struct Feed {
    store: Option<Arc<dyn KeyStore>>,
    table: Arc<KeyTable>,
    /// A file that is not to be made before there is a key.
    awaits: Option<PathBuf>,
    /// Whether the keys were read once, or there are none to read.
    is_read: watch::Sender<bool>,
    running: std::sync::OnceLock<tokio::task::AbortHandle>,
}

impl Auth {
    /// Whom the settings let pass. Where they name a database, to be called within a Tokio runtime;
    /// nothing is read before [`start`](Self::start).
    pub fn new(settings: &Settings, connector: &Connector) -> Result<Self, BoxError> {
        let table = Arc::new(KeyTable::new(pepper(&settings.state)?));
        let is_kept = settings.state.is_named || settings.state.secret.is_some();
        let store = is_kept.then(|| open(&settings.state)).transpose()?;
        let feed = Feed::new(settings, store.clone(), table.clone());
        let keyring = store.map(|store| Keyring::new(store, table.clone()));
        let issuers = Issuers::new(settings, connector, None)?;
        Self::over(settings, table, keyring, Arc::new(feed), Arc::new(issuers))
    }

    /// The same for newer settings: with the keys that are known, where they are kept at the same
    /// place.
    pub fn renewed(&self, old: &Settings, newer: &Settings, connector: &Connector) -> Result<Self, BoxError> {
        let (before, after) = (&old.state, &newer.state);
        let is_same_secret = if after.secret.is_some() || after.is_named {
            self.keyring.is_some() && pepper(after)?.fingerprint() == self.table.pepper().fingerprint()
        } else {
            // It was random, and nothing was hashed with it for good.
            before.secret.is_none()
        };
        if !is_same_secret || before.database != after.database || before.is_named != after.is_named {
            return Self::new(newer, connector);
        }
        if old.auth == newer.auth && old.keys == newer.keys {
            return Ok(self.clone());
        }
        let issuers = if old.auth.issuers == newer.auth.issuers {
            self.issuers.clone()
        } else {
            Arc::new(Issuers::new(newer, connector, Some(&self.issuers))?)
        };
        Self::over(newer, self.table.clone(), self.keyring.clone(), self.feed.clone(), issuers)
    }

    fn over(
        settings: &Settings,
        table: Arc<KeyTable>,
        keyring: Option<Keyring>,
        feed: Arc<Feed>,
        issuers: Arc<Issuers>,
    ) -> Result<Self, BoxError> {
        let declared = settings.keys.iter().map(|key| declared(key, table.pepper()));
        let declared = declared.collect::<Result<_, _>>()?;
        let mut methods: Vec<Arc<dyn Method>> = vec![Arc::new(Keys::new(table.clone()))];
        methods.extend(issuers.jwt.clone().map(|jwt| Arc::new(jwt) as Arc<dyn Method>));
        if !settings.auth.certificates.is_empty() {
            methods.push(Arc::new(Certificates::new(settings.auth.certificates.clone())?));
        }
        let layer = Arc::new(tollway_auth::Auth::new(settings.auth.settings.clone(), methods));
        // Last: what is refused must change nothing of what runs.
        table.declare(declared);
        Ok(Self { layer, table, keyring, feed, issuers })
    }

    /// Lets those pass who may.
    pub(crate) fn layer(&self) -> AuthLayer<InDialect> {
        AuthLayer::new(self.layer.clone()).respond_with(InDialect).peer(peer)
    }

    /// What administers keys; none where there is no place to keep them.
    pub fn keyring(&self) -> Option<&Keyring> {
        self.keyring.as_ref()
    }

    /// By what it is known again which secret keys are hashed with.
    pub fn fingerprint(&self) -> Digest {
        self.table.pepper().fingerprint()
    }

    /// Whether a request without a key is refused at present.
    pub fn is_required(&self) -> bool {
        self.layer.is_required()
    }

    /// How many keys are known.
    pub fn known(&self) -> usize {
        self.table.len()
    }

    /// Begins to follow the store and the issuers, in this runtime. A second time it does nothing.
    pub fn start(&self) {
        self.issuers.start();
        let Some(store) = self.feed.store.clone() else { return };
        self.feed.running.get_or_init(|| {
            let (table, awaits) = (self.feed.table.clone(), self.feed.awaits.clone());
            tokio::spawn(follow(store, table, awaits, self.feed.is_read.clone())).abort_handle()
        });
    }

    /// Whether the keys come from where those of another come from.
    pub(crate) fn follows_what(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.feed, &other.feed)
    }

    /// Whether the keys of the store were read once, or there are none to read.
    pub fn is_read(&self) -> bool {
        *self.feed.is_read.borrow()
    }

    /// Waits until the keys of the store were read once, but no longer than `patience`. Says whether
    /// they were.
    pub async fn read(&self, patience: Duration) -> bool {
        let mut is_read = self.feed.is_read.subscribe();
        tokio::time::timeout(patience, is_read.wait_for(|is_read| *is_read)).await.is_ok()
    }
}

impl Feed {
    fn new(settings: &Settings, store: Option<Arc<dyn KeyStore>>, table: Arc<KeyTable>) -> Self {
        let state = &settings.state;
        let awaits = match &state.database {
            Database::Sqlite(file) if !state.is_named || state.awaits_file() => Some(file.clone()),
            _ => None,
        };
        let is_missing = awaits.as_ref().is_some_and(|file| !file.exists());
        let has_none = store.is_none() || (is_missing && state.lost().is_none());
        if !has_none {
            table.expect();
        }
        Self {
            store,
            table,
            awaits,
            is_read: watch::Sender::new(has_none),
            running: std::sync::OnceLock::new(),
        }
    }
}

/// With the last clone of what it feeds, the feed ends.
impl Drop for Feed {
    fn drop(&mut self) {
        if let Some(running) = self.running.get() {
            running.abort();
        }
    }
}

/// Carries what changes in a store into a table, for ever; once there is the file, if it is awaited.
async fn follow(
    store: Arc<dyn KeyStore>,
    table: Arc<KeyTable>,
    awaits: Option<PathBuf>,
    is_read: watch::Sender<bool>,
) {
    if let Some(file) = awaits {
        while !file.exists() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    let feed = KeyFeed::new(store, table);
    let mut status = feed.watch();
    let first = async {
        if status.wait_for(|status| matches!(status, FeedStatus::Following(_))).await.is_some() {
            is_read.send_replace(true);
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = feed.run() => {}
        () = first => {}
    }
}

/// How often it is looked whether there is a file of keys.
const LOOK_EVERY: Duration = Duration::from_secs(1);

fn declared(key: &KeyDeclaration, pepper: &Pepper) -> Result<DeclaredKey, BoxError> {
    match &key.known_by {
        KnownBy::Hash(hash) => Ok(DeclaredKey::hashed(&key.name, *hash, key.grant.clone())),
        KnownBy::Token(token) => {
            let declared = DeclaredKey::plain(&key.name, token.expose(), key.grant.clone(), pepper);
            declared.map_err(|error| format!("keys.{}.token: {error}", key.name).into())
        }
    }
}

fn peer(extensions: &Extensions) -> Option<std::net::IpAddr> {
    extensions.get::<ClientAddr>().map(|client| client.0.ip())
}

/// Says what an administrator can do about a store that fails.
pub fn explain(error: &StoreError) -> String {
    match error {
        StoreError::OtherPepper => {
            format!("{error}; give the secret that they were made with in `state.secret`")
        }
        other => crate::error::chain(other),
    }
}
