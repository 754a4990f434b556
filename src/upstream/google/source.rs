//! The life of a token.
//!
//! One task tends it: it asks for the first when somebody wants it, and for the next when a fifth of
//! its life is left (five minutes at most) and it was used. While the issuer fails, the old one goes
//! on to its end. The task may end with its runtime at any time; the next request starts another.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::token::{Bearer, Grant, Token, TokenError};

/// How long a request waits for a token.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often an issuer is asked before a failure that may pass counts as one.
const TRIES: u32 = 3;

/// The pause before the second try; the third waits twice as long.
const PAUSE: Duration = Duration::from_millis(200);

/// The pause after a failure; it doubles with each, up to the longest.
const SHORTEST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_mins(1);

/// A provider that refuses every token does not cost a new one with every request.
const BETWEEN_REFUSALS: Duration = Duration::from_secs(30);

/// What an issuer's answer takes.
pub(crate) type Granting<'a> = Pin<Box<dyn Future<Output = Result<Grant, TokenError>> + Send + 'a>>;

/// Who gives out tokens.
pub(crate) trait Issue: Send + Sync + 'static {
    /// Asks for a token.
    fn issue(&self) -> Granting<'_>;
}

/// Tokens of one identity, shared by all that use it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct TokenSource(Arc<Inner>);

struct Inner {
    issuer: Box<dyn Issue>,
    state: watch::Sender<State>,
    /// Whether a task tends the token.
    tended: AtomicBool,
    /// Whether the token was used.
    used: AtomicBool,
    /// Tells the task that a token is wanted now, or that nobody is left to want one.
    wanted: Arc<Notify>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.wanted.notify_one();
    }
}

#[derive(Debug, Default)]
struct State {
    token: Option<Token>,
    /// The text of the one before, which requests on their way may still carry.
    earlier: Option<Token>,
    failure: Option<Failure>,
    /// How many tokens and failures there were.
    turns: u64,
    refused: Option<Instant>,
}

#[derive(Debug)]
struct Failure {
    error: TokenError,
    /// How many there were in a row.
    times: u32,
    /// When to ask again.
    again: Instant,
}

impl TokenSource {
    /// A source that asks `issuer` once a token is wanted.
    pub(crate) fn new(issuer: impl Issue) -> Self {
        Self(Arc::new(Inner {
            issuer: Box::new(issuer),
            state: watch::Sender::new(State::default()),
            tended: AtomicBool::new(false),
            used: AtomicBool::new(false),
            wanted: Arc::default(),
        }))
    }

    /// The token at hand, if there is a good one. Must be called within a runtime.
    pub(crate) fn ready(&self) -> Option<Bearer> {
        let now = Instant::now();
        let state = self.0.state.borrow();
        let token = state.token.as_ref().filter(|token| now < token.ends)?;
        let bearer = token.bearer.clone();
        let due = now >= token.due;
        drop(state);
        if !self.0.used.load(Ordering::Relaxed) {
            self.0.used.store(true, Ordering::Relaxed);
        }
        if due {
            self.tend();
        }
        Some(bearer)
    }

    /// The token at hand, or the next one.
    pub(crate) async fn get(&self) -> Result<Bearer, TokenError> {
        tokio::time::timeout(PATIENCE, self.wait()).await.unwrap_or_else(|_| {
            let known = self.0.state.borrow().failure.as_ref().map(|failure| failure.error.clone());
            Err(known.unwrap_or_else(|| {
                TokenError::passing(format!("no access token came within {} s", PATIENCE.as_secs()))
            }))
        })
    }

    /// Forgets a token that a provider refused, so that the next is another. False where that was done
    /// a moment ago, and would be in vain.
    pub(crate) fn refuse(&self, bearer: &Bearer) -> bool {
        let now = Instant::now();
        let mut forgotten = false;
        self.0.state.send_if_modified(|state| {
            match &state.token {
                // Somebody else was refused too, and the next one is here or on its way.
                None => forgotten = true,
                Some(token) if token.bearer.number != bearer.number => forgotten = true,
                Some(_) if state.refused.is_some_and(|before| now < before + BETWEEN_REFUSALS) => {}
                Some(_) => {
                    forgotten = true;
                    state.earlier = state.token.take();
                    state.refused = Some(now);
                    state.failure = None;
                    return true;
                }
            }
            false
        });
        forgotten
    }

    /// Calls `see` with the tokens that requests may carry now.
    pub(crate) fn each(&self, mut see: impl FnMut(&str)) {
        let state = self.0.state.borrow();
        for token in [&state.token, &state.earlier].into_iter().flatten() {
            see(token.text());
        }
    }

    /// The same source, as long as others keep it.
    pub(super) fn downgrade(&self) -> WeakSource {
        WeakSource(Arc::downgrade(&self.0))
    }

    async fn wait(&self) -> Result<Bearer, TokenError> {
        let mut changes = self.0.state.subscribe();
        let begun = self.0.state.borrow().turns;
        loop {
            // Before the look: a token that comes behind it must wake us.
            changes.mark_unchanged();
            if let Some(bearer) = self.ready() {
                return Ok(bearer);
            }
            {
                let state = self.0.state.borrow();
                let failed = state.failure.as_ref();
                // One that is resting is not asked, and one that failed meanwhile not again.
                let told = failed.filter(|one| state.turns > begun || Instant::now() < one.again);
                if let Some(failure) = told {
                    return Err(failure.error.clone());
                }
            }
            self.0.used.store(true, Ordering::Relaxed);
            self.tend();
            self.0.wanted.notify_one();
            // The sender lives in `self`.
            let _ = changes.changed().await;
        }
    }

    /// Starts the task that tends the token, if there is none.
    fn tend(&self) {
        if self.0.tended.swap(true, Ordering::AcqRel) {
            return;
        }
        let post = Post { inner: Arc::downgrade(&self.0), wanted: self.0.wanted.clone() };
        tokio::spawn(async move {
            while let Some(rest) = post.turn().await {
                post.rest(rest).await;
            }
        });
    }
}

/// Without the tokens.
impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSource").finish_non_exhaustive()
    }
}

/// A source that is not kept.
pub(super) struct WeakSource(Weak<Inner>);

impl WeakSource {
    /// The source, if somebody kept it.
    pub(super) fn upgrade(&self) -> Option<TokenSource> {
        self.0.upgrade().map(TokenSource)
    }
}

impl std::fmt::Debug for WeakSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WeakSource").finish_non_exhaustive()
    }
}

/// The post of the one task that tends a token. Free again when dropped, and whoever waits is told.
struct Post {
    inner: Weak<Inner>,
    wanted: Arc<Notify>,
}

impl Drop for Post {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.upgrade() {
            inner.tended.store(false, Ordering::Release);
            inner.state.send_modify(|_| {});
        }
    }
}

impl Post {
    /// Gets a token if one is due. Returns when to look again; none when nobody is interested any more.
    async fn turn(&self) -> Option<Instant> {
        let inner = self.inner.upgrade()?;
        let now = Instant::now();
        match inner.state.borrow().step(now) {
            Step::Rest(until) => return Some(until),
            Step::Ask => {}
        }
        // A token that nobody used since it came is not followed by another.
        if !inner.used.swap(false, Ordering::Relaxed) {
            return None;
        }
        let result = inner.ask().await;
        let now = Instant::now();
        inner.state.send_modify(|state| state.take(result, now));
        let step = inner.state.borrow().step(now);
        Some(match step {
            Step::Rest(until) => until,
            Step::Ask => now + SHORTEST_REST,
        })
    }

    /// Waits until `until`, or until a token is wanted.
    async fn rest(&self, until: Instant) {
        tokio::select! {
            () = self.wanted.notified() => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }
}

impl Inner {
    /// Asks the issuer, some times where a failure may pass.
    async fn ask(&self) -> Result<Token, TokenError> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.ask_once().await {
                Err(error) if error.passing => {
                    tracing::debug!(%error, "no access token, another try");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                result => return result,
            }
        }
        self.ask_once().await
    }

    async fn ask_once(&self) -> Result<Token, TokenError> {
        let asked = Instant::now();
        let number = self.state.borrow().turns + 1;
        let grant = self.issuer.issue().await?;
        Token::new(&grant, number, asked)
            .ok_or_else(|| TokenError::lasting("the access token holds signs that no header can carry"))
    }
}

/// What the task does next.
enum Step {
    Ask,
    Rest(Instant),
}

impl State {
    fn step(&self, now: Instant) -> Step {
        let due = self.token.as_ref().filter(|token| now < token.ends).map_or(now, |token| token.due);
        let again = self.failure.as_ref().map_or(now, |failure| failure.again);
        let next = due.max(again);
        if next > now { Step::Rest(next) } else { Step::Ask }
    }

    fn take(&mut self, result: Result<Token, TokenError>, now: Instant) {
        self.turns += 1;
        match result {
            Ok(token) => {
                if self.failure.take().is_some() {
                    tracing::info!("access tokens come again");
                }
                // What a refusal left there came before this one.
                self.earlier = self.token.replace(token).or_else(|| self.earlier.take());
            }
            Err(error) => {
                let times = self.failure.as_ref().map_or(0, |failure| failure.times);
                let rest = SHORTEST_REST.saturating_mul(1 << times.min(16)).min(LONGEST_REST);
                let left =
                    self.token.as_ref().map(|token| token.ends.saturating_duration_since(now).as_secs());
                if let Some(left) = left.filter(|left| *left > 0) {
                    tracing::warn!(%error, "no new access token, the old one is good for {left} s more");
                } else {
                    tracing::error!(%error, "no access token");
                }
                self.failure = Some(Failure { error, times: times.saturating_add(1), again: now + rest });
            }
        }
    }
}

#[cfg(test)]
mod tests;
