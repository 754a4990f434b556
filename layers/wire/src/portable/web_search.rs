use serde_json::{Map, Value, json};
use tollway_core::Dialect;

use super::kind_of;
use crate::{Refusal, chat::Native, peek::Peek};

/// A web search that the provider runs, in no provider's words.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct WebSearch {
    /// The domains it is held to.
    allowed: Option<Value>,
    /// The domains it is kept from.
    blocked: Option<Value>,
    /// Where it is from.
    place: Option<Map<String, Value>>,
    /// Options that only its own provider has.
    others: Vec<String>,
}

/// Whether a request of another dialect than Chat Completions offers the model a web search.
pub fn offers_web_search(peek: &Peek) -> bool {
    // What says so is looked for first, as reading the tools costs more.
    const SIGNS: [&[u8]; 3] = [b"web_search", b"oogle", b"enterprise"];
    if peek.dialect() == Dialect::OpenAi {
        return false;
    }
    let Some(tools) = peek.value("tools") else { return false };
    let says = |sign: &&[u8]| memchr::memmem::find(tools, sign).is_some();
    if !SIGNS.iter().any(says) {
        return false;
    }
    let tools = match serde_json::from_slice(tools) {
        Ok(Value::Array(tools)) => tools,
        Ok(tool) => vec![tool],
        Err(_) => return false,
    };
    let search = |value: Value| WebSearch::of_tool(&Native { dialect: peek.dialect(), value });
    tools.into_iter().any(|tool| search(tool).is_some())
}

impl WebSearch {
    /// Reads a provider's tool; `None` for one that is no web search.
    pub(crate) fn of_tool(tool: &Native) -> Option<Self> {
        const GOOGLES: [&str; 6] = [
            "googleSearch",
            "google_search",
            "googleSearchRetrieval",
            "google_search_retrieval",
            "enterpriseWebSearch",
            "enterprise_web_search",
        ];
        match tool.dialect {
            Dialect::Gemini => {
                let name = GOOGLES.into_iter().find(|name| tool.value.get(name).is_some())?;
                let mut search = Self::of(tool.value.get(name)?);
                search.others = search.others.into_iter().map(|option| format!("{name}.{option}")).collect();
                Some(search)
            }
            _ if kind_of(&tool.value).starts_with("web_search") => Some(Self::of(&tool.value)),
            _ => None,
        }
    }

    /// Reads the options of a search, OpenAI's `web_search_options` among them.
    pub(crate) fn of(options: &Value) -> Self {
        let mut search = Self::default();
        let said = options.as_object().into_iter().flatten();
        for (name, value) in said.filter(|(_, value)| !value.is_null()) {
            let list =
                || Some(value.clone()).filter(|value| value.as_array().is_none_or(|list| !list.is_empty()));
            match name.as_str() {
                "type" | "name" => {}
                "allowed_domains" => search.allowed = list(),
                "blocked_domains" | "excludeDomains" | "exclude_domains" => search.blocked = list(),
                "filters" => search.allowed = value.get("allowed_domains").cloned().or_else(list),
                "user_location" => search.place = place(value.get("approximate").unwrap_or(value)),
                _ => search.others.push(name.clone()),
            }
        }
        search
    }

    /// Anthropic's tool.
    pub(crate) fn to_anthropic(&self, path: &str, lose: &mut impl FnMut(String)) -> Value {
        let mut tool = json!({ "type": "web_search_20250305", "name": "web_search" });
        for (name, domains) in [("allowed_domains", &self.allowed), ("blocked_domains", &self.blocked)] {
            if let Some(domains) = domains {
                tool[name] = domains.clone();
            }
        }
        if let Some(place) = &self.place {
            tool["user_location"] = located(place);
        }
        self.lose_others(path, lose);
        tool
    }

    /// Google's tool.
    pub(crate) fn to_google(&self, path: &str, lose: &mut impl FnMut(String)) -> Result<Value, Refusal> {
        self.check_everywhere(path, "Google's tool cannot be held to some domains")?;
        if self.place.is_some() {
            lose(format!("{path}.user_location"));
        }
        self.lose_others(path, lose);
        Ok(json!({ "googleSearch": {} }))
    }

    /// OpenAI's `web_search_options`.
    pub(crate) fn to_openai(&self, path: &str, lose: &mut impl FnMut(String)) -> Result<Value, Refusal> {
        self.check_everywhere(path, "OpenAI's search in chats cannot be held to some domains")?;
        let mut options = Map::new();
        if let Some(place) = &self.place {
            options
                .insert("user_location".to_owned(), json!({ "type": "approximate", "approximate": place }));
        }
        self.lose_others(path, lose);
        Ok(Value::Object(options))
    }

    /// Where a search may look is a promise to somebody.
    fn check_everywhere(&self, path: &str, why: &str) -> Result<(), Refusal> {
        let held = [("allowed_domains", &self.allowed), ("blocked_domains", &self.blocked)];
        match held.into_iter().find(|(_, domains)| domains.is_some()) {
            Some((name, _)) => Err(Refusal::at(format!("{path}.{name}"), why)),
            None => Ok(()),
        }
    }

    fn lose_others(&self, path: &str, lose: &mut impl FnMut(String)) {
        self.others.iter().for_each(|name| lose(format!("{path}.{name}")));
    }
}

/// What is told of a place.
fn place(told: &Value) -> Option<Map<String, Value>> {
    let told = told.as_object()?.iter();
    let told = told.filter(|(name, value)| *name != "type" && !value.is_null());
    Some(told.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// A place as Anthropic and OpenAI's Responses write it.
fn located(place: &Map<String, Value>) -> Value {
    let mut located = place.clone();
    located.insert("type".to_owned(), json!("approximate"));
    Value::Object(located)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(dialect: Dialect, value: Value) -> Option<WebSearch> {
        WebSearch::of_tool(&Native { dialect, value })
    }

    #[test]
    fn every_providers_search_is_every_others() {
        let anthropics = json!({
            "type": "web_search_20260209", "name": "web_search", "max_uses": 3, "allowed_domains": null,
            "user_location": {"type": "approximate", "city": "Utrecht", "region": null},
        });
        let search = tool(Dialect::Anthropic, anthropics).unwrap();
        let mut lost = Vec::new();
        let mut lose = |path| lost.push(path);
        assert_eq!(
            search.to_openai("tools[0]", &mut lose).unwrap(),
            json!({"user_location": {"type": "approximate", "approximate": {"city": "Utrecht"}}})
        );
        assert_eq!(search.to_google("tools[0]", &mut lose).unwrap(), json!({"googleSearch": {}}));
        assert_eq!(lost, ["tools[0].max_uses", "tools[0].user_location", "tools[0].max_uses"]);
        let googles = json!({"googleSearch": {"timeRangeFilter": {}, "excludeDomains": ["a.example"]}});
        let search = tool(Dialect::Gemini, googles).unwrap();
        let mut lost = Vec::new();
        assert_eq!(
            search.to_anthropic("tools[1]", &mut |path| lost.push(path)),
            json!({"type": "web_search_20250305", "name": "web_search", "blocked_domains": ["a.example"]})
        );
        assert_eq!(lost, ["tools[1].googleSearch.timeRangeFilter"]);
        let refused = search.to_openai("tools[1]", &mut |_| ()).unwrap_err();
        assert_eq!(refused.param.as_deref(), Some("tools[1].blocked_domains"));
        let options =
            json!({"search_context_size": "low", "user_location": {"approximate": {"country": "NL"}}});
        assert_eq!(
            WebSearch::of(&options).to_anthropic("web_search_options", &mut |_| ())["user_location"],
            json!({"type": "approximate", "country": "NL"})
        );
        assert_eq!(tool(Dialect::Gemini, json!({"urlContext": {}})), None);
    }
}
