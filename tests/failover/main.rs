//! A conversation goes from one provider to another and back: no provider refuses what another left in
//! it, and each finds its own seals and ids again, byte for byte.
//!
//! Every provider's answer is written for every client's dialect, kept by a client as its SDK keeps it,
//! and sent back as history to every provider.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::doc_markdown,
    reason = "tests fail by panicking, and name SDKs by their names"
)]

mod clients;
mod makers;
mod sending;

use std::fmt::Write as _;

use tollway_wire::holds_foreign;

use self::{
    clients::{CLIENTS, Client, End},
    makers::{MAKERS, Maker},
    sending::{Sent, TARGETS, Target, settings},
};

#[test]
fn a_conversation_of_two_providers_goes_on_with_every_provider() {
    let settings = settings();
    let mut failures = String::new();
    let mut sent = 0;
    let ways = [false, true].map(|streamed| [End::Question, End::Results].map(|ends| (streamed, ends)));
    for (client, (streamed, ends)) in
        CLIENTS.iter().flat_map(|client| ways.as_flattened().iter().map(move |way| (client, *way)))
    {
        for (first, second) in
            MAKERS.iter().flat_map(|first| MAKERS.iter().map(move |second| (first, second)))
        {
            let request = client.conversation(streamed, &[first, second], ends);
            for target in TARGETS {
                sent += 1;
                // What is relayed asks as the client does, which may not be what the model takes.
                let is_relayed = client.dialect == target.dialect
                    && !holds_foreign(client.dialect, request.to_string().as_bytes());
                let asked = if is_relayed { request.clone() } else { client.thinking(request.clone()) };
                let checked = target
                    .send(&settings, client.dialect, asked.to_string().as_bytes())
                    .and_then(|sent| check(&sent, target, client, &[first, second]));
                if let Err(why) = checked {
                    let names = (first.name, second.name, client.name, target.model);
                    let _ = writeln!(failures, "{names:?} streamed: {streamed}, {ends:?}: {why:.600}");
                }
            }
        }
    }
    assert_eq!(sent, 4 * 4 * 16 * TARGETS.len());
    let shown = failures.lines().take(12).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {sent} fail:\n{shown}", failures.lines().count());
}

/// The same conversation, one answer longer, has the same ids so far: a provider's prompt cache is kept.
#[test]
fn ids_are_made_alike_every_time() {
    let settings = settings();
    for client in CLIENTS {
        for target in TARGETS {
            let [one, two] = [1, 2].map(|turns| {
                let makers: Vec<&Maker> = MAKERS.iter().rev().take(turns).collect();
                let request = client.conversation(false, &makers, End::Question).to_string();
                target.send(&settings, client.dialect, request.as_bytes()).expect("sent").call_ids()
            });
            assert!(two.starts_with(&one), "{} → {}: {one:?} {two:?}", client.name, target.model);
            let calls = if target.takes_ids { 4 } else { 0 };
            assert!(one.len() >= calls, "{} → {}: {one:?}", client.name, target.model);
        }
    }
}

/// Seals reach their maker unchanged, and nobody else.
fn check(sent: &Sent, target: &Target, client: &Client, makers: &[&Maker]) -> Result<(), String> {
    let text = sent.body.to_string();
    for mark in ["tollway", "dG9sbHdheT"] {
        if text.contains(mark) {
            return Err(format!("a mark of ours is sent: {text}"));
        }
    }
    for maker in makers {
        for seal in maker.seals {
            let is_there = sent.has_seal(seal);
            let is_home = maker.dialect == target.dialect;
            if is_home && !is_there {
                return Err(format!("a seal is lost: {seal} in {text}"));
            }
            if !is_home && is_there {
                return Err(format!("another's seal is sent: {seal} in {text}"));
            }
        }
        for id in maker.ids.iter().filter(|_| maker.dialect == target.dialect && target.takes_ids) {
            if !sent.has(id) {
                return Err(format!("an id is changed: {id} in {text}"));
            }
        }
    }
    sent.check_pairs(client, target)
}
