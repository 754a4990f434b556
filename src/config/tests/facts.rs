use std::{
    collections::BTreeMap,
    fs,
    path::{Path as FilePath, PathBuf},
};

use super::{super::Capability, KEYS, load};

/// A row of the table of facts: limits, capabilities and retirement.
struct Fact {
    provider: &'static str,
    context: Option<u64>,
    output: Option<u64>,
    capabilities: String,
    retires: Option<String>,
}

/// The facts this list was written from, where they stand beside the repository.
fn facts() -> Option<BTreeMap<String, Fact>> {
    let root = FilePath::new(env!("CARGO_MANIFEST_DIR"));
    let file: PathBuf =
        root.ancestors().map(|folder| folder.join("shared/PRICES.md")).find(|file| file.is_file())?;
    let text = fs::read_to_string(file).unwrap();
    let mut facts = BTreeMap::new();
    let mut provider = "";
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let first = heading.split_whitespace().next().unwrap_or_default();
            provider = match first {
                "OpenAI" => "openai",
                "Anthropic" => "anthropic",
                "Google" => "gemini",
                "Mistral" => "mistral",
                "Groq" => "groq",
                _ => "",
            };
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let Some(id) = cells[0].strip_prefix('`').and_then(|id| id.strip_suffix('`')) else { continue };
        // Other tables of the page begin with a model too, and have fewer columns.
        let [_, _, _, _, _, _, limits, capabilities, tiers, _] = cells[..] else { continue };
        let (context, output) = limits.split_once(" / ").unwrap();
        let fact = Fact {
            provider,
            context: context.parse().ok(),
            output: output.parse().ok(),
            capabilities: capabilities.replace('–', ""),
            retires: tiers.split("retires ").nth(1).map(|rest| rest.chars().take(10).collect()),
        };
        facts.insert(id.to_owned(), fact);
    }
    Some(facts)
}

#[test]
#[expect(clippy::print_stderr, reason = "a check that was left out must say so")]
fn the_list_holds_every_fact() {
    let Some(facts) = facts() else {
        eprintln!("skipped: ../shared/PRICES.md is not there");
        return;
    };
    assert_eq!(facts.len(), 69);
    let settings = load("", &KEYS).unwrap();
    for (id, fact) in facts {
        let model = settings.catalogue.get(&id).unwrap_or_else(|| panic!("{id} is missing"));
        let resolved = settings.catalogue.resolve(&id).unwrap();
        assert_eq!((&*resolved.upstream.provider, &*resolved.upstream.model), (fact.provider, &*id));
        assert_eq!((model.context, model.max_output), (fact.context, fact.output), "{id}");
        let retires = model.retirement.map(|retirement| retirement.to_string().replace("retires ", ""));
        assert_eq!(retires, fact.retires, "{id}");
        let mut letters: Vec<char> =
            model.capabilities.iter().filter_map(|capability| letter(*capability)).collect();
        // No source claims it for Anthropic's, which all do it.
        letters.retain(|letter| *letter != 'P' || fact.provider != "anthropic");
        let mut expected: Vec<char> = fact.capabilities.chars().collect();
        letters.sort_unstable();
        expected.sort_unstable();
        assert_eq!(letters, expected, "{id}");
    }
}

fn letter(capability: Capability) -> Option<char> {
    Some(match capability {
        Capability::Vision => 'V',
        Capability::Tools => 'T',
        Capability::ParallelTools => 'P',
        Capability::JsonSchema => 'J',
        Capability::Reasoning => 'R',
        Capability::Caching => 'C',
        Capability::Pdf => 'D',
        Capability::Audio => 'A',
        Capability::WebSearch => 'W',
        Capability::Embeddings => return None,
    })
}
