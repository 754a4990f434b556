//! Memory and lookup time of a million keys: `cargo run --release -p tollway-auth --example million`.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints what it measured")]

use std::hint::black_box;
use std::time::{Duration, Instant, UNIX_EPOCH};

use tollway_auth::keys::{Found, Grant, Key, KeyId, KeyTable, Pepper};

fn main() {
    let pepper = Pepper::new(&[7; 32]).unwrap();
    let now = UNIX_EPOCH + Duration::from_secs(1);
    let before = resident();
    let table = KeyTable::new(pepper.clone());
    let began = Instant::now();
    let keys = (0..KEYS).map(|number| {
        let grant = Grant {
            name: format!("key {number}"),
            user: Some(format!("user {number}")),
            team: Some(format!("team {}", number % 1000)),
            models: vec!["gpt-*".to_owned(), "claude-*".to_owned()],
            ..Grant::default()
        };
        Key::new(KeyId::of_name(&number.to_string()), pepper.hash(token(number).as_bytes()), grant, now)
    });
    table.apply(keys);
    println!("{} keys loaded in {:.1?}", table.len(), began.elapsed());
    println!("memory: {} MiB, {} bytes a key", (resident() - before) >> 20, (resident() - before) / KEYS);

    let tokens: Vec<String> = (0..LOOKUPS).map(|at| token(at * 7919 % KEYS)).collect();
    let wrong: Vec<String> = (0..LOOKUPS).map(|at| token(KEYS + at)).collect();
    for (what, tokens) in [("known", &tokens), ("unknown", &wrong)] {
        let mut times: Vec<Duration> = Vec::with_capacity(tokens.len());
        for token in tokens {
            let began = Instant::now();
            let is_found = !matches!(black_box(table.find(black_box(token.as_bytes()), now)), Found::Nothing);
            times.push(began.elapsed());
            assert_eq!(is_found, what == "known");
        }
        times.sort_unstable();
        let at = |of_1000: usize| times.get(times.len() * of_1000 / 1000).copied().unwrap_or_default();
        println!("{what}: median {:?}, p99 {:?}, p99.9 {:?}", at(500), at(990), at(999));
    }

    let began = Instant::now();
    let mut key = Key::new(KeyId::of_name("0"), pepper.hash(token(0).as_bytes()), Grant::default(), now);
    (key.revoked, key.revision) = (Some(now), 1);
    table.apply([key]);
    println!("one change: {:.1?}", began.elapsed());
}

fn token(number: u64) -> String {
    format!("tw-{number:043}")
}

/// The memory of this process in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4096
}

const KEYS: u64 = 1_000_000;
const LOOKUPS: u64 = 200_000;
