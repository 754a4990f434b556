//! Which provider serves which of OpenAI's endpoints, and what it is sent.

use serde_json::Value;

use crate::provider::{Heard, Provider};
use crate::road::Gateway;

struct Road {
    gateway: Gateway,
    openai: Heard,
    azure: Heard,
    _providers: [Provider; 2],
}

impl Road {
    async fn new(endpoints: &str) -> Self {
        let (openai, azure) = (Heard::default(), Heard::default());
        let providers =
            [Provider::echo("openai", openai.clone()).await, Provider::echo("azure", azure.clone()).await];
        let [first, second] = [&providers[0].address, &providers[1].address];
        let gateway = Gateway::start(&format!(
            "providers:
  openai: {{api_key: key-of-openai, base_url: 'http://{first}/v1'}}
  azure: {{kind: azure-openai, api_key: key-of-azure, base_url: 'http://{second}/openai/v1', query: {{api-version: v9}}}}
  gemini: {{api_key: key-of-gemini, base_url: 'http://{first}/v1beta'}}
aliases: {{draw: azure/dall-e}}
{endpoints}"
        ));
        Self { gateway, openai, azure, _providers: providers }
    }
}

/// Who answered, and what it was asked.
fn told(answer: &Value) -> (&str, &str) {
    (answer["by"].as_str().unwrap(), answer["at"].as_str().unwrap())
}

#[tokio::test]
async fn the_model_decides_where_one_is_named_and_is_sent_by_its_own_name() {
    let road = Road::new("").await;
    let body = r#"{"prompt":"a \"model\"", "model": "openai/gpt-image-1", "n":1}"#;
    let answer = road.gateway.post("/v1/images/generations?x=1&key=mine", body).await;
    assert_eq!(told(&answer.json()), ("openai", "POST /v1/images/generations?x=1"));
    assert_eq!(answer.header("x-tollway-upstream"), Some("openai/gpt-image-1"));
    let (head, sent) = road.openai.last().unwrap();
    assert_eq!(sent, br#"{"prompt":"a \"model\"", "model": "gpt-image-1", "n":1}"#);
    assert_eq!(head.header("authorization"), Some("Bearer key-of-openai"));

    let answer = road.gateway.post("/v1/images/generations", r#"{"model":"draw"}"#).await;
    assert_eq!(told(&answer.json()), ("azure", "POST /openai/v1/images/generations?api-version=v9"));
    let (head, sent) = road.azure.last().unwrap();
    assert_eq!((sent, head.header("api-key")), (br#"{"model":"dall-e"}"#.to_vec(), Some("key-of-azure")));

    // One that nobody claims goes to OpenAI as it is, and so does a request without one.
    for body in [r#"{"model":"tts-9","input":"x"}"#, r#"{"input":"x"}"#, "not JSON"] {
        let answer = road.gateway.post("/v1/audio/speech", body).await;
        assert_eq!(told(&answer.json()), ("openai", "POST /v1/audio/speech"), "{body}");
        assert_eq!(road.openai.last().unwrap().1, body.as_bytes());
    }

    // A model of another format has no such endpoint.
    let answer = road.gateway.post("/v1/images/generations", r#"{"model":"gemini/imagen"}"#).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["param"], "model");
    assert!(answer.json()["error"]["message"].as_str().unwrap().contains("/passthrough/gemini"));
}

#[tokio::test]
async fn a_form_s_model_decides_too_if_it_comes_early() {
    let road = Road::new("").await;
    let kind = [("content-type", "multipart/form-data; boundary=XX"), ("x-request-id", "form")];
    let model = "--XX\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nazure/whisper\r\n";
    let file = |length: usize| {
        let bytes = "\u{0}\r\n--X".repeat(length / 6);
        format!("--XX\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n{bytes}\r\n")
    };
    let form = format!("{model}{}--XX--\r\n", file(200_000));
    let answer = road.gateway.ask("POST", "/v1/audio/transcriptions", &kind, form.as_bytes()).await;
    assert_eq!(told(&answer.json()), ("azure", "POST /openai/v1/audio/transcriptions?api-version=v9"));
    let (head, sent) = road.azure.last().unwrap();
    assert_eq!(sent, form.replace("azure/whisper", "whisper").as_bytes());
    // The length is told, as some servers insist.
    assert_eq!(head.header("content-length").unwrap(), sent.len().to_string());
    let line = road.gateway.line("form").await;
    assert_eq!(line["gen_ai.request.model"], "azure/whisper");
    assert_eq!(line["gen_ai.response.model"], "whisper");
    assert_eq!(line["gen_ai.operation.name"], "audio.transcriptions");
    assert_eq!(line["http.request.body.size"], form.len());

    // Behind a small file it is found as well.
    let form = format!("{}{model}--XX--\r\n", file(10_000));
    let answer = road.gateway.ask("POST", "/v1/audio/transcriptions", &kind[..1], form.as_bytes()).await;
    assert_eq!(told(&answer.json()).0, "azure");
    assert_eq!(road.azure.last().unwrap().1, form.replace("azure/whisper", "whisper").as_bytes());
}

#[tokio::test]
async fn the_request_may_name_its_provider_and_the_configuration_one_for_a_group() {
    let road = Road::new("endpoints: {files: azure}").await;
    for (path, headers, by, at) in [
        ("/v1/files?limit=3", &[][..], "azure", "GET /openai/v1/files?limit=3&api-version=v9"),
        ("/v1/batches", &[], "openai", "GET /v1/batches"),
        ("/v1/batches", &[("x-tollway-provider", "azure")], "azure", "GET /openai/v1/batches?api-version=v9"),
        ("/v1/files/a/content?x-tollway-provider=openai", &[], "openai", "GET /v1/files/a/content"),
        ("/v1/vector_stores/", &[("x-tollway-provider", "openai/gpt-5")], "openai", "GET /v1/vector_stores/"),
    ] {
        let answer = road.gateway.ask("GET", path, headers, b"").await;
        assert_eq!(told(&answer.json()), (by, at), "{path} {headers:?}");
        assert_eq!(answer.header("x-tollway-upstream"), Some(by));
        let (head, _) = if by == "azure" { &road.azure } else { &road.openai }.last().unwrap();
        assert!(head.header("x-tollway-provider").is_none());
    }
    let answer = road.gateway.ask("GET", "/v1/files", &[("x-tollway-provider", "azur")], b"").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["error"]["code"]),
        (404, &"provider_not_found".into())
    );
    assert!(answer.json()["error"]["message"].as_str().unwrap().contains("did you mean azure"));
    let answer = road.gateway.ask("GET", "/v1/files", &[("x-tollway-provider", "gemini")], b"").await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_stored_response_is_asked_of_who_may_have_made_it() {
    // Two providers keep responses: it must be said which one is meant.
    let road = Road::new("").await;
    let answer = road.gateway.get("/v1/responses/resp_1").await;
    assert_eq!(answer.status, 404);
    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("endpoints.responses") && message.contains("x-tollway-provider"), "{message}");
    let azure = [("x-tollway-provider", "azure/gpt-5")];
    for (method, rest) in [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items")] {
        let path = format!("/v1/responses/resp_1{rest}");
        let answer = road.gateway.ask(method, &path, &azure, b"").await;
        let at = format!("{method} /openai{path}?api-version=v9");
        assert_eq!(told(&answer.json()), ("azure", &*at));
    }
    let road = Road::new("endpoints: {responses: openai}").await;
    let answer = road.gateway.get("/v1/responses/resp_1?include[]=x").await;
    assert_eq!(told(&answer.json()), ("openai", "GET /v1/responses/resp_1?include[]=x"));
    // Where a model is named it decides here too.
    let answer = road.gateway.post("/v1/responses/input_tokens", r#"{"model":"azure/m","input":"x"}"#).await;
    assert_eq!(told(&answer.json()), ("azure", "POST /openai/v1/responses/input_tokens?api-version=v9"));
}

#[tokio::test]
async fn this_process_remembers_who_made_a_response() {
    let road = Road::new("").await;
    for stream in [false, true] {
        let body = format!(
            r#"{{"model":"azure/gpt-5","input":"x","messages":[{{"role":"user"}}],"stream":{stream}}}"#
        );
        let made = road.gateway.post("/v1/responses", &body).await;
        assert_eq!(made.status, 200, "{made:?}");
        let id = if stream { "resp_azure_stream" } else { "resp_azure" };
        let answer = road.gateway.get(&format!("/v1/responses/{id}")).await;
        let at = format!("GET /openai/v1/responses/{id}?api-version=v9");
        assert_eq!(told(&answer.json()), ("azure", &*at));
    }
    assert_eq!(road.gateway.get("/v1/responses/resp_openai").await.status, 404);
}

#[tokio::test]
async fn wrong_methods_and_paths_are_refused_here() {
    let road = Road::new("").await;
    for (method, path, allow) in [
        ("GET", "/v1/images/generations", "POST"),
        ("PUT", "/v1/files", "GET, HEAD, POST, DELETE"),
        ("POST", "/v1/realtime", "GET"),
    ] {
        let answer = road.gateway.ask(method, path, &[], b"").await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some(allow)), "{path}");
    }
    for path in ["/v1/files/%2e%2e/models", "/v1/files//x", "/v1/files/..%2fmodels"] {
        assert_eq!(road.gateway.get(path).await.status, 400, "{path}");
    }
    assert_eq!(road.gateway.get("/v1/realtime?model=gpt-realtime").await.status, 400);
    assert_eq!(road.gateway.get("/v1/images").await.status, 404);
    assert!(road.openai.last().is_none() && road.azure.last().is_none());
}

/// SDKs for Node send a form's fields in the order they are given, which is often the file first.
#[tokio::test]
async fn a_model_named_behind_a_large_file_is_never_sent_to_the_wrong_provider() {
    let road = Road::new("").await;
    let form = |model: &str| {
        let part = |head: &str, content: &str| {
            format!("--b\r\ncontent-disposition: form-data; {head}\r\n\r\n{content}\r\n")
        };
        let file = part("name=\"file\"; filename=\"a.wav\"", &"RIFF\r\n--x".repeat(40_000));
        format!("{file}{}--b--\r\n", part("name=\"model\"", model))
    };
    let kind = ("content-type", "multipart/form-data; boundary=b");
    for (model, header, status) in [
        ("whisper-1", None, 200),
        ("openai/whisper-1", None, 400),
        ("azure/my-whisper", None, 400),
        ("draw", None, 400),
        ("gemini/gemini-2.5-flash", None, 400),
        ("azur/whisper", None, 200),
        ("whisper-1", Some("azure"), 200),
        ("azure/my-whisper", Some("azure"), 400),
    ] {
        let mut headers = vec![kind];
        headers.extend(header.map(|name| ("x-tollway-provider", name)));
        let body = form(model);
        let answer = road.gateway.ask("POST", "/v1/audio/transcriptions", &headers, body.as_bytes()).await;
        assert_eq!(answer.status, status, "{model} {header:?}: {answer:?}");
        if status == 200 {
            let heard = if header.is_some() { &road.azure } else { &road.openai };
            assert!(heard.last().unwrap().1 == body.as_bytes(), "{model}");
        } else {
            let error = answer.json()["error"].clone();
            assert_eq!(error["param"], "model", "{error}");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("put `model` before `file`") && message.ends_with(model), "{message}");
        }
    }
}
