use std::{collections::BTreeMap, fmt};

/// The environment variables as a value: nothing below `main` reads the process's own.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// Takes the process's environment as it is now. Variables that are not UTF-8 are left out.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        std::env::vars_os().filter_map(text).collect()
    }

    /// The value of a variable, also when it is empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a variable that says something: Compose files and CI often set empty ones.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.var(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// The names of all variables, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The variables whose name begins so, in order.
    pub fn with_prefix(&self, prefix: &'static str) -> impl Iterator<Item = (&str, &str)> {
        let named = self.0.range(prefix.to_owned()..).take_while(move |(name, _)| name.starts_with(prefix));
        named.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A text with the values of all variables that hold a key, by their names, taken out. A second
    /// net under everything shown to people: keys are [`Secret`](super::Secret)s already, but one
    /// may have been put where none belongs.
    pub fn conceal(&self, text: &str) -> String {
        const SHORTEST: usize = 6;
        const WORDS: [&str; 5] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL"];
        let holds_key = |name: &str| WORDS.iter().any(|word| name.to_ascii_uppercase().contains(word));
        let keys = self.0.iter().filter(|(name, value)| holds_key(name) && value.trim().len() >= SHORTEST);
        keys.fold(text.to_owned(), |text, (name, key)| text.replace(key.trim(), &format!("${{{name}}}")))
    }
}

/// Names only: the values hold keys.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value() {
        let env = Env::from_iter([("OPENAI_API_KEY", "sk-very-secret")]);
        assert_eq!(format!("{env:?}"), r#"{"OPENAI_API_KEY"}"#);
    }

    #[test]
    fn conceals_keys() {
        let env = Env::from_iter([("MY_TOKEN", "abcdefgh"), ("HOME", "/home/somebody"), ("A_KEY", "1")]);
        assert_eq!(env.conceal("1 abcdefgh /home/somebody"), "1 ${MY_TOKEN} /home/somebody");
    }

    #[test]
    fn an_empty_variable_says_nothing() {
        let env = Env::from_iter([("A", ""), ("B", " \n"), ("C", " c ")]);
        assert_eq!((env.filled("A"), env.filled("B"), env.filled("C")), (None, None, Some("c")));
        assert_eq!(env.var("A"), Some(""));
    }
}
