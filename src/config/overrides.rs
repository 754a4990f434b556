use serde_json::{Map, Value};

use super::{ConfigError, Env, Path, path::Step, yaml};

/// How the name of a variable begins that sets a field: `TOLLWAY__SERVER__LISTEN`.
pub const PREFIX: &str = "TOLLWAY__";

/// The fields that were set by variables: where each stands, and the variable's name.
pub(super) type Overridden = Vec<(Path, String)>;

/// Sets fields from `TOLLWAY__SECTION__FIELD` variables.
///
/// Names are matched with what stands there without regard to case, `-` and `.` standing as `_`,
/// so that `TOLLWAY__PROVIDERS__AZURE_EU__BASE_URL` reaches `providers.azure-eu.base_url`. Whether
/// a new field is known is found out when the document is read.
pub(super) fn apply(document: &mut Value, env: &Env) -> Result<Overridden, ConfigError> {
    let mut overridden = Overridden::new();
    for (name, text) in env.with_prefix(PREFIX) {
        let refuse = |what: String, hint: &str| ConfigError {
            place: name.to_owned(),
            position: None,
            path: Path::default(),
            what,
            hint: Some(hint.to_owned()),
        };
        let names = name.strip_prefix(PREFIX).unwrap_or_default();
        if names.split("__").any(str::is_empty) {
            return Err(refuse(
                "an empty name on the way to the field".into(),
                "write TOLLWAY__SECTION__FIELD",
            ));
        }
        let value = yaml::parse_value(text)
            .map_err(|what| refuse(format!("not a YAML value: {what}"), "quote it, as in `'[a'`"))?;
        let path = set(document, names, value)
            .map_err(|path| refuse(format!("{path} is a value, not a section"), "set the field itself"))?;
        overridden.push((path, name.to_owned()));
    }
    Ok(overridden)
}

/// Sets one field, making the sections on the way. The error is the value that stands in the way.
fn set(document: &mut Value, names: &str, value: Value) -> Result<Path, Path> {
    let mut steps: Vec<Step> = Vec::new();
    let mut place = document;
    for name in names.split("__") {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        place = match place {
            Value::Object(fields) => {
                let known = fields.keys().find(|key| means(name, key)).cloned();
                let key = known.unwrap_or_else(|| name.to_ascii_lowercase());
                steps.push(Step::Key(key.clone()));
                fields.entry(key).or_insert(Value::Null)
            }
            Value::Array(items) => {
                let item = name.parse().ok().and_then(|index: usize| Some((index, items.get_mut(index)?)));
                let Some((index, item)) = item else { return Err(steps.into_iter().collect()) };
                steps.push(Step::Index(index));
                item
            }
            _ => return Err(steps.into_iter().collect()),
        };
    }
    *place = value;
    Ok(steps.into_iter().collect())
}

fn means(name: &str, key: &str) -> bool {
    let plain = |byte: u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'_' };
    name.len() == key.len()
        && name.bytes().zip(key.bytes()).all(|(ours, theirs)| plain(ours) == plain(theirs))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn applied(document: &Value, variables: &[(&str, &str)]) -> Result<Value, String> {
        let mut document = document.clone();
        apply(&mut document, &variables.iter().copied().collect()).map_err(|error| error.to_string())?;
        Ok(document)
    }

    #[test]
    fn sets_fields() {
        let document = json!({"providers": {"azure-eu": {"base_url": "a"}}, "list": [1, 2], "server": null});
        for (name, text, path, value) in [
            ("TOLLWAY__SERVER__LISTEN", "1.2.3.4:5", "/server/listen", json!("1.2.3.4:5")),
            ("TOLLWAY__PROVIDERS__AZURE_EU__BASE_URL", "b", "/providers/azure-eu/base_url", json!("b")),
            ("TOLLWAY__LIST__1", "x", "/list/1", json!("x")),
            ("TOLLWAY__NEW__ONE", "{a: [1, b]}", "/new/one", json!({"a": [1, "b"]})),
            ("TOLLWAY__NUMBER", "0123", "/number", json!("0123")),
            ("TOLLWAY__NONE", "null", "/none", json!(null)),
            ("TOLLWAY__ADDRESS", "[::1]:80", "/address", json!("[::1]:80")),
            ("TOLLWAY__QUOTED", "'null'", "/quoted", json!("null")),
            ("TOLLWAY__COLON", "a: b", "/colon", json!("a: b")),
        ] {
            let set = applied(&document, &[(name, text)]).unwrap();
            assert_eq!(set.pointer(path), Some(&value), "{name}");
        }
    }

    #[test]
    fn refuses_what_leads_nowhere() {
        let document = json!({"a": 1, "list": [1]});
        for name in ["TOLLWAY__A__B", "TOLLWAY__LIST__7", "TOLLWAY__LIST__X", "TOLLWAY____A", "TOLLWAY__"] {
            assert!(applied(&document, &[(name, "x")]).is_err(), "{name}");
        }
        assert!(applied(&document, &[("TOLLWAY__B", "{x: [}")]).is_err());
    }

    #[test]
    fn leaves_other_variables_alone() {
        let document = json!({"a": 1});
        assert_eq!(applied(&document, &[("TOLLWAY_CONFIG", "x"), ("TOLLWAYX__A", "x")]), Ok(document));
    }

    proptest! {
        #[test]
        fn never_panics(name in "[A-Z_0-9]{0,16}", text in r#"[\[\]{}:,"'a-c&*!|>%@#\-\n0é ]{0,24}"#) {
            let _ = applied(&json!({"a": {"b": [1, {"c": 2}]}}), &[(&format!("{PREFIX}{name}"), &text)]);
        }
    }
}
