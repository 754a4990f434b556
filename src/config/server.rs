use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Path,
    context::Context,
    document::{Short, whole_number},
    error::Problem,
    nearest::did_you_mean,
    units::{Size, Span},
};

/// The listener and its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How runtimes and threads are laid out.
    pub workers: Workers,
    /// The certificate to serve with, if not in the clear.
    pub tls: Option<Tls>,
    /// The most bytes of a request's head.
    pub max_header_bytes: usize,
    /// The most bytes of a request's body; 413 beyond.
    pub max_body_bytes: usize,
    /// The most bytes of a body that passes without being collected; 413 beyond.
    pub max_upload_bytes: usize,
    /// How long a client may take to send a request's head.
    pub header_timeout: Duration,
    /// How long a client may pause between bytes of a request's body.
    pub body_timeout: Duration,
    /// How long a client may take to send a request's body; 408 beyond.
    pub body_total_timeout: Duration,
    /// The same of a body that passes without being collected.
    pub upload_total_timeout: Duration,
    /// How long a connection may stand idle between requests.
    pub idle_timeout: Duration,
    /// How long requests are still taken once a stop was asked for, while readiness says no.
    pub drain_delay: Duration,
    /// How long running answers may take to finish once no more are taken.
    pub grace: Duration,
    /// The most requests at once on one HTTP/2 connection.
    pub max_concurrent_streams: u32,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            workers: Workers::DEFAULT,
            tls: None,
            max_header_bytes: 64 << 10,
            max_body_bytes: 32 << 20,
            max_upload_bytes: 2 << 30,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            body_total_timeout: Duration::from_mins(10),
            upload_total_timeout: Duration::from_hours(1),
            idle_timeout: Duration::from_secs(75),
            drain_delay: Duration::ZERO,
            grace: Duration::from_secs(30),
            max_concurrent_streams: 250,
        }
    }
}

/// How runtimes and threads are laid out. Zero threads: as many as there are cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// One runtime whose threads share the work.
    Shared {
        /// The number of threads.
        threads: usize,
    },
    /// A runtime and provider connections of its own for each thread; a connection goes to the one
    /// with the fewest.
    PerCore {
        /// The number of threads.
        threads: usize,
    },
}

impl Workers {
    /// What is used when nothing is said.
    pub const DEFAULT: Self = Self::PerCore { threads: 0 };

    /// The layout's name in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shared { .. } => "shared",
            Self::PerCore { .. } => "per_core",
        }
    }

    /// The number of threads, zero for as many as there are cores.
    pub const fn threads(self) -> usize {
        match self {
            Self::Shared { threads } | Self::PerCore { threads } => threads,
        }
    }
}

/// The files a server proves itself with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate chain, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Whether clients prove themselves too.
    pub client: Option<ClientCertificates>,
}

/// The certificates that clients prove themselves with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificates {
    /// The certificates of who signs them, PEM.
    pub ca: PathBuf,
    /// Whether a client without one is not served.
    pub is_required: bool,
}

/// The listener and its limits, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServerFile {
    /// Address and port. Default: `0.0.0.0:$PORT` when the variable PORT is set, else `127.0.0.1:8080`.
    listen: Option<String>,
    /// `shared`, `per_core`, or a section with `mode` and `threads`.
    workers: Option<Short<WorkersFile>>,
    /// Serve TLS with this certificate.
    tls: Option<TlsFile>,
    /// The most bytes of a request's head. Default: 64KiB.
    max_header_bytes: Option<Size>,
    /// The most bytes of a request's body. Default: 32MiB.
    max_body_bytes: Option<Size>,
    /// The most bytes of a body that passes without being collected, such as a file. Default: 2GiB.
    max_upload_bytes: Option<Size>,
    /// How long a client may take to send a request's head. Default: 10s.
    header_timeout: Option<Span>,
    /// How long a client may pause between bytes of a request's body. Default: 30s.
    body_timeout: Option<Span>,
    /// How long a client may take to send a request's body. Default: 10m.
    body_total_timeout: Option<Span>,
    /// How long a client may take to send a body that passes without being collected. Default: 1h.
    upload_total_timeout: Option<Span>,
    /// How long a connection may stand idle between requests. Default: 75s.
    idle_timeout: Option<Span>,
    /// How long requests are still taken once a stop was asked for, while readiness says no. Default: 0s.
    drain_delay: Option<Span>,
    /// How long running answers may take to finish once no more are taken. Default: 30s.
    grace: Option<Span>,
    /// The most requests at once on one HTTP/2 connection. Default: 250.
    #[schemars(schema_with = "whole_number")]
    max_concurrent_streams: Option<u32>,
}

/// The layout of runtimes and threads, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct WorkersFile {
    /// `shared` (one runtime) or `per_core` (one for each thread).
    mode: Option<String>,
    /// The number of threads; 0, the default, for as many as there are cores.
    #[schemars(schema_with = "whole_number")]
    threads: Option<u16>,
}

/// The files a server proves itself with, as written; relative to the configuration's folder.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TlsFile {
    /// The certificate chain, PEM.
    cert: PathBuf,
    /// Its private key, PEM.
    key: PathBuf,
    /// The certificates of who signs those of clients, PEM. Given, clients are asked for one.
    #[serde(default)]
    client_ca: Option<PathBuf>,
    /// Whether a client without one is not served at all. Default: false.
    #[serde(default)]
    client_certificate_required: bool,
}

impl ServerFile {
    pub(super) fn validate(self, context: &Context<'_>) -> Result<Server, Problem> {
        let path = Path::of(&["server"]);
        let default = Server::default();
        let size = |field: &str, given: Option<Size>, default: usize, least: usize| match given {
            Some(Size(bytes)) if bytes < least => {
                Err(Problem::value(path.key(field), format!("less than {least} bytes")))
            }
            given => Ok(given.map_or(default, |Size(bytes)| bytes)),
        };
        let span = |field: &str, given: Option<Span>, default: Duration| match given {
            Some(Span(span)) if span.is_zero() => Err(Problem::value(path.key(field), "no time at all")),
            given => Ok(given.map_or(default, |Span(span)| span)),
        };
        let streams = self.max_concurrent_streams.unwrap_or(default.max_concurrent_streams);
        if streams == 0 {
            return Err(Problem::value(path.key("max_concurrent_streams"), "no stream could be opened"));
        }
        Ok(Server {
            listen: listen(self.listen.as_deref(), &path.key("listen"), context, default.listen)?,
            workers: self
                .workers
                .map_or(Ok(default.workers), |workers| workers_of(workers, &path.key("workers")))?,
            tls: self.tls.map(|tls| tls.validate(&path.key("tls"), context)).transpose()?,
            max_header_bytes: size(
                "max_header_bytes",
                self.max_header_bytes,
                default.max_header_bytes,
                8 << 10,
            )?,
            max_body_bytes: size("max_body_bytes", self.max_body_bytes, default.max_body_bytes, 1 << 10)?,
            max_upload_bytes: size(
                "max_upload_bytes",
                self.max_upload_bytes,
                default.max_upload_bytes,
                1 << 10,
            )?,
            header_timeout: span("header_timeout", self.header_timeout, default.header_timeout)?,
            body_timeout: span("body_timeout", self.body_timeout, default.body_timeout)?,
            body_total_timeout: span(
                "body_total_timeout",
                self.body_total_timeout,
                default.body_total_timeout,
            )?,
            upload_total_timeout: span(
                "upload_total_timeout",
                self.upload_total_timeout,
                default.upload_total_timeout,
            )?,
            idle_timeout: span("idle_timeout", self.idle_timeout, default.idle_timeout)?,
            drain_delay: self.drain_delay.map_or(default.drain_delay, |Span(span)| span),
            grace: self.grace.map_or(default.grace, |Span(span)| span),
            max_concurrent_streams: streams,
        })
    }
}

/// The address given; else every interface at `$PORT`, as Cloud Run and its like expect.
fn listen(
    given: Option<&str>,
    path: &Path,
    context: &Context<'_>,
    default: SocketAddr,
) -> Result<SocketAddr, Problem> {
    let Some(text) = given else {
        let Some(port) = context.env.filled("PORT") else { return Ok(default) };
        let port = port.parse().map_err(|_| {
            Problem::plain(path.clone(), "environment variable PORT is not a port")
                .hint("set it to 1 to 65535")
        })?;
        return Ok(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
    };
    let text = text.trim();
    let address = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    address.as_deref().unwrap_or(text).parse().map_err(|_| {
        let hint = match text.parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V6(ip)) => format!("add a port: [{ip}]:8080"),
            Ok(ip) => format!("add a port: {ip}:8080"),
            Err(_) => "write 127.0.0.1:8080 for this machine only, 0.0.0.0:8080 for everybody".to_owned(),
        };
        Problem::value(path.clone(), "not an address and port").hint(hint)
    })
}

fn workers_of(given: Short<WorkersFile>, path: &Path) -> Result<Workers, Problem> {
    let (mode, threads, path) = match given {
        Short::Text(mode) => (Some(mode), 0, path.clone()),
        Short::Full(WorkersFile { mode, threads }) => (mode, threads.unwrap_or(0), path.key("mode")),
    };
    let threads = usize::from(threads);
    match (mode.as_deref(), Workers::DEFAULT) {
        (Some("shared"), _) | (None, Workers::Shared { .. }) => Ok(Workers::Shared { threads }),
        (Some("per_core"), _) | (None, Workers::PerCore { .. }) => Ok(Workers::PerCore { threads }),
        (Some(other), _) => {
            let hint = did_you_mean(other, ["shared", "per_core"]);
            Err(Problem::value(path, "not a layout of workers")
                .hint(hint.unwrap_or_else(|| "say `shared` or `per_core`".to_owned())))
        }
    }
}

impl TlsFile {
    fn validate(self, path: &Path, context: &Context<'_>) -> Result<Tls, Problem> {
        let file = |field: &str, file: &std::path::Path| {
            let found = context.locate(file);
            context.files.note(&found);
            if found.is_file() {
                return Ok(found);
            }
            Err(Problem::plain(path.key(field), format!("no such file: {}", found.display()))
                .hint("relative paths begin at the configuration file's folder"))
        };
        let client = match &self.client_ca {
            None if self.client_certificate_required => {
                let path = path.key("client_certificate_required");
                return Err(Problem::plain(path, "nobody is known who signs them").hint("give `client_ca`"));
            }
            None => None,
            Some(ca) => {
                let is_required = self.client_certificate_required;
                Some(ClientCertificates { ca: file("client_ca", ca)?, is_required })
            }
        };
        Ok(Tls { cert: file("cert", &self.cert)?, key: file("key", &self.key)?, client })
    }
}
