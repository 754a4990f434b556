use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::held::{Held, IssuerStatus};
use super::judge::{Judge, KnownIssuer, Verdict};
use super::remembered::Remembered;
use super::token::looks_like_token;
use super::{Fetch, Issuer, IssuerError, KeyRefresh, KeySource, Place};
use crate::{Credential, Decision, Error, Method, Presented, TokenFault, Verified, Way};

/// Knows callers by tokens that issuers have signed.
#[derive(Clone, Debug)]
pub struct Jwt {
    judge: Arc<Judge>,
    /// Where tokens stand, in the order in which issuers were given.
    places: Arc<[Place]>,
    patience: Duration,
}

/// Whose tokens are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtSettings {
    /// The issuers. Where a request has tokens in several places, the first issuer's place counts.
    pub issuers: Vec<Issuer>,
    /// How many verified tokens are remembered, each in about half a kilobyte.
    pub remembered: usize,
    /// How long a request waits for keys that are being fetched.
    pub patience: Duration,
}

impl Default for JwtSettings {
    /// No issuer, 16,384 tokens, and five seconds.
    fn default() -> Self {
        Self { issuers: Vec::new(), remembered: 1 << 14, patience: Duration::from_secs(5) }
    }
}

impl Jwt {
    /// Believes the tokens of some issuers, whose keys come by `fetch` once somebody
    /// [runs](KeyRefresh::run) what is returned beside.
    pub fn new(settings: JwtSettings, fetch: Arc<dyn Fetch>) -> Result<(Self, KeyRefresh), IssuerError> {
        let mut places: Vec<Place> = Vec::new();
        let mut issuers = Vec::with_capacity(settings.issuers.len());
        for issuer in settings.issuers {
            issuer.check()?;
            if !places.contains(&issuer.place) {
                places.push(issuer.place.clone());
            }
            let held = match &issuer.keys {
                KeySource::Fixed(keys) => Held::fixed(keys.clone()),
                KeySource::Url(_) | KeySource::Discovery => Held::default(),
            };
            issuers.push(KnownIssuer::new(issuer, held));
        }
        let judge = Arc::new(Judge { issuers, remembered: Remembered::new(settings.remembered) });
        let jwt = Self { judge: judge.clone(), places: places.into(), patience: settings.patience };
        Ok((jwt, KeyRefresh::new(judge, fetch)))
    }

    /// Takes over the keys that another one holds of the same issuers, as when a configuration was changed:
    /// nobody has to wait for them, and an issuer that is down just then is not missed.
    pub fn inherit(&self, other: &Self) {
        for known in &self.judge.issuers {
            let is_same = |theirs: &&KnownIssuer| {
                theirs.issuer.issuer == known.issuer.issuer && theirs.issuer.keys == known.issuer.keys
            };
            if let Some(theirs) = other.judge.issuers.iter().find(is_same) {
                known.held.inherit(&theirs.held);
            }
        }
    }

    /// How the keys of each issuer stand, for metrics and health.
    pub fn status(&self) -> Vec<IssuerStatus> {
        self.judge.issuers.iter().map(|known| known.held.status(&known.issuer.issuer)).collect()
    }

    fn judge(&self, credential: Credential<'_>, now: SystemTime) -> Decision {
        let Credential { secret, way } = credential;
        let index = match self.judge.judge(&secret, &way, now) {
            Verdict::Good { caller, limits } => {
                return Decision::Verified(Verified { limits, ..Verified::new(caller, way) });
            }
            Verdict::Bad(fault) => return Decision::Refused(Error::Token(fault)),
            Verdict::Needs(index) => index,
        };
        let Some(known) = self.judge.issuers.get(index) else {
            return Decision::Refused(Error::Token(TokenFault::Issuer));
        };
        if known.held.is_resting() {
            return Decision::Refused(without_key(known, now));
        }
        let fetches = known.held.ask();
        let (jwt, secret) = (self.clone(), secret.into_owned());
        Decision::Wait(Box::pin(async move { jwt.wait(&secret, way, now, index, fetches).await }))
    }

    /// Judges a token when the fetch has ended that is under way, or about to begin.
    async fn wait(
        self,
        secret: &[u8],
        way: Way,
        now: SystemTime,
        index: usize,
        mut fetches: watch::Receiver<u64>,
    ) -> Decision {
        let began = Instant::now();
        // Keys may have come after they were looked for and before their coming was watched.
        let mut verdict = self.judge.judge(secret, &way, now);
        if let Verdict::Needs(_) = verdict {
            if !matches!(timeout(self.patience, fetches.changed()).await, Ok(Ok(()))) {
                let reason = "the issuer's keys were not fetched in time".into();
                return Decision::Refused(Error::Unavailable { reason });
            }
            let now = now.checked_add(began.elapsed()).unwrap_or(now);
            verdict = self.judge.judge(secret, &way, now);
        }
        match (verdict, self.judge.issuers.get(index)) {
            (Verdict::Good { caller, limits }, _) => {
                Decision::Verified(Verified { limits, ..Verified::new(caller, way) })
            }
            (Verdict::Bad(fault), _) => Decision::Refused(Error::Token(fault)),
            (Verdict::Needs(_), Some(known)) => Decision::Refused(without_key(known, now)),
            (Verdict::Needs(_), None) => Decision::Refused(Error::Token(TokenFault::Issuer)),
        }
    }
}

/// What is said of a token whose key is not there, and will not be soon.
fn without_key(known: &KnownIssuer, now: SystemTime) -> Error {
    match known.held.with_keys(now, |_| ()) {
        Some(()) => Error::Token(TokenFault::Key),
        None => Error::Unavailable {
            reason: format!("there are no keys of the issuer {}", known.issuer.issuer).into(),
        },
    }
}

impl Method for Jwt {
    fn name(&self) -> &'static str {
        "jwt"
    }

    fn decide(&self, presented: &Presented<'_>, now: SystemTime) -> Decision {
        for place in &*self.places {
            let is_theirs = matches!(place, Place::Header(_));
            for credential in place.find(presented) {
                if is_theirs || looks_like_token(&credential.secret) {
                    return self.judge(credential, now);
                }
            }
        }
        Decision::NotMine
    }

    fn is_in_use(&self) -> bool {
        !self.judge.issuers.is_empty()
    }
}
