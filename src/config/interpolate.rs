use std::borrow::Cow;

use serde_json::Value;

use super::{Env, Path, error::Problem, nearest::did_you_mean};

/// Fills `${NAME}` and `${NAME:-default}` in every string of a document, keys apart.
///
/// `$${` stands for a literal `${`. A default is taken when the variable is unset or empty, as in a
/// shell; it ends at the first `}`.
pub(super) fn interpolate(document: &mut Value, env: &Env) -> Result<(), Problem> {
    walk(document, env, &Path::default())
}

fn walk(value: &mut Value, env: &Env, path: &Path) -> Result<(), Problem> {
    match value {
        Value::String(text) => {
            if let Cow::Owned(filled) = fill(text, env, path)? {
                *text = filled;
            }
            Ok(())
        }
        Value::Array(items) => {
            items.iter_mut().enumerate().try_for_each(|(at, item)| walk(item, env, &path.index(at)))
        }
        Value::Object(fields) => {
            fields.iter_mut().try_for_each(|(key, field)| walk(field, env, &path.key(key)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn fill<'t>(text: &'t str, env: &Env, path: &Path) -> Result<Cow<'t, str>, Problem> {
    let Some(first) = text.find("${") else { return Ok(Cow::Borrowed(text)) };
    let mut filled = String::with_capacity(text.len());
    let (mut rest, mut next) = (text, Some(first));
    while let Some(at) = next {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            filled.push_str(before);
            filled.push_str("${");
            rest = from.strip_prefix("${").unwrap_or_default();
        } else {
            filled.push_str(before);
            let inner = from.strip_prefix("${").unwrap_or_default();
            let (reference, after) = inner.split_once('}').ok_or_else(|| {
                Problem::value(path.clone(), "`${` is not closed")
                    .hint("close it with `}`, or write `$${` for a literal `${`")
            })?;
            filled.push_str(value_of(reference, env, path)?);
            rest = after;
        }
        next = rest.find("${");
    }
    filled.push_str(rest);
    Ok(Cow::Owned(filled))
}

fn value_of<'v>(reference: &'v str, env: &'v Env, path: &Path) -> Result<&'v str, Problem> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    if default.is_some_and(|default| default.contains("${")) {
        return Err(Problem::value(path.clone(), "`${` inside a default").hint("defaults do not nest"));
    }
    if !is_name(name) {
        return Err(Problem::value(path.clone(), "not a variable's name in `${…}`")
            .hint("write `${NAME}` or `${NAME:-default}`, with letters, digits and `_`"));
    }
    let value = match default {
        Some(default) => Some(env.var(name).filter(|value| !value.is_empty()).unwrap_or(default)),
        None => env.var(name),
    };
    value.ok_or_else(|| {
        let hint = did_you_mean(name, env.names())
            .unwrap_or_else(|| format!("set it, or give a default: `${{{name}:-…}}`"));
        Problem::plain(path.clone(), format!("environment variable {name} is not set")).hint(hint)
    })
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        let env = Env::from_iter([("A", "1"), ("EMPTY", ""), ("B_2", "${A}")]);
        let mut value = Value::from(text);
        interpolate(&mut value, &env).map_err(|problem| problem.what)?;
        Ok(value.as_str().unwrap().to_owned())
    }

    #[test]
    fn fills_variables() {
        for (text, expected) in [
            ("plain $A {A}", "plain $A {A}"),
            ("${A}", "1"),
            ("x${A}y${A}z", "x1y1z"),
            ("${NONE:-d}", "d"),
            ("${NONE:-}", ""),
            ("${EMPTY:-d}", "d"),
            ("${EMPTY}", ""),
            ("${NONE:-a:-b}", "a:-b"),
            ("$${A} ${A}", "${A} 1"),
            ("${B_2}", "${A}"),
            ("é${A}é", "é1é"),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_fill() {
        for (text, what) in [
            ("${NONE}", "environment variable NONE is not set"),
            ("${A", "`${` is not closed"),
            ("${}", "not a variable's name in `${…}`"),
            ("${NONE:-${A}}", "`${` inside a default"),
            ("${1A}", "not a variable's name in `${…}`"),
        ] {
            assert_eq!(filled(text).unwrap_err(), what, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in r"[\$\{\}:A-C_é0-]{0,24}") {
            let _ = filled(&text);
        }

        #[test]
        fn text_without_references_stays(text in "[^$]*") {
            prop_assert_eq!(filled(&text), Ok(text));
        }
    }
}
