//! The rows of `PRICES.md`, read without anything of the price list's.

use std::collections::BTreeMap;

use super::raw::Told;

/// Prices in nano-dollars for a million tokens.
#[derive(Debug, Default)]
struct Row {
    input: u64,
    output: u64,
    read: Option<u64>,
    write: Option<u64>,
    hour: Option<u64>,
    audio: Option<u64>,
    flex: Option<(u64, u64)>,
    priority: Option<(u64, u64)>,
    /// Above how many tokens other prices hold.
    above: Option<u64>,
}

/// The table by section and model.
#[derive(Debug)]
pub(crate) struct Table(BTreeMap<(&'static str, String), Row>);

impl Table {
    /// Reads the rows.
    pub(crate) fn read(text: &str) -> Self {
        let mut rows = BTreeMap::new();
        let mut section = "";
        for line in text.lines() {
            let titles = [
                ("## OpenAI", "openai"),
                ("## Anthropic", "anthropic"),
                ("## Google", "gemini"),
                ("## Mistral", "mistral"),
                ("## Groq", "groq"),
            ];
            if line.starts_with("## ") {
                section =
                    titles.iter().find(|(title, _)| line.starts_with(title)).map_or("", |(_, name)| name);
            }
            let Some(cells) = line.strip_prefix("| `").filter(|_| !section.is_empty()) else { continue };
            let cells: Vec<_> = cells.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            let mut row = Row {
                input: nanos(cells[1]).unwrap(),
                output: nanos(cells[2]).unwrap_or(0),
                read: nanos(cells[3]),
                write: nanos(cells[4]),
                ..Row::default()
            };
            for part in cells[8].split(';').map(str::trim) {
                let pair = |rates: &str| {
                    let (input, output) = rates.split_once('/')?;
                    nanos(input).zip(nanos(output))
                };
                match part.split_once(' ') {
                    Some(("1h", rest)) => row.hour = nanos(rest.trim_start_matches("write ")),
                    Some(("audio", rest)) => row.audio = nanos(rest.trim_start_matches("in ")),
                    Some(("flex", rest)) => row.flex = pair(rest),
                    Some(("priority", rest)) => row.priority = pair(rest),
                    Some((long, _)) if long.starts_with('>') => {
                        let thousands: u64 = long.trim_matches(['>', 'k', ':']).parse().unwrap();
                        row.above = Some(thousands * 1_000);
                    }
                    _ => {}
                }
            }
            rows.insert((section, cells[0].to_owned()), row);
        }
        assert_eq!(rows.len(), 69);
        Self(rows)
    }

    /// What an answer costs, half up; none where the table does not say.
    pub(crate) fn cost(&self, section: &str, told: &Told) -> Option<i64> {
        let section = match section {
            "azure-openai" => "openai",
            "vertex" => "gemini",
            section => section,
        };
        // The model itself, or with nothing but a date behind it.
        let (_, row) = self.0.iter().find(|((of, id), _)| {
            let date = told.model.strip_prefix(id.as_str()).filter(|_| *of == section);
            date.is_some_and(|date| {
                date.is_empty()
                    || date.len() > 8 && date.chars().all(|char| char == '-' || char.is_ascii_digit())
            })
        })?;
        if section == "openai" && told.model == "gpt-4o-2024-05-13" {
            return None;
        }
        let (input, output) = match told.tier.as_deref() {
            None | Some("default" | "standard" | "on_demand" | "ON_DEMAND") => (row.input, row.output),
            // Of caches and audio at other tiers the table says nothing.
            Some(_) if told.read + told.written + told.hour + told.audio > 0 => return None,
            Some("flex" | "ON_DEMAND_FLEX") => row.flex?,
            Some("priority" | "ON_DEMAND_PRIORITY") => row.priority?,
            Some(_) => return None,
        };
        let all = told.fresh + told.read + told.written + told.hour;
        if row.above.is_some_and(|above| all > above) {
            return None;
        }
        let audio = told.audio - told.cached_audio;
        // The table has no price of cached audio. This one is in its source (litellm 1.109.1).
        let cached_audio = match told.model.as_str() {
            "gemini-2.5-flash" => 100_000_000,
            _ if told.cached_audio > 0 => return None,
            _ => 0,
        };
        let tokens = [
            (told.fresh - audio, input),
            (audio, row.audio.unwrap_or(input)),
            (told.read - told.cached_audio, row.read.unwrap_or(input)),
            (told.cached_audio, cached_audio),
            (told.written, row.write.unwrap_or(input)),
            (told.hour, row.hour.unwrap_or(input)),
            (told.output, output),
        ];
        let millionths: u128 =
            tokens.iter().map(|(count, price)| u128::from(*count) * u128::from(*price)).sum();
        // What the table says below its rows, and of Gemini 2.5 the price of a request that searched.
        let search = match (section, told.model.as_str()) {
            ("openai" | "anthropic", _) => told.searches * 10_000_000,
            ("gemini", model) if model.starts_with("gemini-2") => told.searches.min(1) * 35_000_000,
            ("gemini", _) => told.searches * 14_000_000,
            _ => 0,
        };
        i64::try_from((millionths + 500_000) / 1_000_000 + u128::from(search)).ok()
    }
}

/// Dollars as nano-dollars; none for a dash.
fn nanos(dollars: &str) -> Option<u64> {
    let (whole, fraction) = dollars.split_once('.').unwrap_or((dollars, ""));
    format!("{whole}{fraction:0<9}").parse().ok()
}
