//! From a provider as written to one that requests can go to, or to why it is left out.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use tollway_core::Dialect;

use super::{
    Auth, BaseUrl, Disabled, Format, Kind, Path, Paths, Provider, Timeouts, Why,
    adaptive::adaptive,
    context::Context,
    error::Problem,
    format::FormatFile,
    kind::Preset,
    nearest::did_you_mean,
    provider_file::{PathsFile, ProviderFile, TimeoutsFile},
    secret::{Found, SecretFile, SecretPlace, find},
    units::Span,
    vertex::{CREDENTIALS_VARIABLE, Vertex},
};

/// Reads one provider.
pub(super) fn provider(
    name: &str,
    file: ProviderFile,
    context: &Context<'_>,
) -> Result<Result<Provider, Disabled>, Problem> {
    let path = Path::of(&["providers", name]);
    check_name(name, &path)?;
    let kind = kind(name, file.kind, &path)?;
    let preset = kind.preset();
    let vertex = vertex(kind, &file, &path, context)?;
    let base_url = match &vertex {
        Some(vertex) => vertex_url(file.base_url.as_deref(), vertex, &path)?,
        None => base_url(file.base_url.as_deref(), &preset, &path)?,
    };
    let name: Arc<str> = name.into();
    let auth = auth(file.auth.as_deref(), &preset, &path.key("auth"))?;
    let disabled = |why| Disabled { name: name.clone(), kind, base_url: base_url.clone(), why };
    if file.enabled == Some(false) {
        return Ok(Err(disabled(Why::SwitchedOff)));
    }
    let asked = file.api_key.is_some();
    let place = file.api_key.unwrap_or_else(|| SecretFile::Full(SecretPlace::in_env(preset.variables)));
    let found = match auth {
        Auth::None if asked => {
            return Err(Problem::plain(path.key("auth"), "a key is given, and `auth: none` never sends it")
                .hint("leave one of the two out"));
        }
        Auth::None => None,
        _ if !asked && preset.variables.is_empty() => None,
        _ => Some(find(&place, &path.key("api_key"), context)?),
    };
    let credentials = match found {
        Some(Found::Key(key)) => Some(key),
        Some(Found::Unset(variables)) if asked || preset.needs_key => {
            if file.enabled == Some(true) {
                return Err(Problem::plain(path.key("api_key"), "no key, and the provider must be enabled")
                    .hint(format!("set {}", variables.join(" or "))));
            }
            return Ok(Err(disabled(Why::MissingKey(variables))));
        }
        Some(Found::Unset(_)) | None => None,
    };
    if let Some(what) = vertex.as_ref().and_then(|vertex| vertex.unfit.clone()) {
        return Ok(Err(disabled(Why::Unfit(what))));
    }
    let google = vertex.as_ref().and_then(|vertex| vertex.google.clone()).filter(|_| auth != Auth::None);
    if vertex.is_some() && google.is_none() && credentials.is_none() && auth != Auth::None {
        return Ok(Err(disabled(Why::MissingKey(vec![CREDENTIALS_VARIABLE.to_owned()]))));
    }
    let query: Vec<_> = file.query.into_iter().collect();
    let dialects = dialects(file.formats, &preset, &base_url, &path.key("formats"))?;
    let formats = formats(&dialects, file.paths, vertex.as_ref(), &base_url, &query, &path.key("paths"))?;
    let max_streams_per_connection = match file.max_streams_per_connection {
        Some(0) => {
            return Err(Problem::value(path.key("max_streams_per_connection"), "no request could be sent"));
        }
        given => given.unwrap_or(100),
    };
    Ok(Ok(Provider {
        kind,
        formats,
        query,
        auth: if credentials.is_some() { auth } else { Auth::None },
        credentials,
        google,
        headers: headers(&preset, file.headers, &path.key("headers"))?,
        quirks: file.quirks.over(kind.quirks()),
        timeouts: timeouts(&file.timeouts, &path.key("timeouts"))?,
        http2: file.http2,
        max_streams_per_connection,
        models: file.models.map(|models| served(models, &path.key("models"))).transpose()?,
        adaptive: adaptive(file.adaptive, &path.key("adaptive"))?,
        name: name.clone(),
        region: region(file.region.as_deref(), vertex.as_ref(), kind, &base_url),
        base_url: base_url.clone(),
    }))
}

/// The region whose prices hold: as it is said, or as it can be seen.
fn region(given: Option<&str>, vertex: Option<&Vertex>, kind: Kind, base_url: &BaseUrl) -> Option<Arc<str>> {
    let seen = match base_url.authority().host() {
        "us.api.openai.com" if kind == Kind::Openai => Some("us"),
        "eu.api.openai.com" if kind == Kind::Openai => Some("eu"),
        _ => vertex.and_then(Vertex::location),
    };
    given.or(seen).filter(|region| !region.is_empty()).map(Arc::from)
}

fn check_name(name: &str, path: &Path) -> Result<(), Problem> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !name.is_empty() && name.bytes().all(plain) {
        return Ok(());
    }
    Err(Problem::plain(path.clone(), "not a name for a provider")
        .hint("it stands before a slash in model names: use letters, digits, `-`, `_` and `.`"))
}

fn kind(name: &str, given: Option<Kind>, path: &Path) -> Result<Kind, Problem> {
    given.or_else(|| Kind::from_word(name)).ok_or_else(|| {
        let words = Kind::ALL.map(Kind::as_str);
        let hint = did_you_mean(name, words).unwrap_or_else(|| format!("say one of: {}", words.join(", ")));
        Problem::plain(path.key("kind"), "missing, and the provider's name is no kind").hint(hint)
    })
}

/// What there is to know of Vertex AI, where the provider is that.
fn vertex(
    kind: Kind,
    file: &ProviderFile,
    path: &Path,
    context: &Context<'_>,
) -> Result<Option<Vertex>, Problem> {
    if kind == Kind::Vertex {
        // One that is switched off needs nothing to be right.
        let off = file.enabled == Some(false);
        return if off { Ok(Some(Vertex::simulated())) } else { Vertex::read(file, path, context).map(Some) };
    }
    let given = [
        ("project", file.project.is_some()),
        ("location", file.location.is_some()),
        ("credentials", file.credentials.is_some()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => Err(Problem::plain(path.key(field), "only Vertex AI has one")
            .hint("say `kind: vertex`, or leave it out")),
        None => Ok(None),
    }
}

/// Where Vertex AI is. Other hosts than Google's own are usually given without the version.
fn vertex_url(given: Option<&str>, vertex: &Vertex, path: &Path) -> Result<BaseUrl, Problem> {
    let url = BaseUrl::parse(given.unwrap_or(&vertex.base_url)).map_err(|what| {
        Problem::value(path.key("base_url"), what)
            .hint("as in https://europe-west4-aiplatform.googleapis.com")
    })?;
    Ok(if url.prefix().is_empty() { url.with_prefix("/v1") } else { url })
}

fn base_url(given: Option<&str>, preset: &Preset, path: &Path) -> Result<BaseUrl, Problem> {
    let path = path.key("base_url");
    let Some(text) = given.or(preset.base_url) else {
        return Err(Problem::plain(path, "missing, as it differs from customer to customer")
            .hint("give the URL that `/chat/completions` is appended to, as in https://host/v1"));
    };
    BaseUrl::parse(text).map_err(|what| {
        Problem::value(path, what).hint("write it as SDKs do, as in https://api.openai.com/v1")
    })
}

fn auth(given: Option<&str>, preset: &Preset, path: &Path) -> Result<Auth, Problem> {
    match given.map(str::trim) {
        None => {
            Ok(preset.key_header.map_or(Auth::Bearer, |name| Auth::Header(HeaderName::from_static(name))))
        }
        Some("bearer") => Ok(Auth::Bearer),
        Some("none") => Ok(Auth::None),
        Some(name) => HeaderName::try_from(name).map(Auth::Header).map_err(|_| {
            Problem::value(path.clone(), "not a header's name")
                .hint("write `bearer`, `none`, or a header such as `api-key`")
        }),
    }
}

fn headers(preset: &Preset, given: BTreeMap<String, String>, path: &Path) -> Result<HeaderMap, Problem> {
    const OURS: [&str; 7] =
        ["connection", "content-length", "content-type", "host", "te", "transfer-encoding", "upgrade"];
    let mut headers = HeaderMap::new();
    for (name, value) in preset.headers {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    for (name, value) in given {
        let path = path.key(&name);
        let name =
            HeaderName::try_from(name).map_err(|_| Problem::plain(path.clone(), "not a header's name"))?;
        if OURS.contains(&name.as_str()) {
            return Err(Problem::plain(path, "a header the gateway sets itself").hint("leave it out"));
        }
        let mut value = HeaderValue::try_from(value).map_err(|_| {
            Problem::plain(path, "a value that no header can carry").hint("it must be one line")
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// The formats in which the provider is spoken to.
fn dialects(
    given: Option<Vec<FormatFile>>,
    preset: &Preset,
    base_url: &BaseUrl,
    path: &Path,
) -> Result<Vec<Dialect>, Problem> {
    let Some(given) = given else {
        // Where the model is part of the host's path, as at Azure's deployments, there is but the first.
        let one = if base_url.to_string().contains("{model}") { 1 } else { preset.formats.len() };
        return Ok(preset.formats.iter().copied().take(one).collect());
    };
    if !preset.formats.contains(&Dialect::OpenAi) {
        return Err(
            Problem::plain(path.clone(), "this kind of provider speaks one format only").hint("leave it out")
        );
    }
    let dialects: Vec<_> = given.iter().map(|format| format.dialect()).collect();
    match dialects.as_slice() {
        [] => Err(Problem::plain(path.clone(), "no format at all").hint("leave it out for the usual ones")),
        [first, rest @ ..] if rest.contains(first) => {
            Err(Problem::plain(path.clone(), "a format stands here twice"))
        }
        _ => Ok(dialects),
    }
}

/// The formats and their paths, of which those given are the first format's.
fn formats(
    dialects: &[Dialect],
    given: PathsFile,
    vertex: Option<&Vertex>,
    base_url: &BaseUrl,
    query: &[(String, String)],
    path: &Path,
) -> Result<Vec<Format>, Problem> {
    let mut given = Some(given);
    let format = |dialect: &Dialect| {
        let usual = vertex.map_or_else(|| Paths::of(*dialect), |vertex| vertex.paths(*dialect));
        let paths = paths(given.take().unwrap_or_default(), usual, path)?;
        Format::new(*dialect, base_url, paths, query)
            .map_err(|which| Problem::value(path.key(which), "makes no URL below the base URL"))
    };
    dialects.iter().map(format).collect()
}

fn paths(given: PathsFile, usual: Paths, path: &Path) -> Result<Paths, Problem> {
    let checked = |field: &str, given: Option<String>, usual: String| match given {
        None => Ok(usual),
        Some(text) if text.starts_with('/') && !text.starts_with("//") && !text.contains(['#', ' ']) => {
            Ok(text)
        }
        Some(_) => Err(Problem::value(path.key(field), "not a path")
            .hint("begin it with one slash, as in /chat/completions")),
    };
    let stream = given.chat_stream.or_else(|| given.chat.clone());
    Ok(Paths {
        chat: checked("chat", given.chat, usual.chat)?,
        chat_stream: checked("chat_stream", stream, usual.chat_stream)?,
        text_completion: checked("text_completion", given.text_completion, usual.text_completion)?,
        embeddings: checked("embeddings", given.embeddings, usual.embeddings)?,
        embedding: checked("embedding", given.embedding, usual.embedding)?,
        count_tokens: match given.count_tokens {
            Some(path) => Some(checked("count_tokens", Some(path), String::new())?),
            None => usual.count_tokens,
        },
    })
}

fn timeouts(given: &TimeoutsFile, path: &Path) -> Result<Timeouts, Problem> {
    let usual = Timeouts::default();
    let checked = |field: &str, given: Option<Span>| match given {
        Some(Span(Duration::ZERO)) => Err(Problem::value(path.key(field), "no time at all")),
        given => Ok(given.map(|Span(span)| span)),
    };
    Ok(Timeouts {
        connect: checked("connect", given.connect)?.unwrap_or(usual.connect),
        first_byte: checked("first_byte", given.first_byte)?.unwrap_or(usual.first_byte),
        idle: checked("idle", given.idle)?.unwrap_or(usual.idle),
        unread: checked("unread", given.unread)?.unwrap_or(usual.unread),
        total: checked("total", given.total)?,
    })
}

fn served(models: Vec<String>, path: &Path) -> Result<Vec<Arc<str>>, Problem> {
    if models.is_empty() {
        return Err(Problem::plain(path.clone(), "no model at all").hint("leave it out to serve any"));
    }
    let checked = |(at, model): (usize, String)| {
        let sane = super::catalogue::is_sane(&model);
        sane.then(|| model.into()).ok_or_else(|| Problem::plain(path.index(at), "not a model's name"))
    };
    models.into_iter().enumerate().map(checked).collect()
}
