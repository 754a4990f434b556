//! Tokens that must not be accepted, and those that must.

use std::time::Duration;

use http::{HeaderValue, Request};
use proptest::prelude::*;
use ring::hmac;
use tollway_auth::jwt::{Algorithm, Issuer, Place, RequiredClaim};
use tollway_auth::{Decision, Error, TokenFault};

use super::signer::{Signer, encode, header};
use super::{bearer, claims, decide, fault, issuer, jwt, noon, outcome, user, with};

#[test]
fn each_algorithm_is_verified_and_only_where_it_is_allowed() {
    let (rsa, p256, p384, ed25519) = (Signer::rsa(), Signer::p256(), Signer::p384(), Signer::ed25519());
    let issuer = issuer(&[(&rsa, "r"), (&p256, "e"), (&p384, "f"), (&ed25519, "d")]);
    for algorithm in Algorithm::ALL {
        let (signer, kid) = match algorithm.name() {
            "ES256" => (&p256, "e"),
            "ES384" => (&p384, "f"),
            "EdDSA" => (&ed25519, "d"),
            _ => (&rsa, "r"),
        };
        let token = signer.token(&header(algorithm.name(), kid), &claims(""));
        let mut others = Algorithm::ALL.to_vec();
        others.retain(|other| *other != algorithm);
        let all = jwt(vec![issuer.clone()]);
        let without = jwt(vec![Issuer { algorithms: others, ..issuer.clone() }]);
        assert_eq!(user(&all, &token), Ok("ada".to_owned()), "{algorithm}");
        assert_eq!(user(&all, &token), Ok("ada".to_owned()), "{algorithm}, remembered");
        assert_eq!(fault(&without, &token), TokenFault::Algorithm, "{algorithm}");
        let unnamed = signer.token(&format!(r#"{{"alg":"{algorithm}"}}"#), &claims(""));
        assert_eq!(user(&all, &unnamed), Ok("ada".to_owned()), "{algorithm}, no kid");
    }
}

/// Tokens that were signed by OpenSSL 3.0, with the key of [`Signer::rsa`].
#[test]
fn what_others_sign_is_verified() {
    let jwt = jwt(vec![issuer(&[(&Signer::rsa(), "r")])]);
    for token in [
        concat!(
            "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiZ2F",
            "0ZXdheSIsInN1YiI6ImFkYSIsImV4cCI6MTAwMDYwMH0.cwVa7fRwRvb7nF1vLUM3QfRwTjCuuPwokZuFEPxOvdVj5",
            "heht5L7iBXw7I5CuiviH1mBwQ-TmzHlbXL0m34DB_IMWAh21BEUpRLmQH869IDk61zOwvz0iIkxZls68Q9xXwjAe-b",
            "jv3yaRDULYlWRKQOBJSln49dxF-rRkAjCKfVt-_QnRhvqNmJ_vMa5Z0U_FCQqo56ybOAjJqWDT231h1Y_P90yRZVXO",
            "oqUMaSIEbUQ0Z2JOMCQzuwlkLz927Y_Jx8KZEHgtJWgaSNuUyhR3KwTznuCf0U-lS-R_z1ICIN_sL1_hifj6VZHxqr",
            "6i5GAs3Lu3smGVFX3xCgZrKkShw",
        ),
        concat!(
            "eyJhbGciOiJQUzM4NCIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiZ2F",
            "0ZXdheSIsInN1YiI6ImFkYSIsImV4cCI6MTAwMDYwMH0.HzdM5w6Rnn-eLGtOk6Kjhozwx3U2MfjTsGliptd3SpIHY",
            "WuUc0tALAXPVJJES33hy97F2tLM4qB_2YyF2OXLzvJEA33NK9m24tAhfrDlUhd-9L-_nS1nBM5P0x4xNg_FB8X9p7s",
            "Y__DkBA2YwUDEgxQ_GupWtbhpVxXPOed5nmgRUxRlBPzkqulpj75W1f9Rgn2HO5dFGWCpD-jfcwigM6z0C4AAbLLEP",
            "434u8cKkW_b5ow7S3zGp3oRNaLHqmZ_uxgRbXVgMm75GgOel03bU6Tfg6p2-9e7pgmOTOxw_crk37Ht1hXWYJtONOS",
            "INsJ485mesk4uRhNK1H01NcHzTA",
        ),
        concat!(
            "eyJhbGciOiJSUzUxMiIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiZ2F",
            "0ZXdheSIsInN1YiI6ImFkYSIsImV4cCI6MTAwMDYwMH0.HRq3_g5pAT8Wf0oiIL_pHe6mwqIjgWOpUdJ3_cc2jNAzK",
            "gfoEZ376wZkqE-7LwR_P9tNm-o2OjJka3zGsvLgwtLg_CDpozyTVg1k52Uo60s97fF5Uqfm0S4dlhmNZgIZ0RDymVq",
            "trQtfku5bitORotbJSqXPtg239c59u5bW_FxscAIZLUUAObHPvCwqpQLkq6pxR_kEi1UnD9F7kR9sm4nmVG7MMskXi",
            "To6O_7UOhfRBUQtpjSrDdvAm5QP7DxPfENTo0hwlmBZHuDHBP7CxpwcjjWRlk6oMilU9mfMxyvOlkj51ytABOCRuXV",
            "0LuHQ-l92jn6i2PcYd_9ECzbMVw",
        ),
    ] {
        assert_eq!(user(&jwt, token), Ok("ada".to_owned()), "{token}");
    }
}

#[test]
fn claims_that_are_not_as_they_must_be_are_refused() {
    let rsa = Signer::rsa();
    let required = RequiredClaim::new("email_verified".parse().unwrap(), ["true"]);
    let strict = jwt(vec![Issuer { required: vec![required], ..issuer(&[(&rsa, "r")]) }]);
    let jwt = jwt(vec![issuer(&[(&rsa, "r")])]);
    let fault = |claims: &str| fault(&jwt, &rsa.token(&header("RS256", "r"), claims));
    let with = |name: &str, value: &str| {
        let all = claims("");
        let kept =
            all.trim_matches(['{', '}']).split(',').filter(|one| !one.starts_with(&format!("\"{name}\"")));
        let mut kept: Vec<String> = kept.map(str::to_owned).collect();
        if !value.is_empty() {
            kept.push(format!("\"{name}\":{value}"));
        }
        format!("{{{}}}", kept.join(","))
    };
    for (name, value, expected) in [
        ("exp", "999939", TokenFault::Expired),
        ("exp", "", TokenFault::Claim("exp".into())),
        ("exp", "null", TokenFault::Claim("exp".into())),
        ("exp", "\"1000600\"", TokenFault::Claim("exp".into())),
        ("nbf", "1000061", TokenFault::NotYetValid),
        ("iat", "1000061", TokenFault::NotYetValid),
        ("aud", "\"other\"", TokenFault::Audience),
        ("aud", "[\"other\"]", TokenFault::Audience),
        ("aud", "", TokenFault::Audience),
        ("iss", "\"https://other.example\"", TokenFault::Issuer),
        ("iss", "\"https://issuer.example/\"", TokenFault::Issuer),
        ("iss", "\"https://ISSUER.example\"", TokenFault::Issuer),
        ("iss", "[\"https://issuer.example\"]", TokenFault::Issuer),
        ("iss", "", TokenFault::Issuer),
        ("sub", "{}", TokenFault::Claim("sub".into())),
    ] {
        assert_eq!(fault(&with(name, value)), expected, "{name}: {value}");
    }
    for twice in
        [r#","sub":"eve""#, r#","exp":9999999999"#, r#","\u0061ud":"gateway""#, r#","x":{"y":1,"y":2}"#]
    {
        assert_eq!(fault(&claims(twice)), TokenFault::Malformed, "{twice}");
    }
    let verified = rsa.token(&header("RS256", "r"), &claims(r#","email_verified":true"#));
    assert_eq!(user(&strict, &verified), Ok("ada".to_owned()));
    for unverified in ["", r#","email_verified":false"#, r#","email_verified":null"#] {
        let token = rsa.token(&header("RS256", "r"), &claims(unverified));
        let expected = TokenFault::Claim("email_verified".into());
        assert_eq!(super::fault(&strict, &token), expected, "{unverified}");
    }
}

#[test]
fn leeway_is_for_both_ends_and_memory_forgets_in_time() {
    let rsa = Signer::rsa();
    let jwt = jwt(vec![issuer(&[(&rsa, "r")])]);
    let token = bearer(&rsa.token(&header("RS256", "r"), &claims("")));
    let at =
        |seconds: u64| outcome(decide(&jwt, &token, std::time::UNIX_EPOCH + Duration::from_secs(seconds)));
    assert_eq!(at(999_839), Err(Error::Token(TokenFault::NotYetValid)));
    assert_eq!(at(999_840), Ok("ada".to_owned()));
    assert_eq!(at(1_000_659), Ok("ada".to_owned()));
    assert_eq!(at(1_000_660), Err(Error::Token(TokenFault::Expired)));
    assert_eq!(at(999_839), Err(Error::Token(TokenFault::NotYetValid)));
}

#[test]
fn what_the_issuer_has_not_signed_is_refused() {
    let (rsa, other, p256) = (Signer::rsa(), Signer::other_rsa(), Signer::p256());
    let jwt = jwt(vec![issuer(&[(&rsa, "r"), (&p256, "e")])]);
    let good = rsa.token(&header("RS256", "r"), &claims(""));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    assert_eq!(fault(&jwt, &other.token(&header("RS256", "r"), &claims(""))), TokenFault::Signature);
    assert_eq!(fault(&jwt, &format!("{signed}.")), TokenFault::Signature);
    assert_eq!(fault(&jwt, signed), TokenFault::Malformed);
    assert_eq!(fault(&jwt, &format!("{signed}.{}", encode([0; 256]))), TokenFault::Signature);
    assert_eq!(fault(&jwt, &format!("{signed}.{}", encode([0xff; 256]))), TokenFault::Signature);
    assert_eq!(fault(&jwt, &format!("{signed}.SIGNATURE_REMOVED_BY_GOOGLE")), TokenFault::SignatureRemoved);
    let (_, claimed) = signed.split_once('.').unwrap();
    let header_of = |algorithm, kid| encode(header(algorithm, kid));
    // By another algorithm of the same key, and by that of a key of another kind.
    for (algorithm, kid, expected) in [
        ("PS256", "r", TokenFault::Signature),
        ("RS512", "r", TokenFault::Signature),
        ("ES256", "r", TokenFault::Algorithm),
        ("RS256", "e", TokenFault::Algorithm),
        ("ES256", "e", TokenFault::Signature),
        ("ES384", "e", TokenFault::Algorithm),
        ("EdDSA", "r", TokenFault::Algorithm),
    ] {
        let token = format!("{}.{claimed}.{signature}", header_of(algorithm, kid));
        assert_eq!(fault(&jwt, &token), expected, "{algorithm} {kid}");
    }
    // An ECDSA signature of zeros, which once passed elsewhere (CVE-2022-21449).
    let zeros = format!("{}.{claimed}.{}", header_of("ES256", "e"), encode([0; 64]));
    assert_eq!(fault(&jwt, &zeros), TokenFault::Signature);
}

#[test]
fn who_has_not_signed_learns_nothing_of_what_is_asked_for() {
    let (rsa, mallory) = (Signer::rsa(), Signer::other_rsa());
    let mut issuer = issuer(&[(&rsa, "r")]);
    issuer.required.push(RequiredClaim::new("hd".parse().unwrap(), ["a.example"]));
    let jwt = jwt(vec![issuer]);
    for (signer, kid, expected) in [
        (&mallory, "r", [TokenFault::Signature, TokenFault::Signature, TokenFault::Signature]),
        (&mallory, "m", [TokenFault::Key, TokenFault::Key, TokenFault::Key]),
        (&rsa, "r", [TokenFault::Audience, TokenFault::Claim("hd".into()), TokenFault::Claim("hd".into())]),
    ] {
        let says = [claims("").replace("gateway", "other"), claims(""), claims(r#","hd":"b.example""#)];
        let faults = says.map(|says| fault(&jwt, &signer.token(&header("RS256", kid), &says)));
        assert_eq!(faults, expected, "{kid}");
    }
}

#[test]
fn a_public_key_is_no_secret() {
    let rsa = Signer::rsa();
    let jwt = jwt(vec![issuer(&[(&rsa, "r")])]);
    let jwk = rsa.jwk("r", "");
    let modulus = jwk.split_once(r#""n":""#).unwrap().1.split('"').next().unwrap();
    for secret in [jwk.as_bytes(), modulus.as_bytes(), b""] {
        for (name, algorithm) in
            [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
        {
            let signed = format!("{}.{}", encode(header(name, "r")), encode(claims("")));
            let tag = hmac::sign(&hmac::Key::new(algorithm, secret), signed.as_bytes());
            assert_eq!(fault(&jwt, &format!("{signed}.{}", encode(tag))), TokenFault::Algorithm);
        }
    }
    for name in ["none", "None", "NONE", "nOnE", "NoNe", "none\\u0000", ""] {
        for signature in ["", "AAAA"] {
            let token = format!("{}.{}.{signature}", encode(header(name, "r")), encode(claims("")));
            assert_eq!(fault(&jwt, &token), TokenFault::Algorithm, "{name}");
        }
    }
}

#[test]
fn a_token_brings_no_keys_along() {
    let (rsa, mallory) = (Signer::rsa(), Signer::other_rsa());
    let jwt = jwt(vec![issuer(&[(&rsa, "r")])]);
    for more in [
        format!(r#""jwk":{}"#, mallory.jwk("r", "")),
        r#""jku":"https://mallory.example/keys""#.to_owned(),
        r#""x5u":"https://mallory.example/certificate""#.to_owned(),
        r#""x5c":["MIIB"]"#.to_owned(),
    ] {
        let forged = mallory.token(&format!(r#"{{"alg":"RS256","kid":"r",{more}}}"#), &claims(""));
        assert_eq!(fault(&jwt, &forged), TokenFault::Signature, "{more}");
        let forged = mallory.token(&format!(r#"{{"alg":"RS256","kid":"m",{more}}}"#), &claims(""));
        assert_eq!(fault(&jwt, &forged), TokenFault::Key, "{more}");
        let honest = rsa.token(&format!(r#"{{"alg":"RS256","kid":"r",{more}}}"#), &claims(""));
        assert_eq!(user(&jwt, &honest), Ok("ada".to_owned()), "{more}");
    }
    for kid in
        ["../../../../dev/null", "r' OR '1'='1", "r\\u0000", "R", "", "https://mallory.example", "r|id"]
    {
        let forged = mallory.token(&header("RS256", kid), &claims(""));
        assert_eq!(fault(&jwt, &forged), TokenFault::Key, "{kid}");
    }
}

#[test]
fn what_is_no_signed_token_is_called_so() {
    let rsa = Signer::rsa();
    let jwt = jwt(vec![issuer(&[(&rsa, "r")])]);
    let good = rsa.token(&header("RS256", "r"), &claims(""));
    let jwe = format!("{}.AAAA.AAAA.AAAA.AAAA", encode(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#));
    assert_eq!(fault(&jwt, &jwe), TokenFault::Encrypted);
    let nested = rsa.token(r#"{"alg":"RS256","kid":"r","cty":"JWT"}"#, &good);
    assert_eq!(fault(&jwt, &nested), TokenFault::Nested);
    assert_eq!(fault(&jwt, &rsa.token(&header("RS256", "r"), &good)), TokenFault::Malformed);
    let critical = rsa.token(r#"{"alg":"RS256","kid":"r","crit":["exp"]}"#, &claims(""));
    assert_eq!(fault(&jwt, &critical), TokenFault::Critical);
    let long = rsa.token(&header("RS256", "r"), &claims(&format!(r#","x":"{}""#, "x".repeat(20_000))));
    assert_eq!(fault(&jwt, &long), TokenFault::TooLong);
    assert_eq!(user(&jwt, &good), Ok("ada".to_owned()));
    for other in ["tw-AAAA", "sk-a.b.c", "password", "a.b.c"] {
        assert!(matches!(decide(&jwt, &bearer(other), noon()), Decision::NotMine), "{other}");
    }
    assert!(matches!(decide(&jwt, &with("x-api-key", &good), noon()), Decision::NotMine));
}

#[test]
fn a_token_counts_only_where_its_issuer_puts_it() {
    let p256 = Signer::p256();
    let mut iap = Issuer::iap(["/projects/1/apps/a"]);
    iap.keys = issuer(&[(&p256, "e")]).keys;
    let jwt = jwt(vec![iap]);
    let claims = r#"{"iss":"https://cloud.google.com/iap","aud":"/projects/1/apps/a","email":"ada@a.example",
        "sub":"accounts.google.com:1","iat":999900,"exp":1000600}"#;
    let token = p256.token(&header("ES256", "e"), claims);
    let header = "x-goog-iap-jwt-assertion";
    let ask = |header: &str, value: &str| decide(&jwt, &with(header, value), noon());
    for _ in 0..2 {
        assert_eq!(outcome(ask(header, &token)), Ok("ada@a.example".to_owned()));
        assert!(matches!(ask("authorization", &format!("Bearer {token}")), Decision::NotMine));
    }
    for rubbish in ["rubbish", "ada@a.example", "a.b.c"] {
        assert_eq!(outcome(ask(header, rubbish)), Err(Error::Token(TokenFault::Malformed)), "{rubbish}");
    }
}

#[test]
fn cloud_run_and_google_are_told_apart() {
    let rsa = Signer::rsa();
    let (mut run, mut google) = (Issuer::cloud_run(["https://run.example"]), Issuer::google(["client"]));
    (run.keys, google.keys) = (issuer(&[(&rsa, "r")]).keys, issuer(&[(&rsa, "r")]).keys);
    let jwt = jwt(vec![run, google]);
    let token = |issuer: &str, audience: &str, more: &str| {
        let claims = format!(r#"{{"iss":"{issuer}","aud":"{audience}","sub":"7","exp":1000600{more}}}"#);
        format!("Bearer {}", rsa.token(&header("RS256", "r"), &claims))
    };
    let ask = |header: &str, value: &str| outcome(decide(&jwt, &with(header, value), noon()));
    let (serverless, email) =
        ("x-serverless-authorization", r#","email":"a@b.example","email_verified":true"#);
    for (header, token, expected) in [
        (serverless, token("https://accounts.google.com", "https://run.example", ""), Ok("7")),
        (serverless, token("https://accounts.google.com", "client", ""), Err(TokenFault::Audience)),
        ("authorization", token("accounts.google.com", "client", email), Ok("a@b.example")),
        (
            "authorization",
            token("accounts.google.com", "client", r#","email":"a@b.example","email_verified":false"#),
            Err(TokenFault::Claim("email_verified".into())),
        ),
        // The first one again: it is known where it was accepted, and nowhere else.
        (
            "authorization",
            token("https://accounts.google.com", "https://run.example", ""),
            Err(TokenFault::Audience),
        ),
    ] {
        let expected = expected.map(str::to_owned).map_err(Error::Token);
        assert_eq!(ask(header, &token), expected, "{header} {token}");
        let (signed, _) = token.rsplit_once('.').unwrap();
        let removed = format!("{signed}.SIGNATURE_REMOVED_BY_GOOGLE");
        assert_eq!(ask(header, &removed), Err(Error::Token(TokenFault::SignatureRemoved)));
    }
}

#[test]
fn issuers_of_one_name_differ_in_what_they_ask_for() {
    let rsa = Signer::rsa();
    let of = |domain: &str, team: &str| {
        let mut issuer = issuer(&[(&rsa, "r")]);
        issuer.required.push(RequiredClaim::new("hd".parse().unwrap(), [domain]));
        issuer.grant.team = Some(team.to_owned());
        issuer
    };
    let jwt = jwt(vec![of("a.example", "red"), of("b.example", "blue")]);
    for (domain, team) in [("a.example", Some("red")), ("b.example", Some("blue")), ("c.example", None)] {
        let token = rsa.token(&header("RS256", "r"), &claims(&format!(r#","hd":"{domain}""#)));
        let found = match decide(&jwt, &bearer(&token), noon()) {
            Decision::Verified(verified) => verified.caller.team.as_deref().map(str::to_owned),
            _ => None,
        };
        assert_eq!(found.as_deref(), team, "{domain}");
    }
    assert_eq!(fault(&jwt, &rsa.token(&header("RS256", "r"), &claims(""))), TokenFault::Claim("hd".into()));
}

#[test]
fn a_grant_may_end_before_its_tokens() {
    let rsa = Signer::rsa();
    let mut issuer = issuer(&[(&rsa, "r")]);
    issuer.grant.expires = Some(noon() + Duration::from_secs(10));
    let jwt = jwt(vec![issuer]);
    let token = bearer(&rsa.token(&header("RS256", "r"), &claims("")));
    for (seconds, expected) in [(9, Ok("ada".to_owned())), (10, Err(Error::Token(TokenFault::Expired)))] {
        let now = noon() + Duration::from_secs(seconds);
        assert_eq!(outcome(decide(&jwt, &token, now)), expected, "{seconds}");
    }
}

#[test]
fn where_keys_stand_tokens_may() {
    let rsa = Signer::rsa();
    let jwt = jwt(vec![Issuer { place: Place::AsKeys, ..issuer(&[(&rsa, "r")]) }]);
    let token = rsa.token(&header("RS256", "r"), &claims(""));
    for request in [
        bearer(&token),
        with("x-api-key", &token),
        with("sec-websocket-protocol", &format!("realtime, openai-insecure-api-key.{token}")),
        Request::builder().uri(format!("/v1?key={token}")).body(()).unwrap(),
    ] {
        assert_eq!(outcome(decide(&jwt, &request, noon())), Ok("ada".to_owned()), "{request:?}");
    }
}

/// Whether somebody passes with a token whose bytes were changed.
fn passes(jwt: &tollway_auth::Jwt, token: &[u8]) -> bool {
    let value = [b"Bearer ", token].concat();
    // What cannot be sent does not pass.
    let Ok(value) = HeaderValue::from_bytes(&value) else { return false };
    let mut request = Request::new(());
    request.headers_mut().insert("authorization", value);
    matches!(decide(jwt, &request, noon()), Decision::Verified(_))
}

#[test]
fn no_bit_of_a_token_can_be_flipped() {
    let ed25519 = Signer::ed25519();
    let jwt = jwt(vec![issuer(&[(&ed25519, "d")])]);
    let mut token = ed25519.token(&header("EdDSA", "d"), &claims("")).into_bytes();
    assert!(passes(&jwt, &token));
    for at in 0..token.len() {
        for bit in 0..8 {
            token[at] ^= 1 << bit;
            assert!(!passes(&jwt, &token), "bit {bit} of byte {at}");
            token[at] ^= 1 << bit;
        }
    }
    assert!(passes(&jwt, &token));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bits_of_other_tokens_can_be_flipped(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..4),
    ) {
        let (rsa, p256) = (Signer::rsa(), Signer::p256());
        let jwt = jwt(vec![issuer(&[(&rsa, "r"), (&p256, "e")])]);
        for token in [rsa.token(&header("PS256", "r"), &claims("")), p256.token(&header("ES256", "e"), &claims(""))] {
            let mut changed = token.clone().into_bytes();
            for (at, bit) in &flips {
                let at = at.index(changed.len());
                changed[at] ^= 1 << bit;
            }
            prop_assume!(changed != token.as_bytes());
            prop_assert!(passes(&jwt, token.as_bytes()));
            prop_assert!(!passes(&jwt, &changed));
        }
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..300), as_token in any::<bool>()) {
        let jwt = jwt(vec![issuer(&[(&Signer::ed25519(), "d")])]);
        let bytes = if as_token { [b"eyJ", &bytes[..]].concat() } else { bytes };
        prop_assert!(!passes(&jwt, &bytes));
    }

    #[test]
    fn no_claims_are_too_strange(claims in r#"\{("(iss|aud|exp|nbf|iat|sub)":("[a-z]{0,3}"|-?[0-9]{1,20}(e[0-9]{1,3})?|null|\[\]|\{\}),?){0,6}\}"#) {
        let signer = Signer::ed25519();
        let jwt = jwt(vec![issuer(&[(&signer, "d")])]);
        prop_assert!(!passes(&jwt, signer.token(&header("EdDSA", "d"), &claims).as_bytes()));
    }
}
