//! Four client dialects to four provider formats, feature by feature, whole and streamed: requests
//! written by hand, through the gateway's real stack, to the simulated providers, which hold them to
//! the providers' rules; answers read by the rules of the client's dialect.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::match_same_arms,
    reason = "tests fail by panicking, this one prints its table, and arms that agree stand for themselves"
)]

mod answer;
mod ask;
mod cell;
mod check;
mod dialect;
mod ends;
mod errors;
mod feature;
mod listed;
mod read;
mod readme;
mod road;
mod table;

use cell::{Cell, Outcome};
use dialect::Dialect;
use feature::Feature;
use road::Road;
use table::Table;

/// What the readers make of the providers' own answers, without a gateway between.
#[tokio::test]
async fn providers_say_what_their_dialect_promises() {
    let road = Road::open().await;
    let mut table = Table::default();
    for dialect in Dialect::ALL {
        for cell in cells(dialect).filter(|cell| cell.upstream == dialect) {
            let outcome = cell.run_directly(&road).await;
            table.0.push((cell, outcome));
        }
    }
    let failures = table.failures();
    assert!(failures.is_empty(), "{} fail:\n  {}", failures.len(), failures.join("\n  "));
    assert!(table.0.iter().filter(|(_, outcome)| *outcome == Outcome::Carried).count() > 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pair_carries_every_feature() {
    let rows = Dialect::ALL.map(|client| tokio::spawn(row(client)));
    let mut table = Table::default();
    for row in rows {
        table.0.extend(row.await.unwrap());
    }
    let markdown = table.markdown();
    println!("{markdown}");
    let failures = table.failures();
    assert!(failures.is_empty(), "{} fail:\n  {}", failures.len(), failures.join("\n  "));
    readme::holds(&markdown);
}

async fn row(client: Dialect) -> Vec<(Cell, Outcome)> {
    let road = Road::open().await;
    let mut done = Vec::new();
    for cell in cells(client) {
        let outcome = cell.run(&road).await;
        done.push((cell, outcome));
    }
    done
}

/// All cells of a client.
fn cells(client: Dialect) -> impl Iterator<Item = Cell> {
    Feature::ALL.into_iter().flat_map(move |feature| {
        Dialect::ALL.into_iter().flat_map(move |upstream| {
            client.modes().iter().map(move |mode| Cell { feature, client, upstream, mode: *mode })
        })
    })
}
