//! Under which names a model may be listed.

use crate::Day;

/// A model's name without the path that Google puts before it.
pub(crate) fn plain(model: &str) -> &str {
    model.rsplit_once("models/").map_or(model, |(_, name)| name)
}

/// The name without `-2024-08-06`, `-20251001`, `-latest`, `@20251001` or `@latest`.
pub(crate) fn undated(name: &str) -> Option<&str> {
    if let Some((name, version)) = name.split_once('@') {
        return (version == "latest" || version == "default" || is_compact_date(version)).then_some(name);
    }
    if let Some(name) = name.strip_suffix("-latest") {
        return Some(name);
    }
    if let Some((name, date)) = name.rsplit_once('-')
        && is_compact_date(date)
    {
        return Some(name);
    }
    let (name, date) = name.split_at_checked(name.len().checked_sub(10)?)?;
    date.parse::<Day>().ok()?;
    name.strip_suffix('-')
}

/// Whether it is a date as in `20251001`.
fn is_compact_date(text: &str) -> bool {
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<u16>().ok();
    let narrow = |range| u8::try_from(part(range)?).ok();
    text.len() == 8
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && part(0..4)
            .zip(narrow(4..6))
            .zip(narrow(6..8))
            .is_some_and(|((year, month), day)| Day::new(year, month, day).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_paths_and_latest_are_left_off() {
        for (model, name) in [
            ("gpt-4o-2024-08-06", "gpt-4o"),
            ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
            ("claude-haiku-4-5@20251001", "claude-haiku-4-5"),
            ("claude-sonnet-5@default", "claude-sonnet-5"),
            ("claude-3-5-sonnet-latest", "claude-3-5-sonnet"),
            ("models/gemini-2.5-pro-latest", "gemini-2.5-pro"),
            ("publishers/google/models/gemini-2.5-pro@latest", "gemini-2.5-pro"),
        ] {
            assert_eq!(undated(plain(model)), Some(name), "{model}");
        }
        assert_eq!(plain("models/gemini-2.5-pro"), "gemini-2.5-pro");
    }

    #[test]
    fn what_is_no_date_stays() {
        for model in [
            "gpt-4o",
            "gpt-3.5-turbo-0613",
            "mistral-large-2512",
            "gemini-2.5-flash-preview-09-2025",
            "text-embedding-ada-002",
            "x-20251332",
            "x-2025-02-30",
            "x2025-01-01",
            "claude@1",
            "20251001",
            "",
        ] {
            assert_eq!((plain(model), undated(model)), (model, None), "{model}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(model in ".{0,24}", tail in "[-@0-9]{0,12}") {
            let model = model + &tail;
            let name = plain(&model);
            let undated = undated(name);
            prop_assert!(model.ends_with(name));
            prop_assert!(undated.is_none_or(|undated| name.starts_with(undated)));
        }
    }
}
