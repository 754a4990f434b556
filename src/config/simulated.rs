use std::{net::SocketAddr, sync::Arc};

use tollway_core::Dialect;

use super::{
    Auth, BaseUrl, Catalogue, Format, Http2, Kind, Paths, Provider, Secret, Settings, Timeouts,
    catalogue::Parts, vertex::Vertex,
};

impl Settings {
    /// These settings with every provider played by the simulated one at an address.
    ///
    /// The configured providers keep their names, quirks and models, with or without a key; the five
    /// usual ones are there in any case, so that every model of the list is, and OpenAI's gets the
    /// models nobody else claims.
    #[must_use]
    pub fn for_simulator(&self, address: SocketAddr) -> Self {
        const USUAL: [Kind; 5] = [Kind::Openai, Kind::Anthropic, Kind::Gemini, Kind::Mistral, Kind::Groq];
        let mut providers: Vec<Provider> = Vec::new();
        for provider in &self.providers {
            let played = simulated(provider.name.clone(), provider.kind, address);
            providers.extend(played.map(|played| Provider {
                quirks: provider.quirks.clone(),
                timeouts: provider.timeouts,
                adaptive: provider.adaptive,
                max_streams_per_connection: provider.max_streams_per_connection,
                models: provider.models.clone(),
                formats: as_configured(provider, &played.base_url),
                ..played
            }));
        }
        let left_out = self.disabled.iter().map(|one| (one.name.clone(), one.kind));
        for (name, kind) in left_out.chain(USUAL.map(|kind| (Arc::from(kind.as_str()), kind))) {
            if providers.iter().all(|provider| provider.name != name) {
                providers.extend(simulated(name, kind, address));
            }
        }
        let default: Arc<str> = self.default_provider.clone().unwrap_or_else(|| Kind::Openai.as_str().into());
        let catalogue = |aliases: &[(String, String)]| {
            Catalogue::build(Parts {
                providers: &providers,
                disabled: &[],
                aliases,
                default_provider: Some(&default),
                models: self.models.clone(),
            })
        };
        // The aliases were found good at load, and fewer names are out of reach here.
        let catalogue = catalogue(&self.aliases).or_else(|_| catalogue(&[]));
        Self {
            catalogue: catalogue.unwrap_or_else(|_| self.catalogue.clone()),
            providers,
            disabled: Vec::new(),
            default_provider: Some(default),
            ..self.clone()
        }
    }
}

/// The formats that are configured, at the simulated provider.
fn as_configured(provider: &Provider, base_url: &BaseUrl) -> Vec<Format> {
    let played = |format: &Format| {
        Format::new(format.dialect, base_url, paths(provider.kind, format.dialect), &[]).ok()
    };
    provider.formats.iter().filter_map(played).collect()
}

fn paths(kind: Kind, dialect: Dialect) -> Paths {
    if kind == Kind::Vertex { Vertex::simulated().paths(dialect) } else { Paths::of(dialect) }
}

/// A provider of a kind, as the simulated one plays it. Nothing, were its URL no URL.
fn simulated(name: Arc<str>, kind: Kind, address: SocketAddr) -> Option<Provider> {
    let preset = kind.preset();
    let base_url = BaseUrl::parse(&format!("http://{address}{}", preset.simulated)).ok()?;
    let format = |dialect: &Dialect| Format::new(*dialect, &base_url, paths(kind, *dialect), &[]).ok();
    let formats: Vec<_> = preset.formats.iter().filter_map(format).collect();
    let headers = preset
        .headers
        .iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)));
    Some(Provider {
        kind,
        formats,
        base_url,
        query: Vec::new(),
        credentials: Some(Secret::new("simulated", "of the simulated provider")),
        google: None,
        auth: preset
            .key_header
            .map_or(Auth::Bearer, |name| Auth::Header(http::HeaderName::from_static(name))),
        headers: headers.collect(),
        quirks: kind.quirks(),
        timeouts: Timeouts::default(),
        http2: Http2::Never,
        max_streams_per_connection: 100,
        models: None,
        adaptive: None,
        region: None,
        name,
    })
}
