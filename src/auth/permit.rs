//! What a caller may ask for, once it is known what that is.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Extensions, Request};
use pin_project_lite::pin_project;
use tollway_auth::Error as Refused;
use tollway_core::{Call, Caller};
use tollway_wire::others::every_model;
use tower_service::Service;

use crate::Error;
use crate::body::Answer;
use crate::config::Settings;

/// Lets those calls pass that the caller may make.
#[derive(Clone, Debug)]
pub struct Permit<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> Permit<S> {
    pub(crate) const fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
    }

    fn check(&self, extensions: &Extensions) -> Result<(), Error> {
        let Some(caller) = limited(extensions) else { return Ok(()) };
        let Some(call) = extensions.get::<Arc<Call>>() else { return Err(Error::Internal) };
        let resolved = self.settings.catalogue.resolve(&call.model).ok();
        let upstream = resolved.as_ref().map(|resolved| &resolved.upstream);
        may_ask(caller, &call.model, upstream.map(|upstream| (&*upstream.provider, &*upstream.model)))?;
        may_ask_all(caller, &call.body, &call.model, upstream.map(|upstream| &*upstream.provider))
    }
}

/// Whether a caller may ask for whatever a body names beside the `model` that counts here: what is relayed
/// goes out as it came, and its provider may read it otherwise.
pub(crate) fn may_ask_all(
    caller: &Caller,
    body: &[u8],
    model: &str,
    provider: Option<&str>,
) -> Result<(), Error> {
    // Google's SDKs repeat the path's model so.
    let bare = |name: &str| name.strip_prefix("models/").unwrap_or(name).to_owned();
    let others = every_model(body).into_iter().filter(|named| bare(named) != bare(model));
    others
        .into_iter()
        .try_for_each(|named| may_ask(caller, &named, provider.map(|provider| (provider, &*named))))
}

/// The caller, if there is some model or provider that the caller may not ask.
pub(crate) fn limited(extensions: &Extensions) -> Option<&Caller> {
    let caller = extensions.get::<Arc<Caller>>()?;
    (!caller.models.is_everything() || !caller.providers.is_everything()).then_some(caller)
}

/// Whether a caller may ask for a model, by the name that the client gave it and by those that it goes
/// by here: one may allow `gpt-5` or `openai/gpt-5`, and whichever is asked for passes. `upstream` is the
/// provider, and its name of the model. Says nothing of models that nobody serves: who may ask for some
/// learns no more than that of the others.
pub(crate) fn may_ask(caller: &Caller, model: &str, upstream: Option<(&str, &str)>) -> Result<(), Error> {
    let Some((provider, name)) = upstream else { return Ok(Refused::unless_model(caller, model)?) };
    // With a slash it begins with a provider, and `openai/*` must not allow what is Groq's
    // `openai/gpt-oss-120b`.
    let bare = [model, name].into_iter().filter(|name| !name.contains('/'));
    let is_allowed = caller.models.is_everything()
        || bare.into_iter().any(|name| caller.models.allows(name))
        || caller.models.allows(&format!("{provider}/{name}"));
    if !is_allowed {
        return Err(Refused::Model { model: model.into() }.into());
    }
    Ok(Refused::unless_provider(caller, provider)?)
}

/// Whether a caller may use what names no model. Whoever is bound to some models could ask others
/// there, by a batch or a fine-tuning say, and so has to be allowed the path as well.
pub(crate) fn may_use(caller: &Caller, provider: &str, path: &str) -> Result<(), Error> {
    Refused::unless_provider(caller, provider)?;
    if caller.models.is_everything() || !caller.routes.is_everything() {
        return Ok(());
    }
    Err(Refused::Route { route: path.into() }.into())
}

impl<S, B> Service<Request<B>> for Permit<S>
where
    S: Service<Request<B>, Response = Answer, Error = Error>,
{
    type Response = Answer;
    type Error = Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        match self.check(req.extensions()) {
            Ok(()) => ResponseFuture::Permitted { future: self.inner.call(req) },
            Err(error) => ResponseFuture::Refused { error: Some(error) },
        }
    }
}

pin_project! {
    /// The future of [`Permit`].
    #[project = Way]
    pub enum ResponseFuture<F> {
        Permitted { #[pin] future: F },
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
            Way::Permitted { future } => future.poll(cx),
            Way::Refused { error } => Poll::Ready(Err(error.take().unwrap_or(Error::Internal))),
        }
    }
}

#[cfg(test)]
mod tests {
    use tollway_core::Allowed;

    use super::*;

    #[test]
    fn a_model_goes_by_its_names_and_no_other_s() {
        let asks = |pattern: &str, model, upstream| {
            let mut caller = Caller::anonymous();
            caller.models = Allowed::new([pattern]);
            may_ask(&caller, model, Some(upstream)).is_ok()
        };
        let (ours, groq) = (("openai", "gpt-5"), ("groq", "openai/gpt-oss-120b"));
        for (pattern, model, upstream, expected) in [
            ("gpt-5", "gpt-5", ours, true),
            ("gpt-5", "openai/gpt-5", ours, true),
            ("openai/gpt-5", "gpt-5", ours, true),
            ("openai/*", "fast", ours, true),
            ("fast", "fast", ours, true),
            ("fast", "gpt-5", ours, false),
            ("groq/*", "gpt-5", ours, false),
            ("openai/*", "groq/openai/gpt-oss-120b", groq, false),
            ("openai/*", "openai/gpt-oss-120b", groq, false),
            ("groq/*", "openai/gpt-oss-120b", groq, true),
        ] {
            assert_eq!(asks(pattern, model, upstream), expected, "{pattern} {model}");
        }
    }
}
