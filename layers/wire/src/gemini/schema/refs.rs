//! References within a schema.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet, VecDeque},
};

use serde_json::Value;

/// Resolves `$ref`s and gathers what they name under `$defs`, wherever it stood.
#[derive(Debug)]
pub(super) struct Refs<'s> {
    root: &'s Value,
    names: HashMap<String, String>,
    taken: HashSet<String>,
    pending: VecDeque<(String, &'s Value)>,
}

impl<'s> Refs<'s> {
    pub(super) fn new(root: &'s Value) -> Self {
        Self { root, names: HashMap::new(), taken: HashSet::new(), pending: VecDeque::new() }
    }

    /// What a reference names.
    pub(super) fn resolve(&self, pointer: &str) -> Result<&'s Value, String> {
        let local = pointer.strip_prefix('#').map(percent_decoded);
        let target = local.and_then(|local| self.root.pointer(&local));
        target.ok_or_else(|| format!("the reference names nothing in the schema: {pointer}"))
    }

    /// The root without a reference in its place: what it names, with the words beside it.
    pub(super) fn follow_root(&self, root: &'s Value) -> Result<Cow<'s, Value>, String> {
        let mut at = Cow::Borrowed(root);
        // A chain longer than this is a circle.
        for _ in 0..32 {
            let Some(pointer) = at.get("$ref").and_then(Value::as_str) else { return Ok(at) };
            let target = self.resolve(pointer)?;
            let (Value::Object(beside), Value::Object(named)) = (at.as_ref(), target) else {
                return Ok(Cow::Borrowed(target));
            };
            let mut merged = named.clone();
            for (key, value) in beside.iter().filter(|(key, _)| *key != "$ref" && *key != "$defs") {
                merged.entry(key.clone()).or_insert_with(|| value.clone());
            }
            at = Cow::Owned(Value::Object(merged));
        }
        Err("the references of the schema go in a circle".to_owned())
    }

    /// The name under `$defs` for what a reference names.
    pub(super) fn name_of(&mut self, pointer: &str) -> Result<String, String> {
        if let Some(name) = self.names.get(pointer) {
            return Ok(name.clone());
        }
        let target = self.resolve(pointer)?;
        let name = self.free(pointer);
        self.taken.insert(name.clone());
        self.names.insert(pointer.to_owned(), name.clone());
        self.pending.push_back((name.clone(), target));
        Ok(name)
    }

    /// The next schema to write under `$defs`.
    pub(super) fn next_pending(&mut self) -> Option<(String, &'s Value)> {
        self.pending.pop_front()
    }

    /// The last step of the pointer in letters, digits and underscores, numbered where it is taken.
    fn free(&self, pointer: &str) -> String {
        let last = pointer.rsplit('/').next().unwrap_or_default();
        let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
        let name: String = last.chars().map(plain).take(64).collect();
        let name = if name.is_empty() || name == "_" { "Root".to_owned() } else { name };
        if !self.taken.contains(&name) {
            return name;
        }
        // There are no more names taken than this, so one of the numbers is free.
        let numbers = 2..=self.taken.len() + 2;
        numbers
            .map(|number| format!("{name}_{number}"))
            .find(|name| !self.taken.contains(name))
            .unwrap_or(name)
    }
}

/// A pointer in a URL's fragment may be escaped.
fn percent_decoded(pointer: &str) -> String {
    if !pointer.contains('%') {
        return pointer.to_owned();
    }
    let mut out = Vec::with_capacity(pointer.len());
    let mut bytes = pointer.bytes();
    while let Some(byte) = bytes.next() {
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match byte {
            b'%' => match (hex(bytes.next()), hex(bytes.next())) {
                (Some(high), Some(low)) => out.push(u8::try_from(high * 16 + low).unwrap_or_default()),
                _ => return pointer.to_owned(),
            },
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
