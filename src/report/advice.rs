use serde_json::{Map, Value, json};
use tollway_core::Money;
use tollway_cost::advice::{Advice, Figure};

use super::amounts::{Amounts, grouped};

/// Advice for a terminal, what saves most first, as it is given.
pub fn advice_text(advice: &[Advice]) -> String {
    if advice.is_empty() {
        return "nothing to advise: no saving was found that is worth a change".to_owned();
    }
    let pieces = advice.iter().enumerate().map(|(place, piece)| one(place + 1, piece));
    let mut text = pieces.collect::<Vec<_>>().join("\n\n");
    if advice.iter().filter(|piece| piece.a_month > Money::ZERO).count() > 1 {
        text.push_str("\n\nEach amount is its own: those about the same traffic do not add up.");
    }
    text
}

fn one(number: usize, advice: &Advice) -> String {
    let kind = advice.kind.as_str().replace('_', " ");
    let saves = if advice.a_month == Money::ZERO {
        String::new()
    } else {
        format!(
            ", saves ${} a month ({})",
            Amounts::like(advice.a_month).show(advice.a_month),
            advice.confidence.as_str()
        )
    };
    let mut lines =
        vec![format!("{number}. {kind}: {}{saves}", clean(&advice.subject)), clean(&advice.finding)];
    let figures = advice.evidence.iter().map(|(name, figure)| format!("{name} {}", clean(&shown(figure))));
    lines.push(figures.collect::<Vec<_>>().join(", "));
    lines.extend(advice.how.iter().map(|line| format!("→ {}", clean(line))));
    lines.join("\n   ")
}

fn shown(figure: &Figure) -> String {
    match figure {
        Figure::Count(count) => grouped(*count),
        Figure::Amount(amount) => format!("${}", Amounts::like(*amount).show(*amount)),
        other => other.to_string(),
    }
}

/// Names of keys and models may hold anything, and a terminal obeys some of it.
fn clean(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// Advice as JSON, for programs. Amounts are texts.
pub fn advice_json(advice: &[Advice]) -> Value {
    advice.iter().map(object).collect()
}

fn object(advice: &Advice) -> Value {
    let evidence = advice.evidence.iter().map(|(name, figure)| {
        let (name, value) = match figure {
            Figure::Count(count) => (name.replace(' ', "_"), Value::from(*count)),
            Figure::Amount(amount) => (format!("{}_usd", name.replace(' ', "_")), amount.to_string().into()),
            other => (name.replace(' ', "_"), other.to_string().into()),
        };
        (name.replace('\'', "_"), value)
    });
    json!({
        "kind": advice.kind.as_str(),
        "subject": advice.subject,
        "finding": advice.finding,
        "saved_usd": advice.saved.to_string(),
        "saved_a_month_usd": advice.a_month.to_string(),
        "confidence": advice.confidence.as_str(),
        "evidence": evidence.collect::<Map<_, _>>(),
        "how": advice.how,
    })
}
