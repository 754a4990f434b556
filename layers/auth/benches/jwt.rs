//! What it costs to know a caller by a token: one that is new, and one that comes again.
#![expect(clippy::unwrap_used, clippy::unreachable, reason = "a bench")]

use std::convert::Infallible;
use std::future::ready;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::{Request, Response, Uri};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use tollway_auth::jwt::{Fetch, Fetched, Issuer, JwtSettings, KeySet, KeySource};
use tollway_auth::{Auth, AuthLayer, Decision, Jwt, Method, Mode, Presented, Settings};
use tower_layer::Layer;
use tower_service::Service;

/// Nobody is asked for keys.
#[derive(Debug)]
struct Nobody;

impl Fetch for Nobody {
    fn get(&self, _: &Uri, _: usize) -> Fetched {
        Box::pin(async { Err("the keys are known".into()) })
    }
}

fn tokens(criterion: &mut Criterion) {
    let random = SystemRandom::new();
    let rsa = RsaKeyPair::from_der(include_bytes!("../tests/jwt/rsa.der")).unwrap();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let p256 = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(rsa.public());
    let (x, y) = p256.public_key().as_ref()[1..].split_at(32);
    let jwks = format!(
        r#"{{"keys":[{{"kty":"RSA","kid":"r","n":"{}","e":"{}"}},
            {{"kty":"EC","crv":"P-256","kid":"e","x":"{}","y":"{}"}}]}}"#,
        encode(public.n),
        encode(public.e),
        encode(x),
        encode(y),
    );
    let with_rsa = token(r#"{"alg":"RS256","kid":"r","typ":"JWT"}"#, |signed| {
        let mut signature = vec![0; rsa.public().modulus_len()];
        rsa.sign(&RSA_PKCS1_SHA256, &random, signed, &mut signature).unwrap();
        signature
    });
    let with_p256 = token(r#"{"alg":"ES256","kid":"e","typ":"JWT"}"#, |signed| {
        p256.sign(&random, signed).unwrap().as_ref().to_vec()
    });

    for (name, token) in [("RS256", &with_rsa), ("ES256", &with_p256)] {
        let request = request(token);
        for (how, remembered) in [("that is new", 0), ("that comes again", 1 << 14)] {
            let jwt = jwt(&jwks, remembered);
            let name = format!("a token of {} bytes by {name} {how}", token.len());
            criterion.bench_function(&name, |bench| {
                bench.iter(|| {
                    let decision = jwt.decide(&Presented::of(black_box(&request)), now());
                    let Decision::Verified(verified) = decision else { unreachable!("{decision:?}") };
                    verified
                });
            });
        }
    }
    let forged = request(&with_rsa.replace(".A", ".B").replacen("eyJ", "eyK", 1));
    let unknown = jwt(&jwks, 1 << 14);
    criterion.bench_function("a token that is malformed", |bench| {
        bench.iter(|| unknown.decide(&Presented::of(black_box(&forged)), now()));
    });

    let method: Arc<dyn Method> = Arc::new(jwt(&jwks, 1 << 14));
    let auth = Auth::new(Settings { mode: Mode::Required, ..Settings::default() }, vec![method]);
    let inner = tower::service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(Response::new(()))));
    let mut service = AuthLayer::new(Arc::new(auth)).clock(now).layer(inner);
    let again = request(&with_rsa);
    criterion.bench_function("a request through the layer, by a token that comes again", |bench| {
        bench.iter_batched(|| again.clone(), |request| service.call(request), BatchSize::SmallInput);
    });
}

fn jwt(jwks: &str, remembered: usize) -> Jwt {
    let mut issuer = Issuer::new("https://accounts.example.com", ["gateway.example.com"]);
    issuer.keys = KeySource::Fixed(KeySet::from_jwks(jwks.as_bytes()).unwrap());
    let settings = JwtSettings { issuers: vec![issuer], remembered, ..JwtSettings::default() };
    Jwt::new(settings, Arc::new(Nobody)).unwrap().0
}

fn request(token: &str) -> Request<()> {
    Request::builder().header("authorization", format!("Bearer {token}")).body(()).unwrap()
}

/// A token like those of Google.
fn token(header: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let claims = r#"{"iss":"https://accounts.example.com","azp":"32555940559.apps.example.com",
        "aud":"gateway.example.com","sub":"110248495921238986420","hd":"example.com","email":"ada@example.com",
        "email_verified":true,"at_hash":"0HNDOtBZAEkmiZUDJIXQJw","iat":1700000000,"exp":1700003600}"#;
    let signed = format!("{}.{}", encode(header), encode(claims));
    format!("{signed}.{}", encode(sign(signed.as_bytes())))
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn now() -> std::time::SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_101)
}

criterion_group!(benches, tokens);
criterion_main!(benches);
