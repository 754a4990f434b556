//! The matrix as Markdown: a row a feature, a column a client, a mark a provider.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cell::{Cell, Outcome};
use crate::dialect::Dialect;
use crate::feature::Feature;

/// What came of every cell.
#[derive(Default)]
pub(crate) struct Table(pub(crate) Vec<(Cell, Outcome)>);

impl Table {
    /// The cells that failed, told one by one.
    pub(crate) fn failures(&self) -> Vec<String> {
        let told = |(cell, outcome): &(Cell, Outcome)| match outcome {
            Outcome::Failed(fault) => Some(format!(
                "{}, {} → {}, {:?}: {fault}",
                cell.feature.name(),
                cell.client.name(),
                cell.upstream.name(),
                cell.mode
            )),
            _ => None,
        };
        self.0.iter().filter_map(told).collect()
    }

    /// The table, what its marks mean, and how many there are of each.
    pub(crate) fn markdown(&self) -> String {
        let mut reasons: Vec<&'static str> = Vec::new();
        let mut out = String::from("| client → |");
        for client in Dialect::ALL {
            let _ = write!(out, " {} |", client.name());
        }
        out.push_str("\n|---|");
        out.push_str(&"---|".repeat(Dialect::ALL.len()));
        for feature in Feature::ALL {
            let _ = write!(out, "\n| {} |", feature.name());
            for client in Dialect::ALL {
                out.push(' ');
                for upstream in Dialect::ALL {
                    out.push_str(&self.mark(feature, client, upstream, &mut reasons));
                }
                out.push_str(" |");
            }
        }
        let totals = self.totals();
        let total = |mark: &str| totals.get(mark).copied().unwrap_or(0);
        let _ = write!(
            out,
            "\n\nIn each cell the providers' formats in the order chat, responses, messages, gemini; a mark stands for whole and streamed answers alike. ✓ carried ({}), – no word for it in the client's dialect ({}), ✗ failed ({})",
            total("✓"),
            total("–"),
            total("✗")
        );
        for (reason, number) in reasons.iter().zip(NUMBERS) {
            let _ = write!(out, ", {number} {reason}");
        }
        let _ = write!(out, ". {} exchanges.", self.0.len());
        out
    }

    fn outcomes(
        &self,
        feature: Feature,
        client: Dialect,
        upstream: Dialect,
    ) -> impl Iterator<Item = &Outcome> {
        self.0.iter().filter_map(move |(cell, outcome)| {
            let here = (cell.feature, cell.client, cell.upstream) == (feature, client, upstream);
            here.then_some(outcome)
        })
    }

    fn mark(
        &self,
        feature: Feature,
        client: Dialect,
        upstream: Dialect,
        reasons: &mut Vec<&'static str>,
    ) -> String {
        let mut mark = "–".to_owned();
        for outcome in self.outcomes(feature, client, upstream) {
            match outcome {
                Outcome::Failed(_) => return "✗".into(),
                Outcome::Carried if mark == "–" => mark = "✓".into(),
                Outcome::Listed(reason) => {
                    let known = reasons.iter().position(|known| known == reason);
                    let at = known.unwrap_or_else(|| {
                        reasons.push(reason);
                        reasons.len() - 1
                    });
                    mark = NUMBERS.get(at).copied().unwrap_or("*").into();
                }
                Outcome::Carried | Outcome::NoWord => {}
            }
        }
        mark
    }

    fn totals(&self) -> BTreeMap<String, usize> {
        let mut totals = BTreeMap::new();
        for feature in Feature::ALL {
            for client in Dialect::ALL {
                for upstream in Dialect::ALL {
                    let mark = self.mark(feature, client, upstream, &mut Vec::new());
                    *totals.entry(mark).or_default() += 1;
                }
            }
        }
        totals
    }
}

const NUMBERS: [&str; 9] = ["¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"];
