//! Which headers go through, either way.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{self, HeaderName, HeaderValue};
use tollway_core::{Dialect, Upstream};

use crate::config::{Auth, Provider};

/// Headers of one hop (RFC 9110 §7.6.1) and of its framing.
fn is_hop(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION
            | header::CONTENT_LENGTH
            | header::HOST
            | header::PROXY_AUTHENTICATE
            | header::PROXY_AUTHORIZATION
            | header::TE
            | header::TRAILER
            | header::TRANSFER_ENCODING
            | header::UPGRADE
    ) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// What proxies in front of a gateway say of the client and its identity.
const PRIVATE_PREFIXES: [&str; 8] = [
    "x-forwarded-",
    "x-auth-",
    "x-amzn-oidc-",
    "x-goog-iap-",
    "x-goog-authenticated-",
    "x-ms-client-",
    "x-ms-token-",
    "cf-access-",
];

/// What SDKs say of themselves, and of features of the provider they were made for.
const FOREIGN_PREFIXES: [&str; 4] = ["x-stainless-", "openai-", "anthropic-", "x-goog-"];

/// Whose SDKs speak a dialect.
const fn vendor(dialect: Dialect) -> Dialect {
    match dialect {
        Dialect::Responses => Dialect::OpenAi,
        other => other,
    }
}

/// How the names of headers end that carry credentials.
const PRIVATE_ENDINGS: [&str; 13] = [
    "-token",
    "-secret",
    "-api-key",
    "-apikey",
    "-access-key",
    "-secret-key",
    "-authorization",
    "-auth",
    "-assertion",
    "-jwt",
    "-password",
    "-credential",
    "-credentials",
];

/// What makes some servers take a request for another one than its first line says: it would lead our
/// key elsewhere.
fn misleads(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "x-original-url"
            | "x-original-uri"
            | "x-original-host"
            | "x-rewrite-url"
            | "x-host"
            | "x-http-method"
            | "x-http-method-override"
            | "x-method-override"
    )
}

/// What is said to the gateway alone, and what belongs to a WebSocket, which those who open one add.
fn is_ours(name: &HeaderName) -> bool {
    matches!(*name, header::ACCEPT_ENCODING | header::EXPECT)
        || ["x-tollway-", "sec-websocket-"].iter().any(|prefix| name.as_str().starts_with(prefix))
}

/// What is the client's own and no provider's business: credentials, its address, and the account
/// its key belonged to (ours belongs to another).
fn is_private(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::AUTHORIZATION | header::COOKIE | header::FORWARDED | header::ORIGIN | header::REFERER
    ) || matches!(
        name.as_str(),
        "x-api-key"
            | "api-key"
            | "apikey"
            | "token"
            | "jwt"
            | "password"
            | "x-goog-api-key"
            | "ocp-apim-subscription-key"
            | "x-goog-user-project"
            | "x-real-ip"
            | "x-client-ip"
            | "x-cluster-client-ip"
            | "true-client-ip"
            | "cf-connecting-ip"
            | "x-request-id"
            | "openai-organization"
            | "openai-project"
    ) || PRIVATE_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
        || PRIVATE_ENDINGS.iter().any(|ending| name.as_str().ends_with(ending))
}

/// The headers in which some provider takes its key, where they are not private anyway.
pub(crate) fn key_headers(providers: &[Provider]) -> Arc<[HeaderName]> {
    let names = providers.iter().filter_map(|provider| match &provider.auth {
        Auth::Header(name) if !is_private(name) => Some(name.clone()),
        _ => None,
    });
    names.collect()
}

/// The client's headers for the provider: end-to-end ones go through. `accept-encoding` is our own
/// choice, which is none: usage is read in passing. `content-type` and `accept` stay for the caller
/// to replace. Towards another vendor's dialect the headers that speak of the client's SDK and of its
/// provider's features stay behind too, and always those named in `private`.
pub(super) fn to_upstream(
    mut client: HeaderMap,
    from: Dialect,
    to: Dialect,
    private: &[HeaderName],
) -> HeaderMap {
    let stays = vendor(from) == vendor(to);
    let foreign =
        |name: &HeaderName| !stays && FOREIGN_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix));
    remove(&mut client, |name| {
        is_hop(name)
            || is_private(name)
            || foreign(name)
            || is_ours(name)
            || misleads(name)
            || private.contains(name)
    });
    client
}

/// What becomes of a provider's body on its way to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// It goes through as it came.
    Whole,
    /// It goes through event by event, of which some may be taken out and one put in.
    Events,
    /// Another takes its place.
    Anew,
}

/// The provider's headers for the client: its limits, ids and timings come back; its cookies and
/// what it says of its own host do not. What describes the body stays as far as it is still true.
pub(super) fn to_client(mut upstream: HeaderMap, passage: Passage) -> HeaderMap {
    // `x-request-id` is the gateway's own; the provider's is kept for its support desk.
    let id = upstream.remove("x-request-id").or_else(|| upstream.remove("request-id"));
    remove(&mut upstream, |name| {
        if matches!(*name, header::CONTENT_LENGTH | header::ETAG) {
            return passage != Passage::Whole;
        }
        if matches!(*name, header::CONTENT_TYPE | header::CONTENT_ENCODING) {
            return passage == Passage::Anew;
        }
        let of_host = matches!(
            *name,
            header::SET_COOKIE | header::ALT_SVC | header::STRICT_TRANSPORT_SECURITY | header::SERVER
        ) || matches!(name.as_str(), "report-to" | "nel");
        is_hop(name) || of_host
    });
    if let Some(id) = id {
        upstream.insert(UPSTREAM_REQUEST_ID, id);
    }
    upstream
}

/// Removes the headers that `doomed` names, and those that `connection` says are of this hop. Most
/// stay, so that taking out a few is cheaper than building the map anew.
fn remove(headers: &mut HeaderMap, doomed: impl Fn(&HeaderName) -> bool) {
    let named = connection_named(headers);
    let mut names: Vec<HeaderName> = Vec::with_capacity(headers.keys_len());
    names.extend(headers.keys().filter(|name| doomed(name) || named.contains(name)).cloned());
    for name in names {
        headers.remove(name);
    }
}

/// The provider's own id of the request.
pub(super) const UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-tollway-upstream-request-id");
/// `provider/model` that served the request.
pub(super) const UPSTREAM: HeaderName = HeaderName::from_static("x-tollway-upstream");
/// Fields of the request that the upstream's format cannot carry.
pub(super) const DROPPED: HeaderName = HeaderName::from_static("x-tollway-dropped");

/// What in an answer is our own estimate, as no provider was asked.
pub(super) const ESTIMATED: HeaderName = HeaderName::from_static("x-tollway-estimated");

/// How long the list of dropped fields may get, in bytes: clients and proxies refuse answers whose
/// heads are larger than 8 KiB or so.
const MOST_DROPPED: usize = 2048;

/// The list of dropped fields as a header's value; of a long one the beginning, and how many more
/// there are.
pub(super) fn dropped(paths: &[String]) -> Option<HeaderValue> {
    let mut text = String::new();
    let mut told = 0;
    for path in paths {
        if text.len() + path.len() > MOST_DROPPED {
            break;
        }
        if told > 0 {
            text.push_str(", ");
        }
        // A name of the client's may hold anything.
        text.extend(path.chars().map(|sign| if sign == ' ' || sign.is_ascii_graphic() { sign } else { '?' }));
        told += 1;
    }
    if told < paths.len() {
        text.push_str(if told > 0 { ", and " } else { "" });
        text.push_str(&(paths.len() - told).to_string());
        text.push_str(" more");
    }
    if text.is_empty() { None } else { HeaderValue::try_from(text).ok() }
}

/// Says in an answer's headers who served it, or failed to.
pub(crate) fn name(headers: &mut HeaderMap, upstream: &Upstream) {
    let name = match &*upstream.model {
        "" => upstream.provider.to_string(),
        model => [&*upstream.provider, "/", model].concat(),
    };
    if let Ok(value) = HeaderValue::try_from(name) {
        headers.insert(UPSTREAM, value);
    }
}

/// Headers that `connection` names as being of this hop.
fn connection_named(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        // Nearly always all that stands there.
        .filter(|name| !name.eq_ignore_ascii_case("keep-alive") && !name.eq_ignore_ascii_case("close"))
        .filter_map(|name| name.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_providers_business_stays_behind() {
        let gone = [
            "authorization",
            "cookie",
            "proxy-authorization",
            "te",
            "x-of-this-hop",
            "apikey",
            "x-apikey",
            "helicone-auth",
            "x-gate-password",
            "x-access-key",
            "x-secret-key",
            "cf-aig-authorization",
            "x-original-url",
            "x-http-method-override",
            "x-tollway-provider",
            "sec-websocket-protocol",
            "x-goog-user-project",
            "x-my-key",
        ];
        let kept =
            ["content-type", "idempotency-key", "x-goog-api-client", "range", "x-authority", "user-agent"];
        let mut client = HeaderMap::new();
        for name in gone.iter().chain(&kept) {
            client.insert(HeaderName::from_static(name), HeaderValue::from_static("of-the-client"));
        }
        client.insert(header::CONNECTION, HeaderValue::from_static("close, X-Of-This-Hop"));
        let private = [HeaderName::from_static("x-my-key")];
        let sent = to_upstream(client, Dialect::Gemini, Dialect::Gemini, &private);
        let mut names: Vec<&str> = sent.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let mut kept = kept;
        kept.sort_unstable();
        assert_eq!(names, kept);
    }

    #[test]
    fn a_list_of_dropped_fields_fits_into_any_head() {
        let told = |paths: &[String]| dropped(paths).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(told(&[]), None);
        assert_eq!(told(&["n".to_owned(), "a\nb\u{e9}".to_owned()]).unwrap(), "n, a?b?");
        let many: Vec<String> = (0..1000).map(|at| format!("messages[{at}].reasoning")).collect();
        let text = told(&many).unwrap();
        assert!(text.len() < MOST_DROPPED + 500, "{}", text.len());
        let more = 1000 - text.matches("reasoning").count();
        assert!(text.starts_with("messages[0].reasoning, ") && text.ends_with(&format!(", and {more} more")));
        assert_eq!(told(&["x".repeat(5000)]).unwrap(), "1 more");
    }
}
