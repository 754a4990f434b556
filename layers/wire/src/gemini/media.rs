//! Pictures, documents and sound ⇄ `inlineData` and `fileData`.

use super::{
    part::{Blob, FileData, WirePart},
    words::Words,
};
use crate::{
    Refusal,
    chat::{Audio, Chat, Content, Document, Image, Part, Source},
};

/// A picture or document at an `http` or `https` URL, which Gemini does not fetch: the gateway does,
/// and puts the bytes in its place before [`encode_request`](super::encode_request()).
#[derive(Debug)]
pub struct RemoteMedia<'a> {
    /// The path of the field in the client's request.
    pub param: String,
    /// The source, a [`Source::Url`] until it is [replaced](Self::replace).
    pub source: &'a mut Source,
}

impl RemoteMedia<'_> {
    /// Where the bytes are.
    pub fn url(&self) -> &str {
        match &*self.source {
            Source::Url { url, .. } => url,
            _ => "",
        }
    }

    /// Puts the bytes, in standard base64, in the place of the URL.
    pub fn replace(&mut self, media_type: impl Into<String>, data: impl Into<String>) {
        *self.source = Source::Base64 { media_type: media_type.into(), data: data.into() };
    }
}

/// Lists what must be fetched before a request can be encoded, in the order it stands there.
///
/// `gs://` objects, files kept by Gemini's File API and `YouTube` videos go as they are.
pub fn remote_media(chat: &mut Chat) -> Vec<RemoteMedia<'_>> {
    let mut found = Vec::new();
    for (at, message) in chat.messages.iter_mut().enumerate() {
        for (piece, part) in message.content.iter_mut().enumerate() {
            match &mut part.content {
                Content::ToolResult(result) => {
                    let parts = result.content.iter_mut().enumerate();
                    let path = |inner| format!("messages[{at}].content[{piece}].content[{inner}]");
                    found.extend(parts.filter_map(|(inner, part)| remote(&mut part.content, || path(inner))));
                }
                content => {
                    found.extend(remote(content, || format!("messages[{at}].content[{piece}]")));
                }
            }
        }
    }
    found
}

/// The same of documents alone, which `OpenAI`'s Chat Completions take by their bytes only.
pub fn remote_documents(chat: &mut Chat) -> Vec<RemoteMedia<'_>> {
    let mut found = remote_media(chat);
    found.retain(|medium| medium.param.ends_with(DOCUMENT));
    found
}

const DOCUMENT: &str = "file.file_data";

fn remote(content: &mut Content, path: impl Fn() -> String) -> Option<RemoteMedia<'_>> {
    let (source, field) = match content {
        Content::Image(image) => (&mut image.source, "image_url.url"),
        Content::Document(document) => (&mut document.source, DOCUMENT),
        _ => return None,
    };
    let remote = matches!(source, Source::Url { url, .. } if is_remote(url));
    let param = || format!("{}.{field}", path());
    remote.then(|| RemoteMedia { param: param(), source })
}

/// Reads bytes that stand in a request or answer.
pub(super) fn from_blob(blob: Blob<'_>) -> Content {
    let media_type = blob.mime_type.into_owned();
    let data = standard_base64(blob.data);
    match media_type.split_once('/') {
        Some(("image", _)) => {
            Content::Image(Image { source: Source::Base64 { media_type, data }, detail: None })
        }
        Some(("audio", kind)) => {
            let format = if kind == "mpeg" { "mp3" } else { kind };
            Content::Audio(Audio { data: Some(data), format: Some(format.to_owned()), ..Audio::default() })
        }
        _ => Content::Document(Document { source: Source::Base64 { media_type, data }, name: None }),
    }
}

/// Reads a file elsewhere.
pub(super) fn from_file(file: FileData<'_>) -> Content {
    let media_type = file.mime_type.map(Words::into_owned).filter(|kind| !kind.is_empty());
    let image = media_type.as_deref().is_some_and(|kind| kind.starts_with("image/"));
    let source = Source::Url { url: file.file_uri.into_owned(), media_type };
    if image {
        Content::Image(Image { source, detail: None })
    } else {
        Content::Document(Document { source, name: None })
    }
}

/// Writes a source.
pub(super) fn to_part(source: &Source, path: impl Fn() -> String) -> Result<WirePart<'_>, Refusal> {
    match source {
        Source::Base64 { media_type, data } => Ok(inline(media_type, data)),
        Source::Text(text) => Ok(WirePart { text: Some(text.as_str().into()), ..WirePart::default() }),
        Source::File { id } if id.starts_with("files/") => {
            let uri = format!("https://generativelanguage.googleapis.com/v1beta/{id}");
            Ok(file(uri.into(), None))
        }
        Source::File { id } if is_kept(id) => Ok(file(id.as_str().into(), None)),
        Source::File { id } => {
            Err(Refusal::at(path(), format!("no file of Gemini's; send its data instead: {id}")))
        }
        Source::Url { url, media_type } => {
            if let Some((media_type, data)) = data_url(url) {
                return Ok(inline(media_type, data));
            }
            if is_remote(url) {
                return Err(Refusal::at(
                    path(),
                    format!("Gemini fetches no URLs of the web; send the data instead: {url}"),
                ));
            }
            let media_type = media_type.as_deref().or_else(|| type_of_name(url));
            if scheme(url, "gs") {
                let Some(media_type) = media_type else {
                    return Err(Refusal::at(
                        path(),
                        format!(
                            "the media type of the file is told neither by a field nor by its name: {url}"
                        ),
                    ));
                };
                return Ok(file(url.as_str().into(), Some(media_type)));
            }
            if is_kept(url) {
                return Ok(file(url.as_str().into(), media_type));
            }
            Err(Refusal::at(path(), format!("not a URL that Gemini takes: {url}")))
        }
    }
}

/// Writes sound.
pub(super) fn audio_part<'a>(audio: &'a Audio, path: impl Fn() -> String) -> Result<WirePart<'a>, Refusal> {
    if let Some(data) = &audio.data {
        let media_type: Words<'a> = match audio.format.as_deref() {
            Some("mp3") => "audio/mpeg".into(),
            Some(format) => format!("audio/{format}").into(),
            None => "audio/wav".into(),
        };
        let inline_data = Some(Box::new(Blob { mime_type: media_type, data: data.as_str().into() }));
        return Ok(WirePart { inline_data, ..WirePart::default() });
    }
    match &audio.transcript {
        Some(said) => Ok(WirePart { text: Some(said.as_str().into()), ..WirePart::default() }),
        None => Err(Refusal::at(path(), "sound kept at another provider cannot be sent; send its data")),
    }
}

fn inline<'a>(media_type: &'a str, data: &'a str) -> WirePart<'a> {
    let inline_data = Some(Box::new(Blob { mime_type: media_type.into(), data: data.into() }));
    WirePart { inline_data, ..WirePart::default() }
}

fn file<'a>(file_uri: Words<'a>, media_type: Option<&'a str>) -> WirePart<'a> {
    let file_data = Some(Box::new(FileData { mime_type: media_type.map(Into::into), file_uri }));
    WirePart { file_data, ..WirePart::default() }
}

/// Google writes and takes both alphabets of base64; inside only the standard one is used.
fn standard_base64(data: Words<'_>) -> String {
    let data = data.into_owned();
    if data.bytes().any(|byte| matches!(byte, b'-' | b'_')) {
        return data.replace('-', "+").replace('_', "/");
    }
    data
}

fn data_url(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let kind = head.strip_suffix(";base64")?;
    Some((kind.split(';').next().filter(|kind| !kind.is_empty())?, data))
}

/// Whether a URL is one of the web that Gemini does not fetch itself.
fn is_remote(url: &str) -> bool {
    (scheme(url, "http") || scheme(url, "https")) && !is_kept(url)
}

fn scheme(url: &str, scheme: &str) -> bool {
    url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        && url.get(scheme.len()..).is_some_and(|rest| rest.starts_with("://"))
}

/// Whether a URL is a file of Gemini's File API or a `YouTube` video.
fn is_kept(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    if !scheme.eq_ignore_ascii_case("https") {
        return false;
    }
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    match host.to_ascii_lowercase().as_str() {
        "generativelanguage.googleapis.com" => {
            ["/v1beta/files/", "/v1/files/", "/v1alpha/files/"].iter().any(|start| path.starts_with(start))
        }
        "youtube.com" | "www.youtube.com" | "m.youtube.com" | "youtu.be" => true,
        _ => false,
    }
}

/// The media type a file's name suggests.
fn type_of_name(url: &str) -> Option<&'static str> {
    let (_, extension) = url.rsplit_once('/')?.1.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "md" => "text/markdown",
        "html" => "text/html",
        "csv" => "text/csv",
        "json" => "application/json",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "flac" => "audio/flac",
        "ogg" => "audio/ogg",
        "aac" => "audio/aac",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "webm" => "video/webm",
        "mpeg" | "mpg" => "video/mpeg",
        _ => return None,
    })
}

/// Whether a medium may stand inside a function's response (Gemini 3).
pub(super) fn fits_in_response(part: &Part) -> bool {
    let kind = match &part.content {
        Content::Image(_) => return true,
        Content::Document(Document { source: Source::Base64 { media_type, .. }, .. }) => media_type,
        Content::Document(Document { source: Source::Url { media_type: Some(kind), .. }, .. }) => kind,
        _ => return false,
    };
    kind.starts_with("image/") || matches!(kind.as_str(), "application/pdf" | "text/plain")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Message, Role};

    fn url(url: &str) -> Source {
        Source::Url { url: url.into(), media_type: None }
    }

    #[test]
    fn what_gemini_keeps_is_told_from_what_must_be_fetched() {
        for kept in [
            "https://generativelanguage.googleapis.com/v1beta/files/abc",
            "https://www.youtube.com/watch?v=x",
            "https://youtu.be/x",
            "gs://bucket/a.pdf",
        ] {
            let source = url(kept);
            let part = to_part(&source, String::new).unwrap();
            assert_eq!(&*part.file_data.unwrap().file_uri, kept);
        }
        for remote in [
            "http://a.example/x.png",
            "HTTPS://a.example/x.png",
            "https://youtube.com.evil.example/x",
            "https://youtube.com@evil.example/x",
            "https://generativelanguage.googleapis.com/v1beta/models",
            "https://a.example\\.youtube.com/",
        ] {
            let source = url(remote);
            let refusal = to_part(&source, || "messages[0].content[0].image_url.url".into()).unwrap_err();
            assert_eq!(refusal.param.as_deref(), Some("messages[0].content[0].image_url.url"));
        }
        for neither in ["ftp://a.example/x", "file:///etc/passwd", "x", "gs://bucket/no-type"] {
            to_part(&url(neither), String::new).unwrap_err();
        }
    }

    #[test]
    fn remote_media_are_listed_with_their_field_and_can_be_replaced() {
        let image = |at: &str| Part::from(Content::Image(Image { source: url(at), detail: None }));
        let mut chat = Chat {
            messages: vec![Message {
                role: Role::User,
                name: None,
                content: vec![Part::text("x"), image("gs://b/a.png"), image("https://a.example/a.png")],
            }],
            ..Chat::default()
        };
        let mut found = remote_media(&mut chat);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].param, "messages[0].content[2].image_url.url");
        assert_eq!(found[0].url(), "https://a.example/a.png");
        found[0].replace("image/png", "AAAA");
        assert!(remote_media(&mut chat).is_empty());
    }

    #[test]
    fn url_safe_base64_becomes_standard() {
        let blob = Blob { mime_type: "image/png".into(), data: "a-_b".into() };
        let Content::Image(image) = from_blob(blob) else { panic!("no image") };
        assert_eq!(image.source, Source::Base64 { media_type: "image/png".into(), data: "a+/b".into() });
    }

    #[test]
    fn a_data_url_is_data() {
        let source = url("data:image/png;base64,AAAA");
        let blob = to_part(&source, String::new).unwrap().inline_data.unwrap();
        assert_eq!((&*blob.mime_type, &*blob.data), ("image/png", "AAAA"));
    }
}
