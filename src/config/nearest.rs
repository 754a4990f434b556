/// The known names nearest to a wrong one, three at most of those equally near.
///
/// Names further away than a third of the length are no help to anybody. Long input is not compared
/// at all, so that a stranger's text costs nothing.
pub fn nearest<'n>(wrong: &str, known: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    const LONGEST: usize = 64;
    if wrong.len() > LONGEST {
        return Vec::new();
    }
    let wrong = wrong.to_lowercase();
    let allowed = (wrong.chars().count() / 3).max(1);
    let distance = |name: &'n str| {
        let near = name.len().abs_diff(wrong.len()) <= allowed;
        near.then(|| (strsim::damerau_levenshtein(&wrong, &name.to_lowercase()), name))
    };
    let mut found: Vec<_> =
        known.into_iter().filter_map(distance).filter(|(far, _)| *far <= allowed).collect();
    found.sort_unstable();
    found.dedup();
    let best = found.first().map_or(0, |(far, _)| *far);
    found.into_iter().take_while(|(far, _)| *far == best).take(3).map(|(_, name)| name).collect()
}

/// The question to ask about a wrong name: "did you mean `listen`?"
pub(super) fn did_you_mean<'n>(wrong: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let near = nearest(wrong, known);
    (!near.is_empty()).then(|| format!("did you mean {}?", list(&near, "or")))
}

/// Names in back quotes: "`a`, `b` or `c`".
pub(super) fn list(names: &[&str], last: &str) -> String {
    match names {
        [] => String::new(),
        [only] => format!("`{only}`"),
        [most @ .., end] => {
            let most: Vec<_> = most.iter().map(|name| format!("`{name}`")).collect();
            format!("{} {last} `{end}`", most.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        assert_eq!(nearest("lissten", ["level", "listen", "server"]), ["listen"]);
        assert_eq!(nearest("gpt4o", ["gpt-4o", "gpt-4", "claude"]), ["gpt-4o"]);
        assert!(nearest("zzz", ["listen"]).is_empty());
        assert!(nearest(&"x".repeat(65), [&*"x".repeat(65)]).is_empty());
    }

    #[test]
    fn lists_names() {
        assert_eq!(list(&["a", "b", "c"], "or"), "`a`, `b` or `c`");
        assert_eq!(did_you_mean("lisen", ["listen"]).as_deref(), Some("did you mean `listen`?"));
    }
}
