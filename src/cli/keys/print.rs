//! What `tollway keys` reads and prints.

use std::io::{self, Write as _};
use std::time::SystemTime;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets::UTF8_BORDERS_ONLY};
use serde::Serialize;
use serde_json::{Map, Value};
use terminal_size::{Width, terminal_size_of};
use tollway_auth::audit::AuditEntry;
use tollway_auth::keys::Key;

use crate::admin::form::{AuditForm, GrantForm, KeyForm, status, time};
use crate::config::KeyLimit;
use crate::error::BoxError;

/// A limit in short: `requests=60/1m`, `requests=20/1s/40`, `concurrent_requests=4`.
pub(super) fn limit(text: &str) -> Result<KeyLimit, BoxError> {
    let wrong = || format!("not a limit such as requests=60/1m or concurrent_requests=4: {text}");
    let (amount, rest) = text.split_once('=').ok_or_else(wrong)?;
    let mut parts = rest.split('/');
    let most: u64 = parts.next().and_then(|most| most.trim().parse().ok()).ok_or_else(wrong)?;
    let mut fields = Map::from_iter([(amount.trim().to_owned(), Value::from(most))]);
    if let Some(window) = parts.next() {
        fields.insert("window".to_owned(), window.trim().into());
    }
    if let Some(burst) = parts.next() {
        let burst: u64 = burst.trim().parse().map_err(|_| wrong())?;
        fields.insert("burst".to_owned(), burst.into());
    }
    if parts.next().is_some() {
        return Err(wrong().into());
    }
    Ok(serde_json::from_value(Value::Object(fields)).map_err(|error| format!("{error}: {text}"))?)
}

/// The same the other way.
fn short(limit: &KeyLimit) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(limit) else { return String::new() };
    let rest: Vec<_> = ["window", "burst"]
        .iter()
        .filter_map(|name| fields.remove(*name))
        .map(|value| words(&value))
        .collect();
    let amount = words(&Value::Object(fields));
    [vec![amount], rest].concat().join("/")
}

pub(super) fn print_json(value: &impl Serialize) -> Result<(), BoxError> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    Ok(writeln!(out)?)
}

/// A key, field by field.
pub(super) fn key_table(key: &KeyForm) -> Result<String, BoxError> {
    let Value::Object(fields) = serde_json::to_value(key)? else { return Ok(String::new()) };
    let width = fields.keys().map(String::len).max().unwrap_or(0);
    let lines =
        fields.iter().map(|(name, value)| format!("{:width$}  {}", name.replace('_', " "), words(value)));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| format!("{name}={}", words(value)))
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_string(),
    }
}

pub(super) fn key_list(keys: &[Key], now: SystemTime) -> Table {
    let mut table = table(&["id", "name", "status", "user", "team", "models", "limits", "expires"]);
    for key in keys {
        let form = GrantForm::of(&key.grant);
        let limits = form.limits.iter().map(short).collect::<Vec<_>>().join(", ");
        let models = if form.models.is_empty() { "all".to_owned() } else { form.models.join(", ") };
        table.add_row([
            key.id.to_string(),
            form.name,
            status(key, now).to_owned(),
            form.user.unwrap_or_default(),
            form.team.unwrap_or_default(),
            models,
            limits,
            day(form.expires_at.unwrap_or_default()),
        ]);
    }
    // What somebody copies, and what is short, stands in one piece, however narrow the terminal is.
    for column in [0, 2, 7] {
        if let Some(column) = table.column_mut(column) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    // `show` says more of one.
    if table.width().is_some_and(|width| width < WIDE)
        && let Some(limits) = table.column_mut(6)
    {
        limits.set_constraint(ColumnConstraint::Hidden);
    }
    table
}

pub(super) fn audit_table(entries: &[AuditEntry]) -> Table {
    let mut table = table(&["", "at", "who", "from", "did", "to", "with"]);
    for entry in entries {
        let form = AuditForm::of(entry);
        let address = entry.act.address.map(|address| address.to_string());
        table.add_row([
            entry.sequence.to_string(),
            time(entry.act.at),
            // An issuer's token may say anything, and a terminal obeys some of it.
            entry.act.actor.replace(char::is_control, "\u{fffd}"),
            address.unwrap_or_default(),
            entry.action.clone(),
            entry.subject.clone(),
            form.detail(),
        ]);
    }
    table
}

/// The day of a moment.
fn day(mut moment: String) -> String {
    moment.truncate(moment.find('T').unwrap_or(moment.len()));
    moment
}

/// How wide a terminal is in which everything has its place.
const WIDE: u16 = 120;

fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    // Into a file or a pipe each row is one line.
    if let Some((Width(width), _)) = terminal_size_of(io::stdout()) {
        table.set_width(width);
    }
    table
        .load_preset(UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(heads);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_fits_a_terminal_and_leaves_ids_whole() {
        use std::time::UNIX_EPOCH;
        use tollway_auth::keys::{Digest, Grant, KeyId};

        let grant = Grant {
            name: "alice".to_owned(),
            user: Some("alice@example.com".to_owned()),
            team: Some("platform-engineering".to_owned()),
            models: ["gpt-*", "claude-*"].map(str::to_owned).to_vec(),
            limits: vec![limit("requests=60/1m").unwrap().read().unwrap()],
            expires: Some(UNIX_EPOCH + std::time::Duration::from_hours(24)),
            ..Grant::default()
        };
        let id = KeyId::of_name("alice");
        let mut list = key_list(&[Key::new(id, Digest::from([0; 32]), grant, UNIX_EPOCH)], UNIX_EPOCH);
        let shown = list.set_width(80).to_string();
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
        assert!(shown.contains(&id.to_string()), "{shown}");
        assert!(list.set_width(300).to_string().contains("1970-01-02 "));
    }

    #[test]
    fn limits_are_written_in_short() {
        let read = |text: &str| limit(text).map(|limit| serde_json::to_string(&limit).unwrap());
        assert_eq!(read("requests=60/1m").unwrap(), r#"{"requests":60,"window":"1m"}"#);
        for text in ["requests=60/1m", "requests=20/1s/40", "concurrent_streams=4"] {
            assert_eq!(short(&limit(text).unwrap()), text);
        }
        assert_eq!(read("tokens = 5 / 90s").unwrap(), r#"{"tokens":5,"window":"90s"}"#);
        assert_eq!(read("requests=20/1s/40").unwrap(), r#"{"requests":20,"window":"1s","burst":40}"#);
        assert_eq!(read("concurrent_streams=4").unwrap(), r#"{"concurrent_streams":4}"#);
        for wrong in ["", "requests", "requests=x", "requets=1", "requests=1/1y", "requests=1/1s/2/3"] {
            assert!(read(wrong).unwrap_err().to_string().ends_with(wrong), "{wrong}");
        }
    }
}
