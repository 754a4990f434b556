//! Where a relayed request goes: the provider's address, the path that is left, and a query without
//! what is not the provider's business.

use http::Uri;
use percent_encoding::percent_decode_str;
use tollway_wire::Refusal;
use url::form_urlencoded;

use crate::Error;
use crate::config::{Provider, is_path_segment};
use crate::upstream::is_private_parameter;

/// Whether a path is what it seems: a server that reads it otherwise could be led elsewhere with our
/// key. It begins with a slash, or is empty; only its last segment may be.
pub(super) fn is_plain(path: &str) -> bool {
    let mut segments = path.split('/');
    let begins = segments.next() == Some("");
    let mut segments = segments.peekable();
    begins
        && std::iter::from_fn(|| segments.next().map(|segment| (segment, segments.peek().is_none())))
            .all(|(segment, is_last)| is_plain_segment(segment) || (segment.is_empty() && is_last))
}

fn is_plain_segment(segment: &str) -> bool {
    let Ok(read) = percent_decode_str(segment).decode_utf8() else { return false };
    // Some servers take what stands behind a semicolon, or blanks at the end, for no part of the name.
    let name = read.split(';').next().unwrap_or_default().trim();
    let again = read.to_ascii_lowercase();
    !read.is_empty()
        && !matches!(name, "." | "..")
        && !read.chars().any(|sign| matches!(sign, '/' | '\\') || sign.is_control())
        // Read twice it must not climb either.
        && !["%2", "%5c", "%0"].iter().any(|sign| again.contains(sign))
}

/// The refusal of a path that is not [plain](is_plain).
pub(super) fn not_plain(path: &str) -> Error {
    Error::Refused(Refusal::whole(format!("not a path that can be relayed: {path}")))
}

/// A parameter of the client's query.
pub(super) fn parameter(uri: &Uri, name: &str) -> Option<String> {
    parameters(uri, name).next().filter(|value| !value.is_empty())
}

/// All parameters of a name: which of them a server reads is its own affair.
pub(super) fn parameters(uri: &Uri, name: &str) -> impl Iterator<Item = String> {
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    query.filter(move |(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// The query to send: the client's without its credentials, another model's name if there is one,
/// and what is configured, which wins.
pub(super) fn query(uri: &Uri, provider: &Provider, model: Option<&str>) -> String {
    let mut out = String::new();
    let mut add = |pair: &str| {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(pair);
    };
    for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let name = form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name.into_owned());
        let name = name.unwrap_or_default();
        let is_configured = provider.query.iter().any(|(known, _)| *known == name);
        if is_configured || is_private_parameter(&name) {
            continue;
        }
        match model {
            Some(model) if name == "model" => {
                add(&form_urlencoded::Serializer::new(String::new()).append_pair("model", model).finish());
            }
            _ => add(pair),
        }
    }
    if !provider.query.is_empty() {
        add(&form_urlencoded::Serializer::new(String::new()).extend_pairs(&provider.query).finish());
    }
    out
}

/// The address of one of OpenAI's endpoints at a provider, below its base URL. `None` where that
/// needs a model that is not known.
pub(super) fn join(provider: &Provider, rest: &str, query: &str, model: &str) -> Option<Uri> {
    let prefix = provider.base_url.prefix();
    if !prefix.contains("{model}") {
        return uri(provider, prefix, rest, query);
    }
    is_path_segment(model).then(|| uri(provider, &prefix.replace("{model}", model), rest, query)).flatten()
}

/// The address of anything a provider has. The rest of the path joins the base URL, but one that
/// begins with the base URL's own path (`/v1/…`, `/upload/v1beta/…`) begins at the root, as does every
/// path where the base URL is one model's.
pub(super) fn beside(provider: &Provider, rest: &str, query: &str) -> Option<Uri> {
    let prefix = provider.base_url.prefix();
    let is_below =
        |rest: &str| rest.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let whole = prefix.contains("{model}")
        || !prefix.is_empty() && (is_below(rest) || rest.strip_prefix("/upload").is_some_and(is_below));
    uri(provider, if whole { "" } else { prefix }, rest, query)
}

fn uri(provider: &Provider, prefix: &str, rest: &str, query: &str) -> Option<Uri> {
    let path = match [prefix, rest].concat() {
        empty if empty.is_empty() => "/".to_owned(),
        path => path,
    };
    let target = if query.is_empty() { path } else { format!("{path}?{query}") };
    Uri::builder()
        .scheme(provider.base_url.scheme().clone())
        .authority(provider.base_url.authority().clone())
        .path_and_query(target)
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{Env, Settings, Source};

    fn provider(yaml: &str) -> Provider {
        let source = Source::text(format!("providers: {{p: {{{yaml}, api_key: k}}}}"));
        Settings::load(&source, &Env::default()).unwrap().providers.remove(0)
    }

    #[test]
    fn paths_that_could_be_read_otherwise_are_not_plain() {
        for path in ["", "/", "/files", "/files/a-1.b_c/content", "/models/m:verb", "/a%20b/", "/a;x=1"] {
            assert!(is_plain(path), "{path}");
        }
        for path in [
            "files",
            "//",
            "//evil.example",
            "/a//b",
            "/..",
            "/a/../b",
            "/./a",
            "/a/%2e%2e/b",
            "/%2E%2e",
            "/.%2e/x",
            "/a%2fb",
            "/a%5cb",
            "/a\\b",
            "/..;/x",
            "/a%00",
            "/%252e%252e/x",
            "/a%255cb",
            "/a%2500",
            "/..%20/x",
            "/a%0ab",
            "/%ff",
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }

    #[test]
    fn the_rest_joins_the_base_url() {
        let openai = provider("kind: openai, base_url: 'https://o.example/v1'");
        let gemini = provider("kind: gemini, base_url: 'https://g.example/v1beta'");
        let anthropic = provider("kind: anthropic, base_url: 'https://a.example'");
        let classic =
            provider("kind: azure-openai, base_url: 'https://z.example/openai/deployments/{model}'");
        let at = |provider: &Provider, rest| beside(provider, rest, "").unwrap().to_string();
        assert_eq!(at(&openai, "/files"), "https://o.example/v1/files");
        assert_eq!(at(&openai, "/v1/files"), "https://o.example/v1/files");
        assert_eq!(at(&openai, "/v1x/files"), "https://o.example/v1/v1x/files");
        assert_eq!(at(&openai, ""), "https://o.example/v1");
        assert_eq!(at(&gemini, "/upload/v1beta/files"), "https://g.example/upload/v1beta/files");
        assert_eq!(at(&anthropic, "/v1/messages"), "https://a.example/v1/messages");
        assert_eq!(at(&anthropic, ""), "https://a.example/");
        assert_eq!(at(&classic, "/openai/models"), "https://z.example/openai/models");
        let deployed = join(&classic, "/images/generations", "", "dalle").unwrap();
        assert_eq!(deployed, "https://z.example/openai/deployments/dalle/images/generations");
        assert_eq!(join(&classic, "/files", "", ""), None);
        assert_eq!(join(&classic, "/files", "", "a/../b"), None);
    }

    #[test]
    fn queries_lose_credentials_and_gain_what_is_configured() {
        let azure =
            provider("kind: azure-openai, base_url: 'https://z.example/openai/v1', query: {api-version: v2}");
        let uri = "/v1/realtime?model=mine%2Fr&KEY=secret&%24key=s&api%5Fkey=x&api-version=v1&a=b+c&x-tollway-provider=z&&flag";
        let uri: Uri = uri.parse().unwrap();
        assert_eq!(query(&uri, &azure, Some("r 1")), "model=r+1&a=b+c&flag&api-version=v2");
        assert_eq!(query(&"/x".parse().unwrap(), &azure, None), "api-version=v2");
        assert_eq!(parameter(&uri, "model").as_deref(), Some("mine/r"));
    }

    proptest! {
        #[test]
        fn no_plain_path_leaves_the_base_url(path in "(/|\\.|%2e|%2F|%5c|a|v1|;|upload){0,12}") {
            let openai = provider("kind: openai, base_url: 'https://o.example/v1'");
            if is_plain(&path) && let Some(uri) = beside(&openai, &path, "") {
                prop_assert_eq!(uri.host(), Some("o.example"));
                let reached = url::Url::parse(&uri.to_string()).unwrap();
                prop_assert!(reached.path().starts_with("/v1") || reached.path().starts_with("/upload/v1"), "{}", reached);
                prop_assert_eq!(reached.path(), uri.path());
            }
        }
    }
}
