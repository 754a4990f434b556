use std::borrow::Cow;

use crate::EncodeContext;

/// The letters that every id of an Anthropic message begins with.
const PREFIX: &str = "msg_";

/// The id of an answer as Anthropic's clients know it: another provider's gets the prefix.
pub(super) fn message_id<'a>(id: Option<&'a str>, cx: &'a EncodeContext) -> Cow<'a, str> {
    let id = id.unwrap_or(&cx.id);
    if id.starts_with(PREFIX) { id.into() } else { format!("{PREFIX}{id}").into() }
}

#[test]
fn ids_are_anthropics() {
    let cx = EncodeContext { id: "01abc".into(), ..EncodeContext::default() };
    assert_eq!(message_id(Some("msg_1"), &cx), "msg_1");
    assert_eq!(message_id(Some("chatcmpl-1"), &cx), "msg_chatcmpl-1");
    assert_eq!(message_id(None, &cx), "msg_01abc");
}
