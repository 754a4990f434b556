//! Every recorded request that its provider accepted is accepted here.

#![expect(clippy::print_stderr, reason = "says how many were checked")]

use super::super::*;
use super::Validator;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Folder of recordings, and who judges them.
const FOLDERS: [(&str, Validator); 12] = [
    ("openai/chat-completions", openai_chat),
    ("openai/completions", openai_completions),
    ("openai/embeddings", openai_embeddings),
    ("openai/responses", openai_responses),
    ("azure/completions", openai_chat),
    ("deepseek/completions", compatible_chat),
    ("openrouter/completions", compatible_chat),
    ("groq/completions", groq_chat),
    ("mistral/completions", mistral_chat),
    ("mistral/embeddings", mistral_embeddings),
    ("gemini/batchEmbedContents", gemini_batch_embed),
    ("azure/responses", openai_responses),
];

/// Recordings that a provider accepted and this simulator refuses on purpose, with the reason.
const REFUSED: [(&str, &str); 0] = [];

#[test]
fn recorded_requests_are_accepted() {
    let Some(root) = recordings() else {
        eprintln!("no ../shared/recordings here: nothing checked");
        return;
    };
    let mut wrong = Vec::new();
    for (folder, validator) in FOLDERS {
        play(&root.join(folder), &mut wrong, |_| Some(validator));
    }
    play(&root.join("anthropic/messages"), &mut wrong, |path| {
        Some(if path.contains("count_tokens") { anthropic_count_tokens } else { anthropic_messages })
    });
    for folder in [
        "gemini/generateContent",
        "gemini/streamGenerateContent",
        "vertex/generateContent",
        "vertex/streamGenerateContent",
    ] {
        play(&root.join(folder), &mut wrong, |_| Some(gemini_generate));
    }
    assert!(wrong.is_empty(), "{} refused:\n{}", wrong.len(), wrong.join("\n"));
}

/// Plays every recording of a folder to its validator.
fn play(folder: &Path, wrong: &mut Vec<String>, validator: impl Fn(&str) -> Option<Validator>) {
    let (mut accepted, mut excused, mut bodiless) = (0, 0, 0);
    for file in ["json", "stream"].iter().flat_map(|kind| files(&folder.join(kind))) {
        let exchange: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let path = exchange["request"]["path"].as_str().unwrap();
        let body = &exchange["request"]["body"];
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        if !body.is_object() {
            // A poll of a background response is a GET.
            bodiless += 1;
            continue;
        }
        let model = model_of(path, body);
        let Some(validator) = validator(path) else { continue };
        match validator(&model, body) {
            Ok(()) => accepted += 1,
            Err(_) if REFUSED.iter().any(|(refused, _)| name.contains(refused)) => excused += 1,
            Err(fault) => wrong.push(format!("{} ({model}): {fault}", file.display())),
        }
    }
    assert!(accepted > 0, "no recordings in {}", folder.display());
    eprintln!("{}: {accepted} accepted, {excused} excused, {bodiless} without a body", folder.display());
}

/// The model of the path where the path names one, else of the body.
fn model_of(path: &str, body: &Value) -> String {
    let segment = path.split_once("/models/").or_else(|| path.split_once("/deployments/"));
    match segment {
        Some((_, rest)) => rest.split([':', '/', '?']).next().unwrap_or_default().to_owned(),
        None => body["model"].as_str().unwrap_or_default().to_owned(),
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Looks for the recordings beside the repository, upwards from it.
fn recordings() -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    home.ancestors().map(|folder| folder.join("../shared/recordings")).find(|folder| folder.is_dir())
}
