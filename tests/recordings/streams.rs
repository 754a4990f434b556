//! Streamed answers, in any pieces, and cut ones: the client reads what the provider said, and takes
//! nothing for whole that is not.

use std::ops::Range;

use bytes::Bytes;

use super::{
    answers::same,
    described,
    providers::{Asks, Format, endpoint, is_relayed, question},
};
use crate::{
    cuts::Cuts,
    events::{Event, events},
    gateway::{Answer, Gateway},
    reading::{Reading, list, openai},
    recording::Recording,
    upstream::Script,
};

/// The most bytes of a stream that is also played byte by byte.
const SHORT: usize = 6 * 1024;

/// A stream as the provider sends it when it is asked for one.
pub(crate) fn recorded_stream(recording: &Recording) -> Bytes {
    if recording.is_stream {
        return recording.body.clone();
    }
    // Gemini answers with an array where no event stream is asked for, as the gateway always does.
    let json = recording.json();
    let frames = json.as_array().map(Vec::as_slice).unwrap_or_default();
    let framed =
        frames.iter().flat_map(|frame| ["data: ".to_owned(), frame.to_string(), "\r\n\r\n".to_owned()]);
    framed.collect::<String>().into()
}

/// Plays a stream in several pieces to a client that asks for usage and one that does not.
pub(crate) async fn streamed(gateway: &Gateway, recording: &Recording) -> Result<(), String> {
    let stream = recorded_stream(recording);
    let mut cuts = Cuts::from(&recording.name);
    let mut ways = vec![("whole", Vec::new())];
    for _ in 0..2 {
        ways.push(("cut at random", cuts.places(stream.len() / 200 + 2, stream.len())));
    }
    if stream.len() <= SHORT {
        ways.push(("byte by byte", (1..stream.len()).collect()));
    }
    for (way, places) in &ways {
        for asks in [Asks::Streamed, Asks::StreamedWithUsage] {
            let script = script(&stream).cut_at(places.iter().copied());
            let answer = gateway.post(endpoint(recording), &question(recording, asks), script).await;
            says_all(&answer, recording, &stream, asks)
                .map_err(|said| format!("({way}, {asks:?}) {said}"))?;
        }
    }
    Ok(())
}

/// Plays beginnings of a stream, after which the connection is closed or breaks.
pub(crate) async fn cut(gateway: &Gateway, recording: &Recording) -> Result<(), String> {
    let stream = recorded_stream(recording);
    let text = std::str::from_utf8(&stream).unwrap_or_default();
    let events = events(text);
    let format = Format::of(&recording.provider);
    let Some(complete) = format.completing_event(&events) else {
        return Err("the recording itself is not whole".to_owned());
    };
    let mut cuts = Cuts::from(&recording.name);
    let mut places = cuts.places(4, complete);
    // Nothing at all, all but the last event, and a part of that too.
    places.extend([0, complete, complete + 4]);
    let whole = format.stream(&events);
    for place in places {
        for breaks in [false, true] {
            let script = script(&stream.slice(..place));
            let script = Script { broken: breaks, ..script };
            let answer =
                gateway.post(endpoint(recording), &question(recording, Asks::Streamed), script).await;
            let how = if breaks { "broken" } else { "closed" };
            is_known_as_cut(&answer, &whole).map_err(|said| format!("({how} after {place} bytes) {said}"))?;
        }
    }
    Ok(())
}

fn script(stream: &Bytes) -> Script {
    Script::new(200, Some("text/event-stream"), stream.clone())
}

fn says_all(answer: &Answer, recording: &Recording, stream: &Bytes, asks: Asks) -> Result<(), String> {
    if answer.status != 200 || !answer.is_whole {
        return Err(format!("expected 200, got {}: {}", answer.status, answer.text()));
    }
    let recorded = std::str::from_utf8(stream).unwrap_or_default();
    let format = Format::of(&recording.provider);
    if is_relayed(recording) {
        let expected =
            if asks == Asks::Streamed { without_usage_chunk(recorded) } else { recorded.to_owned() };
        return same(&expected.as_str(), &answer.text());
    }
    let mut expected = format.stream(&events(recorded));
    if asks == Asks::Streamed {
        expected.usage = None;
    }
    let got = events(answer.text());
    same(&expected, &openai::stream(&got))?;
    is_well_formed(&got, asks)
}

/// The stream less the chunk that only tells usage, which no client that did not ask for it must see.
fn without_usage_chunk(stream: &str) -> String {
    let tells_usage_only = |event: &Event| {
        let chunk = event.json();
        chunk["usage"].is_object() && chunk["choices"].as_array().is_some_and(Vec::is_empty)
    };
    let gone: Vec<Range<usize>> =
        events(stream).into_iter().filter(tells_usage_only).map(|event| event.place).collect();
    let mut rest = stream.to_owned();
    for place in gone.into_iter().rev() {
        rest.replace_range(place, "");
    }
    rest
}

/// What a client may rely on beside what the chunks say.
fn is_well_formed(events: &[Event], asks: Asks) -> Result<(), String> {
    let Some((last, chunks)) = events.split_last() else { return Err("no event at all".to_owned()) };
    let chunks: Vec<_> = chunks.iter().map(Event::json).collect();
    let wrong = |what: &str| Err(format!("{what}: {chunks:?}"));
    if last.data != "[DONE]" {
        return wrong("[DONE] is not the last event");
    }
    let Some(first) = chunks.first() else { return wrong("no chunk at all") };
    let (mut finished, mut calls) = (0, Vec::new());
    for (place, chunk) in chunks.iter().enumerate() {
        let is_like_the_first = ["id", "model", "created"].iter().all(|name| chunk[name] == first[name]);
        let is_filled = |name: &str| chunk[name].as_str().is_some_and(|text| !text.is_empty());
        if !is_like_the_first || !is_filled("id") || !is_filled("model") || !chunk["created"].is_u64() {
            return wrong("id, model or created are missing or change");
        }
        if chunk["object"] != "chat.completion.chunk" {
            return wrong("not a chunk");
        }
        for choice in list(chunk, "choices") {
            let delta = &choice["delta"];
            if delta["role"].is_string() != (place == 0) {
                return wrong("the role does not stand in the first chunk and only there");
            }
            if finished > 0 {
                return wrong("a choice goes on after its end");
            }
            finished += usize::from(choice["finish_reason"].is_string());
            for call in list(delta, "tool_calls") {
                let index = call["index"].as_u64().and_then(|index| usize::try_from(index).ok());
                let is_new = index == Some(calls.len());
                let is_whole = call["type"] == "function" && call["function"]["name"].is_string();
                match call["id"].as_str() {
                    Some(id) if is_new && is_whole && !calls.contains(&id) => calls.push(id),
                    None if index.is_some_and(|index| index + 1 == calls.len()) => {}
                    _ => return wrong("tool calls are not numbered, named and told apart"),
                }
            }
        }
        let tells_usage = chunk["usage"].is_object();
        let may_tell = asks == Asks::StreamedWithUsage && place + 1 == chunks.len();
        if tells_usage != may_tell || (may_tell && !list(chunk, "choices").is_empty()) {
            return wrong("usage does not stand in a last chunk of its own, or was not asked for");
        }
    }
    if finished != 1 {
        return wrong("the choice does not end once");
    }
    chunks.iter().try_for_each(|chunk| described::check("CreateChatCompletionStreamResponse", chunk))
}

/// A cut answer ends in an error a client understands, and what came before is true.
fn is_known_as_cut(answer: &Answer, whole: &Reading) -> Result<(), String> {
    let text = answer.text();
    let end = || text.chars().skip(text.chars().count().saturating_sub(600)).collect::<String>();
    if text.contains("[DONE]") {
        return Err(format!("looks whole: …{}", end()));
    }
    if answer.status != 200 {
        return Err(format!("expected 200, got {}: {text}", answer.status));
    }
    let events = events(text);
    let is_error = |last: &Event| last.json()["error"]["message"].is_string() && last.place.end == text.len();
    let Some((last, before)) = events.split_last().filter(|(last, _)| is_error(last)) else {
        return Err(format!("no error at the end: …{}", end()));
    };
    let said = openai::stream(before);
    let is_true = whole.text.starts_with(&said.text) && whole.reasoning.starts_with(&said.reasoning);
    is_true.then_some(()).ok_or_else(|| format!("expected the beginning of {whole:?}, got {said:?}"))?;
    described::check("ErrorResponse", &last.json())
}
