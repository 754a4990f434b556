//! Calls, their results and their seals, as they are written.

use std::borrow::Cow;

use serde_json::value::RawValue;
use tollway_core::Dialect;

use super::{
    lenient::Fields,
    part::{Args, FunctionCall, ResponseObject, WirePart},
    raw,
    words::Words,
};
use crate::chat::{Signature, ToolCall};

/// A seal, if Gemini made it. Another's means nothing here and would be refused.
pub(super) fn own_signature(signature: Option<&Signature>) -> Option<Words<'_>> {
    let signature = signature.filter(|signature| signature.dialect == Dialect::Gemini)?;
    Some(signature.value.as_str().into())
}

/// A call; `None` when its arguments are no JSON object.
pub(super) fn function_call<'a>(call: &'a ToolCall, name: Cow<'a, str>, ids: bool) -> Option<WirePart<'a>> {
    let args =
        if call.custom { wrapped(&call.arguments)? } else { on_one_line(raw::object(&call.arguments)?) };
    Some(call_part(call, name, ids, args))
}

/// A call whose arguments may be cut off or no JSON at all, as an answer may hold one.
pub(super) fn any_function_call(call: &ToolCall) -> Option<WirePart<'_>> {
    let name = Cow::Borrowed(call.name.as_str());
    function_call(call, name.clone(), true)
        .or_else(|| Some(call_part(call, name, true, wrapped(&call.arguments)?)))
}

/// Arguments as the model wrote them, but for line breaks between them: these would end the line of an
/// event, and with it the event.
fn on_one_line(args: &RawValue) -> Args<'_> {
    if !args.get().contains(['\n', '\r']) {
        return args.into();
    }
    RawValue::from_string(raw::compact(args)).map_or_else(|_| args.into(), Args::from)
}

fn call_part<'a>(call: &'a ToolCall, name: Cow<'a, str>, ids: bool, args: Args<'a>) -> WirePart<'a> {
    let id = ids.then(|| call.id.as_str().into());
    let function_call = Some(Box::new(FunctionCall { id, name: Words(name), args: Some(args) }));
    WirePart { function_call, ..WirePart::default() }
}

/// Text in the place of an object: Gemini has no other for it.
fn wrapped(text: &str) -> Option<Args<'static>> {
    serde_json::value::to_raw_value(&serde_json::json!({ "input": text })).ok().map(Into::into)
}

/// A result's object: text that is one goes as it is, other text under the keys Google documents.
pub(super) fn response<'a>(texts: &[&'a str], is_error: bool) -> ResponseObject<'a> {
    let text: Cow<'a, str> = match texts {
        [only] => Cow::Borrowed(only),
        texts => Cow::Owned(texts.join("\n")),
    };
    let object = |text: &str| !text.trim().is_empty() && raw::object(text).is_some();
    if is_error {
        let tells = |text: &str| {
            serde_json::from_str::<Fields<'_>>(text)
                .is_ok_and(|fields| fields.0.iter().any(|(name, _)| &**name == "error"))
        };
        if !object(&text) || !tells(&text) {
            return ResponseObject::Error { error: text };
        }
    }
    match text {
        text if !object(&text) => ResponseObject::Output { output: text },
        Cow::Borrowed(text) => match raw::object(text) {
            Some(raw) => ResponseObject::Raw(raw.into()),
            None => ResponseObject::Output { output: Cow::Borrowed(text) },
        },
        Cow::Owned(text) => match RawValue::from_string(text) {
            Ok(raw) => ResponseObject::Raw(raw.into()),
            Err(_) => ResponseObject::default(),
        },
    }
}
