//! A panic is one request's failure, told in the client's dialect and logged.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tollway::access_log::AccessLogLayer;
use tollway::body::{Answer, AnswerBody};
use tollway::open::OpenLayer;
use tollway::rescue::RescueLayer;
use tollway::respond::InDialect;
use tollway::{BoxError, Error};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

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
            (&json!(500), &json!("broken")),
            "{line}"
        );
    }
}

/// A service that fails before it has a future.
#[derive(Clone)]
struct Hasty;

impl<B> Service<Request<B>> for Hasty {
    type Response = Answer;
    type Error = Error;
    type Future = std::future::Ready<Result<Answer, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        panic!("a bug");
    }
}

#[tokio::test]
async fn a_panic_before_there_is_a_future_is_a_500_too() {
    let log = AccessLog::new();
    let stack = ServiceBuilder::new()
        .layer(OpenLayer)
        .layer(AccessLogLayer::new(Some(&log.sink)))
        .layer(RescueLayer::new(InDialect))
        .service(Hasty);
    let response: Result<_, Infallible> =
        stack.oneshot(Request::post("/v1/messages").body(()).unwrap()).await;
    let response = response.unwrap_or_else(|never| match never {});
    assert_eq!(response.status(), 500);
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["error"]["type"], "api_error");
    assert_eq!(log.line(&id)["outcome"], "broken");
}

/// A body that fails after its first frame, and would look complete if it were asked again.
struct Falling {
    frames: usize,
}

impl Body for Falling {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.frames += 1;
        match self.frames {
            1 => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"data: {}\n\n"))))),
            2 => {
                // The head and the first frame are on their way by then.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            3 => panic!("a bug"),
            _ => Poll::Ready(None),
        }
    }
}

#[tokio::test]
async fn a_panic_of_a_body_breaks_the_answer_and_nothing_else() {
    let log = AccessLog::new();
    let room = service_fn(|_: Request<hyper::body::Incoming>| {
        let body: AnswerBody = Falling { frames: 0 }.boxed_unsync();
        std::future::ready(Ok::<_, Error>(Response::new(body)))
    });
    let stack = ServiceBuilder::new()
        .layer(OpenLayer)
        .layer(AccessLogLayer::new(Some(&log.sink)))
        .layer(RescueLayer::new(InDialect))
        .service(room);

    for http2 in [false, true] {
        let (client, server) = tokio::io::duplex(64 * 1024);
        let service = TowerToHyperService::new(stack.clone());
        let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
        let serving = tokio::spawn(builder.serve_connection(TokioIo::new(server), service).into_owned());
        let request = Request::get("http://gateway/v1/models").body(Full::<Bytes>::default()).unwrap();
        let response = if http2 {
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(client))
                    .await
                    .unwrap();
            tokio::spawn(connection);
            // Another request on the same connection is as well off as before.
            let first = sender.send_request(request.clone()).await.unwrap();
            assert!(first.into_body().collect().await.is_err(), "the answer must not look complete");
            sender.send_request(request).await.unwrap()
        } else {
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(client)).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        };
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert!(response.into_body().collect().await.is_err(), "the answer must not look complete");
        let line = log.line(&id);
        assert_eq!(line["outcome"], "broken", "{line}");
        if !http2 {
            let _ = serving.await.expect("the panic stays inside");
        }
    }
}
