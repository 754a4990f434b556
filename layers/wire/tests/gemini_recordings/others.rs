use serde_json::{Value, json};
use tollway_core::Endpoint;
use tollway_wire::{
    ErrorKind,
    embeddings::{EmbeddingInput, EmbeddingRequest},
    gemini::{decode_error, embeddings, encode_error},
};

use crate::recording::recordings;

#[test]
fn every_recorded_error_keeps_its_status_and_message() {
    let Some(all) = recordings("Content") else { return };
    let Some(counted) = recordings("countTokens") else { return };
    let failed: Vec<_> = all.iter().chain(&counted).filter(|it| it.status >= 400).collect();
    for recording in &failed {
        let error = decode_error(recording.status, &recording.body());
        let told = &recording.answer["error"];
        assert_eq!(error.status, recording.status, "{}", recording.name);
        assert_eq!(error.message, told["message"].as_str().unwrap());
        assert_eq!(error.code.as_deref(), told["status"].as_str());
        let kind = match told["status"].as_str().unwrap() {
            "NOT_FOUND" => ErrorKind::NotFound,
            "INVALID_ARGUMENT" => ErrorKind::InvalidRequest,
            other => panic!("a status the test does not know: {other}"),
        };
        assert_eq!(error.kind, kind);
        let again: Value = serde_json::from_slice(&encode_error(&error)).unwrap();
        for key in ["code", "message", "status"] {
            assert_eq!(again["error"][key], told[key]);
        }
    }
    assert!(failed.len() >= 5);
    eprintln!("errors read: {} of {}", failed.len(), failed.len());
}

#[test]
fn every_recorded_embedding_is_asked_for_and_read() {
    let Some(all) = recordings("batchEmbedContents") else { return };
    for recording in &all {
        let given = recording.request["requests"].as_array().unwrap();
        let text = |one: &Value| one["content"]["parts"][0]["text"].as_str().unwrap().to_owned();
        let request = EmbeddingRequest {
            inputs: given.iter().map(|one| EmbeddingInput::Text(text(one))).collect(),
            dimensions: given[0]["outputDimensionality"].as_u64().map(|it| u32::try_from(it).unwrap()),
            ..EmbeddingRequest::default()
        };
        let read = embeddings::decode_request(
            Endpoint::Embeddings,
            recording.model(),
            recording.request.to_string().as_bytes(),
        )
        .unwrap();
        assert_eq!((&read.inputs, read.dimensions), (&request.inputs, request.dimensions));
        let told = given.iter().map(|one| one["taskType"].as_str());
        assert!(told.eq(read.purposes.iter().map(|purpose| purpose.task.as_deref())));
        assert_eq!(read.other, [""; 0]);
        // As it was asked, with what the vectors are for.
        let encoded = embeddings::encode_request(&read, recording.model()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&encoded.body).unwrap(), recording.request);
        // OpenAI has no word for that.
        let listed = tollway_wire::openai::embeddings::encode_request(&read, "m").unwrap().dropped;
        assert_eq!(listed.len(), given.iter().filter(|one| one["taskType"].is_string()).count());
        let reply = embeddings::decode_response(&recording.body()).unwrap();
        let told = recording.answer["embeddings"].as_array().unwrap();
        assert_eq!(reply.vectors.len(), told.len());
        for (vector, told) in reply.vectors.iter().zip(told) {
            let told: Vec<f32> = serde_json::from_value(told["values"].clone()).unwrap();
            assert_eq!(*vector, told);
        }
        let counted = recording.answer["usageMetadata"]["promptTokenCount"].as_u64();
        assert_eq!(reply.usage.map(|usage| json!(usage.input)), counted.map(|count| json!(count)));
    }
    eprintln!("embeddings: {} of {}", all.len(), all.len());
}
