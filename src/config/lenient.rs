use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, Unexpected, VariantAccess,
    Visitor,
    value::{MapDeserializer, SeqDeserializer},
};
use serde_json::{Error, Map, Value};

/// Reads a tree whose strings may come from the environment: where a field wants a number or a
/// truth value, a string that spells one will do, and an empty section is an empty mapping.
#[derive(Clone, Debug)]
pub(super) struct Lenient(pub(super) Value);

macro_rules! spelled {
    ($($method:ident => $visit:ident: $type:ty),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            if let Value::String(text) = &self.0 && let Ok(value) = text.trim().parse::<$type>() {
                return visitor.$visit(value);
            }
            self.deserialize_any(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Lenient {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter().map(Lenient));
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Value::Object(fields) => visit_fields(fields, visitor),
            scalar => scalar.deserialize_any(visitor),
        }
    }

    spelled! {
        deserialize_bool => visit_bool: bool,
        deserialize_u16 => visit_u16: u16,
        deserialize_u32 => visit_u32: u32,
        deserialize_u64 => visit_u64: u64,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visit_fields(Map::new(), visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::String(word) => visitor.visit_enum(Word(word)),
            // YAML reads a bare `off` or `on` as a truth value in some of its versions.
            Value::Bool(on) => visitor.visit_enum(Word(if on { "on" } else { "off" }.to_owned())),
            Value::Null => Err(Error::invalid_type(Unexpected::Unit, &"a word")),
            other => other.deserialize_any(NoWord).map(|never: std::convert::Infallible| match never {}),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 u8 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct identifier ignored_any
    }
}

fn visit_fields<'de, V: Visitor<'de>>(fields: Map<String, Value>, visitor: V) -> Result<V::Value, Error> {
    let mut fields = MapDeserializer::new(fields.into_iter().map(|(key, field)| (key, Lenient(field))));
    let value = visitor.visit_map(&mut fields)?;
    fields.end()?;
    Ok(value)
}

impl IntoDeserializer<'_, Error> for Lenient {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A unit variant's name.
struct Word(String);

impl<'de> EnumAccess<'de> for Word {
    type Error = Error;
    type Variant = Unit;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Unit), Error> {
        Ok((seed.deserialize(self.0.into_deserializer())?, Unit))
    }
}

struct Unit;

impl<'de> VariantAccess<'de> for Unit {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Error> {
        Err(Error::invalid_type(Unexpected::UnitVariant, &"a mapping"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(Error::invalid_type(Unexpected::UnitVariant, &"a sequence"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Error> {
        Err(Error::invalid_type(Unexpected::UnitVariant, &"a mapping"))
    }
}

/// Takes nothing, so that whatever stands there is named in the error.
struct NoWord;

impl Visitor<'_> for NoWord {
    type Value = std::convert::Infallible;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a word")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Sample {
        number: Option<u32>,
        truth: bool,
        text: String,
        word: Option<State>,
        inner: Inner,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Inner {
        list: Vec<u16>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum State {
        On,
        Off,
    }

    fn read(value: Value) -> Result<Sample, Error> {
        Sample::deserialize(Lenient(value))
    }

    #[test]
    fn reads_spelled_values() {
        let spelled = json!({"number": " 7 ", "truth": "true", "text": "12", "word": "on", "inner": {"list": ["1", 2]}});
        let expected = Sample {
            number: Some(7),
            truth: true,
            text: "12".into(),
            word: Some(State::On),
            inner: Inner { list: vec![1, 2] },
        };
        assert_eq!(read(spelled).unwrap(), expected);
        assert_eq!(
            read(json!({"inner": null, "number": null, "word": false})).unwrap().word,
            Some(State::Off)
        );
    }

    #[test]
    fn refuses_the_rest() {
        for value in
            [json!({"number": "x"}), json!({"number": -1}), json!({"word": 3}), json!({"word": {"on": 1}})]
        {
            assert!(read(value.clone()).is_err(), "{value}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,12}", field in "number|truth|text|word|inner") {
            let _ = read(json!({ field: text }));
        }
    }
}
