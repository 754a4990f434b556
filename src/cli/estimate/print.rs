use comfy_table::{CellAlignment, ContentArrangement, Table, presets::UTF8_BORDERS_ONLY};
use serde_json::{Map, Value, json};
use tollway_core::{Dialect, Endpoint, Money};
use tollway_cost::{Class, Cost};

use super::asked::Asked;
use super::quote::{Quote, Quotes};

/// An estimate for people.
pub(super) fn text(asked: &Asked, quotes: &Quotes) -> String {
    let here = &quotes.here;
    let mut parts = vec![facts(asked, quotes).to_string(), costs(here).to_string()];
    if !quotes.elsewhere.is_empty() {
        parts.push(elsewhere(quotes).to_string());
    }
    if let Some(day) = here.retires {
        parts.push(format!("warning: {} retires {day}", here.model));
    }
    parts.join("\n\n")
}

fn facts(asked: &Asked, quotes: &Quotes) -> Table {
    let here = &quotes.here;
    let mut table = table(&["estimate", ""]);
    let name = format!("{}/{}", here.provider, here.model);
    let is_itself = asked.model == name || asked.model == here.model;
    let model = if is_itself { name } else { format!("{name}, asked for as {}", asked.model) };
    table.add_row(["model", &model]);
    if let Some(tier) = &here.tier {
        table.add_row(["tier", tier]);
    }
    let guess = if asked.is_guess { "about " } else { "" };
    let cached = if asked.cached > 0 { format!(", {} of them cached", asked.cached) } else { String::new() };
    table.add_row(["input tokens", &format!("{guess}{}{cached}", asked.input)]);
    let output = match here.output {
        (usual, Some(most)) if usual == most => most.to_string(),
        (usual, Some(most)) => format!("usually {usual}, at most {most}"),
        (usual, None) => format!("usually {usual}, at most as many as the model gives"),
    };
    table.add_row(["output tokens", &output]);
    table.add_row(["price", &format!("of {}, in the list of {}", here.from, quotes.as_of)]);
    table.add_row(["source", &here.source]);
    table
}

fn costs(quote: &Quote) -> Table {
    let mut table = table(&["US dollars", "usually", "at most"]);
    let most = |of: fn(&Cost, Class) -> Money, class| {
        quote.at_most.as_ref().map_or_else(|| "not known".to_owned(), |cost| of(cost, class).to_string())
    };
    let is_due = |class: &Class| {
        let costs = [Some(&quote.usually), quote.at_most.as_ref()];
        costs.into_iter().flatten().any(|cost| cost.of(*class) != Money::ZERO)
    };
    for class in Class::ALL.into_iter().filter(is_due) {
        table.add_row([
            class.as_str().replace('_', " "),
            quote.usually.of(class).to_string(),
            most(Cost::of, class),
        ]);
    }
    let total = |cost: &Cost, _| cost.total();
    table.add_row(["total".to_owned(), quote.usually.total().to_string(), most(total, Class::Input)]);
    align_right(&mut table, &[1, 2]);
    table
}

fn elsewhere(quotes: &Quotes) -> Table {
    let mut table = table(&["elsewhere", "usually", "at most", "saves", ""]);
    for quote in &quotes.elsewhere {
        table.add_row([
            format!("{}/{}", quote.provider, quote.model),
            quote.usually.total().to_string(),
            quote.at_most.as_ref().map_or_else(String::new, |cost| cost.total().to_string()),
            quote.saves(&quotes.here).to_string(),
            if quote.is_ready { String::new() } else { "not configured".to_owned() },
        ]);
    }
    align_right(&mut table, &[1, 2, 3]);
    table
}

/// An estimate for programs. Amounts are texts, as numbers of JSON are often read inexactly.
pub(super) fn json(asked: &Asked, quotes: &Quotes) -> serde_json::Result<String> {
    let Value::Object(mut estimate) = quoted(&quotes.here) else { return Ok(String::new()) };
    let request = json!({
        "model": asked.model,
        "dialect": asked.dialect.map(Dialect::as_str),
        "operation": Endpoint::as_str(asked.endpoint),
        "input_tokens": asked.input,
        "input_estimated": asked.is_guess,
        "cached_input_tokens": asked.cached,
    });
    estimate.insert("request".to_owned(), request);
    estimate.insert("prices_as_of".to_owned(), quotes.as_of.to_string().into());
    estimate.insert("elsewhere".to_owned(), quotes.elsewhere.iter().map(quoted).collect());
    serde_json::to_string_pretty(&Value::Object(estimate))
}

fn quoted(quote: &Quote) -> Value {
    json!({
        "provider": quote.provider,
        "model": quote.model,
        "tier": quote.tier,
        "configured": quote.is_ready,
        "price": { "source": quote.source, "from": quote.from.to_string() },
        "retires": quote.retires.map(|day| day.to_string()),
        "usually": cost(quote.output.0, &quote.usually),
        "at_most": quote.output.1.zip(quote.at_most.as_ref()).map(|(output, of)| cost(output, of)),
    })
}

fn cost(output: u64, cost: &Cost) -> Value {
    let by_class =
        cost.classes().map(|(class, amount)| (class.as_str().to_owned(), amount.to_string().into()));
    json!({
        "output_tokens": output,
        "cost_usd": cost.total().to_string(),
        "by_class_usd": by_class.collect::<Map<String, Value>>(),
    })
}

fn align_right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(heads);
    table
}
