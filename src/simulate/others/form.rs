//! Forms, as a strict server reads them.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use memchr::memmem;

/// A field of a form.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) filename: Option<String>,
    pub(super) content: Bytes,
}

/// The fields of a multipart form; nothing where a body is none, or a broken one.
pub(super) fn fields(headers: &HeaderMap, body: &Bytes) -> Option<Vec<Field>> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let boundary = kind.strip_prefix("multipart/form-data;")?.trim().strip_prefix("boundary=")?;
    let delimiter = format!("--{}", boundary.trim_matches('"'));
    let places: Vec<usize> = memmem::find_iter(body, delimiter.as_bytes()).collect();
    let mut fields = Vec::new();
    for pair in places.windows(2) {
        let [start, end] = pair else { continue };
        let part = body.get(start + delimiter.len()..*end)?.strip_prefix(b"\r\n")?.strip_suffix(b"\r\n")?;
        let at = memmem::find(part, b"\r\n\r\n")?;
        let (head, content) = part.split_at_checked(at)?;
        let head = std::str::from_utf8(head).ok()?;
        let parameter = |name: &str| {
            let from = head.split(&format!("; {name}=\"")).nth(1)?;
            from.split('"').next().map(str::to_owned)
        };
        let content = body.slice_ref(content.get(4..)?);
        fields.push(Field { name: parameter("name")?, filename: parameter("filename"), content });
    }
    body.get(places.last()? + delimiter.len()..)?.starts_with(b"--").then_some(fields)
}
