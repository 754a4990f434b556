//! The leaf for everything that is relayed without being understood as a call: OpenAI's other
//! endpoints, stored responses, realtime sessions, and whatever a provider has, under `/passthrough`.
//!
//! Which provider is asked: the one the request names (`x-tollway-provider`, or the path); else the
//! one that serves the model it names; else the one configured for the group of endpoints
//! ([`Settings::serves_group`]). Of a body no more is read than that takes.

mod address;
mod asked;
mod body;
mod choose;
mod made;
mod noting;
mod upload;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request};
use http_body::Body;
use hyper::upgrade::OnUpgrade;
use tollway_core::{Dialect, Endpoint, Exchange, Respond, Upstream};
use tollway_wire::Refusal;
use tower_service::Service;

pub(crate) use self::asked::Asked;
use self::asked::{Naming, What};
use self::body::Incoming;
pub use self::made::Made;
pub(crate) use self::noting::Notes;
use self::upload::Judge;
use crate::Error;
use crate::auth::{limited, may_ask, may_ask_all, may_use};
use crate::body::Answer;
use crate::config::{Provider, Settings};
use crate::error::BoxError;
use crate::ingest::BodyLimits;
use crate::respond::InDialect;
use crate::upstream::{Counting, Order, Passing};

/// Limits on bodies: those that are read, and those that pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) read: BodyLimits,
    pub(crate) pass: BodyLimits,
}

/// Relays requests to the provider they are for. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Forwarding(Arc<Routes>);

#[derive(Debug)]
struct Routes {
    settings: Arc<Settings>,
    ways: Vec<(Arc<str>, Passing)>,
    limits: Limits,
    made: Made,
    /// The providers that keep the responses they make.
    keepers: Arc<[Arc<str>]>,
}

/// The future of [`Forwarding`]. Boxed: these requests are rare or long.
pub type Forwarded = Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send>>;

impl Forwarding {
    /// Relays to the providers of `ways`, by name.
    pub(crate) fn new(
        settings: Arc<Settings>,
        ways: Vec<(Arc<str>, Passing)>,
        limits: Limits,
        made: Made,
    ) -> Self {
        let keepers = settings.providers.iter().filter(|one| one.speaks(Dialect::Responses));
        let keepers = keepers.map(|one| one.name.clone()).collect();
        Self(Arc::new(Routes { settings, ways, limits, made, keepers }))
    }
}

/// Takes what a request asks for, `Asked`, from its extensions.
impl<B> Service<Request<B>> for Forwarding
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Answer;
    type Error = Error;
    type Future = Forwarded;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut req: Request<B>) -> Forwarded {
        let routes = self.0.clone();
        Box::pin(async move {
            let asked: Asked = req.extensions_mut().remove().ok_or(Error::Internal)?;
            match asked.what {
                What::Group(_) => routes.group(req, asked).await,
                What::Passthrough => routes.passthrough(req).await,
            }
        })
    }
}

impl Routes {
    /// One of OpenAI's endpoints.
    async fn group<B>(self: &Arc<Self>, req: Request<B>, asked: Asked) -> Result<Answer, Error>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (mut head, body) = req.into_parts();
        let path = head.uri.path().to_owned();
        if !asked.takes(&head.method) {
            return Err(Error::MethodNotAllowed { method: head.method, path, allow: asked.allow });
        }
        let rest = path.strip_prefix("/v1").filter(|rest| address::is_plain(rest));
        let Some(rest) = rest else { return Err(address::not_plain(&path)) };
        let client = if asked.is_websocket { Some(upgrade(&mut head)?) } else { None };

        let mut incoming = Incoming::new(body, &head, self.limits);
        if asked.naming == Naming::Model && client.is_none() {
            incoming.find_model().await?;
        }
        let named = match asked.naming {
            Naming::Model => {
                incoming.model().map(str::to_owned).or_else(|| address::parameter(&head.uri, "model"))
            }
            Naming::Configured => None,
        };
        let choice = self.choose(&head, &asked, rest, named.as_deref())?;
        let provider = choice.provider;
        if let Some(caller) = limited(&head.extensions) {
            // Of a body that was not read, nobody knows what its provider reads there, whatever the query
            // says.
            let is_known = incoming.model().is_some() || incoming.names_none();
            match (asked.naming, named.as_deref()) {
                _ if asked.is_of_made(&head.method) => {
                    tollway_auth::Error::unless_provider(caller, &provider.name)?;
                }
                // What is made of something else, and a list of all that was made.
                (Naming::Model, _)
                    if asked.name == "videos.made" || head.method == Method::GET && client.is_none() =>
                {
                    may_use(caller, &provider.name, &path)?;
                }
                (Naming::Model, Some(_)) if !is_known && !caller.models.is_everything() => {
                    return Err(choose::unnamed());
                }
                (_, Some(named)) => {
                    let name = choice.model.as_deref().unwrap_or(named);
                    may_ask(caller, named, Some((&provider.name, name)))?;
                    may_ask_all(caller, incoming.json(), named, Some(&provider.name))?;
                    for other in address::parameters(&head.uri, "model").filter(|other| *other != named) {
                        may_ask(caller, &other, Some((&provider.name, &other)))?;
                    }
                }
                (Naming::Model, None) if !caller.models.is_everything() => return Err(choose::unnamed()),
                _ => may_use(caller, &provider.name, &path)?,
            }
        }
        let model = choice.model.as_deref().or(named.as_deref()).unwrap_or_default();
        let query = address::query(&head.uri, provider, choice.model.as_deref());
        let uri = address::join(provider, rest, &query, model).ok_or_else(|| {
            Error::Refused(Refusal::whole(format!("provider {} has no such endpoint: {path}", provider.name)))
        })?;
        if let Some(exchange) = head.extensions.get::<Arc<Exchange>>() {
            exchange.set_call(
                Endpoint::Other(asked.name),
                named.as_deref().unwrap_or_default().into(),
                false,
            );
        }
        if let Some(renamed) = &choice.model {
            incoming.rename(renamed);
        }
        let counting = if asked.counts(&head.method) { Counting::Tail } else { Counting::Nothing };
        let judge = self.judge_of(&head, provider);
        let bills = asked.bills(&head.method, rest);
        self.send(
            provider,
            head,
            incoming,
            Said { uri, model, client, bills, counting, reshape: true, judge },
        )
        .await
    }

    /// Who judges a model that is named late in a request to a provider.
    fn judge_of(self: &Arc<Self>, head: &Parts, provider: &Provider) -> Judge {
        let (routes, provider, is_told) = (self.clone(), provider.name.clone(), choose::told(head).is_some());
        Box::new(move |model| routes.judge(&provider, is_told, model))
    }

    /// Whatever a provider has, at its own address.
    async fn passthrough<B>(&self, req: Request<B>) -> Result<Answer, Error>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (mut head, body) = req.into_parts();
        let path = head.uri.path().to_owned();
        let below = path.strip_prefix("/passthrough/").unwrap_or_default();
        let (name, rest) = below.split_at(below.find('/').unwrap_or(below.len()));
        let provider = self.named(name)?;
        let method = head.method.clone();
        let result = async {
            if matches!(method, Method::CONNECT | Method::TRACE) {
                let allow = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
                return Err(Error::MethodNotAllowed { method, path: path.clone(), allow });
            }
            if !address::is_plain(rest) {
                return Err(address::not_plain(&path));
            }
            if let Some(caller) = limited(&head.extensions) {
                may_use(caller, &provider.name, &path)?;
            }
            let query = address::query(&head.uri, provider, None);
            let uri = address::beside(provider, rest, &query).ok_or_else(|| address::not_plain(&path))?;
            let client = if wants_upgrade(&head) { Some(upgrade(&mut head)?) } else { None };
            if let Some(exchange) = head.extensions.get::<Arc<Exchange>>() {
                exchange.set_call(Endpoint::Other("passthrough"), "".into(), false);
            }
            let incoming = Incoming::new(body, &head, self.limits);
            let counting = asked::counts_of_passthrough(provider.usual_dialect(), &method, uri.path());
            let judge: Judge = Box::new(|_| Ok(()));
            let bills = client.is_some() || asked::passthrough_bills(&method, uri.path());
            let said = Said { uri, model: "", client, bills, counting, reshape: false, judge };
            self.send(provider, head, incoming, said).await
        };
        // What we refuse is said as the provider would say it: its own SDK asks.
        let dialect = provider.usual_dialect();
        match result.await {
            Err(error) if dialect != Dialect::OpenAi => {
                let mut extensions = http::Extensions::new();
                extensions.insert(dialect);
                Ok(InDialect.respond(&extensions, &error))
            }
            other => other,
        }
    }

    async fn send<B>(
        &self,
        provider: &Provider,
        head: Parts,
        incoming: Incoming<B>,
        said: Said<'_>,
    ) -> Result<Answer, Error>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let way = self.ways.iter().find(|(name, _)| *name == provider.name).map(|(_, way)| way.clone());
        let way = way.ok_or(Error::Internal)?;
        let exchange = head.extensions.get::<Arc<Exchange>>().cloned();
        let Said { uri, model, client, bills, counting, reshape, judge } = said;
        let upstream = Arc::new(Upstream {
            provider: provider.name.clone(),
            dialect: provider.usual_dialect(),
            model: model.into(),
        });
        let (body, sending) = incoming.outgoing(exchange.clone(), client.is_some(), judge)?;
        let Parts { method, headers, .. } = head;
        let order = Order {
            method,
            uri,
            headers,
            body,
            sending,
            client,
            upstream,
            exchange,
            bills,
            counting,
            reshape,
        };
        way.pass(order).await
    }
}

/// What is sent, beside the client's own words.
struct Said<'a> {
    uri: http::Uri,
    model: &'a str,
    client: Option<OnUpgrade>,
    bills: bool,
    counting: Counting,
    reshape: bool,
    judge: Judge,
}

fn wants_upgrade(head: &Parts) -> bool {
    let has = |name, word: &str| {
        let values = head.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(word))
    };
    // With another method there may be a body, which an upgrade would leave out.
    head.method == Method::GET
        && has(http::header::CONNECTION, "upgrade")
        && has(http::header::UPGRADE, "websocket")
}

/// The client's connection, which it wants to be a WebSocket.
fn upgrade(head: &mut Parts) -> Result<OnUpgrade, Error> {
    let on = wants_upgrade(head).then(|| head.extensions.remove::<OnUpgrade>()).flatten();
    on.ok_or_else(|| {
        Error::Refused(Refusal::whole(format!(
            "a WebSocket is opened by GET over HTTP/1.1 with `connection: upgrade` and `upgrade: websocket`: {}",
            head.uri.path()
        )))
    })
}
