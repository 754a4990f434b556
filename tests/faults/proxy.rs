//! Proxies that the environment names, and TLS to providers, by the built binary.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::support::http::{Outcome, chat, json as parse, send};
use crate::support::process::Server;

/// What a server has seen, line by line.
type Seen = Arc<Mutex<Vec<String>>>;

/// Answers a chat, and keeps what was asked: version, method, target, headers.
async fn answer(request: Request<Incoming>, seen: Seen) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let asked = format!(
        "{:?} {} {} host={:?} proxy-authorization={:?}",
        request.version(),
        request.method(),
        request.uri(),
        request.headers().get("host").and_then(|host| host.to_str().ok()),
        request.headers().get("proxy-authorization").and_then(|value| value.to_str().ok()),
    );
    seen.lock().unwrap().push(asked);
    request.into_body().collect().await?;
    let body = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]});
    Ok(Response::new(Full::new(Bytes::from(body.to_string()))))
}

async fn serve<I>(io: I, seen: Seen)
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| answer(request, seen.clone()));
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(io), service).await;
}

/// A proxy: answers requests in the clear itself, and leads tunnels to one server.
async fn proxy(to: Option<SocketAddr>) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let kept = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = kept.clone();
            tokio::spawn(async move {
                let mut first = [0; 8];
                let count = stream.peek(&mut first).await.unwrap();
                if !first[..count].starts_with(b"CONNECT") {
                    return serve(stream, seen).await;
                }
                let head = head(&mut stream).await;
                seen.lock().unwrap().push(head);
                let mut server = TcpStream::connect(to.unwrap()).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut server).await;
            });
        }
    });
    (address, seen)
}

/// Reads to the blank line.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// A TLS server that offers HTTP/2 where `http2`, and its certificate in a file.
async fn tls(http2: bool) -> (SocketAddr, Seen, Certificate) {
    let made = rcgen::generate_simple_self_signed(vec!["provider.test".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if http2 {
        config.alpn_protocols.insert(0, b"h2".to_vec());
    }
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let kept = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, seen) = (acceptor.clone(), kept.clone());
            tokio::spawn(async move {
                // A client that trusts nobody ends here.
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, seen).await;
                }
            });
        }
    });
    (address, seen, Certificate::write(&made.cert.pem()))
}

/// A file of its own with a certificate, removed when dropped.
struct Certificate(PathBuf);

impl Certificate {
    fn write(pem: &str) -> Self {
        let name = format!("{}-{:x}.pem", std::process::id(), fastrand::u64(..));
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, pem).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The binary with one provider at a URL.
fn gateway(url: &str, more: &str, env: &[(&str, &str)]) -> Server {
    let providers = format!("{{openai: {{api_key: key-of-openai, base_url: '{url}'{more}}}}}");
    let mut all = vec![("TOLLWAY__PROVIDERS", &*providers), ("TOLLWAY__SERVER__LISTEN", "127.0.0.1:0")];
    all.extend_from_slice(env);
    Server::start(&["serve"], &all).unwrap()
}

/// Asks once; the status and the body.
async fn ask(server: &Server) -> Outcome<(u16, serde_json::Value)> {
    let answer = send(chat(server.addr(), "openai/gpt-5-mini", "hi", json!({}))).await?;
    Ok((answer.status().as_u16(), parse(answer.body())))
}

fn lines(seen: &Seen) -> Vec<String> {
    std::mem::take(&mut seen.lock().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_the_clear_goes_to_the_proxy_in_absolute_form() -> Outcome<()> {
    let (address, seen) = proxy(None).await;
    for (variable, user, authorization) in [
        ("HTTP_PROXY", "", "None"),
        ("http_proxy", "", "None"),
        ("ALL_PROXY", "me:pass@", "Some(\"Basic bWU6cGFzcw==\")"),
    ] {
        let url = format!("http://{user}{address}");
        let server = gateway("http://provider.test/v1", "", &[(variable, &url)]);
        assert_eq!(ask(&server).await?.0, 200, "{variable}");
        let asked = lines(&seen);
        let wanted = format!(
            "HTTP/1.1 POST http://provider.test/v1/chat/completions host=Some(\"provider.test\") proxy-authorization={authorization}"
        );
        assert_eq!(asked, [wanted], "{variable}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_over_tls_goes_through_a_tunnel() -> Outcome<()> {
    let (server, served, certificate) = tls(true).await;
    let (address, seen) = proxy(Some(server)).await;
    let url = format!("http://me:pass@{address}");
    let env = [("HTTPS_PROXY", &*url), ("SSL_CERT_FILE", certificate.path())];
    let server = gateway("https://provider.test/v1", "", &env);
    assert_eq!(ask(&server).await?.0, 200, "{}", server.log());
    let tunnel = lines(&seen).concat();
    assert!(tunnel.starts_with("CONNECT provider.test:443 HTTP/1.1\r\n"), "{tunnel}");
    assert!(tunnel.to_ascii_lowercase().contains("proxy-authorization: basic bwu6cgfzcw=="), "{tunnel}");
    assert!(!tunnel.contains("key-of-openai"), "{tunnel}");
    // Inside, the provider speaks HTTP/2, and nothing is said of the proxy.
    let inside = lines(&served).concat();
    assert!(inside.starts_with("HTTP/2.0 POST https://provider.test/v1/chat/completions"), "{inside}");
    assert!(inside.ends_with("proxy-authorization=None"), "{inside}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn those_named_in_no_proxy_and_this_machine_are_asked_directly() -> Outcome<()> {
    let (address, seen) = proxy(None).await;
    let proxy_url = format!("http://{address}");
    let (direct, direct_seen) = proxy(None).await;
    // This machine, without a word about it.
    for host in [direct.to_string(), format!("localhost:{}", direct.port())] {
        let server = gateway(&format!("http://{host}/v1"), "", &[("HTTP_PROXY", &proxy_url)]);
        assert_eq!(ask(&server).await?.0, 200, "{host}");
        assert!(lines(&direct_seen).concat().contains("POST /v1/chat/completions"), "{host}");
    }
    // Another that is named: there is no such host, so that asking it directly fails.
    let env = [("HTTP_PROXY", &*proxy_url), ("NO_PROXY", "provider.test")];
    let server = gateway("http://provider.test/v1", ", timeouts: {connect: 2s}", &env);
    let (status, body) = ask(&server).await?;
    assert!(status == 502 || status == 504, "{body}");
    assert!(lines(&seen).is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_spoken_where_the_handshake_offers_it() -> Outcome<()> {
    for (offers, setting, spoken) in [
        (true, "auto", "HTTP/2.0"),
        (false, "auto", "HTTP/1.1"),
        (true, "never", "HTTP/1.1"),
        (true, "prior-knowledge", "HTTP/2.0"),
    ] {
        let (server, served, certificate) = tls(offers).await;
        let (address, _) = proxy(Some(server)).await;
        let url = format!("http://{address}");
        let env = [("HTTPS_PROXY", &*url), ("SSL_CERT_FILE", certificate.path())];
        let server = gateway("https://provider.test/v1", &format!(", http2: {setting}"), &env);
        for _ in 0..2 {
            assert_eq!(ask(&server).await?.0, 200, "{setting}: {}", server.log());
        }
        let asked = lines(&served);
        assert!(
            asked.len() == 2 && asked.iter().all(|line| line.starts_with(spoken)),
            "{setting}: {asked:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_is_refused() -> Outcome<()> {
    let (server, served, _certificate) = tls(true).await;
    let (address, _) = proxy(Some(server)).await;
    let url = format!("http://{address}");
    let server = gateway("https://provider.test/v1", "", &[("HTTPS_PROXY", &url)]);
    let (status, body) = ask(&server).await?;
    assert_eq!((status, &body["error"]["code"]), (502, &json!("upstream_unreachable")), "{body}");
    assert!(body["error"]["message"].as_str().unwrap().contains("certificate"), "{body}");
    assert!(lines(&served).is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_refuses_is_told() -> Outcome<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            head(&mut stream).await;
            let _ = stream
                .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
                .await;
        }
    });
    let server = gateway("https://provider.test/v1", "", &[("HTTPS_PROXY", &url)]);
    let (status, body) = ask(&server).await?;
    assert_eq!((status, &body["error"]["code"]), (502, &json!("upstream_unreachable")), "{body}");
    assert!(body["error"]["message"].as_str().unwrap().contains("proxy"), "{body}");
    Ok(())
}

/// A SOCKS5 proxy that wants a password, and leads everybody to one server.
async fn socks(to: SocketAddr) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let kept = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = kept.clone();
            tokio::spawn(async move {
                let asked = greet(&mut stream).await.unwrap();
                seen.lock().unwrap().push(asked);
                let mut server = TcpStream::connect(to).await.unwrap();
                stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut server).await;
            });
        }
    });
    (address, seen)
}

/// The handshake of RFC 1928 and RFC 1929; gives who asked for what.
async fn greet(stream: &mut TcpStream) -> std::io::Result<String> {
    let text = async |stream: &mut TcpStream| {
        let mut text = vec![0; stream.read_u8().await?.into()];
        stream.read_exact(&mut text).await?;
        std::io::Result::Ok(String::from_utf8_lossy(&text).into_owned())
    };
    assert_eq!(stream.read_u8().await?, 5);
    text(stream).await?;
    stream.write_all(&[5, 2]).await?;
    assert_eq!(stream.read_u8().await?, 1);
    let (user, password) = (text(stream).await?, text(stream).await?);
    stream.write_all(&[1, 0]).await?;
    let mut command = [0; 4];
    stream.read_exact(&mut command).await?;
    assert_eq!(command, [5, 1, 0, 3], "a name, for the proxy to resolve");
    let host = text(stream).await?;
    Ok(format!("{user}:{password} {host}:{}", stream.read_u16().await?))
}

#[tokio::test(flavor = "multi_thread")]
async fn socks_proxies_are_spoken_with() -> Outcome<()> {
    let (server, served, certificate) = tls(true).await;
    let (address, seen) = socks(server).await;
    for scheme in ["socks5", "socks5h"] {
        let url = format!("{scheme}://me:pass@{address}");
        let env = [("ALL_PROXY", &*url), ("SSL_CERT_FILE", certificate.path())];
        let server = gateway("https://provider.test/v1", "", &env);
        assert_eq!(ask(&server).await?.0, 200, "{}", server.log());
        assert_eq!(lines(&seen), ["me:pass provider.test:443"], "{scheme}");
        assert!(lines(&served).concat().starts_with("HTTP/2.0 POST https://provider.test/"), "{scheme}");
    }
    // In the clear: the port is that of the URL, and the request is not in the proxy's form.
    let (plain, plain_seen) = proxy(None).await;
    let (address, seen) = socks(plain).await;
    let url = format!("socks5://me:pass@{address}");
    let server = gateway("http://provider.test/v1", "", &[("HTTP_PROXY", &url)]);
    assert_eq!(ask(&server).await?.0, 200, "{}", server.log());
    assert_eq!(lines(&seen), ["me:pass provider.test:80"]);
    assert!(lines(&plain_seen).concat().starts_with("HTTP/1.1 POST /v1/"), "the origin's form");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_cannot_be_used_is_refused_at_start() {
    for value in ["https://me:secret@proxy.test:3128", "quic://me:secret@proxy.test", "me:secret proxy"] {
        let env = [("HTTPS_PROXY", value), ("TOLLWAY__SERVER__LISTEN", "127.0.0.1:0")];
        let Err(error) = Server::start(&["serve"], &env) else { panic!("{value} was taken") };
        let told = error.to_string();
        assert!(told.contains("HTTPS_PROXY") && told.contains("hint:"), "{told}");
        assert!(!told.contains("secret"), "{told}");
    }
}

/// Asks Gemini about a picture by its URL; the status and the body.
async fn look_at(server: &Server, picture: &str) -> Outcome<(u16, serde_json::Value)> {
    let content = json!([{"type": "image_url", "image_url": {"url": picture}}]);
    let request = chat(
        server.addr(),
        "gemini/gemini-2.5-flash",
        "",
        json!({"messages": [{"role": "user", "content": content}]}),
    );
    let answer = send(request).await?;
    Ok((answer.status().as_u16(), parse(answer.body())))
}

#[tokio::test(flavor = "multi_thread")]
async fn media_is_fetched_through_the_proxy_by_the_address_that_was_checked() -> Outcome<()> {
    let (address, seen) = proxy(Some(SocketAddr::from(([127, 0, 0, 1], 9)))).await;
    let url = format!("http://me:pass@{address}");
    let provider = "{gemini: {api_key: k, base_url: 'http://127.0.0.1:9'}}";
    let mut env = vec![
        ("TOLLWAY__PROVIDERS", provider),
        ("TOLLWAY__SERVER__LISTEN", "127.0.0.1:0"),
        ("HTTPS_PROXY", &*url),
        ("HTTP_PROXY", &*url),
    ];
    let server = Server::start(&["serve"], &env).unwrap();
    // What resolves to a private address, or is one, is not asked for, whoever would connect.
    for private in ["https://10.0.0.1/p.png", "https://169.254.169.254/p.png", "https://127.0.0.1/p.png"] {
        let (status, body) = look_at(&server, private).await?;
        assert_eq!(status, 400, "{body}");
        assert!(body["error"]["message"].as_str().unwrap().contains("not public"), "{body}");
    }
    // A name that nobody here knows is not handed on to be resolved elsewhere.
    let (status, body) = look_at(&server, "https://media.invalid/p.png").await?;
    assert!(status == 400 && body.to_string().contains("resolved here"), "{body}");
    assert!(lines(&seen).is_empty());
    // A public one goes to the proxy. Nobody answers as that server there.
    let (status, _) = look_at(&server, "https://1.1.1.1:8443/p.png").await?;
    assert_eq!(status, 400);
    let tunnel = lines(&seen).concat();
    assert!(tunnel.starts_with("CONNECT 1.1.1.1:8443 HTTP/1.1\r\n"), "{tunnel}");
    assert!(tunnel.to_ascii_lowercase().contains("proxy-authorization: basic bwu6cgfzcw=="), "{tunnel}");
    drop(server);

    // Where all addresses are allowed, the proxy resolves.
    env.push(("TOLLWAY__MEDIA__ALLOW_PRIVATE", "true"));
    let server = Server::start(&["serve"], &env).unwrap();
    look_at(&server, "http://media.invalid/p.png").await?;
    let asked = lines(&seen).concat();
    assert!(asked.starts_with("HTTP/1.1 GET http://media.invalid/p.png"), "{asked}");
    assert!(asked.ends_with("proxy-authorization=Some(\"Basic bWU6cGFzcw==\")"), "{asked}");
    Ok(())
}
