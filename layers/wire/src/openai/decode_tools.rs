//! Tools and tool choice from OpenAI's format, the legacy `functions` included.

use serde_json::{Map, Value};
use tollway_core::Dialect;

use super::json::{Fields, Node};
use super::path::Path;
use crate::Refusal;
use crate::chat::{Chat, Native, Tool, ToolChoice, ToolKind};

/// Reads `tools`, and `functions` as tools.
pub(super) fn decode_tools(fields: &mut Fields<'_>, chat: &mut Chat) -> Result<(), Refusal> {
    if let Some(node) = fields.take("tools") {
        let path = Path::ROOT.key("tools");
        for (index, node) in path.array(node)?.into_iter().enumerate() {
            chat.tools.push(decode_tool(node, &path.at(index), &mut chat.extra)?);
        }
    }
    if let Some(node) = fields.take("functions") {
        let path = Path::ROOT.key("functions");
        for (index, node) in path.array(node)?.into_iter().enumerate() {
            let path = path.at(index);
            let function = path.object(node)?;
            chat.tools.push(decode_function(function, &path, &mut chat.extra)?);
        }
        chat.legacy_functions = true;
    }
    Ok(())
}

fn decode_tool(node: Node<'_>, path: &Path<'_>, extra: &mut Map<String, Value>) -> Result<Tool, Refusal> {
    let mut fields = path.object(node)?;
    // Mistral's clients leave the type out.
    let kind = fields.kind(path)?.unwrap_or("function".into());
    if !matches!(&*kind, "function" | "custom") {
        let value = Node::Object(fields).into_value();
        let server = ToolKind::Server(Native { dialect: Dialect::OpenAi, value });
        let name = kind.into_owned();
        return Ok(Tool { name, description: None, kind: server, strict: None, cache_control: None });
    }
    fields.take("type");
    let inner = path.key(&kind);
    let definition = fields.require_object(path, &kind)?;
    let mut tool = if kind == "custom" {
        decode_custom(definition, &inner, extra)?
    } else {
        decode_function(definition, &inner, extra)?
    };
    if let Some(mark) = fields.take("cache_control") {
        tool.cache_control = Some(mark.into_value());
    }
    fields.keep_rest(path, extra);
    Ok(tool)
}

fn decode_function(
    mut function: Fields<'_>,
    path: &Path<'_>,
    extra: &mut Map<String, Value>,
) -> Result<Tool, Refusal> {
    let parameters = function.map(path, "parameters")?.map(Value::Object);
    let tool = Tool {
        name: function.require_string(path, "name")?,
        description: function.string(path, "description")?,
        kind: ToolKind::Function { parameters },
        strict: function.boolean(path, "strict")?,
        cache_control: function.take("cache_control").map(Node::into_value),
    };
    function.keep_rest(path, extra);
    Ok(tool)
}

fn decode_custom(
    mut custom: Fields<'_>,
    path: &Path<'_>,
    extra: &mut Map<String, Value>,
) -> Result<Tool, Refusal> {
    let tool = Tool {
        name: custom.require_string(path, "name")?,
        description: custom.string(path, "description")?,
        kind: ToolKind::Custom { format: custom.map(path, "format")?.map(Value::Object) },
        strict: None,
        cache_control: None,
    };
    custom.keep_rest(path, extra);
    Ok(tool)
}

/// Reads `tool_choice` in all its shapes, or else the legacy `function_call`.
pub(super) fn decode_tool_choice(
    fields: &mut Fields<'_>,
    extra: &mut Map<String, Value>,
) -> Result<Option<ToolChoice>, Refusal> {
    if let Some(node) = fields.take("tool_choice") {
        return decode_choice(node, &Path::ROOT.key("tool_choice"), extra).map(Some);
    }
    let Some(node) = fields.take("function_call") else { return Ok(None) };
    let path = Path::ROOT.key("function_call");
    match node {
        Node::String(word) => match &*word {
            "auto" => Ok(Some(ToolChoice::Auto)),
            "none" => Ok(Some(ToolChoice::None)),
            other => Err(path.wrong_value("one of auto, none", other)),
        },
        Node::Object(mut function) => Ok(Some(ToolChoice::Named(function.require_string(&path, "name")?))),
        other => Err(path.wrong_type("a string or an object", &other)),
    }
}

fn decode_choice(
    node: Node<'_>,
    path: &Path<'_>,
    extra: &mut Map<String, Value>,
) -> Result<ToolChoice, Refusal> {
    let mut fields = match node {
        Node::String(word) => {
            return match &*word {
                "auto" => Ok(ToolChoice::Auto),
                "none" => Ok(ToolChoice::None),
                // `any` is Mistral's word.
                "required" | "any" => Ok(ToolChoice::Required),
                other => Err(path.wrong_value("one of none, auto, required", other)),
            };
        }
        Node::Object(fields) => fields,
        other => return Err(path.wrong_type("a string or an object", &other)),
    };
    let kind = fields.require_string(path, "type")?;
    let choice = match kind.as_str() {
        "function" | "custom" => {
            let mut named = fields.require_object(path, &kind)?;
            ToolChoice::Named(named.require_string(&path.key(&kind), "name")?)
        }
        "allowed_tools" => {
            let allowed = fields.require_object(path, "allowed_tools")?;
            decode_allowed(allowed, &path.key("allowed_tools"))?
        }
        other => return Err(path.key("type").wrong_value("one of function, custom, allowed_tools", other)),
    };
    fields.keep_rest(path, extra);
    Ok(choice)
}

fn decode_allowed(mut allowed: Fields<'_>, path: &Path<'_>) -> Result<ToolChoice, Refusal> {
    let required = match allowed.require_string(path, "mode")?.as_str() {
        "auto" => false,
        "required" => true,
        other => return Err(path.key("mode").wrong_value("one of auto, required", other)),
    };
    let path = path.key("tools");
    let tools = path.array(allowed.take("tools").ok_or_else(|| path.missing())?)?;
    let names = tools.into_iter().enumerate().map(|(index, node)| {
        let path = path.at(index);
        let mut tool = path.object(node)?;
        let kind = tool.require_string(&path, "type")?;
        if !matches!(kind.as_str(), "function" | "custom") {
            return Err(path.key("type").wrong_value("one of function, custom", &kind));
        }
        tool.require_object(&path, &kind)?.require_string(&path.key(&kind), "name")
    });
    Ok(ToolChoice::Allowed { names: names.collect::<Result<_, _>>()?, required })
}
