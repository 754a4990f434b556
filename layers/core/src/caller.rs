use std::collections::BTreeMap;
use std::sync::Arc;

/// Who asks: what authentication made of the credentials of a request.
///
/// Stands in the request's extensions as `Arc<Caller>`. Holds no secret, so it may be logged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// The public id of the key that was presented, if it was a key.
    pub key: Option<Arc<str>>,
    /// The person or the application.
    pub user: Option<Arc<str>>,
    /// The team.
    pub team: Option<Arc<str>>,
    /// What else the caller may do than ask models.
    pub scopes: Box<[Arc<str>]>,
    /// The models the caller may ask.
    pub models: Allowed,
    /// The providers the caller may be served by.
    pub providers: Allowed,
    /// The routes the caller may use, by path.
    pub routes: Allowed,
    /// Words for reports, by name.
    pub tags: BTreeMap<Arc<str>, Arc<str>>,
    /// How much the caller's requests matter when not all can be served.
    pub priority: Priority,
}

impl Caller {
    /// Somebody of whom nothing is known and to whom nothing is forbidden.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Whether the caller was given a scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|given| &**given == scope)
    }
}

/// What a caller may use: names, with `*` for any run of characters. An empty list allows everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed(Option<Arc<[Box<str>]>>);

impl Allowed {
    /// Allows what matches one of the patterns; everything if there are none.
    pub fn new<P: Into<Box<str>>>(patterns: impl IntoIterator<Item = P>) -> Self {
        let patterns: Arc<[Box<str>]> = patterns.into_iter().map(Into::into).collect();
        Self((!patterns.is_empty()).then_some(patterns))
    }

    /// Whether everything is allowed.
    pub const fn is_everything(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a name is allowed.
    pub fn allows(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| matches(pattern, name)))
    }

    /// The patterns; none where everything is allowed.
    pub fn patterns(&self) -> &[Box<str>] {
        self.0.as_deref().unwrap_or_default()
    }
}

/// How much a request matters. The least are shed first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// What can wait: batches, evaluations.
    Low,
    /// Most work.
    #[default]
    Normal,
    /// What people wait for.
    High,
}

/// Whether a name matches a pattern in which `*` stands for any run of characters.
///
/// Takes the time of the two lengths multiplied at worst, however many stars there are.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where to go on when what followed the last star does not match: one byte further in the name.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(p), name.get(n)) {
            (Some(b'*'), _) => {
                p += 1;
                retry = Some((p, n));
            }
            (Some(wanted), Some(found)) if wanted == found => (p, n) = (p + 1, n + 1),
            (None, None) => return true,
            _ => match retry {
                Some((after, from)) if from < name.len() => {
                    (p, n) = (after, from + 1);
                    retry = Some((after, from + 1));
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run() {
        for (pattern, name, expected) in [
            ("gpt-5", "gpt-5", true),
            ("gpt-5", "gpt-5-mini", false),
            ("gpt-5*", "gpt-5-mini", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("*mini", "gpt-5-mini", true),
            ("*mini", "mini-gpt", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("**x", "yyx", true),
            ("größe*", "größe-9", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn an_empty_list_allows_everything_and_any_other_only_what_it_names() {
        assert!(Allowed::default().allows("anything"));
        assert!(Allowed::new(Vec::<&str>::new()).is_everything());
        let some = Allowed::new(["gpt-*", "claude-sonnet-4-5"]);
        assert!(some.allows("gpt-5") && some.allows("claude-sonnet-4-5") && !some.allows("gemini-3"));
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!matches(&"*a".repeat(200), &"a".repeat(199)));
        assert!(!matches(&"*a".repeat(50), &"b".repeat(10_000)));
    }

    #[test]
    fn the_least_come_first() {
        assert!(Priority::Low < Priority::Normal && Priority::Normal < Priority::High);
    }
}
