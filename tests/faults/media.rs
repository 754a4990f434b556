//! Pictures and documents by URL, which Gemini is sent inline, and documents alone OpenAI's Chat.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::road::{Answer, CHAT, Gateway, Providers, post};

/// A server of media.
async fn server() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = service_fn(|request| async move { Ok::<_, Infallible>(medium(&request).await) });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer),
            );
        }
    });
    address
}

async fn medium(request: &Request<Incoming>) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    let full = |bytes: &'static [u8]| Full::new(Bytes::from_static(bytes)).boxed_unsync();
    let mut answer = Response::new(full(b"PNG"));
    let to = |place: String| Some(place.parse().unwrap());
    let redirect = match request.uri().path() {
        "/hop" => to("/picture.png".to_owned()),
        "/loop" => to("/loop".to_owned()),
        "/file" => to("file:///etc/passwd".to_owned()),
        _ => None,
    };
    if let Some(place) = redirect {
        *answer.status_mut() = StatusCode::FOUND;
        answer.headers_mut().insert("location", place);
        return answer;
    }
    match request.uri().path() {
        "/picture.png" => {
            answer.headers_mut().insert("content-type", "image/png; charset=binary".parse().unwrap());
        }
        "/paper" => {
            answer.headers_mut().insert("content-type", "application/pdf".parse().unwrap());
        }
        "/large" => {
            answer.headers_mut().insert("content-type", "image/png".parse().unwrap());
            *answer.body_mut() = Endless.boxed_unsync();
        }
        "/silent" => std::future::pending().await,
        _ => *answer.status_mut() = StatusCode::NOT_FOUND,
    }
    answer
}

/// A body of no told length, and without an end.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0; 512])))))
    }
}

async fn ask(gateway: &Gateway, url: &str) -> Answer {
    let body = json!({"model": "gemini/gemini-2.5-flash", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": url}},
    ]}]});
    gateway.send(post(CHAT, body.to_string())).await
}

#[track_caller]
fn refused(answer: &Answer, why: &str) {
    assert_eq!(answer.status, 400, "{}", answer.text());
    let error = &answer.json()["error"];
    assert_eq!(error["type"], "invalid_request_error", "{error}");
    assert_eq!(error["param"], "messages[0].content[1].image_url.url", "{error}");
    assert!(error["message"].as_str().unwrap().contains(why), "{error}");
    assert_eq!(answer.line["outcome"], "refused", "{}", answer.line);
}

fn gateway(providers: &Providers, media: &str) -> Gateway {
    providers.gateway_with("", &format!("media: {{{media}}}\n"))
}

#[tokio::test]
async fn a_picture_is_fetched_and_sent_inline() {
    let (providers, server) = (Providers::start().await, server().await);
    let gateway = gateway(&providers, "allow_private: true");
    for path in ["/picture.png", "/hop", "/picture.png#part"] {
        let answer = ask(&gateway, &format!("http://{server}{path}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let last = providers.last().await;
        let parts = &last[0]["body"]["contents"][0]["parts"];
        let sent = parts.as_array().unwrap().iter().find_map(|part| part.get("inlineData"));
        assert_eq!(sent, Some(&json!({"mimeType": "image/png", "data": "UE5H"})), "{path}: {parts}");
    }
}

#[tokio::test]
async fn what_cannot_be_fetched_is_told_by_its_field() {
    let (providers, server) = (Providers::start().await, server().await);
    let gateway = gateway(&providers, "allow_private: true, max_bytes: 64KiB, timeout: 300ms");
    for (path, why) in [
        ("/nothing", "the server answered 404"),
        ("/large", "larger than 65536 bytes"),
        ("/silent", "did not send it within 0.3 s"),
        ("/loop", "redirects more than 3 times"),
        ("/file", "only https URLs are fetched, got file"),
    ] {
        refused(&ask(&gateway, &format!("http://{server}{path}")).await, why);
    }
    assert_eq!(providers.stats().await["requests"], 0, "nothing of it reaches the provider");
}

#[tokio::test]
async fn our_own_network_is_not_asked() {
    let (providers, server) = (Providers::start().await, server().await);
    let gateway = providers.gateway("");
    for (url, why) in [
        (format!("http://{server}/picture.png"), "only https URLs are fetched, got http"),
        (format!("https://{server}/picture.png"), "its address is not public"),
        (format!("https://localhost:{}/picture.png", server.port()), "its address is not public"),
        ("https://169.254.169.254/latest/meta-data".to_owned(), "its address is not public"),
        ("https://[::ffff:127.0.0.1]/".to_owned(), "its address is not public"),
        ("https://2130706433/".to_owned(), "its address is not public"),
        ("https://0x7f.1/".to_owned(), "its address is not public"),
    ] {
        refused(&ask(&gateway, &url).await, why);
    }
}

#[tokio::test]
async fn many_pictures_of_one_request_are_held_to_one_limit() {
    let (providers, server) = (Providers::start().await, server().await);
    let gateway = gateway(&providers, "allow_private: true");
    let picture = json!({"type": "image_url", "image_url": {"url": format!("http://{server}/picture.png")}});
    let ask = async |count: usize| -> (StatusCode, Value) {
        let content = vec![picture.clone(); count];
        let body =
            json!({"model": "gemini/gemini-2.5-flash", "messages": [{"role": "user", "content": content}]});
        let answer = gateway.send(post(CHAT, body.to_string())).await;
        (answer.status, answer.json())
    };
    let (status, body) = ask(40).await;
    assert_eq!(status, 200, "{body}");
    let (status, body) = ask(1_000).await;
    assert_eq!(status, 400, "{body}");
    assert!(body["error"]["message"].as_str().unwrap().contains("more than"), "{body}");
}

/// Chat Completions take documents by their bytes only, and fetch pictures themselves.
#[tokio::test]
async fn documents_are_fetched_for_chat_and_told_in_the_clients_words() {
    let (providers, server) = (Providers::start().await, server().await);
    let gateway = gateway(&providers, "allow_private: true");
    let ask = async |document: &str| {
        let source = |path: &str| json!({"type": "url", "url": format!("http://{server}{path}")});
        let body = json!({"model": "openai/gpt-4o", "max_tokens": 99, "messages": [{"role": "user", "content": [
            {"type": "image", "source": source("/nothing.png")},
            {"type": "document", "title": "paper.pdf", "source": source(document)},
        ]}]});
        gateway.send(post("/v1/messages", body.to_string())).await
    };
    let answer = ask("/paper").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = &providers.last().await[0]["body"]["messages"][0]["content"];
    assert_eq!(sent[0]["image_url"]["url"], format!("http://{server}/nothing.png"));
    let file = json!({"filename": "paper.pdf", "file_data": "data:application/pdf;base64,UE5H"});
    assert_eq!(sent[1]["file"], file);
    let answer = ask("/nothing").await;
    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!(answer.status, 400, "{message}");
    assert!(message.starts_with("messages[0].content[1]: the URL could not be fetched"), "{message}");
}
