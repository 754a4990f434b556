//! A panic is one request's failure, told in the client's dialect and logged.

use std::convert::Infallible;

use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tollway::Error;
use tollway::access_log::AccessLogLayer;
use tollway::body::Answer;
use tollway::open::OpenLayer;
use tollway::rescue::RescueLayer;
use tollway::respond::InDialect;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use super::road::AccessLog;

#[tokio::test]
async fn a_panic_is_a_500_in_the_clients_dialect() {
    let log = AccessLog::new();
    for (path, shape) in [
        (
            "/v1/chat/completions",
            json!({"error": {"message": "", "type": "server_error", "param": null, "code": "gateway_error"}}),
        ),
        ("/v1/messages", json!({"type": "error", "error": {"type": "api_error", "message": ""}})),
        (
            "/v1beta/models/m:generateContent",
            json!({"error": {"code": 500, "status": "INTERNAL", "message": ""}}),
        ),
    ] {
        // After a first await, as in the middle of the real stack.
        let room = service_fn(|_: Request<Full<bytes::Bytes>>| async {
            tokio::task::yield_now().await;
            let answers: Vec<Answer> = Vec::new();
            Ok::<_, Error>(answers.into_iter().next().expect("a bug"))
        });
        let stack = ServiceBuilder::new()
            .layer(OpenLayer)
            .layer(AccessLogLayer::new(Some(&log.sink)))
            .layer(RescueLayer::new(InDialect))
            .service(room);
        let response: Result<_, Infallible> =
            stack.oneshot(Request::post(path).body(Full::default()).unwrap()).await;
        let response = response.unwrap_or_else(|never| match never {});
        assert_eq!(response.status(), 500, "{path}");
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let mut told: Value = serde_json::from_slice(&body).unwrap();
        let message = told["error"]["message"].take();
        assert_eq!(
            message, "the gateway failed to handle the request",
            "{path}: nothing of the inside is told"
        );
        told["error"]["message"] = json!("");
        assert_eq!(told, shape, "{path}");
        let line = log.line(&id);
        assert_eq!(
            (&line["http.response.status_code"], &line["outcome"]),
            (&json!(500), &json!("refused")),
            "{line}"
        );
    }
}
