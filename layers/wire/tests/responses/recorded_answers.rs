//! Every recorded answer, stream and error.

use serde_json::{Value, json};
use tollway_wire::{
    DecodeContext, StreamEnd, Truncated,
    chat::Event,
    responses::{
        StreamDecoder, decode_error, decode_response, encode_error, encode_response, is_error_shape,
    },
};

use crate::reading::read;
use crate::support::{Recording, Said, collect, cx, data, decode, encode, pieces, recordings};

/// Whether a recorded body is an answer, and not a compaction, a count, or a promise of one.
fn is_answer(recording: &Recording) -> bool {
    let body = &recording.response;
    body["object"] == "response" && matches!(body["status"].as_str(), Some("completed" | "complete"))
}

#[test]
fn every_recorded_answer_is_read_and_written_back() {
    let all = recordings("json");
    let (total, mut read_back, mut promised, mut other) = (all.len(), 0, 0, 0);
    for recording in all {
        let name = &recording.name;
        let body = recording.response.to_string();
        let decoded = decode_response(body.as_bytes(), &DecodeContext::default());
        if !is_answer(&recording) {
            // What is not finished or no answer must not look like one.
            let promise = matches!(recording.response["status"].as_str(), Some("queued" | "in_progress"));
            let compacted = recording.response["object"] == "response.compaction";
            assert!(decoded.is_err() || compacted, "{name}");
            if promise {
                promised += 1;
            } else {
                other += 1;
            }
            continue;
        }
        let reply = decoded.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(Said::of(&reply), read(&recording.response), "{name}");
        assert_eq!(reply.id.as_deref(), recording.response["id"].as_str());
        assert_eq!(reply.model.as_deref(), recording.response["model"].as_str());
        assert_eq!(reply.created, recording.response["created_at"].as_u64());
        assert_eq!(reply.service_tier.as_deref(), recording.response["service_tier"].as_str());
        let written = encode_response(&reply, &cx());
        let again = decode_response(&written, &DecodeContext::default()).unwrap();
        assert_eq!(again, merged(reply), "{name}");
        read_back += 1;
    }
    eprintln!(
        "responses answers: {read_back} of {total} read and written back; {promised} promised, {other} no answers"
    );
    assert_eq!(read_back + promised + other, total);
}

/// Neighbouring texts become one when they are written, and what says nothing goes.
fn merged(reply: tollway_wire::chat::Reply) -> tollway_wire::chat::Reply {
    collect(reply.into_events())
}

#[test]
fn every_recorded_stream_is_the_answer_it_ends_in() {
    let all = recordings("stream");
    let total = all.len();
    for recording in all {
        let name = &recording.name;
        let stream = recording.response.as_str().unwrap();
        let (events, end) = decode(&[stream.as_bytes()]);
        assert_eq!(end, Ok(StreamEnd), "{name}");
        assert!(matches!(events.first(), Some(Event::Start(_))), "{name}");
        let last = data(stream).pop().unwrap();
        assert_eq!(last["type"], "response.completed");
        let mut whole = read(&last["response"]);
        let mut said = Said::of(&collect(events.clone()));
        // OpenAI seals anew with every event.
        whole.seals = whole.seals.iter().map(|seal| id_of(seal)).collect();
        said.seals = said.seals.iter().map(|seal| id_of(seal)).collect();
        if recording.path.contains("starting_after") {
            // Only the rest of the events was asked for.
            assert!(whole.text.ends_with(&said.text), "{name}");
            whole.text.clone_from(&said.text);
        }
        // Hosted tools that run at once are done in an order of their own.
        for natives in [&mut said.natives, &mut whole.natives] {
            natives.sort_by_key(|item| item["id"].as_str().unwrap().to_owned());
        }
        assert_eq!(said, whole, "{name}");

        let written = encode(&events);
        let (again, end) = decode(&[written.as_bytes()]);
        assert_eq!(end, Ok(StreamEnd), "{name}");
        assert_eq!(collect(again), collect(events.clone()), "{name}");
        check_events(name, &written);
    }
    eprintln!("responses streams: {total} of {total} read and written back");
}

fn id_of(seal: &str) -> String {
    seal.split_once(':').unwrap().0.to_owned()
}

/// Holds that a stream we write is consistent in itself, as the SDKs accumulate it.
pub(crate) fn check_events(name: &str, written: &str) {
    let mut output: Vec<Value> = Vec::new();
    let events = data(written);
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], json!(number), "{name}");
        let at = event["output_index"].as_u64().map(|at| usize::try_from(at).unwrap());
        let kind = event["type"].as_str().unwrap();
        match kind {
            "response.output_item.added" => {
                assert_eq!(at.unwrap(), output.len(), "{name}");
                output.push(event["item"].clone());
                continue;
            }
            "response.output_item.done" => {
                let (was, is) = (&output[at.unwrap()], &event["item"]);
                assert_eq!((&was["id"], &was["type"]), (&is["id"], &is["type"]), "{name}");
                output[at.unwrap()] = is.clone();
                continue;
            }
            _ => {}
        }
        let Some(at) = at else { continue };
        let item = &mut output[at];
        assert_eq!(event["item_id"], item["id"], "{name}: {kind}");
        let content = event["content_index"].as_u64().map(|at| usize::try_from(at).unwrap());
        let append = |text: &mut Value, more: &Value| {
            *text = json!(text.as_str().unwrap().to_owned() + more.as_str().unwrap());
        };
        match kind {
            "response.content_part.added" => {
                let parts = item["content"].as_array_mut().unwrap();
                assert_eq!(content.unwrap(), parts.len(), "{name}");
                parts.push(event["part"].clone());
            }
            "response.output_text.delta" => {
                append(&mut item["content"][content.unwrap()]["text"], &event["delta"]);
            }
            "response.refusal.delta" => {
                append(&mut item["content"][content.unwrap()]["refusal"], &event["delta"]);
            }
            "response.output_text.done" => {
                assert_eq!(item["content"][content.unwrap()]["text"], event["text"]);
            }
            "response.refusal.done" => {
                assert_eq!(item["content"][content.unwrap()]["refusal"], event["refusal"]);
            }
            "response.output_text.annotation.added" => {
                let cited = item["content"][content.unwrap()]["annotations"].as_array_mut().unwrap();
                assert_eq!(event["annotation_index"], json!(cited.len()), "{name}");
                cited.push(event["annotation"].clone());
            }
            "response.content_part.done" => {
                let mut part = event["part"].clone();
                // Log probabilities are told when the text is done.
                if part["type"] == "output_text" {
                    part["logprobs"] = json!([]);
                }
                assert_eq!(item["content"][content.unwrap()], part, "{name}");
            }
            "response.function_call_arguments.delta" => append(&mut item["arguments"], &event["delta"]),
            "response.custom_tool_call_input.delta" => append(&mut item["input"], &event["delta"]),
            "response.function_call_arguments.done" => {
                assert_eq!(item["arguments"], event["arguments"], "{name}");
            }
            "response.custom_tool_call_input.done" => assert_eq!(item["input"], event["input"], "{name}"),
            "response.reasoning_summary_part.added" => {
                item["summary"].as_array_mut().unwrap().push(event["part"].clone());
            }
            "response.reasoning_summary_text.delta" => {
                append(&mut item["summary"][0]["text"], &event["delta"]);
            }
            "response.reasoning_summary_text.done" => assert_eq!(item["summary"][0]["text"], event["text"]),
            "response.reasoning_summary_part.done" => assert_eq!(item["summary"][0], event["part"]),
            other => panic!("{name}: {other}"),
        }
    }
    let last = events.last().unwrap();
    let response = &last["response"];
    let kind = format!("response.{}", response["status"].as_str().unwrap());
    assert_eq!(last["type"], json!(kind), "{name}");
    assert_eq!(response["output"], Value::Array(output), "{name}");
}

/// Where the data of the frame that ends the answer is whole.
fn end_of(stream: &str) -> usize {
    let at = stream.find("event: response.completed").unwrap();
    let data = stream[at..].find("data: ").unwrap() + at;
    data + stream[data..].find('\n').unwrap()
}

#[test]
fn a_recorded_stream_cut_at_any_byte_is_never_whole() {
    let all = recordings("stream");
    let (total, mut cuts) = (all.len(), 0_u64);
    for recording in all {
        let stream = recording.response.as_str().unwrap();
        let end = end_of(stream);
        let mut decoder = StreamDecoder::new(DecodeContext::default());
        let mut fed = 0;
        for line in stream.split_inclusive('\n') {
            // Every byte; of the longest lines, which repeat the request, every thirteenth and the last.
            let step = if line.len() > 1500 { 13 } else { 1 };
            let last = line.len().saturating_sub(20);
            for at in (0..line.len()).filter(|at| at % step == 0 || *at > last) {
                let mut cut = decoder.clone();
                cut.feed(&line.as_bytes()[..at]);
                let expected = if fed + at >= end { Ok(StreamEnd) } else { Err(Truncated) };
                assert_eq!(cut.finish(), expected, "{} cut at {}", recording.name, fed + at);
                cuts += 1;
            }
            decoder.feed(line.as_bytes());
            while decoder.next_event().is_some() {}
            fed += line.len();
        }
    }
    eprintln!("responses streams: {total} of {total} cut at {cuts} places, none whole before its end");
}

#[test]
fn recorded_streams_give_the_same_events_in_any_pieces() {
    let all = recordings("stream");
    let total = all.len();
    for recording in all {
        let stream = recording.response.as_str().unwrap().as_bytes();
        let (events, _) = decode(&[stream]);
        for size in [1, 7, 1000] {
            let chunks: Vec<&[u8]> = stream.chunks(size).collect();
            assert!(decode(&chunks).0 == events, "{} in pieces of {size}", recording.name);
        }
        let cuts: Vec<usize> = (1..40_usize).map(|n| n * n * 7919).collect();
        assert!(decode(&pieces(stream, &cuts)).0 == events, "{}", recording.name);
    }
    eprintln!("responses streams: {total} of {total} the same in any pieces");
}

#[test]
fn every_recorded_error_keeps_its_words() {
    let all = recordings("error");
    let total = all.len();
    for recording in all {
        let told = &recording.response["error"];
        let error = decode_error(recording.status, recording.response.to_string().as_bytes());
        assert_eq!(error.message, told["message"].as_str().unwrap());
        assert_eq!(error.code.as_deref(), told["code"].as_str());
        assert_eq!(error.param.as_deref(), told["param"].as_str());
        assert_eq!(error.status, recording.status);
        assert!(is_error_shape(&encode_error(&error)));
        let again = decode_error(recording.status, &encode_error(&error));
        assert_eq!(again, error);
    }
    eprintln!("responses errors: {total} of {total} read");
}
