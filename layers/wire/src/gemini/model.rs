//! Which model names may become a segment of the URL's path.

use crate::Refusal;

/// The longest name taken.
const LONGEST: usize = 128;

/// The model as the segment of `models/{segment}:generateContent`, without a `models/` before it.
///
/// Refuses a name that would change the path or the query: another segment, a dot segment, an
/// escape, a colon that names another method.
pub fn model_path_segment(model: &str) -> Result<&str, Refusal> {
    let segment = model.strip_prefix("models/").unwrap_or(model);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@');
    let sane = !segment.is_empty()
        && segment.len() <= LONGEST
        && segment.bytes().all(allowed)
        && segment.bytes().any(|byte| byte.is_ascii_alphanumeric())
        && !segment.contains("..");
    if sane { Ok(segment) } else { Err(Refusal::at("model", format!("not a Gemini model name: {model}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_pass() {
        for name in ["gemini-2.5-flash", "gemini-4-argon", "text-embedding-004", "gemini_x@001"] {
            assert_eq!(model_path_segment(name), Ok(name));
        }
        assert_eq!(model_path_segment("models/gemini-2.5-pro"), Ok("gemini-2.5-pro"));
    }

    #[test]
    fn names_that_would_change_the_path_are_refused() {
        for name in [
            "",
            ".",
            "..",
            "models/",
            "models/..",
            "a/b",
            "a..b",
            "../../v1/files",
            "a:generateContent",
            "a?key=1",
            "a#b",
            "a%2fb",
            "a b",
            "ä",
            "a\nb",
            &"a".repeat(129),
        ] {
            let refusal = model_path_segment(name).unwrap_err();
            assert_eq!(refusal.param.as_deref(), Some("model"));
        }
    }
}
