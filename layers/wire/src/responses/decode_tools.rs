//! Tools and tool choice from OpenAI's Responses format, where functions are flat.

use serde_json::{Map, Value, json};
use tollway_core::Dialect;

use crate::Refusal;
use crate::chat::{Chat, Native, Tool, ToolChoice, ToolKind};
use crate::openai::json::{Fields, Node};
use crate::openai::path::Path;

/// Reads `tools`.
pub(super) fn decode_tools(fields: &mut Fields<'_>, chat: &mut Chat) -> Result<(), Refusal> {
    let Some(node) = fields.take("tools") else { return Ok(()) };
    let path = Path::ROOT.key("tools");
    for (index, node) in path.array(node)?.into_iter().enumerate() {
        chat.tools.push(decode_tool(node, &path.at(index), &mut chat.extra)?);
    }
    Ok(())
}

fn decode_tool(node: Node<'_>, path: &Path<'_>, extra: &mut Map<String, Value>) -> Result<Tool, Refusal> {
    let mut fields = path.object(node)?;
    let kind = fields.kind(path)?.ok_or_else(|| path.key("type").missing())?;
    let tool = match &*kind {
        "function" => Tool {
            name: fields.require_string(path, "name")?,
            description: fields.string(path, "description")?,
            kind: ToolKind::Function { parameters: fields.map(path, "parameters")?.map(Value::Object) },
            strict: fields.boolean(path, "strict")?,
            cache_control: None,
        },
        "custom" => Tool {
            name: fields.require_string(path, "name")?,
            description: fields.string(path, "description")?,
            kind: ToolKind::Custom { format: fields.map(path, "format")?.map(nested_format) },
            strict: None,
            cache_control: None,
        },
        // A tool that OpenAI runs, by its type.
        _ => {
            let value = Node::Object(fields).into_value();
            let server = ToolKind::Server(Native { dialect: Dialect::Responses, value });
            let name = kind.into_owned();
            return Ok(Tool { name, description: None, kind: server, strict: None, cache_control: None });
        }
    };
    fields.take("type");
    fields.keep_rest(path, extra);
    Ok(tool)
}

/// A custom tool's format as Chat has it, which is the canonical form: a grammar within its own object.
fn nested_format(mut format: Map<String, Value>) -> Value {
    if format.get("type").and_then(Value::as_str) != Some("grammar") || format.contains_key("grammar") {
        return Value::Object(format);
    }
    format.remove("type");
    json!({ "type": "grammar", "grammar": format })
}

/// Reads `tool_choice` in all its shapes.
pub(super) fn decode_choice(
    fields: &mut Fields<'_>,
    extra: &mut Map<String, Value>,
) -> Result<Option<ToolChoice>, Refusal> {
    let Some(node) = fields.take("tool_choice") else { return Ok(None) };
    let path = &Path::ROOT.key("tool_choice");
    let mut choice = match node {
        Node::String(word) => {
            return match &*word {
                "auto" => Ok(Some(ToolChoice::Auto)),
                "none" => Ok(Some(ToolChoice::None)),
                "required" => Ok(Some(ToolChoice::Required)),
                other => Err(path.wrong_value("one of none, auto, required", other)),
            };
        }
        Node::Object(fields) => fields,
        other => return Err(path.wrong_type("a string or an object", &other)),
    };
    let kind = choice.require_string(path, "type")?;
    let decoded = match kind.as_str() {
        "function" | "custom" => ToolChoice::Named(choice.require_string(path, "name")?),
        "allowed_tools" => decode_allowed(&mut choice, path)?,
        // A tool that OpenAI runs, by its type.
        _ => ToolChoice::Named(kind),
    };
    choice.keep_rest(path, extra);
    Ok(Some(decoded))
}

fn decode_allowed(allowed: &mut Fields<'_>, path: &Path<'_>) -> Result<ToolChoice, Refusal> {
    let required = match allowed.require_string(path, "mode")?.as_str() {
        "auto" => false,
        "required" => true,
        other => return Err(path.key("mode").wrong_value("one of auto, required", other)),
    };
    let tools = allowed.require(path, "tools")?;
    let path = path.key("tools");
    let names = path.array(tools)?.into_iter().enumerate().map(|(index, node)| {
        let path = path.at(index);
        let mut tool = path.object(node)?;
        let kind = tool.require_string(&path, "type")?;
        if matches!(kind.as_str(), "function" | "custom") {
            tool.require_string(&path, "name")
        } else {
            Ok(kind)
        }
    });
    Ok(ToolChoice::Allowed { names: names.collect::<Result<_, _>>()?, required })
}
