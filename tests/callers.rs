//! Callers without a key: tokens that issuers have signed, and certificates of clients, at a running
//! gateway.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "server/control.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod control;
#[path = "support/http.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod http_client;
#[path = "callers/issuer.rs"]
mod issuer;
#[path = "support/process.rs"]
mod process;

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tempfile::TempDir;

use http_client::{Outcome, chat, json as parse, send};
use issuer::Issuer;
use process::Server;

fn gateway(folder: &TempDir, configuration: &str) -> Server {
    let file = folder.path().join("tollway.yaml");
    fs::write(&file, format!("log: {{access: stderr}}\nsimulator: on\n{configuration}\n")).unwrap();
    Server::start(&["serve", "--config", file.to_str().unwrap()], &[]).unwrap()
}

fn in_an_hour() -> u64 {
    (SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_hours(1)).as_secs()
}

/// Asks a model with a credential in a header.
async fn ask(
    server: &Server,
    header: &'static str,
    value: &str,
    model: &str,
) -> Outcome<(StatusCode, Value)> {
    let mut request = chat(server.addr(), model, "hello", json!({}));
    request.headers_mut().insert(header, value.parse()?);
    request.headers_mut().insert("x-request-id", format!("of-{model}-{header}").replace('/', "-").parse()?);
    let answer = send(request).await?;
    Ok((answer.status(), parse(answer.body())))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_an_issuer_has_signed_says_who_asks() -> Outcome<()> {
    let (issuer, folder) = (Issuer::start().await, TempDir::new()?);
    let server = gateway(
        &folder,
        &format!(
            "server: {{listen: '127.0.0.1:0'}}
auth:
  jwt:
    company:
      issuer: {}
      audiences: tollway
      required: {{ hd: example.com }}
      claims: {{ user: [email, sub], team: org.team, scopes: scope }}
      grant: {{ models: 'gpt-*', limits: [{{ requests: 3, window: 1h }}] }}",
            issuer.url()
        ),
    );
    let claims = json!({"iss": issuer.url(), "aud": "tollway", "exp": in_an_hour(), "sub": "7", "hd": "example.com",
        "email": "ada@example.com", "org": {"team": "blue"}, "scope": "admin"});
    let token = issuer.sign(&claims);

    // Whatever SDK sends it.
    let (status, body) = ask(&server, "authorization", &format!("Bearer {token}"), "gpt-4.1").await?;
    assert_eq!(status, 200, "{body}");
    let (status, body) = ask(&server, "x-api-key", &token, "gpt-4.1").await?;
    assert_eq!(status, 200, "{body}");
    let line: Value = serde_json::from_str(&server.wait_for("of-gpt-4.1-x-api-key")?)?;
    assert_eq!(
        (&line["user"], &line["team"], line.get("key")),
        (&json!("ada@example.com"), &json!("blue"), None)
    );
    assert_eq!(issuer.fetched(), 2, "discovery and keys, once");

    let (status, body) = ask(&server, "x-api-key", &token, "claude-sonnet-4-5").await?;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (403, &json!("model_not_allowed")), "{body}");
    let (status, _) = ask(&server, "x-goog-api-key", &token, "gpt-4.1").await?;
    assert_eq!(status, 200);
    let (status, body) = ask(&server, "x-api-key", &token, "gpt-4.1").await?;
    assert_eq!(status, 429, "{body}");
    assert!(body["error"]["message"].as_str().unwrap().contains("user requests 1h"), "{body}");

    // What is wrong with it is said to whoever holds one that was signed.
    for (field, value, told) in [
        ("aud", json!("others"), "audience"),
        ("exp", json!(1_000_000_000), "expired"),
        ("hd", json!("evil.example"), "hd"),
        ("iss", json!("https://evil.example"), "issuer"),
    ] {
        let mut claims = claims.clone();
        claims[field] = value;
        let (status, body) = ask(&server, "x-api-key", &issuer.sign(&claims), "gpt-4.1").await?;
        assert_eq!(status, 401, "{field}: {body}");
        assert!(body["error"]["message"].as_str().unwrap().contains(told), "{field}: {body}");
    }
    for forged in [
        Issuer::unsigned(&claims),
        format!("{}AAAA", &token[..token.len() - 4]),
        Issuer::start().await.sign(&claims),
    ] {
        let (status, body) = ask(&server, "x-api-key", &forged, "gpt-4.1").await?;
        assert_eq!(status, 401, "{body}");
    }
    // A method is in use, so that nobody passes without.
    let nobody = send(chat(server.addr(), "gpt-4.1", "hello", json!({}))).await?;
    assert_eq!(nobody.status(), 401);

    // Keys change, and the gateway hears of it by the first token.
    issuer.rotate();
    let fresh = issuer.sign(
        &json!({"iss": issuer.url(), "aud": "tollway", "exp": in_an_hour(), "sub": "8", "hd": "example.com"}),
    );
    let begun = std::time::Instant::now();
    loop {
        let (status, body) = ask(&server, "x-api-key", &fresh, "gpt-4.1").await?;
        if status == 200 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{body}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

/// A certificate and its key.
struct Identity(CertificateDer<'static>, Vec<u8>);

fn client(ca: &CertifiedIssuer<'_, KeyPair>, uri: &str) -> Identity {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, ca).unwrap();
    Identity(certificate.der().clone(), key.serialize_der())
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// The answer to a chat over TLS.
async fn over_tls(
    server: &Server,
    root: &rcgen::Certificate,
    client: Option<&Identity>,
) -> Outcome<(StatusCode, Value)> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.der().clone())?;
    let builder =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
    let config = match client {
        None => builder.with_no_client_auth(),
        Some(Identity(certificate, key)) => {
            let key = PrivateKeyDer::try_from(key.clone()).map_err(str::to_owned)?;
            builder.with_client_auth_cert(vec![certificate.clone()], key)?
        }
    };
    let mut config = config;
    config.alpn_protocols = vec![b"h2".to_vec()];
    let tcp = tokio::net::TcpStream::connect(server.addr()).await?;
    let tls =
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect("localhost".try_into()?, tcp).await?;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), TokioIo::new(tls))
            .await?;
    tokio::spawn(connection);
    let body = json!({"model": "gpt-4.1", "messages": [{"role": "user", "content": "hello"}]});
    let request = Request::post("https://localhost/v1/chat/completions")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_string())))?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    Ok((status, parse(&answer.into_body().collect().await?.to_bytes())))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_says_who_asks() -> Outcome<()> {
    let folder = TempDir::new()?;
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    let (ca, stranger) = (authority(), authority());
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text);
    write("cert.pem", own.cert.pem())?;
    write("key.pem", own.signing_key.serialize_pem())?;
    write("ca.pem", ca.pem())?;
    let configuration = |required: bool| {
        format!(
            "server: {{listen: '127.0.0.1:0', tls: {{cert: cert.pem, key: key.pem, client_ca: ca.pem, client_certificate_required: {required}}}}}
auth:
  certificates:
    - uri: spiffe://example.com/ns/prod/sa/*
      user: {{ field: uri, after: spiffe://example.com/ns/prod/sa/ }}
      grant: {{ team: prod }}"
        )
    };
    let server = gateway(&folder, &configuration(false));
    let billing = client(&ca, "spiffe://example.com/ns/prod/sa/billing");
    let (status, body) = over_tls(&server, &own.cert, Some(&billing)).await?;
    assert_eq!(status, 200, "{body}");
    let line: Value = serde_json::from_str(&server.wait_for("\"user\":\"billing\"")?)?;
    assert_eq!(line["team"], "prod");

    let test = client(&ca, "spiffe://example.com/ns/test/sa/billing");
    assert_eq!(over_tls(&server, &own.cert, Some(&test)).await?.0, 401);
    assert_eq!(over_tls(&server, &own.cert, None).await?.0, 401);
    let forged = client(&stranger, "spiffe://example.com/ns/prod/sa/billing");
    assert!(over_tls(&server, &own.cert, Some(&forged)).await.is_err(), "TLS itself refuses it");

    let server = gateway(&folder, &configuration(true));
    assert_eq!(over_tls(&server, &own.cert, Some(&billing)).await?.0, 200);
    assert!(over_tls(&server, &own.cert, None).await.is_err());
    Ok(())
}
