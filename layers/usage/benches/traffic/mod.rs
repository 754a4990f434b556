//! Traffic as a company makes it: some callers and models are asked for much more than others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tollway_core::{Charge, Dialect, Money, Told, Upstream, Usage};
use tollway_usage::{AttemptRecord, Fingerprint, Record};

pub(crate) struct Traffic {
    random: u64,
    keys: Vec<Caller>,
    upstreams: Vec<Arc<Upstream>>,
    routes: [Arc<str>; 2],
}

#[derive(Clone)]
struct Caller {
    key: Arc<str>,
    user: Arc<str>,
    team: Arc<str>,
    tags: Arc<BTreeMap<Arc<str>, Arc<str>>>,
}

impl Traffic {
    /// 200 keys of as many users in 20 teams, each with a tag of 40 projects, and 20 models of 4 providers.
    pub(crate) fn new(seed: u64) -> Self {
        let name = |kind: &str, number: usize| Arc::from(format!("{kind}-{number}"));
        let keys = (0..200).map(|key| {
            let tags = BTreeMap::from([(Arc::from("project"), name("project", key % 40))]);
            Caller {
                key: name("key", key),
                user: name("user", key),
                team: name("team", key % 20),
                tags: Arc::new(tags),
            }
        });
        let upstreams = (0..20).map(|model| {
            let (provider, model) = (name("provider", model % 4), name("some-model-of-2026", model));
            Arc::new(Upstream { provider, dialect: Dialect::OpenAi, model })
        });
        Self {
            random: seed | 1,
            keys: keys.collect(),
            upstreams: upstreams.collect(),
            routes: ["/v1/chat/completions".into(), "/v1/messages".into()],
        }
    }

    pub(crate) fn record(&mut self, time: SystemTime, number: u64) -> Record {
        let (key, upstream, route) = (self.skewed(200), self.skewed(20), self.below(2));
        let Caller { key, user, team, tags } = self.keys[key].clone();
        let upstream = self.upstreams[upstream].clone();
        let route = self.routes[route].clone();
        let usage = Usage {
            input: 200 + self.below(4_000) as u64,
            cached_input: self.below(200) as u64,
            output: 20 + self.below(800) as u64,
            ..Usage::default()
        };
        let cost = (usage.input * 2_000 + usage.output * 10_000).cast_signed();
        let attempt = AttemptRecord {
            time,
            upstream: upstream.clone(),
            told: Told {
                model: Some(format!("{}-2026-09-22", upstream.model).into()),
                finish: Some("stop".into()),
                ..Told::default()
            }
            .into(),
            status: Some(200),
            outcome: "complete",
            usage,
            charge: Charge::Known(Money::from_nanos(cost)),
            latency: Duration::from_millis(900),
            first_token: Some(Duration::from_millis(200)),
        };
        Record {
            time,
            request_id: format!("{number:032x}").into(),
            key: Some(key),
            user: Some(user),
            team: Some(team),
            tags,
            route,
            dialect: "openai",
            operation: Some("chat"),
            model: Some(upstream.model.clone()),
            stream: true,
            status: Some(200),
            outcome: "complete",
            cache: "miss",
            saved: Money::ZERO,
            latency: Duration::from_millis(900),
            first_token: Some(Duration::from_millis(200)),
            max_output: Some(4_096),
            fingerprint: Some(Fingerprint { prompt: self.next(), prefix: self.next(), prefix_tokens: 900 }),
            attempts: vec![attempt],
        }
    }

    /// A number of which the smaller are the more frequent.
    fn skewed(&mut self, count: usize) -> usize {
        self.below(count) * self.below(count) / count
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() >> 33) as usize % count
    }

    /// Xorshift: the same each time.
    fn next(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}
