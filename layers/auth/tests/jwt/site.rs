//! What issuers publish, with a count of how often it was asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Uri;
use tollway_auth::jwt::{Fetch, Fetched};

#[derive(Debug, Default)]
pub(crate) struct Site(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    pages: HashMap<String, String>,
    delay: Duration,
    asked: Vec<String>,
}

impl Site {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// From now on that stands there.
    pub(crate) fn publish(&self, url: &str, page: impl Into<String>) {
        self.0.lock().unwrap().pages.insert(url.to_owned(), page.into());
    }

    /// From now on nothing stands anywhere.
    pub(crate) fn go_down(&self) {
        self.0.lock().unwrap().pages.clear();
    }

    /// From now on each answer takes so long.
    pub(crate) fn delay(&self, delay: Duration) {
        self.0.lock().unwrap().delay = delay;
    }

    /// The URLs that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().asked.clone()
    }
}

impl Fetch for Site {
    fn get(&self, url: &Uri, limit: usize) -> Fetched {
        let mut state = self.0.lock().unwrap();
        state.asked.push(url.to_string());
        let (page, delay) = (state.pages.get(&url.to_string()).cloned(), state.delay);
        Box::pin(async move {
            tokio::time::sleep(delay).await;
            let page = page.ok_or("404")?;
            if page.len() > limit { Err("too long".into()) } else { Ok(page.into()) }
        })
    }
}
