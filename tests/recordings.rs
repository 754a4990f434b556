//! What providers really sent, played through the real stack to a client of OpenAI's dialect.
//!
//! The recordings lie beside the checkout, in `../shared/recordings`; where they are not, these tests
//! say so and pass. What the client gets is held against an independent reading of the recording
//! ([`support::reading`]).

mod recordings {
    pub(crate) mod answers;
    pub(crate) mod providers;
    pub(crate) mod streams;
}

mod support {
    pub(crate) mod cuts;
    pub(crate) mod events;
    pub(crate) mod gateway;
    pub(crate) mod reading;
    pub(crate) mod recording;
    pub(crate) mod score;
    pub(crate) mod upstream;
}

use std::{error::Error, io::Write as _, sync::Arc};

use recordings::{
    answers,
    providers::{CHATS, CONFIGURATION, is_chat},
    streams,
};
use support::{
    gateway::Gateway,
    recording::{self, Recording},
    score::{Exception, Score},
};
use tokio::task::JoinSet;

const NONE: &[Exception] = &[];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_answer_reaches_the_client() -> Result<(), Box<dyn Error>> {
    let Some(mut recordings) = load(CHATS)? else { return Ok(()) };
    recordings.retain(is_chat);
    let gateway = Arc::new(Gateway::start(CONFIGURATION).await?);
    let mut checks = JoinSet::new();
    for recording in recordings.into_iter().map(Arc::new) {
        let gateway = gateway.clone();
        checks.spawn(async move {
            let (gateway, recording_) = (&*gateway, &*recording);
            let mut results = Vec::new();
            if recording.status != 200 {
                results.push(("error", answers::error(gateway, recording_).await));
            } else if recording.is_stream || recording.json().is_array() {
                results.push(("streamed", streams::streamed(gateway, recording_).await));
                results.push(("cut", streams::cut(gateway, recording_).await));
            } else {
                results.push(("plain", answers::plain(gateway, recording_).await));
            }
            (recording, results)
        });
    }
    let mut score = Score::new("recorded answers, played to a client of OpenAI's dialect", NONE);
    for (recording, results) in checks.join_all().await {
        for (kind, result) in results {
            score.count(&recording.provider, kind, &recording.name, result);
        }
    }
    score.finish();
    Ok(())
}

/// The recordings of some endpoints; says so where there are none.
fn load(endpoints: &[&str]) -> Result<Option<Vec<Recording>>, Box<dyn Error>> {
    if recording::folder().is_none() {
        writeln!(std::io::stdout(), "no recordings beside the checkout (../shared/recordings), none are played")?;
        return Ok(None);
    }
    Ok(Some(recording::load(endpoints)?))
}
