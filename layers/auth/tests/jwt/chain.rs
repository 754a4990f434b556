//! Tokens and keys together, through the layer.

use std::sync::Arc;
use std::task::Poll;

use http::{Extensions, Request, Response};
use tollway_auth::jwt::{Issuer, JwtSettings, KeySource};
use tollway_auth::keys::{DeclaredKey, Grant, KeyTable, Pepper};
use tollway_auth::{Auth, AuthLayer, AuthService, Error, Jwt, Keys, Method, Settings};
use tollway_core::{Caller, Respond};
use tower_layer::Layer;
use tower_test::mock::{self, Handle, Mock};

use super::signer::{Signer, header, jwks};
use super::site::Site;
use super::{ISSUER, bearer, claims, issuer, jwt, noon, with};

const TOKEN: &str = "tw-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

type Inner = Mock<Request<()>, Response<String>>;

#[derive(Clone, Copy, Debug)]
struct InWords;

impl Respond<Error, String> for InWords {
    fn respond(&self, _: &Extensions, error: &Error) -> Response<String> {
        Response::builder().status(error.status()).body(format!("{}: {error}", error.code())).unwrap()
    }
}

fn layer(jwt: Jwt) -> AuthLayer<InWords> {
    let table = KeyTable::new(Pepper::new(&[7; 32]).unwrap());
    let grant = || Grant { user: Some("key".to_owned()), ..Grant::default() };
    table.declare(vec![DeclaredKey::plain("ours", TOKEN, grant(), table.pepper()).unwrap()]);
    let methods: Vec<Arc<dyn Method>> = vec![Arc::new(Keys::new(Arc::new(table))), Arc::new(jwt)];
    AuthLayer::new(Arc::new(Auth::new(Settings::default(), methods))).respond_with(InWords).clock(noon)
}

/// What is answered, and what was seen inward.
async fn ask(layer: &AuthLayer<InWords>, request: Request<()>) -> (Response<String>, Option<Request<()>>) {
    let (mut service, mut inward): (mock::Spawn<AuthService<Inner, InWords>>, Handle<_, _>) =
        mock::spawn_with(|inner| layer.layer(inner));
    assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))));
    let answer = async move {
        let answer = service.call(request).await;
        drop(service);
        answer.unwrap()
    };
    let inward = async {
        let (request, send) = inward.next_request().await?;
        send.send_response(Response::new("inner".to_owned()));
        Some(request)
    };
    tokio::join!(answer, inward)
}

fn user(request: Option<Request<()>>) -> Option<String> {
    let caller = request?.extensions().get::<Arc<Caller>>()?.clone();
    caller.user.as_deref().map(str::to_owned)
}

#[tokio::test]
async fn keys_are_the_keys_and_tokens_the_issuers() {
    let rsa = Signer::rsa();
    let layer = layer(jwt(vec![issuer(&[(&rsa, "r")])]));
    let token = rsa.token(&header("RS256", "r"), &claims(""));
    let (_, inward) = ask(&layer, bearer(&token)).await;
    assert!(inward.as_ref().unwrap().headers().is_empty(), "a token goes no further");
    assert_eq!(user(inward), Some("ada".to_owned()));
    let (_, inward) = ask(&layer, bearer(TOKEN)).await;
    assert_eq!(user(inward), Some("key".to_owned()));

    for (request, status, code) in [
        (bearer("tw-eyJhbGciOiJub25lIn0.e30.AAAA"), 401, "invalid_api_key: the API key is not valid"),
        (
            bearer(&format!("{token}x")),
            401,
            "invalid_token: the token is not accepted: it is not a signed token",
        ),
        (
            bearer("eyJhbGciOiJub25lIn0.e30."),
            401,
            "invalid_token: the token is not accepted: its algorithm is not allowed",
        ),
        (bearer("sk-a.b.c"), 401, "invalid_api_key: the API key is not valid"),
        (Request::new(()), 401, "missing_api_key: no API key was given"),
    ] {
        let (answer, inward) = ask(&layer, request).await;
        assert_eq!((answer.status().as_u16(), &**answer.body(), inward.is_none()), (status, code, true));
    }
}

#[tokio::test]
async fn a_key_beside_a_token_decides_and_the_token_stays() {
    let rsa = Signer::rsa();
    let layer = layer(jwt(vec![issuer(&[(&rsa, "r")])]));
    let mut request = bearer("eyJhbGciOiJSUzI1NiJ9.e30.AAAA");
    request.headers_mut().insert("x-api-key", TOKEN.parse().unwrap());
    let (_, inward) = ask(&layer, request).await;
    assert_eq!(inward.as_ref().unwrap().headers().len(), 1, "which is meant for a provider");
    assert_eq!(user(inward), Some("key".to_owned()));
}

#[tokio::test]
async fn a_token_goes_no_further_wherever_it_stands() {
    let rsa = Signer::rsa();
    let mut run = Issuer::cloud_run(["gateway"]);
    run.keys = issuer(&[(&rsa, "r")]).keys;
    let layer = layer(jwt(vec![run]));
    let claims = r#"{"iss":"accounts.google.com","aud":"gateway","sub":"7","exp":1000600}"#;
    let token = format!("Bearer {}", rsa.token(&header("RS256", "r"), claims));
    let mut request = with("x-serverless-authorization", &token);
    request.headers_mut().insert("authorization", token.parse().unwrap());
    request.headers_mut().insert("x-api-key", "theirs".parse().unwrap());
    let (_, inward) = ask(&layer, request).await;
    let headers = inward.as_ref().unwrap().headers();
    assert_eq!((headers.len(), headers["x-api-key"].as_bytes()), (1, &b"theirs"[..]));
    assert_eq!(user(inward), Some("7".to_owned()));
}

#[tokio::test]
async fn forgeries_are_counted_and_good_tokens_pass() {
    let (rsa, other) = (Signer::rsa(), Signer::other_rsa());
    let layer = layer(jwt(vec![issuer(&[(&rsa, "r")])]));
    let late = rsa.token(&header("RS256", "r"), &claims("").replace("1000600", "999000"));
    for _ in 0..20 {
        let (answer, _) = ask(&layer, bearer(&late)).await;
        assert_eq!(answer.body(), "token_expired: the token is not accepted: it has expired");
    }
    let forged = other.token(&header("RS256", "r"), &claims(""));
    for _ in 0..10 {
        assert_eq!(ask(&layer, bearer(&forged)).await.0.status(), 401);
    }
    assert_eq!(ask(&layer, bearer(&forged)).await.0.status(), 429);
    let good = rsa.token(&header("RS256", "r"), &claims(""));
    assert_eq!(user(ask(&layer, bearer(&good)).await.1), Some("ada".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_first_request_waits_for_keys_and_goes_on() {
    let rsa = Signer::rsa();
    let site = Site::new();
    let url = "https://issuer.example/keys";
    site.publish(url, jwks(&[(&rsa, "r")]));
    let mut issuer = Issuer::new(ISSUER, ["gateway"]);
    issuer.keys = KeySource::Url(url.parse().unwrap());
    let settings = JwtSettings { issuers: vec![issuer], ..JwtSettings::default() };
    let (jwt, refresh) = Jwt::new(settings, site.clone()).unwrap();
    let layer = layer(jwt);
    let token = rsa.token(&header("RS256", "r"), &claims(""));
    let (answer, _) = ask(&layer, bearer(&token)).await;
    assert_eq!(answer.status(), 503, "nobody fetches yet");
    let running = tokio::spawn(refresh.clock(noon).run());
    let (_, inward) = ask(&layer, bearer(&token)).await;
    assert_eq!(user(inward), Some("ada".to_owned()));
    running.abort();
}
