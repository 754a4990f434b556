//! What was used and what it cost: `/admin/v1/usage`, forecasts, exports, advice and budgets.

use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde_json::json;
use tollway_usage::{Day, Export, Format, UsageStore};

use super::answer::{Fault, shown, written};
use super::exported::Exported;
use crate::advice::{given, good_keys};
use crate::auth::Auth;
use crate::config::Settings;
use crate::cost::Costs;
use crate::report::{Asked, advice_json, forecast_json, report, standings, this_month};

/// Where those are served who ask what was used.
#[derive(Clone, Debug)]
struct Counter {
    settings: Arc<Settings>,
    auth: Auth,
    costs: Costs,
}

/// The routes.
pub(super) fn router(settings: Arc<Settings>, auth: Auth, costs: Costs) -> Router {
    Router::new()
        .route("/admin/v1/usage", get(usage))
        .route("/admin/v1/usage/forecast", get(forecast))
        .route("/admin/v1/usage/export", get(export))
        .route("/admin/v1/advice", get(advice))
        .route("/admin/v1/budgets", get(budgets))
        .with_state(Counter { settings, auth, costs })
}

impl Counter {
    /// Where usage is kept, with its tables in place.
    async fn store(&self) -> Result<&Arc<dyn UsageStore>, Fault> {
        let store = self.costs.book().ok_or_else(Fault::unrecorded)?.store();
        store.prepare().await?;
        Ok(store)
    }
}

async fn usage(State(counter): State<Counter>, RawQuery(text): RawQuery) -> Result<Response, Fault> {
    let mut fields = Fields::read(text.as_deref(), &["by", "from", "to", "top", "filter", "format"])?;
    let format = fields.take("format");
    let query = fields.asked().read(today()).map_err(|(field, what)| Fault::field(field, what))?;
    if !matches!(format.as_deref(), None | Some("json" | "csv" | "table")) {
        let format = format.unwrap_or_default();
        return Err(Fault::field("format", format!("unknown (known: json, csv, table): {format}")));
    }
    let report = report(&**counter.store().await?, &query, &counter.settings, SystemTime::now()).await?;
    Ok(match format.as_deref() {
        Some("csv") => written("text/csv; charset=utf-8", report.to_csv()),
        Some("table") => written("text/plain; charset=utf-8", report.to_table() + "\n"),
        _ => shown(StatusCode::OK, &report.to_json()),
    })
}

async fn forecast(State(counter): State<Counter>, RawQuery(text): RawQuery) -> Result<Response, Fault> {
    let fields = Fields::read(text.as_deref(), &["filter"])?;
    let filters = fields.asked().filters().map_err(|(field, what)| Fault::field(field, what))?;
    let store = counter.store().await?;
    let (forecast, last) = this_month(&**store, &filters, SystemTime::now()).await?;
    Ok(shown(StatusCode::OK, &forecast_json(&forecast, &last.to_string())))
}

async fn export(State(counter): State<Counter>, RawQuery(text): RawQuery) -> Result<Response, Fault> {
    let mut fields = Fields::read(text.as_deref(), &["from", "to", "format"])?;
    let format = match fields.take("format").as_deref() {
        None | Some("csv") => Format::Csv,
        Some("jsonl") => Format::JsonLines,
        Some(other) => return Err(Fault::field("format", format!("unknown (known: csv, jsonl): {other}"))),
    };
    let (from, to) = fields.asked().days(today()).map_err(|(field, what)| Fault::field(field, what))?;
    let export = Export::new(counter.store().await?.clone(), format, from, to);
    Ok(written(format.content_type(), axum::body::Body::new(Exported::new(export))))
}

async fn advice(State(counter): State<Counter>, RawQuery(text): RawQuery) -> Result<Response, Fault> {
    let mut fields = Fields::read(text.as_deref(), &["days", "utc_offset"])?;
    let days = fields.number("days", 30, 1..=366)?;
    let offset = fields.number("utc_offset", 0, -14..=14)?;
    let (store, now) = (counter.store().await?, SystemTime::now());
    let keys = match counter.auth.keyring() {
        Some(keyring) => {
            keyring.store().prepare(counter.auth.fingerprint()).await?;
            good_keys(&**keyring.store(), now).await?
        }
        None => Vec::new(),
    };
    let advice = given(&counter.settings, &**store, &keys, days.unsigned_abs(), offset, now).await?;
    Ok(shown(StatusCode::OK, &json!({ "days": days, "data": advice_json(&advice) })))
}

async fn budgets(State(counter): State<Counter>) -> Result<Response, Fault> {
    let now = SystemTime::now();
    let standings = counter.costs.budgets().map(|budgets| standings(budgets, now)).unwrap_or_default();
    Ok(shown(StatusCode::OK, &json!({ "data": standings })))
}

fn today() -> Day {
    Day::of(SystemTime::now())
}

/// The fields of a URL's query.
struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads them, if all are known, and said once but for filters.
    fn read(text: Option<&str>, known: &[&str]) -> Result<Self, Fault> {
        let mut fields = Vec::<(String, String)>::new();
        for (name, value) in url::form_urlencoded::parse(text.unwrap_or_default().as_bytes()) {
            if !known.contains(&&*name) {
                let what = format!("unknown parameter (known: {}): {name}", known.join(", "));
                return Err(Fault::field(&name, what));
            }
            if name != "filter" && fields.iter().any(|(before, _)| *before == name) {
                return Err(Fault::field(&name, format!("given twice: {name}")));
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(fields))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let found = self.0.iter().position(|(field, _)| field == name)?;
        Some(self.0.remove(found).1)
    }

    fn number(
        &mut self,
        name: &str,
        usual: i32,
        allowed: std::ops::RangeInclusive<i32>,
    ) -> Result<i32, Fault> {
        let Some(text) = self.take(name) else { return Ok(usual) };
        let number = text.parse().ok().filter(|number| allowed.contains(number));
        number.ok_or_else(|| {
            let (least, most) = (allowed.start(), allowed.end());
            Fault::field(name, format!("not a number from {least} to {most}: {text}"))
        })
    }

    fn asked(mut self) -> Asked {
        let [by, from, to, top] = ["by", "from", "to", "top"].map(|name| self.take(name));
        Asked { by, from, to, top, filters: self.0.into_iter().map(|(_, value)| value).collect() }
    }
}
