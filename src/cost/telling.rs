use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::json;
use tokio::sync::mpsc;
use tollway_cost::budget::{Crossed, Watch};

use crate::config::Settings;
use crate::upstream::{Connector, Hook};

/// Tells when a budget reaches a threshold: in the log, by a count, and to whom the configuration names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Telling {
    /// What is to be posted. Bounded: whoever is told is not waited for.
    post: Option<mpsc::Sender<Bytes>>,
}

impl Telling {
    /// To be called within a Tokio runtime where the configuration names a webhook.
    pub(crate) fn new(settings: &Settings, connector: &Connector) -> Self {
        let url = settings.notify.webhook.as_ref().and_then(|url| url.expose().parse().ok());
        let post = url.map(|url| {
            let (post, posts) = mpsc::channel(MOST_WAITING);
            tokio::spawn(deliver(Hook::new(url, connector), posts));
            post
        });
        Self { post }
    }
}

impl Watch for Telling {
    fn crossed(&self, crossed: &Crossed) {
        let Crossed { budget, per, subject, percent, spent, amount, period } = crossed;
        let (from, to) = *period;
        let day = |time: SystemTime| humantime::format_rfc3339_seconds(time).to_string();
        tracing::warn!(
            %budget, %per, %subject, %percent, %spent, %amount, until = %day(to),
            "a budget has reached a threshold"
        );
        let Some(post) = &self.post else { return };
        let told = json!({
            "event": "budget_threshold",
            "budget": budget,
            "per": per.to_string(),
            "subject": subject,
            "percent": percent,
            "spent_usd": spent.to_string(),
            "amount_usd": amount.to_string(),
            "period": {"from": day(from), "to": day(to)},
        });
        if post.try_send(told.to_string().into()).is_err() {
            tracing::error!(%budget, "the webhook does not keep up, and is not told of a budget");
        }
    }
}

/// Posts one after the other, each a few times where it is not taken.
async fn deliver(hook: Hook, mut posts: mpsc::Receiver<Bytes>) {
    while let Some(json) = posts.recv().await {
        let mut pause = Duration::from_secs(1);
        for tries in 1..=TRIES {
            match hook.post(json.clone()).await {
                Ok(()) => break,
                Err(error) if tries == TRIES => {
                    tracing::error!(%error, "the webhook could not be told of a budget");
                }
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause *= 4;
        }
    }
}

const TRIES: u32 = 4;
const MOST_WAITING: usize = 1_000;
