use serde_json::Value;

use super::*;
use crate::config::{RsaKey, Secret};

const KEY: &str = include_str!("../../../../tests/support/rsa_test_key.b64");

fn account() -> ServiceAccount {
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{KEY}-----END PRIVATE KEY-----\n");
    ServiceAccount {
        email: "me@p.iam.gserviceaccount.com".into(),
        key: RsaKey::from_pem(Secret::new(pem, "of this test")).unwrap(),
        key_id: Some("k1".into()),
        token_url: BaseUrl::parse("https://oauth2.googleapis.com/token").unwrap(),
    }
}

#[test]
fn a_statement_says_who_asks_whom_for_what_and_until_when() {
    let account = account();
    let text = statement(&account, 1_700_000_000).unwrap();
    let (signed, signature) = text.rsplit_once('.').unwrap();
    let part =
        |text: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap() };
    let (head, claims) = signed.split_once('.').unwrap();
    assert_eq!(part(head), json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
    assert_eq!(
        part(claims),
        json!({
            "iss": "me@p.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "aud": "https://oauth2.googleapis.com/token",
            "iat": 1_699_999_990_u64,
            "exp": 1_700_003_590_u64,
        })
    );
    assert_eq!(URL_SAFE_NO_PAD.decode(signature).unwrap(), account.key.sign(signed.as_bytes()).unwrap());
}
