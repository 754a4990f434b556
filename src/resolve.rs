//! From a model's name to the upstream that serves it.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use pin_project_lite::pin_project;
use tollway_core::Call;
use tower_service::Service;

use crate::Error;
use crate::body::Answer;
use crate::config::Settings;

/// Calls the upstream that serves the [`Call`]'s model. Adds an `Arc<Resolved>` to the request.
#[derive(Debug)]
pub struct Resolve<U>(Arc<Routes<U>>);

#[derive(Debug)]
struct Routes<U> {
    settings: Arc<Settings>,
    upstreams: foldhash::HashMap<Arc<str>, U>,
}

impl<U> Resolve<U> {
    /// Chooses among `upstreams`, each with its provider's name.
    pub(crate) fn new(settings: Arc<Settings>, upstreams: impl IntoIterator<Item = (Arc<str>, U)>) -> Self {
        Self(Arc::new(Routes { settings, upstreams: upstreams.into_iter().collect() }))
    }
}

impl<U> Clone for Resolve<U> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<U> Service<Request<()>> for Resolve<U>
where
    U: Service<Request<()>, Response = Answer, Error = Error> + Clone,
{
    type Response = Answer;
    type Error = Error;
    type Future = ResponseFuture<U::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // Upstreams are always ready: one that is slow must not hold up the others.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut req: Request<()>) -> Self::Future {
        let refused = |message| ResponseFuture::Refused { error: Some(Error::UnknownModel { message }) };
        let Some(call) = req.extensions().get::<Arc<Call>>() else {
            return ResponseFuture::Refused { error: Some(Error::Internal) };
        };
        let resolved = match self.0.settings.catalogue.resolve(&call.model) {
            Ok(resolved) => resolved,
            Err(unresolved) => return refused(unresolved.to_string()),
        };
        let Some(upstream) = self.0.upstreams.get(&resolved.upstream.provider) else {
            return refused(format!("no provider is configured for model {}", call.model));
        };
        let mut upstream = upstream.clone();
        req.extensions_mut().insert(resolved);
        ResponseFuture::Call { future: upstream.call(req) }
    }
}

pin_project! {
    /// The future of [`Resolve`].
    #[project = Way]
    pub enum ResponseFuture<F> {
        Call { #[pin] future: F },
        Refused { error: Option<Error> },
    }
}

impl<F> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Answer, Error>>,
{
    type Output = Result<Answer, Error>;

    fn poll(self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Way::Call { future } => future.poll(cx),
            Way::Refused { error } => Poll::Ready(Err(error.take().unwrap_or(Error::Internal))),
        }
    }
}
