//! Whom certificates come to.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{Request, Response};
use proptest::prelude::*;
use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use tollway_auth::certificate::{CertificateRule, CertificateRuleError, NameField, NamePart, NamePattern};
use tollway_auth::keys::{DeclaredKey, Grant, KeyTable, Pepper};
use tollway_auth::{
    Auth, AuthLayer, CertificateFault, Certificates, Decision, Error, Keys, Method, PeerCertificate,
    Presented, Settings,
};
use tollway_core::Caller;
use tower_layer::Layer;
use tower_test::mock::{self, Mock};

fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// A certificate of one day before and after noon.
fn der(names: &[SanType], subject: &[(DnType, &str)]) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names.to_vec();
    params.distinguished_name = rcgen::DistinguishedName::new();
    for (kind, value) in subject {
        params.distinguished_name.push(kind.clone(), *value);
    }
    params.not_before = (noon() - DAY).into();
    params.not_after = (noon() + DAY).into();
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn uri(uri: &str) -> SanType {
    SanType::URI(uri.try_into().unwrap())
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn rule(names: &[(NameField, &str)]) -> CertificateRule {
    let pattern = |&(field, pattern): &(NameField, &str)| NamePattern { field, pattern: pattern.to_owned() };
    CertificateRule { names: names.iter().map(pattern).collect(), ..CertificateRule::default() }
}

fn ask(method: &Certificates, der: &[u8], now: SystemTime) -> Decision {
    let request = Request::builder().extension(PeerCertificate::new(der)).body(()).unwrap();
    method.decide(&Presented::of(&request), now)
}

/// The user and the team, or `None` where no rule is about the certificate.
fn names(rules: Vec<CertificateRule>, der: &[u8]) -> Option<(Option<String>, Option<String>)> {
    match ask(&Certificates::new(rules).unwrap(), der, noon()) {
        Decision::Verified(verified) => {
            let word = |word: &Option<Arc<str>>| word.as_deref().map(str::to_owned);
            Some((word(&verified.caller.user), word(&verified.caller.team)))
        }
        Decision::NotMine => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_field_may_be_asked_for() {
    let der = der(
        &[
            uri("spiffe://prod.example/team/blue/app"),
            dns("App.Prod.Example"),
            SanType::Rfc822Name("ops@example.org".try_into().unwrap()),
        ],
        &[
            (DnType::CommonName, "app"),
            (DnType::OrganizationName, "Example"),
            (DnType::OrganizationalUnitName, "Größe"),
        ],
    );
    for (field, pattern, expected) in [
        (NameField::Uri, "spiffe://prod.example/*", true),
        (NameField::Uri, "spiffe://prod.example/", false),
        (NameField::Uri, "SPIFFE://prod.example/*", false),
        (NameField::Dns, "*.PROD.example", true),
        (NameField::Dns, "prod.example", false),
        (NameField::Dns, "app", false),
        (NameField::Email, "*@example.org", true),
        (NameField::Email, "*@example.com", false),
        (NameField::CommonName, "app", true),
        (NameField::CommonName, "App", false),
        (NameField::Organization, "Ex*", true),
        (NameField::OrganizationalUnit, "Größe", true),
        (NameField::OrganizationalUnit, "Example", false),
    ] {
        assert_eq!(names(vec![rule(&[(field, pattern)])], &der).is_some(), expected, "{field:?} {pattern}");
    }
    let both = rule(&[(NameField::CommonName, "app"), (NameField::Organization, "Example")]);
    let one = rule(&[(NameField::CommonName, "app"), (NameField::Organization, "Other")]);
    assert!(names(vec![both], &der).is_some());
    assert_eq!(names(vec![one], &der), None, "all of a rule must be so");
}

#[test]
fn the_first_rule_says_who_it_is() {
    let der = der(
        &[uri("spiffe://other.example/team/red/x"), uri("spiffe://prod.example/team/blue/app")],
        &[(DnType::CommonName, "app-7")],
    );
    let part = |field, after: &str, before: &str| {
        Some(NamePart { field, after: after.to_owned(), before: before.to_owned() })
    };
    let prefix = "spiffe://prod.example/team/";
    let prod = CertificateRule {
        user: Some(NamePart::whole(NameField::CommonName)),
        team: part(NameField::Uri, prefix, "/"),
        ..rule(&[(NameField::Uri, "spiffe://prod.example/*")])
    };
    let named = CertificateRule {
        grant: Grant { user: Some("anybody".to_owned()), ..Grant::default() },
        ..rule(&[(NameField::CommonName, "*")])
    };
    let words = |user: &str, team: Option<&str>| Some((Some(user.to_owned()), team.map(str::to_owned)));
    assert_eq!(names(vec![prod.clone(), named.clone()], &der), words("app-7", Some("blue")));
    assert_eq!(names(vec![named.clone(), prod.clone()], &der), words("anybody", None));
    // What no pattern of the rule has matched says nothing, and a rule that lacks a name is not about it.
    let whole = CertificateRule { team: Some(NamePart::whole(NameField::Uri)), ..prod.clone() };
    assert_eq!(names(vec![whole], &der), words("app-7", Some("spiffe://prod.example/team/blue/app")));
    for missing in [
        part(NameField::Uri, "spiffe://other.example/team/", "/"),
        part(NameField::Uri, prefix, "?"),
        part(NameField::Email, "", ""),
        part(NameField::CommonName, "app-7", ""),
    ] {
        let rules = vec![CertificateRule { team: missing, ..prod.clone() }, named.clone()];
        assert_eq!(names(rules, &der), words("anybody", None));
    }
}

#[test]
fn a_connection_may_outlive_its_certificate() {
    let der = der(&[], &[(DnType::CommonName, "app")]);
    let method = Certificates::new([rule(&[(NameField::CommonName, "app")])]).unwrap();
    let at = |now| match ask(&method, &der, now) {
        Decision::Verified(_) => None,
        Decision::Refused(error) => Some(error),
        other => panic!("{other:?}"),
    };
    assert_eq!(at(noon() + DAY), None);
    assert_eq!(at(noon() + DAY + SECOND), Some(Error::Certificate(CertificateFault::Expired)));
    assert_eq!(at(noon() - DAY), None);
    assert_eq!(at(noon() - DAY - 61 * SECOND), Some(Error::Certificate(CertificateFault::NotYetValid)));
}

#[test]
fn a_grant_may_end() {
    let der = der(&[], &[(DnType::CommonName, "app")]);
    let mut rule = rule(&[(NameField::CommonName, "app")]);
    rule.grant.expires = Some(noon());
    let decision = ask(&Certificates::new([rule]).unwrap(), &der, noon());
    assert!(matches!(decision, Decision::Refused(Error::Expired)), "{decision:?}");
}

#[test]
fn a_rule_must_ask_for_something() {
    assert_eq!(Certificates::new([rule(&[])]).unwrap_err(), CertificateRuleError::NoName);
    let empty = rule(&[(NameField::CommonName, "")]);
    assert_eq!(Certificates::new([empty]).unwrap_err(), CertificateRuleError::EmptyName);
    assert!(!Certificates::new([]).unwrap().is_in_use());
}

#[tokio::test]
async fn a_certificate_and_a_key_are_known_in_their_order() {
    let table = KeyTable::new(Pepper::new(&[7; 32]).unwrap());
    let grant = Grant { user: Some("key".to_owned()), ..Grant::default() };
    table.declare(vec![DeclaredKey::plain("ours", "password", grant, table.pepper()).unwrap()]);
    let certificates = CertificateRule {
        user: Some(NamePart::whole(NameField::CommonName)),
        ..rule(&[(NameField::Organization, "Example")])
    };
    let methods: Vec<Arc<dyn Method>> =
        vec![Arc::new(Keys::new(Arc::new(table))), Arc::new(Certificates::new([certificates]).unwrap())];
    let layer = AuthLayer::new(Arc::new(Auth::new(Settings::default(), methods))).clock(noon);
    let ours = der(&[], &[(DnType::CommonName, "app"), (DnType::OrganizationName, "Example")]);
    let others = der(&[], &[(DnType::CommonName, "app"), (DnType::OrganizationName, "Other")]);
    for (der, key, expected) in [
        (Some(&ours), None, Ok("app")),
        (Some(&ours), Some("password"), Ok("key")),
        (Some(&others), Some("password"), Ok("key")),
        (Some(&others), None, Err(401)),
        (None, Some("password"), Ok("key")),
        (None, None, Err(401)),
        (Some(&vec![0x30, 0]), None, Err(401)),
    ] {
        let mut request = Request::new(());
        if let Some(der) = der {
            request.extensions_mut().insert(PeerCertificate::new(der.as_slice()));
        }
        if let Some(key) = key {
            request.headers_mut().insert("x-api-key", key.parse().unwrap());
        }
        let (mut service, mut inward) =
            mock::spawn_with(|inner: Mock<Request<()>, Response<String>>| layer.layer(inner));
        assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))));
        let answer = async move {
            let answer = service.call(request).await;
            drop(service);
            answer.unwrap().status().as_u16()
        };
        let inward = async {
            let (request, send) = inward.next_request().await?;
            send.send_response(Response::new(String::new()));
            request.extensions().get::<Arc<Caller>>()?.user.as_deref().map(str::to_owned)
        };
        let (status, user) = tokio::join!(answer, inward);
        assert_eq!(user.as_deref().ok_or(status), expected, "{key:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let method = Certificates::new([rule(&[(NameField::CommonName, "*")])]).unwrap();
        let decision = ask(&method, &bytes, noon());
        prop_assert!(matches!(decision, Decision::Refused(Error::Certificate(CertificateFault::Malformed))));
    }

    #[test]
    fn no_certificate_is_too_strange(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut der = der(&[uri("spiffe://a/b")], &[(DnType::CommonName, "app")]);
        let at = at.index(der.len());
        if cut { der.truncate(at) } else { der[at] = byte }
        let method = Certificates::new([rule(&[(NameField::CommonName, "*")])]).unwrap();
        let decision = ask(&method, &der, noon());
        prop_assert!(!cut || !matches!(decision, Decision::Verified(_)));
    }
}

const DAY: Duration = Duration::from_hours(24);
const SECOND: Duration = Duration::from_secs(1);
