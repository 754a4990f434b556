//! When either side goes away in the middle.

use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::provider::Provider;
use crate::road::Gateway;

/// A provider that reports how each connection went.
async fn reporting() -> (Provider, mpsc::UnboundedReceiver<&'static str>) {
    let (report, reports) = mpsc::unbounded_channel();
    let provider = Provider::start(move |mut line| {
        let report = report.clone();
        async move {
            let Some(head) = line.head().await else { return };
            let _ = report.send("head");
            if head.target.contains("stream") {
                line.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n").await;
                line.write("6\r\ndata: \r\n").await;
                if head.target.contains("cut") {
                    return;
                }
            }
            let mut rest = Vec::new();
            let _ = line.stream.read_to_end(&mut rest).await;
            let _ = report.send("gone");
        }
    })
    .await;
    (provider, reports)
}

async fn next(reports: &mut mpsc::UnboundedReceiver<&'static str>) -> &'static str {
    tokio::time::timeout(Duration::from_secs(20), reports.recv()).await.unwrap().unwrap()
}

fn gateway(provider: &Provider) -> Gateway {
    Gateway::start(&format!(
        "providers: {{openai: {{api_key: k, base_url: 'http://{}/v1'}}}}",
        provider.address
    ))
}

#[tokio::test]
async fn a_client_that_hangs_up_lets_go_of_the_provider() {
    let (provider, mut reports) = reporting().await;
    let gateway = gateway(&provider);
    // Before the head of the answer, in its middle, and in the middle of an upload.
    for (id, text) in [
        ("before", "GET /v1/batches HTTP/1.1\r\nhost: x\r\nx-request-id: before\r\n\r\n"),
        ("within", "GET /passthrough/openai/stream HTTP/1.1\r\nhost: x\r\nx-request-id: within\r\n\r\n"),
        (
            "upload",
            "POST /v1/files HTTP/1.1\r\nhost: x\r\nx-request-id: upload\r\ncontent-length: 900\r\n\r\nbegin",
        ),
    ] {
        let mut line = TcpStream::connect(gateway.server.addr()).await.unwrap();
        line.write_all(text.as_bytes()).await.unwrap();
        assert_eq!(next(&mut reports).await, "head");
        if id == "within" {
            let mut head = [0; 15];
            line.read_exact(&mut head).await.unwrap();
            assert_eq!(&head, b"HTTP/1.1 200 OK");
        }
        drop(line);
        assert_eq!(next(&mut reports).await, "gone", "{id}");
        let line = gateway.line(id).await;
        // A body that breaks off is a wrong request, as everywhere.
        assert_eq!(line["outcome"], if id == "upload" { "refused" } else { "cancelled" }, "{line}");
        assert_eq!(line["gen_ai.provider.name"], "openai");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_never_looks_whole() {
    let (provider, _reports) = reporting().await;
    let gateway = gateway(&provider);
    let client: Client<_, Empty<bytes::Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::get(gateway.url("/passthrough/openai/stream/cut")).header("x-request-id", "cut");
    let answer = client.request(request.body(Empty::new()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.into_body().collect().await.is_err());
    let line = gateway.line("cut").await;
    assert_eq!((&line["outcome"], &line["http.response.body.size"]), (&"broken".into(), &6.into()), "{line}");
}

#[tokio::test]
async fn a_provider_that_stays_silent_is_given_up() {
    let (provider, mut reports) = reporting().await;
    let gateway = Gateway::start(&format!(
        "providers: {{openai: {{api_key: k, base_url: 'http://{}/v1', timeouts: {{first_byte: 300ms, idle: 300ms}}}}}}",
        provider.address
    ));
    let answer = gateway.ask("POST", "/v1/files", &[("x-request-id", "silent")], b"hello").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (504, &"upstream_timeout".into()));
    assert_eq!((next(&mut reports).await, next(&mut reports).await), ("head", "gone"));
    assert_eq!(gateway.line("silent").await["outcome"], "timed_out");
    let request =
        Request::get(gateway.url("/passthrough/openai/stream")).body(Empty::<bytes::Bytes>::new()).unwrap();
    assert!(gateway.try_send(request).await.is_err());
}
