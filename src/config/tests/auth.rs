use std::time::{Duration, SystemTime};

use tollway_auth::Mode;
use tollway_auth::keys::{Limit, Measure};
use tollway_core::Priority;

use super::super::*;

fn load(configuration: &str) -> Result<Settings, String> {
    let env = [("TOKEN", "tw-from-outside")].into_iter().collect();
    Settings::load(&Source::text(configuration), &env).map_err(|error| error.to_string())
}

fn mode(configuration: &str) -> Mode {
    load(configuration).unwrap().auth.settings.mode
}

#[test]
fn only_this_machine_is_open_unless_that_is_forced() {
    let real = "providers: {openai: {api_key: k}}";
    let public = "server: {listen: '0.0.0.0:80'}";
    assert_eq!(mode(real), Mode::Automatic);
    assert_eq!(mode(&format!("{real}\n{public}")), Mode::Required);
    assert_eq!(mode(&format!("{real}\n{public}\nauth: {{open_to_network: true}}")), Mode::Automatic);
    assert_eq!(mode(&format!("{real}\n{public}\nauth: {{mode: open, open_to_network: true}}")), Mode::Open);
    assert_eq!(mode(&format!("{real}\nserver: {{listen: '[::1]:80'}}\nauth: {{mode: open}}")), Mode::Open);
    assert_eq!(mode(&format!("{real}\nauth: {{mode: required}}")), Mode::Required);
    // Nothing costs anything there.
    assert_eq!(mode(public), Mode::Automatic);
    assert_eq!(mode(&format!("{public}\nsimulator: off")), Mode::Required);
    let error = load(&format!("{real}\n{public}\nauth: {{mode: open}}")).unwrap_err();
    assert!(error.contains("auth.mode: whoever can reach 0.0.0.0:80"), "{error}");
}

#[test]
fn a_key_is_declared_with_all_that_it_may() {
    let settings = load(
        "keys: {ci: {token: '${TOKEN}', user: ada, team: blue, models: gpt-*, providers: [openai], routes: /v1/*,
            scopes: admin, tags: {cost: '42'}, priority: low, expires: 2027-01-31,
            limits: [{requests: 60}, {tokens: 5, window: 24h}, {requests: 20, window: 1s, burst: 40}, {concurrent_streams: 2}]}}",
    )
    .unwrap();
    let key = &settings.keys[0];
    assert!(matches!(&key.known_by, KnownBy::Token(token) if token.expose() == "tw-from-outside"));
    let grant = &key.grant;
    assert_eq!(
        (&*grant.name, grant.user.as_deref(), grant.team.as_deref()),
        ("ci", Some("ada"), Some("blue"))
    );
    assert_eq!(
        (&grant.models[..], &grant.scopes[..]),
        (&["gpt-*".to_owned()][..], &["admin".to_owned()][..])
    );
    assert_eq!((grant.priority, &*grant.tags["cost"]), (Priority::Low, "42"));
    assert_eq!(grant.expires, Some(SystemTime::UNIX_EPOCH + Duration::from_hours(500_376)));
    let limit =
        |measure, limit, window, burst| Limit { measure, limit, window: Duration::from_secs(window), burst };
    assert_eq!(
        grant.limits,
        [
            limit(Measure::Requests, 60, 60, None),
            limit(Measure::TotalTokens, 5, 86_400, None),
            limit(Measure::Requests, 20, 1, Some(40)),
            limit(Measure::ConcurrentStreams, 2, 0, None),
        ]
    );
}

#[test]
fn what_is_wrong_is_named_and_no_secret_shown() {
    let short = "state.secret: the secret that keys are hashed with must have at least 32 bytes";
    for (configuration, expected) in [
        ("auth: {mode: opne}", "auth.mode: not one of the words known here: opne"),
        ("auth: {trusted_proxies: 10.0.0.0/40}", "auth.trusted_proxies: neither an address nor a network"),
        (
            "auth: {forwarded_by: x-real-ip}",
            "auth.forwarded_by: not a header that is read for this: x-real-ip",
        ),
        ("keys: {a: {}}", "keys.a: neither or both of `token` and `hash` given"),
        ("keys: {a: {token: t, hash: h}}", "keys.a: neither or both of `token` and `hash` given"),
        ("keys: {a: {token: {env: NOT_SET}}}", "keys.a.token: no key"),
        ("keys: {a: {hash: abc}}", "keys.a.hash: not the hash of a key"),
        ("keys: {a: {token: t, priority: top}}", "keys.a.priority: not one of the words known here: top"),
        ("keys: {a: {token: t, expires: soon}}", "keys.a.expires: not a moment: soon"),
        ("keys: {a: {token: t, limits: [{}]}}", "keys.a.limits[0]: a limit has one amount"),
        ("keys: {a: {token: t, limits: [{requests: 1, burst: 0}]}}", "keys.a.limits[0]: burst"),
        ("keys: {a: {token: t, limits: [{concurrent_requests: 1, window: 1s}]}}", "keys.a.limits[0].window"),
        ("auth: {jwt: {a: {issuer: 'https://a.example'}}}", "auth.jwt.a.audiences: missing"),
        ("auth: {jwt: {a: {audiences: x}}}", "auth.jwt.a.issuer: missing"),
        (
            "auth: {jwt: {a: {preset: gogle, audiences: x}}}",
            "auth.jwt.a.preset: nothing is known of it: gogle",
        ),
        ("auth: {jwt: {a: {issuer: i, audiences: x, algorithms: HS256}}}", "auth.jwt.a.algorithms"),
        ("auth: {jwt: {a: {issuer: i, audiences: x, algorithms: none}}}", "auth.jwt.a.algorithms"),
        (
            "auth: {jwt: {a: {issuer: 'https://i', audiences: x, claims: {team: a..b}}}}",
            "auth.jwt.a.claims.team",
        ),
        ("auth: {jwt: {a: {issuer: 'https://i', audiences: x, jwks: 'http://i/k'}}}", "auth.jwt.a: "),
        ("auth: {certificates: [{dns: '*'}]}", "auth.certificates: no client is asked for a certificate"),
        ("state: {secret: short-and-secret}", short),
        ("state: {database: 'postgres://u:hunter2@h/d'}", "state.secret: missing"),
        ("state: {database: 'mysql://u:hunter2@h/d'}", "state.database: neither a file nor"),
        ("admin: {listen: 8081}", "admin.listen: "),
    ] {
        let error = load(configuration).unwrap_err();
        assert!(error.contains(expected), "{configuration}: {error}");
        assert!(!error.contains("hunter2") && !error.contains("short-and-secret"), "{error}");
    }
}
