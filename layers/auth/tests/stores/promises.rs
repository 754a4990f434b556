//! What every store promises. Each check is given two handles to one empty store, as two replicas have.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tollway_auth::Limit;
use tollway_auth::audit::Act;
use tollway_auth::keys::store::verify_audit;
use tollway_auth::keys::{
    Change, ChangeError, FeedStatus, Found, Grant, KeyFeed, KeyId, KeyStore, KeyTable, Keyring, Measure,
    Pepper, StoreError, Token,
};

/// How many promises there are.
pub(crate) const COUNT: usize = 6;

pub(crate) async fn check(promise: usize, one: Arc<dyn KeyStore>, two: Arc<dyn KeyStore>) {
    one.prepare(pepper().fingerprint()).await.unwrap();
    two.prepare(pepper().fingerprint()).await.unwrap();
    match promise {
        0 => a_key_is_read_as_it_was_written(&*one, &*two).await,
        1 => what_cannot_be_done_leaves_no_trace(&*one).await,
        2 => writers_follow_one_another(one, two).await,
        3 => a_change_is_known_elsewhere_within_two_seconds(one, two).await,
        4 => keys_of_another_secret_are_refused(&*one).await,
        _ => pages_leave_nothing_out(&*one, &*two).await,
    }
}

async fn a_key_is_read_as_it_was_written(one: &dyn KeyStore, two: &dyn KeyStore) {
    let id = KeyId::random().unwrap();
    let create = Change::Create { digest: [1; 32].into(), grant: full_grant().into() };
    let key = one.change(id, create, act(1)).await.unwrap();
    assert_eq!(key.grant, full_grant());
    assert_eq!((key.created, key.revision), (moment(1), 1));
    assert_eq!(two.find(id).await.unwrap(), Some(key));

    let rotate = Change::Rotate { digest: [2; 32].into(), overlap: Duration::from_secs(9) };
    let key = one.change(id, rotate, act(2)).await.unwrap();
    let previous = key.previous.unwrap();
    assert_eq!((previous.digest, previous.until), ([1; 32].into(), moment(11)));
    assert_eq!(two.find(id).await.unwrap(), Some(key));

    two.change(id, Change::Update { grant: grant("other").into(), since: None }, act(3)).await.unwrap();
    let key = two.change(id, Change::Revoke, act(4)).await.unwrap();
    assert_eq!((key.revoked, key.revision), (Some(moment(4)), 4));
    assert_eq!(one.find(id).await.unwrap(), Some(key.clone()));
    assert_eq!(one.changes(0, 10).await.unwrap().keys, [key]);

    let page = one.audit(0, 10).await.unwrap();
    let actions: Vec<_> = page.entries.iter().map(|entry| &*entry.action).collect();
    assert_eq!(actions, ["key.create", "key.rotate", "key.update", "key.revoke"]);
    assert_eq!(page.entries[0].act, act(1));
    assert_eq!(page.entries[0].subject, id.to_string());
    assert_eq!(page.entries[1].detail, r#"{"overlap_ms":9000}"#);
    let entry = two.record(act(5), "admin.login", "ada", r#"{"method":"key"}"#).await.unwrap();
    assert_eq!(verify_audit(one).await.unwrap(), entry.head());
}

async fn what_cannot_be_done_leaves_no_trace(store: &dyn KeyStore) {
    let id = KeyId::random().unwrap();
    let create = || Change::Create { digest: [1; 32].into(), grant: grant("a").into() };
    let refused = |result: Result<_, StoreError>| match result {
        Err(StoreError::Refused(error)) => error,
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(refused(store.change(id, Change::Revoke, act(1)).await), ChangeError::NotFound(id));
    store.change(id, create(), act(1)).await.unwrap();
    assert_eq!(refused(store.change(id, create(), act(1)).await), ChangeError::Exists(id));
    let late = Change::Update { grant: grant("late").into(), since: Some(0) };
    assert_eq!(refused(store.change(id, late, act(1)).await), ChangeError::Changed(id));
    store.change(id, Change::Revoke, act(2)).await.unwrap();
    assert_eq!(refused(store.change(id, Change::Revoke, act(3)).await), ChangeError::Revoked(id));
    let changes = store.changes(0, 10).await.unwrap();
    assert_eq!((changes.revision, changes.keys.len()), (2, 1));
    assert_eq!(verify_audit(store).await.unwrap().sequence, 2);
}

async fn writers_follow_one_another(one: Arc<dyn KeyStore>, two: Arc<dyn KeyStore>) {
    let write = |store: Arc<dyn KeyStore>, half: u8| {
        tokio::spawn(async move {
            for number in 0..20 {
                let digest = std::array::from_fn(|at| if at == 0 { half } else { number }).into();
                let create = Change::Create { digest, grant: grant("a").into() };
                store.change(KeyId::random().unwrap(), create, act(1)).await.unwrap();
            }
        })
    };
    let writers = [write(one.clone(), 1), write(two.clone(), 2), write(one.clone(), 3), write(two, 4)];
    for writer in writers {
        writer.await.unwrap();
    }
    let keys = one.changes(0, 1000).await.unwrap().keys;
    assert!(keys.iter().map(|key| key.revision).eq(1..=80), "no revision is left out or given twice");
    assert_eq!(verify_audit(&*one).await.unwrap().sequence, 80);
}

async fn a_change_is_known_elsewhere_within_two_seconds(one: Arc<dyn KeyStore>, two: Arc<dyn KeyStore>) {
    let tables = [(); 2].map(|()| Arc::new(KeyTable::new(pepper())));
    let feed = KeyFeed::new(two, tables[1].clone());
    let mut status = feed.watch();
    let feed = tokio::spawn(feed.run());
    status.wait_for(|status| *status == FeedStatus::Following(0)).await.unwrap();

    let keyring = Keyring::new(one, tables[0].clone());
    let (key, token) = keyring.create(grant("a"), act(1)).await.unwrap();
    assert!(is_good(&tables[0], &token), "at once where it was made");
    let began = Instant::now();
    status.wait_for(|status| *status == FeedStatus::Following(1)).await.unwrap();
    assert!(is_good(&tables[1], &token) && began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());

    let began = Instant::now();
    keyring.revoke(key.id, act(2)).await.unwrap();
    assert!(!is_good(&tables[0], &token));
    status.wait_for(|status| *status == FeedStatus::Following(2)).await.unwrap();
    assert!(
        !is_good(&tables[1], &token) && began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    feed.abort();
}

async fn keys_of_another_secret_are_refused(store: &dyn KeyStore) {
    let other = Pepper::new(&[9; 32]).unwrap();
    assert!(matches!(store.prepare(other.fingerprint()).await, Err(StoreError::OtherPepper)));
    store.prepare(pepper().fingerprint()).await.unwrap();
}

async fn pages_leave_nothing_out(one: &dyn KeyStore, two: &dyn KeyStore) {
    fill(one, 7).await;
    let mut after = None;
    let mut listed = Vec::new();
    loop {
        let page = two.list(after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        listed.extend(page.iter().map(|key| key.id));
    }
    assert!(listed.len() == 7 && listed.is_sorted(), "{listed:?}");
    assert!(two.changes(2, 3).await.unwrap().keys.iter().map(|key| key.revision).eq(3..=5));
    assert!(two.audit(5, 3).await.unwrap().entries.iter().map(|entry| entry.sequence).eq(6..=7));
}

/// Makes some keys.
pub(crate) async fn fill(store: &dyn KeyStore, count: u8) {
    store.prepare(pepper().fingerprint()).await.unwrap();
    for number in 0..count {
        let create = Change::Create { digest: [number; 32].into(), grant: grant("a").into() };
        store.change(KeyId::random().unwrap(), create, act(1)).await.unwrap();
    }
}

pub(crate) fn pepper() -> Pepper {
    Pepper::new(&[7; 32]).unwrap()
}

pub(crate) fn grant(name: &str) -> Grant {
    Grant { name: name.to_owned(), ..Grant::default() }
}

pub(crate) fn act(seconds: u64) -> Act {
    Act { actor: "ada".to_owned(), address: Some([192, 0, 2, 1].into()), at: moment(seconds) }
}

/// Whether a token passes, long before anything expires.
pub(crate) fn is_good(table: &KeyTable, token: &Token) -> bool {
    matches!(table.find(token.expose().as_bytes(), moment(5)), Found::Good(_))
}

fn full_grant() -> Grant {
    Grant {
        name: "größe \"x\"".to_owned(),
        user: Some("ada".to_owned()),
        team: Some("blue".to_owned()),
        scopes: vec!["keys".to_owned()],
        models: vec!["gpt-*".to_owned()],
        providers: vec!["openai".to_owned()],
        routes: vec!["/v1/*".to_owned()],
        tags: [("cost".to_owned(), "42".to_owned())].into(),
        priority: tollway_core::Priority::High,
        limits: vec![Limit {
            measure: Measure::TotalTokens,
            limit: 1000,
            window: Duration::from_mins(1),
            burst: Some(10),
        }],
        expires: Some(moment(1_000_000)),
    }
}

fn moment(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}
