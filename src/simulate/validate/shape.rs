//! The shape of a request as a table, and the walk that holds a document against it.
//!
//! Every provider refuses unknown fields, missing fields and wrong types; they differ in words. So the
//! tables are data, the walk is one, and a [`Voice`] words the refusal.

use super::super::fault::Fault;
use super::path::Path;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// What a value may be.
pub(super) enum Kind {
    Any,
    Bool,
    Text,
    /// A string of a length in characters.
    Sized {
        min: usize,
        max: usize,
    },
    Int {
        min: i64,
        max: i64,
    },
    Num {
        min: f64,
        max: f64,
    },
    Enum(&'static [&'static str]),
    /// An object of any fields.
    Dict,
    Map(&'static Kind),
    Object(&'static Object),
    Tagged(&'static Tagged),
    List {
        of: &'static Kind,
        min: usize,
        max: usize,
    },
    /// The first kind whose JSON type is the value's.
    Either(&'static [Kind]),
}

/// A string of any length; the commonest kind.
pub(super) const INT: Kind = Kind::Int { min: i64::MIN, max: i64::MAX };
pub(super) const COUNT: Kind = Kind::Int { min: 0, max: i64::MAX };
pub(super) const NUM: Kind = Kind::Num { min: f64::NEG_INFINITY, max: f64::INFINITY };

/// A list of any length.
pub(super) const fn list(of: &'static Kind) -> Kind {
    Kind::List { of, min: 0, max: usize::MAX }
}

/// An object with known fields.
pub(super) struct Object {
    pub(super) fields: &'static [Field],
    /// Whether fields that the table does not name are let through.
    pub(super) open: bool,
}

/// A union told apart by one field.
pub(super) struct Tagged {
    pub(super) tag: &'static str,
    /// Tag and shape. A tag that ends in `*` stands for all that begin so.
    pub(super) arms: &'static [(&'static str, &'static Object)],
    /// The tag taken when the field is absent.
    pub(super) default: Option<&'static str>,
}

pub(super) struct Field {
    name: &'static str,
    kind: Kind,
    required: bool,
    nullable: bool,
}

/// A field that may be absent, but not null.
pub(super) const fn opt(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false, nullable: false }
}

/// A field that must be there and not null.
pub(super) const fn req(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true, nullable: false }
}

/// A field that may be absent or null.
pub(super) const fn nul(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false, nullable: true }
}

/// A bound that a value broke.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    pub(super) of: Measure,
    /// `true`: the value is below the bound.
    pub(super) below: bool,
    pub(super) limit: f64,
}

/// What a [`Bound`] measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    Integer,
    Decimal,
    Length,
    Items,
}

/// How one provider words its refusals.
pub(super) trait Voice {
    /// The table's name of a field as it stands in the document.
    fn field<'k>(&self, key: &'k str) -> Cow<'k, str> {
        Cow::Borrowed(key)
    }

    /// Whether null means absent, as in protobuf's JSON.
    fn null_is_absent(&self) -> bool {
        false
    }

    fn unknown(&self, at: &Path<'_>, key: &str, value: &Value) -> Fault;
    fn missing(&self, at: &Path<'_>, key: &str, object: &Map<String, Value>) -> Fault;
    fn wrong_type(&self, at: &Path<'_>, expected: &Kind, got: &Value) -> Fault;
    fn not_allowed(&self, at: &Path<'_>, allowed: &[&str], got: &str) -> Fault;
    fn out_of_bounds(&self, at: &Path<'_>, bound: Bound, got: &Value) -> Fault;
}

/// Holds `value` against `kind`.
pub(super) fn check(voice: &dyn Voice, at: &Path<'_>, kind: &Kind, value: &Value) -> Result<(), Fault> {
    if !kind.admits(value) {
        return Err(voice.wrong_type(at, kind, value));
    }
    let bound = |of, below, limit| Err(voice.out_of_bounds(at, Bound { of, below, limit }, value));
    match (kind, value) {
        (Kind::Sized { min, max }, Value::String(text)) => match text.chars().count() {
            n if n < *min => bound(Measure::Length, true, lossy(*min)),
            n if n > *max => bound(Measure::Length, false, lossy(*max)),
            _ => Ok(()),
        },
        (Kind::Int { min, max }, value) => match integer(value) {
            Some(n) if n < i128::from(*min) => bound(Measure::Integer, true, lossy(*min)),
            Some(n) if n > i128::from(*max) => bound(Measure::Integer, false, lossy(*max)),
            _ => Ok(()),
        },
        (Kind::Num { min, max }, value) => match value.as_f64() {
            Some(n) if n < *min => bound(Measure::Decimal, true, *min),
            Some(n) if n > *max => bound(Measure::Decimal, false, *max),
            _ => Ok(()),
        },
        (Kind::Enum(allowed), Value::String(text)) if !allowed.contains(&text.as_str()) => {
            Err(voice.not_allowed(at, allowed, text))
        }
        (Kind::Map(of), Value::Object(map)) => {
            map.iter().try_for_each(|(key, value)| check(voice, &at.key(key), of, value))
        }
        (Kind::Object(object), Value::Object(map)) => check_object(voice, at, object, map, None),
        (Kind::Tagged(tagged), Value::Object(map)) => check_tagged(voice, at, tagged, map),
        (Kind::List { of, min, max }, Value::Array(items)) => {
            if items.len() < *min {
                return bound(Measure::Items, true, lossy(*min));
            }
            if items.len() > *max {
                return bound(Measure::Items, false, lossy(*max));
            }
            items.iter().enumerate().try_for_each(|(i, item)| check(voice, &at.index(i), of, item))
        }
        (Kind::Either(kinds), value) => match kinds.iter().find(|kind| kind.admits(value)) {
            Some(kind) => check(voice, at, kind, value),
            None => Err(voice.wrong_type(at, kind, value)),
        },
        _ => Ok(()),
    }
}

fn check_object(
    voice: &dyn Voice,
    at: &Path<'_>,
    object: &Object,
    map: &Map<String, Value>,
    tag: Option<&str>,
) -> Result<(), Fault> {
    for field in object.fields.iter().filter(|field| field.required) {
        let there = map.iter().any(|(key, value)| {
            voice.field(key) == field.name && !(value.is_null() && voice.null_is_absent())
        });
        if !there {
            return Err(voice.missing(at, field.name, map));
        }
    }
    for (key, value) in map {
        let name = voice.field(key);
        let Some(field) = object.fields.iter().find(|field| field.name == name) else {
            if object.open || tag == Some(&*name) {
                continue;
            }
            return Err(voice.unknown(at, key, value));
        };
        if value.is_null() && (field.nullable || voice.null_is_absent()) {
            continue;
        }
        check(voice, &at.key(key), &field.kind, value)?;
    }
    Ok(())
}

fn check_tagged(
    voice: &dyn Voice,
    at: &Path<'_>,
    tagged: &Tagged,
    map: &Map<String, Value>,
) -> Result<(), Fault> {
    let tag = match (map.get(tagged.tag), tagged.default) {
        (Some(Value::String(tag)), _) => tag.as_str(),
        (Some(Value::Null) | None, Some(default)) => default,
        (None, None) => return Err(voice.missing(at, tagged.tag, map)),
        (Some(other), _) => return Err(voice.wrong_type(&at.key(tagged.tag), &Kind::Text, other)),
    };
    let arm = tagged.arms.iter().find(|(name, _)| match name.strip_suffix('*') {
        Some(prefix) => tag.starts_with(prefix),
        None => *name == tag,
    });
    let Some((_, object)) = arm else {
        let allowed: Vec<&str> = tagged.arms.iter().map(|(name, _)| *name).collect();
        return Err(voice.not_allowed(&at.key(tagged.tag), &allowed, tag));
    };
    check_object(voice, &at.tag(tag), object, map, Some(tagged.tag))
}

impl Kind {
    /// Whether the value has the JSON type of this kind.
    fn admits(&self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Bool => value.is_boolean(),
            Self::Text | Self::Sized { .. } | Self::Enum(_) => value.is_string(),
            Self::Int { .. } => integer(value).is_some(),
            Self::Num { .. } => value.is_number(),
            Self::Dict | Self::Map(_) | Self::Object(_) | Self::Tagged(_) => value.is_object(),
            Self::List { .. } => value.is_array(),
            Self::Either(kinds) => kinds.iter().any(|kind| kind.admits(value)),
        }
    }
}

/// Reads an integer, also when written as `2.0`, as pydantic and protobuf do.
pub(super) fn integer(value: &Value) -> Option<i128> {
    if let Some(n) = value.as_i64() {
        return Some(n.into());
    }
    if let Some(n) = value.as_u64() {
        return Some(n.into());
    }
    // 2^53: beyond it a float names no single integer.
    value.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9_007_199_254_740_992.0).map(whole)
}

#[expect(clippy::cast_possible_truncation, reason = "the caller has made sure of a whole number below 2^53")]
fn whole(n: f64) -> i128 {
    n as i128
}

/// Limits are shown to humans; the largest are never shown.
#[expect(clippy::cast_precision_loss, reason = "limits that are shown are small")]
fn lossy<T: TryInto<i64>>(n: T) -> f64 {
    n.try_into().map_or(f64::INFINITY, |n| n as f64)
}
