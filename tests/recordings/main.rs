//! What providers really sent, played through the real stack to a client of OpenAI's dialect; and what
//! such clients really sent, held against every provider's rules.
//!
//! The recordings lie beside the checkout, in `../shared/recordings`; where they are not, these tests
//! say so and pass. What the client gets is held against an independent reading of the recording
//! ([`reading`]).

mod answers;
mod carried;
mod crossing;
mod cuts;
mod described;
mod dialects;
mod others;
mod providers;
mod reading;
mod recording;
mod requests;
mod streams;

#[path = "../support/events.rs"]
mod events;
#[path = "../support/gateway.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod gateway;
#[path = "../support/pieces.rs"]
mod pieces;
#[path = "../support/schema.rs"]
mod schema;
#[path = "../support/score.rs"]
mod score;
#[path = "../support/shared.rs"]
mod shared;
#[path = "../support/upstream.rs"]
mod upstream;

use std::{io::Write as _, sync::Arc};

use self::{
    gateway::Gateway,
    providers::{CHATS, COMPLETIONS, CONFIGURATION, EMBEDDINGS, Format, endpoint, is_chat},
    recording::Recording,
    score::{Exception, Score},
};
use tokio::sync::Semaphore;
use tollway::BoxError;

/// Answers that do not reach the client as the provider gave them, and why.
const ANSWERS: &[Exception] = &[];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_answer_reaches_the_client() -> Result<(), BoxError> {
    let Some(recordings) = load(&[CHATS, COMPLETIONS, EMBEDDINGS].concat())? else { return Ok(()) };
    let gateway = Arc::new(Gateway::start(CONFIGURATION).await?);
    let turns = Arc::new(Semaphore::new(requests::AT_ONCE));
    let mut checks = Vec::new();
    for recording in recordings.into_iter().filter(is_chat).map(Arc::new) {
        let (gateway, played, turn) = (gateway.clone(), recording.clone(), turns.clone());
        let check = tokio::spawn(async move {
            let _turn = turn.acquire().await;
            play(&gateway, &played).await
        });
        checks.push((recording, check));
    }
    let mut score = Score::new("recorded answers, played to a client of OpenAI's dialect", ANSWERS);
    for (recording, results) in checks {
        let results = results.await.unwrap_or_else(|panic| vec![("panic", Err(panic.to_string()))]);
        for (kind, result) in results {
            score.count(&recording.provider, kind, &recording.name, result);
        }
    }
    Ok(score.finish()?)
}

/// Plays a recording in every way that fits it.
async fn play(gateway: &Gateway, recording: &Recording) -> Vec<(&'static str, Result<(), String>)> {
    if recording.status != 200 {
        return vec![("error", answers::error(gateway, recording).await)];
    }
    if endpoint(recording) == "/v1/embeddings" {
        let result = match Format::of(&recording.provider) {
            Format::Gemini => others::vectors(gateway, recording).await,
            _ => answers::plain(gateway, recording).await,
        };
        return vec![("embeddings", result)];
    }
    let legacy = endpoint(recording) == "/v1/completions";
    let mut results = Vec::new();
    if recording.is_stream || recording.json().is_array() {
        let kind = if legacy { "completion, streamed" } else { "streamed" };
        results.push((kind, streams::streamed(gateway, recording).await));
        results.push(("stream cut short", streams::cut(gateway, recording).await));
        results
            .extend(others::collected(gateway, recording).await.map(|result| ("stream collected", result)));
    } else {
        let kind = if legacy { "completion" } else { "plain" };
        results.push((kind, answers::plain(gateway, recording).await));
        results.push(("broken off", others::broken(gateway, recording).await));
    }
    results.extend(others::as_completion(gateway, recording).await.map(|result| ("as a completion", result)));
    results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_request_reaches_every_format() -> Result<(), BoxError> {
    let Some(recordings) = load(&[CHATS, COMPLETIONS, EMBEDDINGS].concat())? else { return Ok(()) };
    let mut score =
        Score::new("recorded requests, sent to an upstream of every format", requests::EXCEPTIONS);
    requests::check(recordings, &mut score).await?;
    Ok(score.finish()?)
}

#[test]
fn every_recorded_request_of_another_dialect_reaches_every_format() -> Result<(), BoxError> {
    let Some(recordings) = load(CHATS)? else { return Ok(()) };
    let mut score = Score::new("requests of other dialects, written in every format", crossing::EXCEPTIONS);
    crossing::check(&recordings, &mut score)?;
    Ok(score.finish()?)
}

#[test]
fn every_recorded_answer_reaches_every_dialect() -> Result<(), BoxError> {
    let Some(recordings) = load(CHATS)? else { return Ok(()) };
    let recordings: Vec<_> = recordings.into_iter().filter(is_chat).collect();
    let mut score = Score::new("recorded answers, written in every client's dialect", dialects::EXCEPTIONS);
    dialects::check(&recordings, &mut score);
    Ok(score.finish()?)
}

/// The recordings of some endpoints; says so where there are none. The variable `TOLLWAY_RECORDING`
/// chooses those whose name has its text in it, to look into one.
fn load(endpoints: &[&str]) -> Result<Option<Vec<Recording>>, BoxError> {
    let mut recordings = recording::load(endpoints)?;
    if let (Some(recordings), Ok(part)) = (&mut recordings, std::env::var("TOLLWAY_RECORDING")) {
        recordings.retain(|recording| recording.name.contains(&part));
    }
    if recordings.is_none() {
        writeln!(
            std::io::stdout(),
            "no recordings beside the checkout (../shared/recordings), none are played"
        )?;
    }
    Ok(recordings)
}
