use std::{fmt, sync::Arc};

use super::{Kind, nearest::list};

/// Why a model's name leads nowhere. The client is at fault, or the operator; `Display` says whom
/// to ask for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// The name as the client sent it, cut where it is longer than a name can be.
    pub model: Box<str>,
    /// Why it leads nowhere.
    pub reason: Reason,
}

/// Why a model's name leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It cannot be a model's name there: empty, too long, with control characters, or with signs
    /// that would change the URL they become part of.
    NotAName,
    /// Nobody knows it; these are near.
    Unknown(Vec<String>),
    /// Its provider has no key, which these variables would give, or is switched off.
    Disabled {
        /// The provider's name.
        provider: Arc<str>,
        /// The variables a key is looked for in; empty where the provider is switched off.
        variables: Vec<String>,
    },
    /// It is known, and no provider that serves it is configured.
    NotConfigured {
        /// The kind of provider that serves it.
        kind: Kind,
    },
    /// Its provider is restricted to other models; these are near.
    NotServed {
        /// The provider's name.
        provider: Arc<str>,
        /// Names that would do.
        near: Vec<String>,
    },
}

impl Unresolved {
    pub(super) fn new(model: &str, reason: Reason) -> Self {
        const SHOWN: usize = 100;
        let shown: String = model.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
        Self { model: shown.into(), reason }
    }
}

impl std::error::Error for Unresolved {}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = &self.model;
        match &self.reason {
            Reason::NotAName if model.is_empty() => write!(f, "the model is not named"),
            Reason::NotAName => write!(f, "not a model's name: `{model}`"),
            Reason::Unknown(near) => {
                write!(f, "no provider is known for the model `{model}`")?;
                did_you_mean(f, near, "; write `provider/model`, or set `default_provider`")
            }
            Reason::Disabled { provider, variables } if variables.is_empty() => {
                write!(f, "the model `{model}` is served by `{provider}`, which is switched off")
            }
            Reason::Disabled { provider, variables } => {
                let variables = variables.join(" or ");
                write!(f, "the model `{model}` is served by `{provider}`, which has no key; set {variables}")
            }
            Reason::NotConfigured { kind } => {
                let kind = kind.as_str();
                write!(
                    f,
                    "the model `{model}` is served by {kind}, which is not configured; add it to `providers`"
                )
            }
            Reason::NotServed { provider, near } => {
                write!(f, "the provider `{provider}` does not serve the model `{model}`")?;
                did_you_mean(f, near, "")
            }
        }
    }
}

fn did_you_mean(f: &mut fmt::Formatter<'_>, near: &[String], otherwise: &str) -> fmt::Result {
    if near.is_empty() {
        return f.write_str(otherwise);
    }
    let near: Vec<&str> = near.iter().map(String::as_str).collect();
    write!(f, "; did you mean {}?", list(&near, "or"))
}
