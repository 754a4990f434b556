//! What Vertex AI needs beside a key: a project, a location, and somebody to be.

use std::{fs, path::Path as FilePath, sync::Arc};

use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;
use tollway_core::Dialect;

use super::{
    GoogleCredentials, Path, Paths, context::Context, document::Short, error::Problem,
    google::CredentialsFile, provider_file::ProviderFile,
};

/// Where access tokens of Google Cloud come from, and whether their source is asked for the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Google {
    /// Where the tokens come from.
    pub credentials: Arc<GoogleCredentials>,
    /// Whether [`UNKNOWN_PROJECT`] in a path is to be replaced by the project of the token's source.
    pub wants_project: bool,
}

/// Stands in paths for a project that the metadata server tells.
pub const UNKNOWN_PROJECT: &str = "/projects/-/";

/// Google's credentials as the file gives them: `metadata`, the JSON itself, or where to find it.
pub(super) type CredentialsPlaceFile = Short<CredentialsPlace>;

/// Where credentials are found.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CredentialsPlace {
    /// A credentials file of Google; relative to the configuration's folder.
    file: Option<PathBuf>,
    /// An environment variable that holds such a file's content.
    env: Option<String>,
}

/// What the fields of Vertex AI come to.
#[derive(Debug, Default)]
pub(super) struct Vertex {
    /// None where an API key does, and where there is nobody to be.
    pub(super) google: Option<Google>,
    /// Where it is, unless the file says.
    pub(super) base_url: String,
    /// Why it cannot be used, though nobody asked for it.
    pub(super) unfit: Option<String>,
    place: Place,
}

/// What stands before a model in every path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Place {
    /// An API key knows its project.
    #[default]
    OfTheKey,
    /// A project's models at a location.
    Of { project: Option<String>, location: String },
}

/// The variable that names a credentials file, as in Google's own libraries.
pub(super) const CREDENTIALS_VARIABLE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

impl Vertex {
    /// Reads the fields. Where nothing but the environment speaks of Vertex AI, what cannot be used is
    /// no reason to refuse: other programs have their credentials in the same place.
    pub(super) fn read(file: &ProviderFile, path: &Path, context: &Context<'_>) -> Result<Self, Problem> {
        let given = file.credentials.is_some() || file.api_key.is_some() || file.base_url.is_some();
        let asked = given || is_asked_for(file);
        match Self::required(file, path, context) {
            Err(problem) if !asked => {
                let what =
                    problem.hint.map_or(problem.what.clone(), |hint| format!("{}; {hint}", problem.what));
                Ok(Self { unfit: Some(what), ..Self::simulated() })
            }
            result => result,
        }
    }

    /// Reads the fields; looks for credentials where Google's libraries do: in the file that a
    /// variable names, in the one that `gcloud` leaves, at the metadata server. The latter two only
    /// where the configuration says something of this provider.
    fn required(file: &ProviderFile, path: &Path, context: &Context<'_>) -> Result<Self, Problem> {
        if file.api_key.is_some() && file.credentials.is_some() {
            return Err(Problem::plain(path.key("credentials"), "given beside `api_key`")
                .hint("leave one of the two out"));
        }
        let found = if file.api_key.is_some() { None } else { credentials(file, path, context)? };
        let env = |names: &[&str]| names.iter().find_map(|name| context.env.filled(name)).map(str::to_owned);
        let location = env(&["GOOGLE_CLOUD_LOCATION", "GOOGLE_CLOUD_REGION"]);
        let location = file.location.clone().or(location).unwrap_or_else(|| "global".to_owned());
        if !is_label(&location, "-") {
            return Err(Problem::value(path.key("location"), "not a location")
                .hint("write a region such as europe-west4, or global, us, eu"));
        }
        let told = file.project.clone().or_else(|| env(&["GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"]));
        let (google, of_file) = found.map_or((None, None), |found| (Some(found.credentials), found.project));
        let project = told.or(of_file);
        if project.as_deref().is_some_and(|project| !is_label(project, "-.:")) {
            return Err(Problem::value(path.key("project"), "not a project's id"));
        }
        let is_metadata = matches!(google, Some(GoogleCredentials::Metadata { .. }));
        if google.is_some() && project.is_none() && !is_metadata {
            return Err(Problem::plain(path.key("project"), "missing, and the credentials name none")
                .hint("set it, or the variable GOOGLE_CLOUD_PROJECT"));
        }
        let wants_project = project.is_none();
        let base_url = format!("https://{}/v1", host(&location));
        let place = match (&google, &project) {
            (None, None) => Place::OfTheKey,
            _ => Place::Of { project, location },
        };
        let google = google.map(|credentials| Google { credentials: Arc::new(credentials), wants_project });
        Ok(Self { google, base_url, unfit: None, place })
    }

    /// Where its models run, if that is known.
    pub(super) fn location(&self) -> Option<&str> {
        match &self.place {
            Place::OfTheKey => None,
            Place::Of { location, .. } => Some(location),
        }
    }

    /// What a provider is that is switched off, or played by the simulated one.
    pub(super) fn simulated() -> Self {
        let place = Place::Of { project: Some("simulated".to_owned()), location: "global".to_owned() };
        Self { base_url: format!("https://{}/v1", host("global")), place, ..Self::default() }
    }

    /// The paths of one of its formats.
    pub(super) fn paths(&self, dialect: Dialect) -> Paths {
        let place = match &self.place {
            Place::OfTheKey => String::new(),
            Place::Of { project: Some(project), location } => {
                format!("/projects/{project}/locations/{location}")
            }
            Place::Of { project: None, location } => format!("{UNKNOWN_PROJECT}locations/{location}"),
        };
        let publisher = if dialect == Dialect::Anthropic { "anthropic" } else { "google" };
        let path = |model: &str, verb: &str| format!("{place}/publishers/{publisher}/models/{model}:{verb}");
        let (chat, chat_stream, count_tokens) = match dialect {
            Dialect::Anthropic => ("rawPredict", "streamRawPredict", path("count-tokens", "rawPredict")),
            _ => ("generateContent", "streamGenerateContent?alt=sse", path("{model}", "countTokens")),
        };
        Paths {
            chat: path("{model}", chat),
            chat_stream: path("{model}", chat_stream),
            text_completion: path("{model}", chat),
            embeddings: path("{model}", "predict"),
            embedding: path("{model}", "embedContent"),
            count_tokens: Some(count_tokens),
        }
    }
}

/// The host of a location: the multi-regions have names of their own kind.
fn host(location: &str) -> String {
    match location {
        "global" => "aiplatform.googleapis.com".to_owned(),
        "us" | "eu" => format!("aiplatform.{location}.rep.googleapis.com"),
        _ => format!("{location}-aiplatform.googleapis.com"),
    }
}

/// Whether a text is made of small letters, digits and signs.
fn is_label(text: &str, signs: &str) -> bool {
    let plain = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || signs.contains(sign);
    text.starts_with(|sign: char| sign.is_ascii_alphanumeric())
        && text.chars().all(plain)
        && !text.contains("..")
}

fn credentials(
    file: &ProviderFile,
    path: &Path,
    context: &Context<'_>,
) -> Result<Option<CredentialsFile>, Problem> {
    let path = path.key("credentials");
    let read = |text: &str, origin: &str, path: &Path| {
        GoogleCredentials::parse(text, origin).map(Some).map_err(|what| {
            Problem::plain(path.clone(), format!("{what} ({origin})")).hint(
                "the types service_account and authorized_user can be used, and `credentials: metadata`",
            )
        })
    };
    match &file.credentials {
        Some(Short::Text(word)) if word.trim() == "metadata" => metadata(&path, context).map(Some),
        Some(Short::Text(text)) => read(text, &context.origin(&path), &path),
        Some(Short::Full(CredentialsPlace { file: Some(file), env: None })) => {
            let path = path.key("file");
            let text = context.read_file(file, &path)?;
            read(&text, &format!("from the file {}", file.display()), &path)
        }
        Some(Short::Full(CredentialsPlace { file: None, env: Some(name) })) => {
            let path = path.key("env");
            let text = context.env.filled(name).ok_or_else(|| {
                Problem::plain(path.clone(), format!("not set: {name}"))
                    .hint("it is to hold a credentials file's content")
            })?;
            read(text, &format!("from {name}"), &path)
        }
        Some(Short::Full(_)) => Err(Problem::plain(path, "neither or both of `file` and `env` given")
            .hint("write `metadata`, `{file: PATH}` or `{env: NAME}`")),
        None => match context.env.filled(CREDENTIALS_VARIABLE) {
            // Not below the configuration's folder: it is the environment that names it.
            Some(name) => {
                let text = read_named(FilePath::new(name), &path, context)?;
                read(&text, &format!("from {CREDENTIALS_VARIABLE}"), &path)
            }
            None if is_asked_for(file) => match of_gcloud(context) {
                Some(text) => read(&text, "from gcloud's application default credentials", &path),
                None => metadata(&path, context).map(Some),
            },
            None => Ok(None),
        },
    }
}

/// Whether the configuration says that the provider is to be there.
fn is_asked_for(file: &ProviderFile) -> bool {
    file.enabled == Some(true) || file.project.is_some() || file.location.is_some()
}

fn metadata(path: &Path, context: &Context<'_>) -> Result<CredentialsFile, Problem> {
    let host = context.env.filled("GCE_METADATA_HOST");
    let credentials = GoogleCredentials::metadata(host).ok_or_else(|| {
        Problem::plain(path.clone(), "the variable GCE_METADATA_HOST holds no host")
            .hint("write it as host or host:port")
    })?;
    Ok(CredentialsFile { credentials, project: None })
}

/// Reads the file that [`CREDENTIALS_VARIABLE`] names.
fn read_named(file: &FilePath, path: &Path, context: &Context<'_>) -> Result<String, Problem> {
    context.files.note(file);
    super::context::read_small(file).map_err(|what| {
        Problem::plain(path.clone(), format!("{what}: {}", file.display()))
            .hint(format!("the variable {CREDENTIALS_VARIABLE} names it"))
    })
}

/// What `gcloud auth application-default login` left, if it did.
fn of_gcloud(context: &Context<'_>) -> Option<String> {
    let folder = match context.env.filled("CLOUDSDK_CONFIG") {
        Some(folder) => PathBuf::from(folder),
        None => FilePath::new(context.env.filled("HOME")?).join(".config/gcloud"),
    };
    let file = folder.join("application_default_credentials.json");
    context.files.note(&file);
    fs::metadata(&file).ok()?;
    super::context::read_small(&file).ok()
}
