//! The whole stack, in order. Start reading here.

use std::sync::Arc;

use axum::Router;
use tollway_auth::AuthService;
use tower::ServiceBuilder;
use tower_layer::layer_fn;

use crate::BoxError;
use crate::access_log::{AccessLog, AccessLogLayer, LineSink};
use crate::admin;
use crate::auth::{Auth, Permit};
use crate::config::Settings;
use crate::cost::{Costed, Costs};
use crate::forwarding::{Forwarding, Limits, Made};
use crate::ingest::{BodyLimits, Ingest, IngestLayer};
use crate::limits::{Limited, Limits as RateLimits};
use crate::metrics::Metrics;
use crate::open::{Open, OpenLayer};
use crate::pressure::{Pressed, Pressures};
use crate::rescue::{Rescue, RescueLayer};
use crate::resolve::Resolve;
use crate::respond::InDialect;
use crate::side::{self, Health, Readiness, Side};
use crate::switch::Switch;
use crate::upstream::{self, Connector, Upstream};

/// What every request goes through. Cloned for each; a clone is a few reference counts.
pub type Stack =
    Entered<Switch<Ingest<Permit<Limited<Costed<Resolve<Pressed<Upstream>>>>>>, Limited<Costed<Forwarding>>>>;

/// The same at an address where there is nothing but administration.
pub type Administration = Entered<Side>;

/// Who has come, and may pass.
type Entered<S> = Open<AccessLog<Rescue<Health<AuthService<S, InDialect>>, InDialect>>>;

/// What the stacks of all workers share.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The configuration.
    pub settings: Arc<Settings>,
    /// Where access log lines go.
    pub access_log: Option<Arc<LineSink>>,
    /// Who may pass.
    pub auth: Auth,
    /// What has been counted of each limit.
    pub limits: RateLimits,
    /// What is paid.
    pub costs: Costs,
    /// How providers fare.
    pub pressures: Pressures,
    /// Which provider made which response.
    pub made: Made,
    /// Whether new work is taken.
    pub readiness: Readiness,
    /// Proxies and trusted roots.
    pub connector: Connector,
    /// What is told of all that; none where nobody reads it.
    pub metrics: Option<Metrics>,
}

impl Shared {
    /// What `settings` need: the system's proxies and roots, and nobody who reads access log lines.
    /// Where they name a database, to be called within a Tokio runtime.
    pub fn new(settings: Arc<Settings>) -> Result<Self, BoxError> {
        let connector = Connector::from_system()?;
        Ok(Self {
            auth: Auth::new(&settings, &connector)?,
            limits: RateLimits::new(&settings)?,
            costs: Costs::new(&settings, &connector)?,
            pressures: Pressures::new(&settings),
            settings,
            access_log: None,
            made: Made::default(),
            readiness: Readiness::default(),
            connector,
            metrics: None,
        })
    }
}

/// Builds the stack of one worker.
///
/// Connections to providers belong to the stack: a worker with a runtime of its own has its own
/// pools. Everything else is shared by `Arc`, and nothing is bound to a thread.
pub fn build(shared: &Shared) -> Stack {
    // A count of references that two cores change at every request costs both more than a lock.
    let settings = &Arc::new(shared.settings.apart());
    let limits = BodyLimits {
        max_bytes: settings.server.max_body_bytes,
        timeout: settings.server.body_timeout,
        total: settings.server.body_total_timeout,
    };

    // A client that sends its key where some provider takes one shows it to none of them.
    let private = upstream::key_headers(&settings.providers);
    let upstreams = settings.providers.iter().map(|provider| {
        let provider = Arc::new(provider.clone());
        let stack = upstream::stack(&provider, settings.media, private.clone(), &shared.connector);
        (provider.name.clone(), stack)
    });
    let upstreams: Vec<_> = upstreams.collect();
    // The same ways, for what is no call to a model.
    let ways = upstreams.iter().map(|(name, stack)| (name.clone(), stack.beside())).collect();
    let upstreams = upstreams.into_iter().map(|(name, stack)| {
        let pressed = shared.pressures.before(&name, stack);
        (name, pressed)
    });
    let pass = BodyLimits {
        max_bytes: settings.server.max_upload_bytes,
        total: settings.server.upload_total_timeout,
        ..limits
    };
    let others = Forwarding::new(settings.clone(), ways, Limits { read: limits, pass }, shared.made.clone());
    let notes = others.notes();
    let others = shared.costs.before(settings, others);
    // What is relayed without being read counts by what its head says: requests, not tokens.
    let others = shared.limits.before(settings, others);
    let calls = ServiceBuilder::new()
        // The body is read once, here, within limits; what policy needs is learned in one pass.
        .layer(IngestLayer::new(limits))
        // What the body names is held to what the caller may ask.
        .layer(layer_fn(|limited| Permit::new(limited, settings.clone())))
        // Reserves what the call is expected to take; inside of it, whoever answers settles.
        .layer(layer_fn(|costed| shared.limits.before(settings, costed)))
        // Each attempt is priced by what its provider tells, also when the client has left.
        .layer(layer_fn(|resolve| shared.costs.before(settings, resolve)))
        // The model's name decides who is asked. Below it stands one stack per provider.
        .service(Resolve::new(settings.clone(), upstreams));
    let side = side::router(settings.clone());
    let side = match settings.admin.listen {
        None => side.merge(administrative(shared)),
        Some(_) => side,
    };
    // Lists and administration must not wait for, or be counted as, calls to a model.
    entered(shared, Switch::new(calls, others, notes, Side::new(side)))
}

/// Builds the stack of an address where there is nothing but administration.
pub fn administration(shared: &Shared) -> Administration {
    entered(shared, Side::new(administrative(shared)))
}

/// What is for administrators and their tools.
fn administrative(shared: &Shared) -> Router {
    let routes = admin::router(shared.settings.clone(), shared.auth.clone(), shared.costs.clone());
    match shared.metrics.clone() {
        Some(metrics) => routes.merge(metrics.router(shared.pressures.clone(), shared.auth.clone())),
        None => routes,
    }
}

/// What stands before all ways.
fn entered<S>(shared: &Shared, ways: S) -> Entered<S> {
    ServiceBuilder::new()
        // Every request gets its id, dialect and exchange before anything can go wrong with it.
        .layer(OpenLayer)
        // Outside of rescue, so that refused and panicked requests leave a line as well.
        .layer(AccessLogLayer::new(shared.access_log.as_ref()))
        // The only map from errors to responses. Below it layers fail freely.
        .layer(RescueLayer::new(InDialect))
        // Who looks whether the process lives has no key.
        .layer(layer_fn(|inner| Health::new(inner, shared.readiness.clone(), shared.auth.clone())))
        // Who asks is known before any byte of the body is read.
        .layer(shared.auth.layer())
        .service(ways)
}
