//! Whose tokens they are, how they come, and what happens when they do not.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::upstream::Script;
use crate::world::{Gateway, account, gemini_says, google, grants, refuses, simulator};

const MODEL: &str = "vertex/gemini-2.5-flash";
const GENERATE: &str = ":generateContent";

fn fields(url: &str, credentials: impl Into<Value>) -> Value {
    json!({"base_url": format!("{url}/v1"), "location": "us-central1", "credentials": credentials.into()})
}

#[tokio::test]
async fn a_service_account_signs_for_one_token_that_all_workers_share() {
    let (upstream, log) = google(|asked| match asked.uri.path() {
        "/token" => grants("ya29.one", 3600),
        _ => gemini_says("hello"),
    })
    .await;
    let url = upstream.url();
    let gateway = Gateway::new(&fields(&url, account(&format!("{url}/token"))), &[]);
    let another = gateway.another();
    let all = (0..20).map(|at| if at % 2 == 0 { &gateway } else { &another });
    let answers = all.map(|gateway| gateway.say(MODEL, "hello"));
    for answer in join(answers).await {
        assert_eq!(answer.said(), "hello");
    }
    assert_eq!(log.count("/token"), 1);
    assert_eq!(log.bearers(GENERATE), vec!["Bearer ya29.one"; 20]);
    assert_eq!(
        log.last(GENERATE, |asked| asked.uri.path().to_owned()),
        "/v1/projects/p-1/locations/us-central1/publishers/google/models/gemini-2.5-flash:generateContent"
    );

    let form: HashMap<String, String> =
        log.last("/token", |asked| url::form_urlencoded::parse(&asked.body).into_owned().collect());
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let parts: Vec<&str> = form["assertion"].split('.').collect();
    let read =
        |at: usize| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[at]).unwrap()).unwrap() };
    assert_eq!(read(0), json!({"alg": "RS256", "typ": "JWT", "kid": "k-1"}));
    let claims = read(1);
    assert_eq!(claims["iss"], "me@p-1.iam.gserviceaccount.com");
    assert_eq!(claims["aud"], format!("{url}/token"));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 3600);
    assert!(is_signed(&parts));
}

/// Whether a statement is signed by the test's key.
fn is_signed(parts: &[&str]) -> bool {
    use rustls::SignatureScheme::RSA_PKCS1_SHA256;
    use rustls::pki_types::{PrivateKeyDer, pem::PemObject as _};

    let file: Value = serde_json::from_str(&account("https://h/token")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(file["private_key"].as_str().unwrap().as_bytes()).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    // What stands before the key itself in a `SubjectPublicKeyInfo` of 2048 bits.
    let public = key.public_key().unwrap();
    let all = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    let (_, algorithms) = all.mapping.iter().find(|(scheme, _)| *scheme == RSA_PKCS1_SHA256).unwrap();
    let message = format!("{}.{}", parts[0], parts[1]);
    let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    algorithms[0].verify_signature(&public.as_ref()[24..], message.as_bytes(), &signature).is_ok()
}

#[tokio::test]
async fn a_signed_in_user_and_a_machine_have_tokens_too() {
    let address = simulator().await;
    let url = format!("http://{address}/vertex");
    let user = json!({
        "type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r",
        "quota_project_id": "q", "token_uri": format!("{url}/token"),
    });
    let gateway = Gateway::new(&fields(&url, user.to_string()), &[]);
    assert_eq!(gateway.say(MODEL, "hello").await.said(), "hello");

    // The machine's project is asked for where none is told; a path without one would be refused.
    let host = address.to_string();
    let gateway = Gateway::new(&fields(&url, "metadata"), &[("GCE_METADATA_HOST", &host)]);
    assert_eq!(gateway.say(MODEL, "hello").await.said(), "hello");
    assert_eq!(gateway.say("vertex/claude-opus-4-6", "hello").await.said(), "hello");
}

#[tokio::test]
async fn a_users_quota_project_and_key_go_along() {
    let (upstream, log) = google(|asked| match asked.uri.path() {
        "/token" => grants("ya29.user", 3600),
        _ => gemini_says("hello"),
    })
    .await;
    let url = upstream.url();
    let user = json!({
        "type": "authorized_user", "client_id": "c", "client_secret": "s3cret", "refresh_token": "1//r3fresh",
        "quota_project_id": "q", "token_uri": format!("{url}/token"),
    });
    let gateway = Gateway::new(&fields(&url, user.to_string()), &[]);
    assert_eq!(gateway.say(MODEL, "hello").await.said(), "hello");
    assert_eq!(log.last(GENERATE, |asked| asked.headers["x-goog-user-project"].clone()), "q");
    let form: HashMap<String, String> =
        log.last("/token", |asked| url::form_urlencoded::parse(&asked.body).into_owned().collect());
    assert_eq!((&*form["refresh_token"], &*form["client_secret"]), ("1//r3fresh", "s3cret"));
    let shown = format!("{:?} {:?}", gateway.settings, gateway.shared);
    assert!(!shown.contains("s3cret") && !shown.contains("r3fresh") && !shown.contains("ya29"), "{shown}");

    let keyed = Gateway::new(&json!({"base_url": format!("{url}/v1"), "api_key": "AQ.k3y"}), &[]);
    assert_eq!(keyed.say(MODEL, "hello").await.said(), "hello");
    log.last(GENERATE, |asked| {
        assert_eq!(asked.headers["x-goog-api-key"], "AQ.k3y");
        assert!(!asked.headers.contains_key("authorization"));
        assert_eq!(asked.uri.path(), "/v1/publishers/google/models/gemini-2.5-flash:generateContent");
    });
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let given = AtomicU64::new(0);
    let (upstream, log) = google(move |asked| {
        if asked.uri.path() == "/token" {
            return grants(&format!("ya29.{}", given.fetch_add(1, Ordering::Relaxed)), 3600);
        }
        // The first was revoked.
        if asked.headers["authorization"] == "Bearer ya29.0" {
            return refuses(401, "Request had invalid authentication credentials.");
        }
        gemini_says("hello")
    })
    .await;
    let url = upstream.url();
    let gateway = Gateway::new(&fields(&url, account(&format!("{url}/token"))), &[]);
    assert_eq!(gateway.say(MODEL, "hello").await.said(), "hello");
    assert_eq!(log.bearers(GENERATE), ["Bearer ya29.0", "Bearer ya29.1"]);
    // It was the same request.
    assert_eq!(gateway.say(MODEL, "hello").await.said(), "hello");
    assert_eq!(log.count("/token"), 2);
}

/// What streams through cannot be sent twice: that one request is refused, and no other.
#[tokio::test]
async fn a_token_refused_to_an_upload_is_not_used_again() {
    let given = AtomicU64::new(0);
    let (upstream, log) = google(move |asked| {
        if asked.uri.path() == "/token" {
            return grants(&format!("ya29.{}", given.fetch_add(1, Ordering::Relaxed)), 3600);
        }
        if asked.headers["authorization"] == "Bearer ya29.0" {
            return refuses(401, "Request had invalid authentication credentials.");
        }
        gemini_says("hello")
    })
    .await;
    let url = upstream.url();
    let gateway = Gateway::new(&fields(&url, account(&format!("{url}/token"))), &[]);
    let upload = json!({"any": "thing"});
    for status in [401, 200] {
        assert_eq!(gateway.post("/passthrough/vertex/v1/x:upload", &upload).await.status, status);
    }
    assert_eq!(log.bearers(":upload"), ["Bearer ya29.0", "Bearer ya29.1"]);
}

#[tokio::test]
async fn a_provider_that_refuses_every_token_is_not_pressed() {
    let given = AtomicU64::new(0);
    let (upstream, log) = google(move |asked| match asked.uri.path() {
        "/token" => grants(&format!("ya29.s3cret-{}", given.fetch_add(1, Ordering::Relaxed)), 3600),
        _ => refuses(401, &format!("no: {}", asked.headers["authorization"].to_str().unwrap())),
    })
    .await;
    let url = upstream.url();
    let gateway = Gateway::new(&fields(&url, account(&format!("{url}/token"))), &[]);
    for _ in 0..5 {
        let answer = gateway.say(MODEL, "hello").await;
        assert_eq!(answer.status, 401, "{answer:?}");
        // Not even the token that it repeats.
        assert!(!answer.text().contains("s3cret"), "{answer:?}");
        assert!(answer.text().contains("[redacted]"), "{answer:?}");
    }
    assert_eq!((log.count("/token"), log.count(GENERATE)), (2, 6));
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_the_answer_says_what_to_do() {
    let (upstream, log) = google(|asked| {
        let form: HashMap<String, String> = url::form_urlencoded::parse(&asked.body).into_owned().collect();
        let words = format!("Invalid JWT Signature: {}", form["assertion"]);
        let body = json!({"error": "invalid_grant", "error_description": words});
        Script::new(400, Some("application/json"), body.to_string())
    })
    .await;
    let url = upstream.url();
    let gateway = Gateway::new(&fields(&url, account(&format!("{url}/token"))), &[]);
    for _ in 0..3 {
        let answer = gateway.say(MODEL, "hello").await;
        assert_eq!(answer.status, 502, "{answer:?}");
        let error = &answer.json()["error"];
        assert_eq!(error["code"], "no_access_token");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("provider vertex: 127.0.0.1:"), "{message}");
        assert!(message.contains("invalid_grant: Invalid JWT Signature: [redacted]"), "{message}");
        assert!(message.contains("check the clock"), "{message}");
        assert_eq!(answer.headers["x-tollway-upstream"], MODEL);
    }
    // It rests for a second after a failure.
    assert_eq!((log.count("/token"), log.count(GENERATE)), (1, 0));
}

#[tokio::test]
async fn nobody_at_the_metadata_servers_address_is_said_in_words() {
    let gone = {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let gateway = Gateway::new(&fields("http://127.0.0.1:9", "metadata"), &[("GCE_METADATA_HOST", &gone)]);
    let answer = gateway.say(MODEL, "hello").await;
    assert_eq!(answer.status, 503, "{answer:?}");
    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with(&format!("provider vertex: {gone} gave no access token: ")), "{message}");

    // Somebody else at that address is told from a metadata server.
    let (upstream, _) = google(|_| {
        let mut script = grants("ya29.x", 3600);
        script.headers.remove("metadata-flavor");
        script
    })
    .await;
    let host = upstream.url().replace("http://", "");
    let gateway = Gateway::new(&fields("http://127.0.0.1:9", "metadata"), &[("GCE_METADATA_HOST", &host)]);
    let answer = gateway.say(MODEL, "hello").await;
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(answer.text().contains("not a metadata server"), "{answer:?}");
}

/// Waits for all at once.
async fn join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.map(Box::pin).map(|future| (future, None)).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in &mut waiting {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(cx)
            {
                *done = Some(output);
            }
        }
        if waiting.iter().all(|(_, done)| done.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    waiting.into_iter().filter_map(|(_, done)| done).collect()
}
