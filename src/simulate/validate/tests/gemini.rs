use super::super::*;
use super::Good;
use serde_json::{Value, json};

fn good(model: &'static str) -> Good {
    Good::new(gemini_generate, model, json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}))
}

fn declared(parameters: Value) -> Value {
    json!({"tools": [{"functionDeclarations": [{"name": "look", "parameters": parameters}]}]})
}

fn talk(model: Value, user: Value) -> Value {
    json!({"contents": [
        {"role": "user", "parts": [{"text": "hi"}]}, {"role": "model", "parts": model}, {"role": "user", "parts": user},
    ]})
}

fn call(name: &str) -> Value {
    json!({"functionCall": {"name": name, "args": {}}})
}

fn response(name: &str) -> Value {
    json!({"functionResponse": {"name": name, "response": {"result": 1}}})
}

#[test]
fn shapes_are_googles() {
    let fault = good("gemini-2.5-pro").refuses(
        declared(json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false})),
        "Unknown name \"additionalProperties\" at 'tools[0].function_declarations[0].parameters': Cannot find field.",
    );
    let error = &fault.body()["error"];
    assert_eq!((&error["code"], &error["status"]), (&json!(400), &json!("INVALID_ARGUMENT")));
    assert_eq!(
        error["details"][0]["fieldViolations"][0]["field"],
        "tools[0].function_declarations[0].parameters"
    );
}

#[test]
fn fields() {
    let good = good("gemini-2.5-pro");
    good.takes(json!({"system_instruction": {"parts": [{"text": "be good"}]}, "generation_config": {"max_output_tokens": 5, "topK": 40.0}}));
    good.refuses(json!({"messages": []}), "Unknown name \"messages\": Cannot find field.");
    good.refuses(json!({"generationConfig": {"n": 2}}), "Unknown name \"n\" at 'generation_config'");
    good.refuses(
        json!({"generationConfig": {"temperature": "x"}}),
        "Invalid value at 'generation_config.temperature' (TYPE_FLOAT), \"x\"",
    );
    good.refuses(json!({"generationConfig": {"temperature": 1000}}), "it has a temperature value of 1000 but the supported range is from 0 (inclusive) to 2.0001 (exclusive)");
    good.refuses(json!({"generationConfig": {"stopSequences": ["1", "2", "3", "4", "5", "6"]}}), "at most 5");
    good.refuses(json!({"generationConfig": {"candidateCount": 9}}), "candidateCount value of 9");
    good.refuses(json!({"generationConfig": {"logprobs": 2}}), "response_logprobs");
    good.refuses(json!({"generationConfig": {"responseSchema": {"type": "STRING"}}}), "response_mime_type");
    good.refuses(json!({"generationConfig": {"responseMimeType": "text/html"}}), "allowed mimetypes");
    good.refuses(
        json!({"cachedContent": "cachedContents/x", "systemInstruction": {"parts": [{"text": "x"}]}}),
        "CachedContent can not be used",
    );
    good.refuses(
        json!({"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}),
        "without function_declarations",
    );
}

#[test]
fn contents_and_parts() {
    let good = good("gemini-2.5-pro");
    good.refuses(json!({"contents": null}), "contents is not specified");
    good.refuses(json!({"contents": []}), "contents is not specified");
    good.refuses(
        json!({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}),
        "Please use a valid role: user, model.",
    );
    good.refuses(
        json!({"contents": [{"role": "user", "parts": []}]}),
        "contents[0].parts: contents.parts must not be empty.",
    );
    good.refuses(
        json!({"contents": [{"role": "user", "parts": [{}]}]}),
        "required oneof field 'data' must have one initialized field",
    );
    good.refuses(json!({"contents": [{"role": "user", "parts": [{"text": "x", "inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}]}), "Cannot set more than one");
    good.refuses(json!({"contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "?"}}]}]}), "Base64 decoding failed");
    good.refuses(
        json!({"contents": [{"role": "user", "parts": [{"inlineData": {"data": "AAAA"}}]}]}),
        "mime_type",
    );
    good.refuses(
        json!({"contents": [{"role": "user", "content": "hi"}]}),
        "Unknown name \"content\" at 'contents[0]'",
    );
}

#[test]
fn calls_and_responses() {
    let good = good("gemini-2.5-pro");
    good.takes(talk(json!([call("a"), call("b")]), json!([response("a"), response("b")])));
    let count = "number of function response parts is equal to the number of function call parts";
    good.refuses(talk(json!([call("a"), call("b")]), json!([response("a")])), count);
    good.refuses(talk(json!([call("a")]), json!([{"text": "hi"}])), count);
    good.refuses(talk(json!([call("a")]), json!([response("b")])), "matches a function call");
    good.refuses(
        talk(json!([{"text": "x"}]), json!([response("a")])),
        "function response turn comes immediately after a function call turn",
    );
    good.refuses(talk(json!([call("a b")]), json!([response("a b")])), "Invalid function name");
    good.refuses(
        talk(json!([call("a")]), json!([{"functionResponse": {"name": "a", "response": "sunny"}}])),
        "Invalid value at 'contents[2].parts[0].function_response.response'",
    );
    good.refuses(
        talk(json!([call("a")]), json!([{"functionResponse": {"name": "a"}}])),
        "response: missing field",
    );
    let with_id = talk(
        json!([{"functionCall": {"id": "1", "name": "a"}}]),
        json!([{"functionResponse": {"id": "1", "name": "a", "response": {}}}]),
    );
    good.takes(with_id.clone());
    super::gemini::good("gemini-1.5-flash").refuses(with_id, "Unknown name \"id\"");
}

#[test]
fn thought_signatures() {
    let signed = |name: &str| json!({"functionCall": {"name": name}, "thoughtSignature": "AAAA"});
    let both = json!([response("a"), response("b")]);
    let new = good("gemini-3-flash-preview");
    // Of parallel calls the first is signed.
    new.takes(talk(json!([signed("a"), call("b")]), both.clone()));
    new.refuses(
        talk(json!([call("a"), signed("b")]), both.clone()),
        "missing a thought_signature in functionCall parts",
    );
    // Turns before the current one are not looked at.
    let mut earlier = talk(json!([call("a"), call("b")]), both.clone());
    earlier["contents"].as_array_mut().unwrap().extend([
        json!({"role": "model", "parts": [{"text": "so"}]}),
        json!({"role": "user", "parts": [{"text": "and?"}]}),
    ]);
    new.takes(earlier);
    good("gemini-2.5-pro").takes(talk(json!([call("a"), call("b")]), both));
    new.refuses(
        talk(json!([{"functionCall": {"name": "a"}, "thoughtSignature": "?"}]), json!([response("a")])),
        "Base64 decoding failed",
    );
}

#[test]
fn schemas() {
    let good = good("gemini-2.5-pro");
    let object = |property: Value| declared(json!({"type": "OBJECT", "properties": {"a": property}}));
    good.takes(object(json!({"type": "STRING", "nullable": true, "enum": ["x"], "format": "enum"})));
    good.takes(declared(json!({"type": "object", "properties": {}})));
    for (unknown, value) in [
        ("$ref", json!("#")),
        ("const", json!(1)),
        ("oneOf", json!([])),
        ("allOf", json!([])),
        ("$defs", json!({})),
        ("exclusiveMinimum", json!(1)),
        ("uniqueItems", json!(true)),
    ] {
        let words = format!(
            "Unknown name \"{unknown}\" at 'tools[0].function_declarations[0].parameters.properties.a'"
        );
        let mut property = json!({"type": "string"});
        property[unknown] = value;
        let fault = good.refuses(object(property), "Cannot find field");
        assert!(fault.message.contains(&words), "{fault}");
    }
    good.refuses(
        object(json!({"type": ["string", "null"]})),
        "Invalid value at 'tools[0].function_declarations[0].parameters.properties.a.type'",
    );
    good.refuses(object(json!({"type": "text"})), "(TYPE_ENUM), \"text\"");
    good.refuses(
        object(json!({"type": "STRING", "format": "uuid"})),
        "only 'enum' and 'date-time' are supported for STRING type",
    );
    good.refuses(object(json!({"type": "INTEGER", "enum": ["1"]})), "only allowed for STRING type");
    good.refuses(object(json!({"type": "STRING", "enum": [1]})), "(TYPE_STRING)");
    good.refuses(object(json!({"type": "ARRAY"})), "properties[a].items: missing field");
    good.refuses(
        declared(json!({"type": "OBJECT", "properties": {}, "required": ["a"]})),
        "required[0]: property is not defined",
    );
    good.refuses(declared(json!({"properties": {}})), "didn't specify the schema type field");
    // The wide schema takes what the narrow one does not.
    good.takes(json!({"tools": [{"functionDeclarations": [{"name": "look", "parametersJsonSchema": {"type": "object", "additionalProperties": false}}]}]}));
    good.refuses(
        json!({"tools": [{"functionDeclarations": [{"name": "1look"}]}]}),
        "Must start with a letter or an underscore",
    );
    good.refuses(json!({"tools": [{"functionDeclarations": [{"name": "look"}]}], "toolConfig": {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["look"]}}}), "should only be set when mode is ANY");
    good.refuses(json!({"tools": [{"functionDeclarations": [{"name": "look"}]}], "generationConfig": {"responseMimeType": "application/json"}}), "is unsupported");
}

#[test]
fn thinking_and_sampling() {
    let thinking = |config: Value| json!({"generationConfig": {"thinkingConfig": config}});
    let pro = good("gemini-2.5-pro");
    pro.takes(thinking(json!({"thinkingBudget": 1024, "includeThoughts": true})));
    pro.refuses(
        thinking(json!({"thinkingBudget": 0})),
        "Budget 0 is invalid. This model only works in thinking mode.",
    );
    pro.refuses(thinking(json!({"thinkingBudget": 100})), "thinking budget 100 is invalid");
    pro.refuses(thinking(json!({"thinkingLevel": "LOW"})), "Thinking level is not supported");
    good("gemini-2.5-flash").takes(thinking(json!({"thinkingBudget": 0})));
    good("gemini-2.0-flash").refuses(thinking(json!({"thinkingBudget": 0})), "Thinking is not enabled");
    let new = good("gemini-3.8-flash");
    new.takes(thinking(json!({"thinkingLevel": "MINIMAL"})));
    new.refuses(
        thinking(json!({"thinkingLevel": "LOW", "thinkingBudget": 5})),
        "only one of thinking budget and thinking level",
    );
    new.refuses(
        json!({"generationConfig": {"temperature": 0.5}}),
        "temperature is not supported for this model.",
    );
    new.refuses(json!({"generationConfig": {"presencePenalty": 0.5}}), "Penalty is not enabled");
    good("gemini-3.1-pro-preview")
        .refuses(thinking(json!({"thinkingLevel": "minimal"})), "MINIMAL is not supported");
}

#[test]
fn embeddings() {
    let request = |model: &str| json!({"model": model, "content": {"parts": [{"text": "a"}]}});
    let good = Good::new(
        gemini_batch_embed,
        "gemini-embedding-001",
        json!({"requests": [request("models/gemini-embedding-001")]}),
    );
    good.refuses(json!({"requests": []}), "at least one request is required");
    good.refuses(json!({"requests": [request("gemini-embedding-001")]}), "must match the model of the batch");
    good.refuses(
        json!({"requests": [{"model": "models/gemini-embedding-001"}]}),
        "contents is not specified",
    );
    good.refuses(json!({"input": "a"}), "Unknown name \"input\"");
}
