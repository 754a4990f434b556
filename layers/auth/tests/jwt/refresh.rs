//! How keys are fetched, in virtual time.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, sleep};
use tollway_auth::jwt::{Issuer, JwtSettings, KeyRefresh, KeySource};
use tollway_auth::{Decision, Error, Jwt, Method, Presented, TokenFault};

use super::signer::{Signer, header, jwks};
use super::site::Site;
use super::{ISSUER, bearer, noon, outcome};

const KEYS: &str = "https://issuer.example/keys";
const DISCOVERY: &str = "https://issuer.example/.well-known/openid-configuration";

/// A gateway, an issuer's site, and a clock.
struct World {
    jwt: Jwt,
    site: Arc<Site>,
    began: Instant,
    running: Option<JoinHandle<()>>,
}

impl World {
    /// A gateway that knows where the keys are, and has not begun to fetch.
    fn new(site: &Arc<Site>) -> (Self, KeyRefresh) {
        let mut issuer = Issuer::new(ISSUER, ["gateway"]);
        issuer.keys = KeySource::Url(KEYS.parse().unwrap());
        Self::of(issuer, site)
    }

    fn of(issuer: Issuer, site: &Arc<Site>) -> (Self, KeyRefresh) {
        let settings = JwtSettings { issuers: vec![issuer], ..JwtSettings::default() };
        let (jwt, refresh) = Jwt::new(settings, site.clone()).unwrap();
        let began = Instant::now();
        let refresh = refresh.clock(move || noon() + began.elapsed());
        (Self { jwt, site: site.clone(), began, running: None }, refresh)
    }

    fn started(site: &Arc<Site>) -> Self {
        let (mut world, refresh) = Self::new(site);
        world.running = Some(tokio::spawn(refresh.run()));
        world
    }

    fn now(&self) -> SystemTime {
        noon() + self.began.elapsed()
    }

    fn decide(&self, token: &str) -> Decision {
        self.jwt.decide(&Presented::of(&bearer(token)), self.now())
    }

    /// The user, at once or later, or why not.
    async fn user(&self, token: &str) -> Result<String, Error> {
        match self.decide(token) {
            Decision::Wait(pending) => outcome(pending.await),
            other => outcome(other),
        }
    }

    fn fetches(&self) -> usize {
        self.site.asked().len()
    }
}

/// A token that is good for ten years.
fn token(signer: &Signer, kid: &str) -> String {
    let claims = format!(r#"{{"iss":"{ISSUER}","aud":"gateway","sub":"ada","exp":999999999}}"#);
    signer.token(&header("EdDSA", kid), &claims)
}

fn published(signer: &Signer, kid: &str) -> Arc<Site> {
    let site = Site::new();
    site.publish(KEYS, jwks(&[(signer, kid)]));
    site
}

fn is_unavailable(outcome: &Result<String, Error>) -> bool {
    matches!(outcome, Err(Error::Unavailable { .. }))
}

#[tokio::test(start_paused = true)]
async fn a_thousand_first_requests_make_one_fetch() {
    let signer = Signer::ed25519();
    let site = published(&signer, "a");
    site.delay(Duration::from_secs(1));
    let world = World::started(&site);
    let token = token(&signer, "a");
    let waiting: Vec<_> = (0..1000).map(|_| world.decide(&token)).collect();
    for decision in waiting {
        let Decision::Wait(pending) = decision else { panic!("{decision:?}") };
        assert_eq!(outcome(pending.await), Ok("ada".to_owned()));
    }
    assert_eq!(world.began.elapsed(), Duration::from_secs(1));
    assert_eq!(world.fetches(), 1);
    assert!(matches!(world.decide(&token), Decision::Verified(_)), "from now on nobody waits");
}

#[tokio::test(start_paused = true)]
async fn keys_that_come_while_a_request_begins_to_wait_are_seen() {
    let signer = Signer::ed25519();
    let (mut world, refresh) = World::new(&published(&signer, "a"));
    let Decision::Wait(pending) = world.decide(&token(&signer, "a")) else { panic!("no keys are known") };
    world.running = Some(tokio::spawn(refresh.run()));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(outcome(pending.await), Ok("ada".to_owned()));
    assert_eq!(world.began.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn whoever_hangs_up_breaks_no_fetch_off() {
    let signer = Signer::ed25519();
    let site = published(&signer, "a");
    site.delay(Duration::from_secs(1));
    let world = World::started(&site);
    drop(world.decide(&token(&signer, "a")));
    sleep(Duration::from_millis(1500)).await;
    assert!(matches!(world.decide(&token(&signer, "a")), Decision::Verified(_)));
    assert_eq!(world.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_patience() {
    let signer = Signer::ed25519();
    let site = published(&signer, "a");
    let (world, _refresh) = World::new(&site);
    assert!(is_unavailable(&world.user(&token(&signer, "a")).await), "nobody fetches");
    assert_eq!(world.began.elapsed(), Duration::from_secs(5));

    site.delay(Duration::from_hours(1));
    let world = World::started(&site);
    assert!(is_unavailable(&world.user(&token(&signer, "a")).await), "the issuer does not answer");
    assert_eq!(world.began.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_down_at_start_is_asked_again_soon() {
    let signer = Signer::ed25519();
    let site = Site::new();
    let world = World::started(&site);
    let token = token(&signer, "a");
    assert!(is_unavailable(&world.user(&token).await));
    assert_eq!(world.began.elapsed(), Duration::ZERO, "that the issuer is down is known at once");
    for _ in 0..100 {
        assert!(is_unavailable(&outcome(world.decide(&token))), "and nobody waits for the next attempt");
    }
    assert_eq!(world.fetches(), 1);
    assert_eq!(world.jwt.status()[0].trouble.as_deref().map(String::as_str), Some("404"));
    // 1 + 2 + 4 + 8 + 16 seconds, and then each half a minute.
    sleep(Duration::from_millis(31_500)).await;
    assert_eq!(world.fetches(), 6);
    sleep(Duration::from_mins(1)).await;
    assert_eq!(world.fetches(), 8);
    site.publish(KEYS, jwks(&[(&signer, "a")]));
    sleep(Duration::from_secs(30)).await;
    assert_eq!(outcome(world.decide(&token)), Ok("ada".to_owned()));
    assert_eq!(world.jwt.status()[0].trouble, None);
}

#[tokio::test(start_paused = true)]
async fn keys_outlive_their_issuer_for_a_stated_time() {
    let signer = Signer::ed25519();
    let site = published(&signer, "a");
    let world = World::started(&site);
    let token = token(&signer, "a");
    assert_eq!(world.user(&token).await, Ok("ada".to_owned()));
    site.go_down();
    sleep(Duration::from_secs(24 * 3600 - 1)).await;
    assert_eq!(outcome(world.decide(&token)), Ok("ada".to_owned()));
    assert!(world.jwt.status()[0].trouble.is_some());
    sleep(Duration::from_secs(2)).await;
    assert!(is_unavailable(&world.user(&token).await), "a token that is remembered is not good either");
    site.publish(KEYS, jwks(&[(&signer, "a")]));
    sleep(Duration::from_secs(30)).await;
    assert_eq!(outcome(world.decide(&token)), Ok("ada".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_was_verified_by_keys_that_are_gone_is_not_remembered() {
    let (old, new) = (Signer::ed25519(), Signer::ed25519());
    let site = published(&old, "a");
    let world = World::started(&site);
    assert_eq!(world.user(&token(&old, "a")).await, Ok("ada".to_owned()));
    site.go_down();
    sleep(Duration::from_hours(25)).await;
    assert_eq!(world.jwt.status()[0].keys, 0);
    site.publish(KEYS, jwks(&[(&new, "a")]));
    sleep(Duration::from_secs(31)).await;
    assert_eq!(outcome(world.decide(&token(&old, "a"))), Err(Error::Token(TokenFault::Signature)));
    assert_eq!(outcome(world.decide(&token(&new, "a"))), Ok("ada".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_before_they_are_old() {
    let signer = Signer::ed25519();
    let world = World::started(&published(&signer, "a"));
    sleep(Duration::from_hours(24)).await;
    assert_eq!(world.fetches(), 96);
    assert_eq!(world.jwt.status()[0].keys, 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_known_at_once_and_an_old_one_is_forgotten() {
    let (old, new) = (Signer::ed25519(), Signer::ed25519());
    let site = published(&old, "a");
    let world = World::started(&site);
    assert_eq!(world.user(&token(&old, "a")).await, Ok("ada".to_owned()));
    advance(Duration::from_secs(40)).await;
    tokio::task::yield_now().await;

    site.publish(KEYS, jwks(&[(&old, "a"), (&new, "b")]));
    assert_eq!(world.user(&token(&new, "b")).await, Ok("ada".to_owned()));
    assert_eq!(world.fetches(), 2);
    assert_eq!(outcome(world.decide(&token(&old, "a"))), Ok("ada".to_owned()), "both are good for a while");

    site.publish(KEYS, jwks(&[(&new, "b")]));
    sleep(Duration::from_mins(16)).await;
    let old = world.user(&token(&old, "a")).await;
    assert_eq!(old, Err(Error::Token(TokenFault::Key)), "though it was remembered");
    assert_eq!(outcome(world.decide(&token(&new, "b"))), Ok("ada".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_key_of_the_same_id_is_another_one() {
    let (old, new) = (Signer::ed25519(), Signer::ed25519());
    let site = published(&old, "a");
    let world = World::started(&site);
    assert_eq!(world.user(&token(&old, "a")).await, Ok("ada".to_owned()));
    site.publish(KEYS, jwks(&[(&new, "a")]));
    sleep(Duration::from_mins(16)).await;
    assert_eq!(outcome(world.decide(&token(&new, "a"))), Ok("ada".to_owned()));
    assert_eq!(outcome(world.decide(&token(&old, "a"))), Err(Error::Token(TokenFault::Signature)));
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_unknown_keys_makes_few_fetches() {
    let (signer, mallory) = (Signer::ed25519(), Signer::ed25519());
    let world = World::started(&published(&signer, "a"));
    assert_eq!(world.user(&token(&signer, "a")).await, Ok("ada".to_owned()));
    let forged: Vec<String> = (0..10).map(|kid| token(&mallory, &format!("m{kid}"))).collect();
    let mut refused = 0;
    for second in 0..600 {
        for token in &forged {
            // Some hang up at once, and some wait.
            if second % 2 == 0 {
                drop(world.decide(token));
            } else {
                assert_eq!(world.user(token).await, Err(Error::Token(TokenFault::Key)));
                refused += 1;
            }
        }
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(refused, 3000);
    // One each half a minute.
    assert!((19..=21).contains(&world.fetches()), "{}", world.fetches());
    assert_eq!(outcome(world.decide(&token(&signer, "a"))), Ok("ada".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn forged_tokens_that_say_the_wrong_things_make_no_fetch() {
    let (signer, mallory) = (Signer::ed25519(), Signer::ed25519());
    let world = World::started(&published(&signer, "a"));
    sleep(Duration::from_mins(1)).await;
    for claims in [
        format!(r#"{{"iss":"{ISSUER}","aud":"other","exp":999999999}}"#),
        format!(r#"{{"iss":"{ISSUER}","aud":"gateway","exp":1}}"#),
        r#"{"iss":"https://other.example","aud":"gateway","exp":999999999}"#.to_owned(),
    ] {
        let forged = mallory.token(&header("EdDSA", "m"), &claims);
        assert!(matches!(world.decide(&forged), Decision::Refused(Error::Token(_))), "{claims}");
    }
    sleep(Duration::from_mins(1)).await;
    assert_eq!(world.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_set_of_keys_changes_nothing() {
    let signer = Signer::ed25519();
    let site = published(&signer, "a");
    let world = World::started(&site);
    assert_eq!(world.user(&token(&signer, "a")).await, Ok("ada".to_owned()));
    let many: Vec<String> = (0..101).map(|kid| signer.jwk(&kid.to_string(), "")).collect();
    let encryption = signer.jwk("a", r#","use":"enc""#);
    for page in [
        String::new(),
        "<html>".to_owned(),
        r#"{"keys":[]}"#.to_owned(),
        format!(r#"{{"keys":[{}]}}"#, many.join(",")),
        format!(r#"{{"keys":[{encryption}]}}"#),
        " ".repeat(300 << 10),
    ] {
        site.publish(KEYS, page.clone());
        sleep(Duration::from_mins(16)).await;
        assert!(world.jwt.status()[0].trouble.is_some(), "{}", page.len());
        assert_eq!(outcome(world.decide(&token(&signer, "a"))), Ok("ada".to_owned()));
        site.publish(KEYS, jwks(&[(&signer, "a")]));
        sleep(Duration::from_secs(31)).await;
        assert_eq!(world.jwt.status()[0].trouble, None);
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_says_where_its_keys_are() {
    let signer = Signer::ed25519();
    let token = token(&signer, "a");
    let page = |issuer: &str, keys: &str| format!(r#"{{"issuer":"{issuer}","jwks_uri":"{keys}"}}"#);
    for (page, good) in [
        (page(ISSUER, KEYS), true),
        (page("https://mallory.example", KEYS), false),
        (page("https://issuer.example/", KEYS), false),
        (page(ISSUER, "http://issuer.example/keys"), false),
        (page(ISSUER, "/keys"), false),
        (format!(r#"{{"issuer":"{ISSUER}"}}"#), false),
        (format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"{KEYS}","jwks_uri":"{KEYS}"}}"#), false),
    ] {
        let site = published(&signer, "a");
        site.publish("http://issuer.example/keys", jwks(&[(&signer, "a")]));
        site.publish(DISCOVERY, page.clone());
        let (world, refresh) = World::of(Issuer::new(ISSUER, ["gateway"]), &site);
        let running = tokio::spawn(refresh.run());
        assert_eq!(world.user(&token).await.is_ok(), good, "{page}");
        if good {
            assert_eq!(site.asked(), [DISCOVERY, KEYS]);
            sleep(Duration::from_mins(16)).await;
            assert_eq!(site.asked(), [DISCOVERY, KEYS, KEYS], "where they are is known");
        }
        running.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_configuration_forgets_no_keys() {
    let signer = Signer::ed25519();
    let site = published(&signer, "a");
    let before = World::started(&site);
    assert_eq!(before.user(&token(&signer, "a")).await, Ok("ada".to_owned()));
    site.go_down();
    let after = World::started(&site);
    after.jwt.inherit(&before.jwt);
    assert_eq!(outcome(after.decide(&token(&signer, "a"))), Ok("ada".to_owned()));
    before.running.unwrap().abort();
    sleep(Duration::from_hours(1)).await;
    assert_eq!(outcome(after.decide(&token(&signer, "a"))), Ok("ada".to_owned()));
    // Other keys are another set, though the first were inherited.
    site.publish(KEYS, jwks(&[(&Signer::ed25519(), "a")]));
    sleep(Duration::from_secs(31)).await;
    assert_eq!(outcome(after.decide(&token(&signer, "a"))), Err(Error::Token(TokenFault::Signature)));
}
