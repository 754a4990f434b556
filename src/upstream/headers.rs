//! Which headers go through, either way.

use http::HeaderMap;
use http::header::{self, HeaderName};
use tollway_core::Dialect;

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

/// What is the client's own and no provider's business: credentials, its address, and the account
/// its key belonged to (ours belongs to another).
fn is_private(name: &HeaderName) -> bool {
    matches!(*name, header::AUTHORIZATION | header::COOKIE | header::FORWARDED)
        || matches!(
            name.as_str(),
            "x-api-key"
                | "api-key"
                | "x-goog-api-key"
                | "x-real-ip"
                | "x-request-id"
                | "openai-organization"
                | "openai-project"
        )
        || name.as_str().starts_with("x-forwarded-")
}

/// The client's headers for the provider: end-to-end ones go through. `accept-encoding` is our own
/// choice, which is none: usage is read in passing. Towards another dialect the headers that speak
/// of OpenAI's SDK stay behind too.
pub(super) fn to_upstream(client: HeaderMap, dialect: Dialect) -> HeaderMap {
    let named = connection_named(&client);
    let mut out = HeaderMap::with_capacity(client.len() + 4);
    let mut last = None;
    for (name, value) in client {
        // `into_iter` gives the name only with the first value of each.
        if name.is_some() {
            last = name;
        }
        let Some(name) = &last else { continue };
        let foreign = dialect != Dialect::OpenAi
            && (name.as_str().starts_with("x-stainless-") || name.as_str().starts_with("openai-"));
        let ours = matches!(
            *name,
            header::ACCEPT_ENCODING | header::CONTENT_TYPE | header::EXPECT | header::ACCEPT
        );
        if !(is_hop(name) || is_private(name) || foreign || ours || named.contains(name)) {
            out.append(name.clone(), value);
        }
    }
    out
}

/// The provider's headers for the client: its limits, ids and timings come back; its cookies and
/// what it says of its own host do not. `content-length` stays when the body is relayed as it is.
pub(super) fn to_client(upstream: HeaderMap, same_body: bool) -> HeaderMap {
    let named = connection_named(&upstream);
    let mut out = HeaderMap::with_capacity(upstream.len() + 6);
    let mut last = None;
    for (name, value) in upstream {
        if name.is_some() {
            last = name;
        }
        let Some(name) = &last else { continue };
        let length = *name == header::CONTENT_LENGTH;
        let of_body = matches!(*name, header::CONTENT_TYPE | header::CONTENT_ENCODING | header::ETAG);
        let of_host = matches!(
            *name,
            header::SET_COOKIE | header::ALT_SVC | header::STRICT_TRANSPORT_SECURITY | header::SERVER
        ) || name.as_str() == "report-to"
            || name.as_str() == "nel";
        if length || of_body {
            if same_body {
                out.append(name.clone(), value);
            }
        } else if name.as_str() == "x-request-id" || name.as_str() == "request-id" {
            // `x-request-id` is the gateway's own; the provider's is kept for its support desk.
            out.append(UPSTREAM_REQUEST_ID, value);
        } else if !(is_hop(name) || of_host || named.contains(name)) {
            out.append(name.clone(), value);
        }
    }
    out
}

/// The provider's own id of the request.
pub(super) const UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-tollway-upstream-request-id");
/// `provider/model` that served the request.
pub(super) const UPSTREAM: HeaderName = HeaderName::from_static("x-tollway-upstream");
/// Fields of the request that the upstream's format cannot carry.
pub(super) const DROPPED: HeaderName = HeaderName::from_static("x-tollway-dropped");

/// Headers that `connection` names as being of this hop.
fn connection_named(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect()
}
