use tollway_rate_limit::Store as _;
use tollway_rate_limit::store::redis::{RedisSettings, RedisStore};

use super::server::Server;
use super::store;

#[tokio::test]
async fn a_password_is_given() {
    let Some(server) = Server::start(&["--requirepass", "p@ss:/ word"]) else { return };
    let port = server.port();
    let right = store(&format!("redis://:p%40ss%3A%2F%20word@127.0.0.1:{port}"));
    assert!(right.take(Vec::new()).await.is_ok());
    for url in [format!("redis://127.0.0.1:{port}"), format!("redis://:wrong@127.0.0.1:{port}")] {
        let error = store(&url).take(Vec::new()).await.unwrap_err();
        let told = format!("{error}: {}", std::error::Error::source(&error).unwrap());
        assert!(!told.contains("wrong@"), "{told}");
    }
    let mut settings = RedisSettings::new(format!("redis://127.0.0.1:{port}"));
    settings.password = Some("p@ss:/ word".to_owned());
    assert!(RedisStore::new(&settings).unwrap().take(Vec::new()).await.is_ok());
}

#[tokio::test]
async fn a_user_needs_no_more_than_its_keys_and_a_few_commands() {
    let may = "me on >secret ~tollway:* -@all +evalsha +eval +time +get +set +setrange +del +mget \
               +zadd +zcard +zremrangebyscore +pexpire +ping +hello +select";
    let options: Vec<_> = ["--user"].into_iter().chain(may.split_whitespace()).collect();
    let Some(server) = Server::start(&options) else { return };
    let url = format!("redis://me:secret@127.0.0.1:{}/3", server.port());
    let first = store(&url);
    assert!(first.take(Vec::new()).await.is_ok());
    let rule = std::sync::Arc::new(tollway_rate_limit::Rule::concurrent(
        "c",
        tollway_rate_limit::Measure::ConcurrentRequests,
        3,
    ));
    super::granted(&first, vec![super::ask(&rule, "1:a", 2)]).await;
    super::beat(&first, vec![super::held(&rule, "1:a", 2)]).await.unwrap();
    // Databases are apart.
    assert_eq!(super::remaining(&store(&url), &rule, "1:a").await, 1);
    let other = store(&url.replace("/3", "/4"));
    assert_eq!(super::remaining(&other, &rule, "1:a").await, 3);

    let mut settings = RedisSettings::new(url);
    settings.prefix = "elsewhere".to_owned();
    assert!(RedisStore::new(&settings).unwrap().take(Vec::new()).await.is_err());
}
