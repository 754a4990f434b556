//! The table of keys against a model that is too simple to be wrong.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use tollway_auth::audit::{Act, AuditEntry};
use tollway_auth::keys::store::{AuditPage, Changes, Pending};
use tollway_auth::keys::{
    Change, DeclaredKey, Digest, Found, Grant, Key, KeyFeed, KeyId, KeyStore, KeyTable, MemoryStore, Pepper,
    Standing,
};

fn pepper() -> Pepper {
    Pepper::new(&[7; 32]).unwrap()
}

fn moment(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn token(number: u64) -> String {
    format!("tw-{number:043}")
}

/// One of few keys, so that changes meet.
fn id(number: u8) -> KeyId {
    KeyId::of_name(&number.to_string())
}

#[derive(Clone, Debug)]
enum Step {
    Create {
        key: u8,
        expires: Option<u64>,
    },
    Expire {
        key: u8,
        at: u64,
    },
    Rotate {
        key: u8,
        overlap: u64,
    },
    Revoke {
        key: u8,
    },
    /// An older state of all keys comes by, as from a slow replica.
    Repeat {
        at: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..4_u8;
    prop_oneof![
        (key.clone(), proptest::option::of(0..300_u64))
            .prop_map(|(key, expires)| Step::Create { key, expires }),
        (key.clone(), 0..300_u64).prop_map(|(key, at)| Step::Expire { key, at }),
        (key.clone(), 0..60_u64).prop_map(|(key, overlap)| Step::Rotate { key, overlap }),
        key.prop_map(|key| Step::Revoke { key }),
        (0..50_usize).prop_map(|at| Step::Repeat { at }),
    ]
}

/// What is known of a token, told from the story alone.
fn expected(key: &Key, token: usize, tokens: &[(KeyId, u64, Option<u64>)], now: u64) -> Option<Standing> {
    let (_, _, until) = tokens[token];
    // Of the tokens that a key had, it remembers the newest and the one before it.
    let later = tokens[token + 1..].iter().filter(|other| other.0 == key.id).count();
    if later > 1 || (later == 1 && until.is_none()) {
        return None;
    }
    Some(if key.revoked.is_some() {
        Standing::Revoked
    } else if key.grant.expires.is_some_and(|expires| expires <= moment(now))
        || (later == 1 && until.is_some_and(|until| until <= now))
    {
        Standing::Expired
    } else {
        Standing::Good
    })
}

proptest! {
    #[test]
    fn the_table_knows_what_the_story_tells(steps in prop::collection::vec(step(), 1..40)) {
        let table = KeyTable::new(pepper());
        let mut keys: BTreeMap<KeyId, Key> = BTreeMap::new();
        let mut history: Vec<Key> = Vec::new();
        let mut tokens: Vec<(KeyId, u64, Option<u64>)> = Vec::new();
        for (at, step) in steps.into_iter().enumerate() {
            let now = at as u64 * 7;
            let fresh = pepper().hash(token(at as u64).as_bytes());
            let (id, change, overlap) = match step {
                Step::Create { key, expires } => {
                    let grant = Grant { expires: expires.map(moment), ..Grant::default() };
                    (id(key), Change::Create { digest: fresh, grant: grant.into() }, None)
                }
                Step::Expire { key, at } => {
                    let grant = Grant { expires: Some(moment(at)), ..Grant::default() };
                    (id(key), Change::Update { grant: grant.into(), since: None }, None)
                }
                Step::Rotate { key, overlap } => {
                    let change = Change::Rotate { digest: fresh, overlap: Duration::from_secs(overlap) };
                    (id(key), change, Some(overlap))
                }
                Step::Revoke { key } => (id(key), Change::Revoke, None),
                Step::Repeat { at } => {
                    table.apply(history.get(at).cloned());
                    continue;
                }
            };
            let adds_token = matches!(change, Change::Create { .. } | Change::Rotate { .. });
            let Ok(mut key) = change.apply(id, keys.get(&id).cloned(), moment(now)) else { continue };
            key.revision = i64::try_from(at).unwrap() + 1;
            if adds_token {
                if let Some(replaced) = tokens.iter_mut().rfind(|token| token.0 == id) {
                    replaced.2 = overlap.filter(|overlap| *overlap > 0).map(|overlap| now + overlap);
                }
                tokens.push((id, at as u64, None));
            }
            table.apply([key.clone()]);
            history.push(key.clone());
            keys.insert(id, key);

            for now in [now, now + 20, now + 200] {
                for (at, (id, number, _)) in tokens.iter().enumerate() {
                    let found = match table.find(token(*number).as_bytes(), moment(now)) {
                        Found::Nothing => None,
                        Found::Bad(standing) => Some(standing),
                        Found::Good(found) => {
                            let known = found.caller.key.as_deref().map(str::to_owned);
                            prop_assert_eq!(known, Some(id.to_string()));
                            Some(Standing::Good)
                        }
                    };
                    prop_assert_eq!(found, expected(&keys[id], at, &tokens, now), "token {} at {}", number, now);
                }
            }
            prop_assert_eq!(table.len(), keys.len());
        }
    }

    #[test]
    fn nothing_else_is_a_key(secret in prop::collection::vec(any::<u8>(), 0..300)) {
        let table = KeyTable::new(pepper());
        table.apply([Key::new(id(1), pepper().hash(b"tw-mine"), Grant::default(), moment(1))]);
        prop_assert!(matches!(table.find(&secret, moment(2)), Found::Nothing) || secret == b"tw-mine");
    }
}

#[test]
fn declared_keys_hold_beside_those_of_a_store() {
    let table = KeyTable::new(pepper());
    let grant = Grant { team: Some("blue".to_owned()), ..Grant::default() };
    table.apply([stored(1, 1)]);
    table.declare(vec![
        DeclaredKey::plain("laptop", "correct-horse", grant.clone(), &pepper()).unwrap(),
        DeclaredKey::hashed("ci", pepper().hash(token(9).as_bytes()), grant),
    ]);
    let good = |secret: &str| match table.find(secret.as_bytes(), moment(1)) {
        Found::Good(key) => Some((key.caller.team.clone(), key.guessable)),
        _ => None,
    };
    assert_eq!(good("correct-horse"), Some((Some("blue".into()), true)));
    assert_eq!(good(&token(9)), Some((Some("blue".into()), false)));
    assert_eq!(good(&token(1)), Some((None, false)));
    table.declare(Vec::new());
    assert_eq!((good("correct-horse"), good(&token(9))), (None, None));
    assert!(good(&token(1)).is_some() && table.len() == 1);
}

#[tokio::test]
async fn a_store_that_went_back_in_time_is_read_again() {
    let table = Arc::new(KeyTable::new(pepper()));
    let store = faulty();
    create(&store.stores[1], 1).await;
    for number in [1, 2, 3] {
        create(&store.stores[0], number).await;
    }
    let mut feed = KeyFeed::new(store.clone(), table.clone());
    feed.catch_up().await.unwrap();
    assert_eq!(table.len(), 3);
    *store.fault.lock().unwrap() = Fault::Restored;
    feed.catch_up().await.unwrap();
    assert_eq!(table.len(), 1);
    assert!(matches!(table.find(token(1).as_bytes(), moment(2)), Found::Good(_)));
    assert!(matches!(table.find(token(2).as_bytes(), moment(2)), Found::Nothing));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_changes_nothing_that_is_known() {
    let table = Arc::new(KeyTable::new(pepper()));
    let store = faulty();
    create(&store.stores[0], 1).await;
    let mut feed = KeyFeed::new(store.clone(), table.clone());
    assert!(table.is_expecting());
    feed.catch_up().await.unwrap();
    assert!(!table.is_expecting());
    *store.fault.lock().unwrap() = Fault::Hangs;
    feed.catch_up().await.unwrap_err();
    assert!(matches!(table.find(token(1).as_bytes(), moment(2)), Found::Good(_)));
    *store.fault.lock().unwrap() = Fault::None;
    create(&store.stores[0], 2).await;
    feed.catch_up().await.unwrap();
    assert!(matches!(table.find(token(2).as_bytes(), moment(2)), Found::Good(_)));
}

/// While keys come and go, a key that is there is never not found.
#[test]
fn readers_never_miss_a_key_that_is_there() {
    let table = Arc::new(KeyTable::new(pepper()));
    table.apply((0..1000).map(|number| stored(number, 1)));
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (table, done) = (table.clone(), done.clone());
            std::thread::spawn(move || {
                let mut looked = 0;
                while !done.load(Ordering::Relaxed) || looked == 0 {
                    for number in 0..1000 {
                        assert!(matches!(table.find(token(number).as_bytes(), moment(2)), Found::Good(_)));
                        looked += 1;
                    }
                }
                looked
            })
        })
        .collect();
    for revision in 2..40 {
        table.apply((0..1000).map(|number| {
            let mut key = stored(number, revision);
            key.previous = None;
            key.grant.name = revision.to_string();
            key
        }));
        table.apply((1000..1100).map(|number| stored(number, revision)));
    }
    done.store(true, Ordering::Relaxed);
    assert!(readers.into_iter().all(|reader| reader.join().unwrap() >= 1000));
}

fn stored(number: u64, revision: i64) -> Key {
    let digest = pepper().hash(token(number).as_bytes());
    let mut key = Key::new(KeyId::of_name(&number.to_string()), digest, Grant::default(), moment(1));
    key.revision = revision;
    key
}

async fn create(store: &MemoryStore, number: u64) {
    let digest = pepper().hash(token(number).as_bytes());
    let change = Change::Create { digest, grant: Box::default() };
    let act = Act { actor: "test".to_owned(), address: None, at: moment(1) };
    store.change(KeyId::of_name(&number.to_string()), change, act).await.unwrap();
}

/// Two states of a store, as before and after a backup was restored, or none that answers.
#[derive(Debug)]
struct Faulty {
    stores: [MemoryStore; 2],
    fault: Mutex<Fault>,
}

impl KeyStore for Faulty {
    fn prepare(&self, fingerprint: Digest) -> Pending<'_, ()> {
        match *self.fault.lock().unwrap() {
            Fault::None => self.stores[0].prepare(fingerprint),
            Fault::Restored => self.stores[1].prepare(fingerprint),
            Fault::Hangs => Box::pin(std::future::pending()),
        }
    }

    fn change(&self, id: KeyId, change: Change, act: Act) -> Pending<'_, Key> {
        match *self.fault.lock().unwrap() {
            Fault::None => self.stores[0].change(id, change, act),
            Fault::Restored => self.stores[1].change(id, change, act),
            Fault::Hangs => Box::pin(std::future::pending()),
        }
    }

    fn find(&self, id: KeyId) -> Pending<'_, Option<Key>> {
        match *self.fault.lock().unwrap() {
            Fault::None => self.stores[0].find(id),
            Fault::Restored => self.stores[1].find(id),
            Fault::Hangs => Box::pin(std::future::pending()),
        }
    }

    fn list(&self, after: Option<KeyId>, limit: u32) -> Pending<'_, Vec<Key>> {
        match *self.fault.lock().unwrap() {
            Fault::None => self.stores[0].list(after, limit),
            Fault::Restored => self.stores[1].list(after, limit),
            Fault::Hangs => Box::pin(std::future::pending()),
        }
    }

    fn changes(&self, after: i64, limit: u32) -> Pending<'_, Changes> {
        match *self.fault.lock().unwrap() {
            Fault::None => self.stores[0].changes(after, limit),
            Fault::Restored => self.stores[1].changes(after, limit),
            Fault::Hangs => Box::pin(std::future::pending()),
        }
    }

    fn record<'s>(
        &'s self,
        act: Act,
        action: &'s str,
        subject: &'s str,
        detail: &'s str,
    ) -> Pending<'s, AuditEntry> {
        match *self.fault.lock().unwrap() {
            Fault::None => self.stores[0].record(act, action, subject, detail),
            Fault::Restored => self.stores[1].record(act, action, subject, detail),
            Fault::Hangs => Box::pin(std::future::pending()),
        }
    }

    fn audit(&self, after: i64, limit: u32) -> Pending<'_, AuditPage> {
        match *self.fault.lock().unwrap() {
            Fault::None => self.stores[0].audit(after, limit),
            Fault::Restored => self.stores[1].audit(after, limit),
            Fault::Hangs => Box::pin(std::future::pending()),
        }
    }
}

/// What a store does wrong.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    Restored,
    Hangs,
}

fn faulty() -> Arc<Faulty> {
    Arc::new(Faulty { stores: Default::default(), fault: Mutex::new(Fault::None) })
}
