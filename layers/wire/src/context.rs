use crate::responses::Echo;

/// What a decoder of an answer must know of the request it answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecodeContext {
    /// Tool names as sent → as the client gave them ([`Encoded::renamed_tools`](crate::Encoded)).
    pub renamed_tools: Vec<(String, String)>,
    /// Names of the client's custom tools that were sent as functions
    /// ([`custom_tools_as_functions`](crate::custom_tools_as_functions)). The functions of [`format`](crate::format)
    /// make calls of them what they were.
    pub custom_tools: Vec<String>,
    /// A text unique to this request, from which ids are made where the format gives none.
    pub seed: String,
}

impl DecodeContext {
    /// The client's own name for a tool.
    pub fn tool_name<'a>(&'a self, sent: &'a str) -> &'a str {
        let original = self.renamed_tools.iter().find(|(renamed, _)| renamed == sent);
        original.map_or(sent, |(_, original)| original)
    }
}

/// What an encoder of an answer must know, to fill in what the provider left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodeContext {
    /// The id to give the answer when the provider gave none.
    pub id: String,
    /// The model to name when the provider named none.
    pub model: String,
    /// The time to give when the provider gave none, in seconds since the epoch.
    pub created: u64,
    /// Whether the answer is of a provider of another dialect.
    pub foreign: bool,
    /// Whether the client asked for usage in the stream.
    pub include_usage: bool,
    /// Whether the client offered OpenAI's legacy `functions`, and expects calls as `function_call`
    /// ([`Chat::legacy_functions`](crate::chat::Chat::legacy_functions)).
    pub legacy_functions: bool,
    /// What an answer of OpenAI's Responses repeats of its request.
    pub echo: Echo,
}
