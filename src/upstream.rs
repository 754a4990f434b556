//! The innermost stack, one per provider: translate · timeouts · credentials · forward.
//!
//! Translate stands outside the timeouts so that a stream that falls silent can still be ended in
//! the client's own dialect.

mod announced;
mod answer;
mod attempt;
mod beginning;
mod begun;
mod collect;
mod connect;
mod convert;
mod credentials;
mod fetch;
mod forward;
mod google;
mod headers;
mod hook;
mod outgoing;
mod passing;
mod proxies;
mod published;
mod query;
mod redact;
mod refusal;
mod relay;
mod sending;
mod stream;
mod streamed;
mod timeouts;
mod tokens;
mod translate;
mod unread;

use std::sync::Arc;

use http::HeaderName;
use tower::ServiceBuilder;

use self::credentials::{Credentials, CredentialsLayer};
use self::fetch::Fetch;
use self::forward::Forward;
use self::timeouts::{Timeouts, TimeoutsLayer};
use self::translate::{Translate, TranslateLayer};
use crate::config::{Media, Provider};

pub(crate) use self::connect::Connector;
pub(crate) use self::headers::{key_headers, name};
pub(crate) use self::hook::Hook;
pub(crate) use self::outgoing::Outgoing;
pub(crate) use self::passing::{Counting, Order};
pub(crate) use self::published::Published;
pub(crate) use self::query::is_private as is_private_parameter;
pub(crate) use self::sending::Sending;

/// The stack of one provider.
pub(crate) type Upstream = Translate<Timeouts<Credentials<Forward>>>;

/// The same way for what is relayed without being understood.
pub(crate) type Passing = passing::Passing<Timeouts<Credentials<Forward>>>;

/// Builds the stack of one provider. Its connections belong to the runtime it is first called on.
/// Headers named in `private` are not sent to it.
pub(crate) fn stack(
    provider: &Arc<Provider>,
    media: Media,
    private: Arc<[HeaderName]>,
    connector: &Connector,
) -> Upstream {
    let fetch = Fetch::new(connector, media);
    let tokens = connector.tokens(provider);
    ServiceBuilder::new()
        // In: the client's dialect becomes the provider's. Out: the reverse, and usage is read.
        .layer(TranslateLayer::new(provider.clone(), private, fetch, tokens.clone()))
        // A provider that does not answer, or falls silent, is given up.
        .layer(TimeoutsLayer::new(provider.name.clone(), provider.timeouts))
        // The client's own keys never leave; the provider's are added last, and seen by nobody.
        .layer(CredentialsLayer::new(provider, tokens))
        .service(Forward::new(provider, connector))
}
