//! Every way in which clients present a credential, and how it is taken off a request.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use http::{Extensions, HeaderMap, Request, Uri};
use percent_encoding::percent_decode;

use crate::keys::looks_ours;

/// All that a decision may rest on: a request without its body.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'r> {
    /// The headers.
    pub headers: &'r HeaderMap,
    /// The URI.
    pub uri: &'r Uri,
    /// What outer layers know of the request.
    pub extensions: &'r Extensions,
}

/// Something that claims to be a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential<'r> {
    /// The credential. Never empty.
    pub secret: Cow<'r, [u8]>,
    /// Where it stands.
    pub way: Way,
}

/// Where in a request a credential stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Way {
    /// In `Authorization`, after `Bearer`: OpenAI, Mistral, Groq and most others.
    Bearer,
    /// In a header: `x-api-key` (Anthropic), `api-key` (Azure), `x-goog-api-key` (Gemini), or another.
    Header(HeaderName),
    /// In the parameter `key` of the query: Gemini.
    Query,
    /// Among the subprotocols of a WebSocket: browsers, which can set no headers.
    Subprotocol,
    /// In the connection itself.
    Connection,
}

impl Way {
    /// Whether clients present keys so.
    #[cfg_attr(not(feature = "jwt"), expect(dead_code, reason = "of use to tokens"))]
    pub(crate) fn is_of_keys(&self) -> bool {
        match self {
            Self::Header(name) => KEY_HEADERS.contains(name),
            Self::Connection => false,
            Self::Bearer | Self::Query | Self::Subprotocol => true,
        }
    }
}

impl<'r> Presented<'r> {
    /// What a request presents.
    pub fn of<B>(request: &'r Request<B>) -> Self {
        Self { headers: request.headers(), uri: request.uri(), extensions: request.extensions() }
    }

    /// Everything that claims to be a credential, most usual places first, at most eight: each may cost
    /// a method some work.
    pub fn credentials(&self) -> impl Iterator<Item = Credential<'r>> + use<'r> {
        let (headers, uri) = (self.headers, self.uri);
        let bearers = headers.get_all(AUTHORIZATION).into_iter().filter_map(|value| {
            let secret = Cow::Borrowed(bearer(value)?);
            Some(Credential { secret, way: Way::Bearer })
        });
        let named = KEY_HEADERS.iter().flat_map(move |name| {
            headers.get_all(name).into_iter().map(move |value| Credential {
                secret: Cow::Borrowed(value.as_bytes().trim_ascii()),
                way: Way::Header(name.clone()),
            })
        });
        let pairs = query_pairs(uri.query().unwrap_or_default()).filter(|(name, _)| is_key(name));
        let queries = pairs.map(|(_, value)| Credential { secret: decode(value), way: Way::Query });
        let subprotocols = headers.get_all(SEC_WEBSOCKET_PROTOCOL).into_iter().flat_map(|value| {
            subprotocols(value)
                .filter_map(|one| one.strip_prefix(SUBPROTOCOL))
                .map(|secret| Credential { secret: Cow::Borrowed(secret), way: Way::Subprotocol })
        });
        let all = bearers.chain(named).chain(queries).chain(subprotocols);
        all.filter(|credential| !credential.secret.is_empty()).take(MOST)
    }

    /// What stands in a header in which no keys are presented, with or without `Bearer`.
    pub(crate) fn elsewhere<'n>(
        &self,
        name: Option<&'n HeaderName>,
    ) -> impl Iterator<Item = Credential<'r>> + use<'r, 'n> {
        let headers = self.headers;
        let name = name.filter(|name| !KEY_HEADERS.contains(name));
        let values = name.into_iter().flat_map(|name| headers.get_all(name)).map(move |value| Credential {
            secret: Cow::Borrowed(bearer(value).unwrap_or_else(|| value.as_bytes().trim_ascii())),
            way: name.map_or(Way::Connection, |name| Way::Header(name.clone())),
        });
        values.filter(|credential| !credential.secret.is_empty()).take(MOST)
    }
}

/// Takes credentials off a request: what stands at `way`, whatever equals it elsewhere, and whatever
/// looks like one of ours. Another credential, which the client means for a provider, stays.
pub(crate) fn take_off<B>(req: &mut Request<B>, way: &Way) {
    // As it is mostly: there is nothing that it would have to be compared with.
    let is_alone = {
        let mut all = Presented::of(req).credentials();
        all.next().is_none_or(|first| first.way == *way) && all.next().is_none()
    };
    if is_alone {
        return take_off_at(req, way, |_| true);
    }
    let presented = Presented::of(req);
    let at_way = presented.credentials().filter(|credential| credential.way == *way);
    let name = if let Way::Header(name) = way { Some(name) } else { None };
    let at_way = at_way.chain(presented.elsewhere(name));
    let secrets: Vec<Vec<u8>> = at_way.map(|credential| credential.secret.into_owned()).collect();
    let goes = |found: &[u8]| looks_ours(found) || secrets.iter().any(|secret| secret == found);
    let elsewhere = KEY_HEADERS.iter().cloned().map(Way::Header);
    for place in elsewhere.chain([Way::Bearer, Way::Query, Way::Subprotocol]) {
        take_off_at(req, &place, goes);
    }
    // A header of another name is the method's own.
    if matches!(way, Way::Header(name) if !KEY_HEADERS.contains(name)) {
        take_off_at(req, way, |_| true);
    }
}

/// Takes off at one place what goes.
fn take_off_at<B>(req: &mut Request<B>, way: &Way, goes: impl Fn(&[u8]) -> bool) {
    match way {
        Way::Bearer => retain(req.headers_mut(), &AUTHORIZATION, |value| !bearer(value).is_some_and(&goes)),
        Way::Header(name) => {
            retain(req.headers_mut(), name, |value| !goes(value.as_bytes().trim_ascii()));
        }
        Way::Query => remove_from_query(req.uri_mut(), goes),
        Way::Subprotocol => remove_subprotocols(req.headers_mut(), goes),
        Way::Connection => {}
    }
}

/// What follows `Bearer`, whose case does not matter (RFC 9110 §11.1).
fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, secret) = value.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| secret.trim_ascii())
}

/// Keeps the values of a header that are to stay.
fn retain(headers: &mut HeaderMap, name: &HeaderName, stays: impl Fn(&HeaderValue) -> bool) {
    if headers.get_all(name).iter().all(&stays) {
        return;
    }
    let left: Vec<HeaderValue> = headers.get_all(name).iter().filter(|value| stays(value)).cloned().collect();
    headers.remove(name);
    for value in left {
        headers.append(name, value);
    }
}

fn remove_subprotocols(headers: &mut HeaderMap, goes: impl Fn(&[u8]) -> bool) {
    let all = || headers.get_all(SEC_WEBSOCKET_PROTOCOL).into_iter().flat_map(subprotocols);
    let stays = |one: &&[u8]| !one.strip_prefix(SUBPROTOCOL).is_some_and(&goes);
    if all().all(|one| stays(&one)) {
        return;
    }
    let left: Vec<&[u8]> = all().filter(stays).collect();
    let value = HeaderValue::from_bytes(&left.join(&b", "[..]));
    headers.remove(SEC_WEBSOCKET_PROTOCOL);
    if let Ok(value) = value
        && !value.is_empty()
    {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, value);
    }
}

/// The subprotocols that a header offers.
fn subprotocols(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

fn remove_from_query(uri: &mut Uri, goes: impl Fn(&[u8]) -> bool) {
    let Some(query) = uri.query() else { return };
    let stays = |pair: &&str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        !(is_key(name) && goes(&decode(value)))
    };
    if query.split('&').all(|pair| stays(&pair)) {
        return;
    }
    let left: Vec<&str> = query.split('&').filter(stays).collect();
    let mut text = uri.path().to_owned();
    if !left.is_empty() {
        text.push('?');
        text.push_str(&left.join("&"));
    }
    let mut parts = uri.clone().into_parts();
    // Pieces of a URI are a URI. Were they not, the path alone shows nobody anything.
    parts.path_and_query = text.parse().ok().or_else(|| uri.path().parse().ok());
    *uri = Uri::from_parts(parts).unwrap_or_default();
}

fn query_pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter_map(|pair| pair.split_once('='))
}

/// Whether a parameter of the query is the key. Google takes the names of its own ones with `$` too.
fn is_key(name: &str) -> bool {
    matches!(&*decode(name), b"key" | b"$key")
}

fn decode(text: &str) -> Cow<'_, [u8]> {
    percent_decode(text.as_bytes()).into()
}

/// The headers in which clients send keys.
static KEY_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

/// What stands before a key among the subprotocols of a WebSocket.
const SUBPROTOCOL: &[u8] = b"openai-insecure-api-key.";

/// How many credentials of a request are looked at.
const MOST: usize = 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "tw-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn request(uri: &str, headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    fn found(uri: &str, headers: &[(&str, &str)]) -> Vec<(String, Way)> {
        let request = request(uri, headers);
        Presented::of(&request)
            .credentials()
            .map(|one| (String::from_utf8(one.secret.into_owned()).unwrap(), one.way))
            .collect()
    }

    #[test]
    fn every_dialects_way_is_known() {
        let header = |name| Way::Header(HeaderName::from_static(name));
        for (uri, headers, way) in [
            ("/v1", ("authorization", "Bearer secret"), Way::Bearer),
            ("/v1", ("authorization", "bearer  secret "), Way::Bearer),
            ("/v1", ("x-api-key", "secret"), header("x-api-key")),
            ("/v1", ("api-key", " secret"), header("api-key")),
            ("/v1", ("x-goog-api-key", "secret"), header("x-goog-api-key")),
            ("/v1?alt=sse&key=secret", ("accept", "*/*"), Way::Query),
            ("/v1?%24key=%73ecret", ("accept", "*/*"), Way::Query),
            (
                "/v1/realtime",
                ("sec-websocket-protocol", "realtime, openai-insecure-api-key.secret"),
                Way::Subprotocol,
            ),
        ] {
            assert_eq!(found(uri, &[headers]), [("secret".to_owned(), way)], "{uri} {headers:?}");
        }
    }

    #[test]
    fn what_is_empty_or_of_another_scheme_is_no_credential() {
        for headers in [("authorization", "Bearer "), ("authorization", "Basic YTpi"), ("x-api-key", "")] {
            assert_eq!(found("/v1?key=&keys=a", &[headers]), []);
        }
    }

    #[test]
    fn many_credentials_cost_no_more_than_eight() {
        let headers: Vec<_> = (0..100).map(|_| ("x-api-key", "a")).collect();
        assert_eq!(found("/", &headers).len(), 8);
    }

    #[test]
    fn nothing_of_a_key_is_left() {
        for (uri, name, value, left) in [
            ("/v1?a=1", "authorization", format!("Bearer {KEY}"), None),
            ("/v1?a=1", "x-api-key", KEY.to_owned(), None),
            ("/v1?key=KEY&a=1", "accept", "*/*".to_owned(), Some("*/*")),
            ("/v1?a=1&%6bey=KEY", "accept", "*/*".to_owned(), Some("*/*")),
            (
                "/v1?a=1",
                "sec-websocket-protocol",
                format!("realtime,openai-insecure-api-key.{KEY}, openai-beta.realtime-v1"),
                Some("realtime, openai-beta.realtime-v1"),
            ),
        ] {
            let mut request = request(&uri.replace("KEY", KEY), &[(name, &value)]);
            let way = Presented::of(&request).credentials().next().unwrap().way;
            take_off(&mut request, &way);
            assert_eq!(request.uri(), "/v1?a=1");
            assert_eq!(request.headers().get(name).map(|value| value.to_str().unwrap()), left);
        }
    }

    #[test]
    fn the_same_key_goes_everywhere_and_another_stays() {
        let mut request = request(
            "/v1?key=mine",
            &[("x-api-key", "mine"), ("authorization", "Bearer sk-theirs"), ("api-key", KEY)],
        );
        take_off(&mut request, &Way::Header(HeaderName::from_static("x-api-key")));
        assert_eq!(request.uri(), "/v1");
        assert_eq!(request.headers().len(), 1);
        assert_eq!(request.headers()["authorization"], "Bearer sk-theirs");
    }

    #[test]
    fn a_method_may_take_a_header_of_its_own() {
        let assertion = HeaderName::from_static("x-goog-iap-jwt-assertion");
        let mut request = request("/", &[(assertion.as_str(), "a.b.c"), ("x-api-key", "theirs")]);
        take_off(&mut request, &Way::Header(assertion));
        assert_eq!(request.headers().len(), 1);
        assert_eq!(request.headers()["x-api-key"], "theirs");
    }

    /// Up to six credentials, in places of all kinds.
    fn presented() -> impl Strategy<Value = Vec<(usize, &'static str)>> {
        let secret = prop_oneof![Just("mine"), Just("theirs"), Just("another"), Just(KEY)];
        prop::collection::vec((0..6_usize, secret), 1..6)
    }

    fn request_of(presented: &[(usize, &str)]) -> Request<()> {
        let mut uri = "/v1?alt=sse".to_owned();
        let mut headers = vec![("accept", "*/*".to_owned())];
        for (place, secret) in presented {
            match place {
                0 => headers.push(("authorization", format!("Bearer {secret}"))),
                1 => headers.push(("x-api-key", (*secret).to_owned())),
                2 => headers.push(("api-key", (*secret).to_owned())),
                3 => headers.push(("x-goog-api-key", (*secret).to_owned())),
                4 => uri.extend(["&key=", secret]),
                _ => headers
                    .push(("sec-websocket-protocol", format!("realtime, openai-insecure-api-key.{secret}"))),
            }
        }
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        request(&uri, &headers)
    }

    proptest! {
        #[test]
        fn what_let_a_request_pass_is_gone_and_all_else_is_there(presented in presented(), which in any::<prop::sample::Index>()) {
            let mut request = request_of(&presented);
            let all = |request: &Request<()>| -> Vec<(Vec<u8>, Way)> {
                Presented::of(request).credentials().map(|one| (one.secret.into_owned(), one.way)).collect()
            };
            let before = all(&request);
            let (_, way) = which.get(&before).clone();
            take_off(&mut request, &way);
            let gone = |secret: &[u8]| {
                looks_ours(secret) || before.iter().any(|(other, at)| *at == way && other == secret)
            };
            let stays: Vec<_> = before.iter().filter(|(secret, _)| !gone(secret)).cloned().collect();
            prop_assert_eq!(all(&request), stays);
            prop_assert!(request.uri().query().unwrap().starts_with("alt=sse"));
            prop_assert_eq!(request.headers().get("accept").unwrap(), "*/*");
        }

        #[test]
        fn no_request_is_too_strange(query in "[!-~]{0,60}", value in prop::collection::vec(32..127_u8, 0..60)) {
            let uri = format!("/?{query}").parse::<Uri>();
            prop_assume!(uri.is_ok());
            let mut request = Request::new(());
            *request.uri_mut() = uri.unwrap();
            for name in [AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL, KEY_HEADERS[0].clone()] {
                request.headers_mut().append(name, HeaderValue::from_bytes(&value).unwrap());
            }
            let ways: Vec<Way> = Presented::of(&request).credentials().map(|one| one.way).collect();
            for way in ways {
                take_off(&mut request, &way);
                prop_assert!(Presented::of(&request).credentials().all(|one| one.way != way));
            }
        }
    }
}
