//! `logprobsResult` ⇄ OpenAI's `logprobs`.

use serde_json::{Value, json};

use super::answer::{Logprobs, TokenLogprob};

/// Reads log probabilities into OpenAI's shape.
pub(super) fn decode(result: &Logprobs<'_>) -> Value {
    let place = |(at, chosen): (usize, &TokenLogprob<'_>)| {
        let top = result.top_candidates.get(at).map(|top| top.candidates.as_slice()).unwrap_or_default();
        let mut token = token(chosen);
        if let Value::Object(fields) = &mut token {
            fields.insert("top_logprobs".to_owned(), top.iter().map(self::token).collect());
        }
        token
    };
    let content: Vec<Value> = result.chosen_candidates.iter().enumerate().map(place).collect();
    json!({ "content": content, "refusal": null })
}

fn token(token: &TokenLogprob<'_>) -> Value {
    json!({
        "token": &*token.token,
        "logprob": token.log_probability,
        "bytes": token.token.as_bytes(),
    })
}

/// Writes OpenAI's shape as `logprobsResult`.
pub(super) fn encode(logprobs: &Value) -> Option<Value> {
    let content = logprobs.get("content")?.as_array()?;
    let chosen: Vec<Value> = content.iter().map(token_out).collect();
    let top: Vec<Value> = content
        .iter()
        .map(|place| {
            let top = place.get("top_logprobs").and_then(Value::as_array).into_iter().flatten();
            json!({ "candidates": top.map(token_out).collect::<Vec<_>>() })
        })
        .collect();
    Some(json!({ "chosenCandidates": chosen, "topCandidates": top }))
}

fn token_out(place: &Value) -> Value {
    json!({ "token": place.get("token"), "logProbability": place.get("logprob") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_probabilities_take_the_shape_openai_gives_them() {
        let result: Logprobs<'_> = serde_json::from_str(
            r#"{"chosenCandidates":[{"token":"é","tokenId":1,"logProbability":-0.5}],
                "topCandidates":[{"candidates":[{"token":"é","logProbability":-0.5},{"token":"e","logProbability":-2}]}]}"#,
        )
        .unwrap();
        let decoded = decode(&result);
        assert_eq!(
            decoded,
            json!({"content":[{"token":"é","logprob":-0.5,"bytes":[195,169],"top_logprobs":[
                {"token":"é","logprob":-0.5,"bytes":[195,169]},{"token":"e","logprob":-2.0,"bytes":[101]}]}],
                "refusal":null})
        );
        let written = encode(&decoded).unwrap().to_string();
        let again: Logprobs<'_> = serde_json::from_str(&written).unwrap();
        assert_eq!(decode(&again), decoded);
    }
}
