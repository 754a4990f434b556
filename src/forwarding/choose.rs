//! Which provider a relayed request goes to.

use http::request::Parts;
use tollway_wire::Refusal;

use super::asked::{Asked, What};
use super::{Routes, address};
use crate::Error;
use crate::config::{Group, Provider, Reason, Unresolved, nearest};

/// The header, and the parameter, by which a request names its provider. It takes what
/// `x-tollway-upstream` told.
const PROVIDER: &str = "x-tollway-provider";

/// A provider, and its own name of the model where that is another than the client's.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    pub(super) provider: &'a Provider,
    pub(super) model: Option<String>,
}

impl Routes {
    /// Chooses by the request's word, by the model it names, by who made what it asks for, and by the
    /// configuration, in this order.
    pub(super) fn choose(
        &self,
        head: &Parts,
        asked: &Asked,
        rest: &str,
        model: Option<&str>,
    ) -> Result<Choice<'_>, Error> {
        let What::Group(group) = asked.what else { return Err(Error::Internal) };
        let resolved = model.map(|model| self.settings.catalogue.resolve(model));
        if let Some(name) = told(head) {
            let provider = self.named(&name)?;
            let model = resolved.and_then(Result::ok).map(|resolved| resolved.upstream.clone());
            let model = model.filter(|upstream| upstream.provider == provider.name);
            return of_openai(provider, model.map(|upstream| upstream.model.to_string()), head, "");
        }
        match resolved {
            Some(Ok(resolved)) => {
                let provider = self.named(&resolved.upstream.provider)?;
                return of_openai(provider, Some(resolved.upstream.model.to_string()), head, "model");
            }
            Some(Err(unresolved)) if model.is_some_and(|model| names_its_provider(&unresolved, model)) => {
                return Err(Error::UnknownModel { message: unresolved.to_string() });
            }
            _ => {}
        }
        if group == Group::Responses
            && let Some(provider) = self.made.by(made_id(rest)).and_then(|name| self.settings.provider(&name))
        {
            return Ok(Choice { provider, model: None });
        }
        let provider =
            self.settings.serves_group(group).map_err(|message| Error::UnknownProvider { message })?;
        of_openai(provider, None, head, "")
    }

    /// Whether a request that is on its way to a provider went there rightly, now that its form names a
    /// model. Its name can no longer be changed.
    pub(super) fn judge(&self, sent_to: &str, is_told: bool, model: &str) -> Result<(), Error> {
        let message = match self.settings.catalogue.resolve(model) {
            Ok(resolved) => {
                let upstream = &resolved.upstream;
                match *upstream.provider == *sent_to {
                    true if *upstream.model == *model => return Ok(()),
                    // Whom the request names itself is asked for any model.
                    false if is_told => return Ok(()),
                    _ => format!("it leads to {}/{}", upstream.provider, upstream.model),
                }
            }
            Err(unresolved) if !is_told && names_its_provider(&unresolved, model) => unresolved.to_string(),
            Err(_) => return Ok(()),
        };
        let message = format!(
            "the model is named behind the file, when the form is already on its way to provider {sent_to}; \
             put `model` before `file`, or name the provider in `{PROVIDER}` and the model as it does; {message}: {model}"
        );
        Err(Error::Refused(Refusal::at("model", message)))
    }

    /// The provider of a name.
    pub(super) fn named(&self, name: &str) -> Result<&Provider, Error> {
        self.settings.provider(name).ok_or_else(|| {
            let shown: String = name.chars().filter(|sign| !sign.is_control()).take(100).collect();
            let known: Vec<&str> = self.settings.providers.iter().map(|one| &*one.name).collect();
            let message = match nearest(name, known.iter().copied()).as_slice() {
                [] if known.is_empty() => format!("no provider is enabled: {shown}"),
                [] => format!("no such provider, those enabled are {}: {shown}", known.join(", ")),
                near => format!("no such provider, did you mean {}: {shown}", near.join(" or ")),
            };
            Error::UnknownProvider { message }
        })
    }
}

/// The refusal of a request that names no model, or names it late, to who may ask only some.
pub(super) fn unnamed() -> Error {
    let message = "the API key allows only some models, so that `model` must be named, before any file";
    Error::Refused(Refusal::at("model", message))
}

/// Whether a model's name holds that of its provider, who cannot be asked.
fn names_its_provider(unresolved: &Unresolved, model: &str) -> bool {
    matches!(&unresolved.reason, Reason::Disabled { provider, .. } | Reason::NotServed { provider, .. }
        if model.strip_prefix(&**provider).is_some_and(|rest| rest.starts_with('/')))
}

/// The provider a request names itself.
pub(super) fn told(head: &Parts) -> Option<String> {
    let header = head.headers.get(PROVIDER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let told = header.or_else(|| address::parameter(&head.uri, PROVIDER))?;
    told.split('/').next().map(|name| name.trim().to_owned())
}

/// The id of what a path asks for.
fn made_id(rest: &str) -> &str {
    rest.split('/').nth(2).unwrap_or_default()
}

fn of_openai<'a>(
    provider: &'a Provider,
    model: Option<String>,
    head: &Parts,
    param: &str,
) -> Result<Choice<'a>, Error> {
    if provider.is_of_openai() {
        return Ok(Choice { provider, model });
    }
    let message = format!(
        "provider {} has no such endpoint, its own are under /passthrough/{}: {}",
        provider.name,
        provider.name,
        head.uri.path()
    );
    Err(Error::Refused(if param.is_empty() { Refusal::whole(message) } else { Refusal::at(param, message) }))
}
